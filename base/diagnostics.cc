#include "base/diagnostics.h"

#include <algorithm>
#include <utility>

namespace meridian {
namespace {

// Values are shown in logs and terminals: control bytes must not reach them.
std::string shown(std::string_view value) {
  std::size_t end = std::min(value.size(), Diagnostics::kMaxShownValue);
  // Not in the middle of a UTF-8 character.
  while (end > 0 && end < value.size() && (value[end] & 0xC0) == 0x80) --end;
  std::string out(value.substr(0, end));
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  if (value.size() > end) out += "…";
  return out;
}

}  // namespace

std::string SourcePlace::text() const {
  std::string out = file;
  if (line != 0) out += ":" + std::to_string(line);
  if (line != 0 && column != 0) out += ":" + std::to_string(column);
  return out;
}

std::string Diagnostic::text() const {
  std::string out = place.text();
  for (const std::string* part : {&field, &value, &reason}) {
    if (part->empty()) continue;
    if (!out.empty()) out += ": ";
    out += *part;
  }
  return out;
}

void Diagnostics::add(SourcePlace place, std::string field, std::string_view value,
                      std::string reason) {
  if (entries_.size() >= kMaxDiagnostics) {
    ++dropped_;
    return;
  }
  entries_.push_back({std::move(place), std::move(field), shown(value), std::move(reason)});
}

void Diagnostics::append(const Diagnostics& other) {
  for (const Diagnostic& entry : other.entries_) {
    if (entries_.size() >= kMaxDiagnostics) {
      ++dropped_;
    } else {
      entries_.push_back(entry);
    }
  }
  dropped_ += other.dropped_;
}

std::string Diagnostics::text() const {
  std::string out;
  for (const Diagnostic& entry : entries_) out += entry.text() + "\n";
  if (dropped_ != 0) out += "and " + std::to_string(dropped_) + " more\n";
  return out;
}

}  // namespace meridian
