#include "partition/drc/position.h"

#include <algorithm>
#include <charconv>

#include "partition/drc/feed_line.h"

namespace meridian::partition {
namespace {

constexpr std::uint64_t kMaxGtid = (std::uint64_t{1} << 63) - 2;  // MySQL's GNO_END − 1

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 8-4-4-4-12 hex digits.
std::optional<GtidSet::Uuid> parseUuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  GtidSet::Uuid out{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (dash) continue;
    const int digit = hexDigit(text[i]);
    if (digit < 0) return std::nullopt;
    auto& byte = out[digits / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | digit);
    ++digits;
  }
  return out;
}

std::optional<std::uint64_t> parseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text up to `separator`, which is taken off `rest` together with it.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t at = std::min(rest.find(separator), rest.size());
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return head;
}

tl::unexpected<Error> noSet(std::string_view part) {
  return fail(ErrorKind::kInvalid, "no GTID set at \"" + std::string(part.substr(0, 60)) + "\"");
}

}  // namespace

Result<GtidSet> GtidSet::parse(std::string_view text) {
  if (text.size() > kMaxPosition) {
    return fail(ErrorKind::kTooLarge,
                "a position has at most " + std::to_string(kMaxPosition) + " bytes");
  }
  std::string compact;
  std::copy_if(text.begin(), text.end(), std::back_inserter(compact),
               [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
  if (compact.empty()) return noSet("");
  GtidSet out;
  std::string_view rest = compact;
  while (!rest.empty()) {
    std::string_view part = cut(rest, ',');
    const std::string_view shown = part;
    const auto source = parseUuid(cut(part, ':'));
    if (!source || part.empty()) return noSet(shown);
    while (!part.empty()) {
      const std::string_view range = cut(part, ':');
      const std::size_t dash = range.find('-');
      const auto first = parseNumber(range.substr(0, dash));
      const auto last =
          dash == std::string_view::npos ? first : parseNumber(range.substr(dash + 1));
      if (!first || !last || *first < 1 || *last < *first || *last > kMaxGtid) return noSet(shown);
      out.intervals_.push_back({*source, *first, *last});
    }
  }
  out.normalize();
  return out;
}

void GtidSet::normalize() {
  std::sort(intervals_.begin(), intervals_.end());
  std::vector<Interval> merged;
  for (const Interval& next : intervals_) {
    const bool joins = !merged.empty() && merged.back().source == next.source &&
                       next.first <= merged.back().last + 1;
    if (joins) {
      merged.back().last = std::max(merged.back().last, next.last);
    } else {
      merged.push_back(next);
    }
  }
  intervals_ = std::move(merged);
}

bool GtidSet::contains(const GtidSet& other) const {
  // Merged intervals: each of the other's must lie within one of ours.
  auto at = intervals_.begin();
  for (const Interval& wanted : other.intervals_) {
    while (at != intervals_.end() && (at->source < wanted.source ||
                                      (at->source == wanted.source && at->last < wanted.last))) {
      ++at;
    }
    if (at == intervals_.end() || at->source != wanted.source || at->first > wanted.first) {
      return false;
    }
  }
  return true;
}

GtidSet GtidSet::onlySourcesOf(const GtidSet& other) const {
  GtidSet out;
  std::copy_if(intervals_.begin(), intervals_.end(), std::back_inserter(out.intervals_),
               [&](const Interval& mine) {
                 const auto known = std::lower_bound(
                     other.intervals_.begin(), other.intervals_.end(), Interval{mine.source, 0, 0});
                 return known != other.intervals_.end() && known->source == mine.source;
               });
  return out;
}

GtidSet GtidSet::unionWith(const GtidSet& other) const {
  GtidSet out = *this;
  out.intervals_.insert(out.intervals_.end(), other.intervals_.begin(), other.intervals_.end());
  out.normalize();
  return out;
}

std::string GtidSet::text() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  const Interval* before = nullptr;
  for (const Interval& each : intervals_) {
    if (before == nullptr || before->source != each.source) {
      if (before != nullptr) out += ',';
      for (std::size_t i = 0; i < each.source.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += kDigits[each.source[i] >> 4];
        out += kDigits[each.source[i] & 15U];
      }
    }
    out += ':' + std::to_string(each.first);
    if (each.last != each.first) out += '-' + std::to_string(each.last);
    before = &each;
  }
  return out;
}

std::optional<std::uint64_t> positionSeq(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  return parseNumber(text.substr(at + 1));
}

bool positionContains(std::string_view applied, std::string_view barrier) {
  if (applied.empty() || barrier.empty()) return false;
  if (applied == barrier) return true;
  const auto applied_seq = positionSeq(applied);
  const auto barrier_seq = positionSeq(barrier);
  if (applied_seq && barrier_seq) return *applied_seq > *barrier_seq;
  const auto have = GtidSet::parse(applied);
  const auto wanted = GtidSet::parse(barrier);
  return have && wanted && have->contains(*wanted);
}

std::string laterPosition(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a.empty() ? b : a;
  const auto seq_a = positionSeq(a);
  const auto seq_b = positionSeq(b);
  if (seq_a && seq_b) return *seq_b > *seq_a ? b : a;
  const auto set_a = GtidSet::parse(a);
  const auto set_b = GtidSet::parse(b);
  if (!set_a || !set_b || set_a->contains(*set_b)) return a;
  return set_a->unionWith(*set_b).text();
}

}  // namespace meridian::partition
