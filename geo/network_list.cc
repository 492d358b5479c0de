#include "geo/network_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

#include "base/config_reader.h"
#include "base/file.h"
#include "base/utf8.h"
#include "geo/prefix_table.h"

namespace meridian::geo {
namespace {

constexpr std::string_view kBlank = " \t";

struct Token {
  std::string_view text;
  std::uint32_t column = 0;  // from 1
};

// What the addresses of an IPv6 prefix that lies in an alias stand for (geo/prefix_table.h).
std::optional<IpPrefix> embeddedPrefix(const IpPrefix& prefix) {
  if (prefix.address.isV4()) return std::nullopt;
  for (const V4Alias& alias : kV4Aliases) {
    const U128 bits = prefix.address.bits();
    if (prefix.length < alias.length || bits < alias.prefix || bits > alias.last()) continue;
    const int length = std::min(prefix.length - alias.length, 32);
    return IpPrefix{IpAddress::v4(alias.embedded(bits)), static_cast<std::uint8_t>(length)};
  }
  return std::nullopt;
}

// One line. After an error the rest of the line is still looked at.
class Line {
 public:
  Line(std::string_view text, SourcePlace place, Diagnostics& problems)
      : text_(text), place_(std::move(place)), problems_(problems) {}

  // nullopt: an empty line, or one with an error.
  std::optional<NetworkOverride> read() {
    const Token network = word();
    if (network.text.empty()) return std::nullopt;
    NetworkOverride out;
    out.place = at(network);
    readPrefix(network, out.prefix);
    const Token verb = word();
    if (verb.text == "partition") {
      out.target = readPartition();
    } else if (verb.text == "at") {
      out.target = readLocation();
    } else {
      error(verb, "", "after the network comes \"partition ID\" or \"at LATITUDE,LONGITUDE\"");
    }
    if (!good_) return std::nullopt;
    return out;
  }

 private:
  SourcePlace at(const Token& token) const { return {place_.file, place_.line, token.column}; }

  void error(const Token& token, std::string field, std::string reason) {
    problems_.add(at(token), std::move(field), token.text, std::move(reason));
    good_ = false;
  }

  // The next word; empty at the end of the line or before a comment. A quote keeps blanks inside.
  Token word() {
    position_ = std::min(text_.find_first_not_of(kBlank, position_), text_.size());
    const std::size_t start = position_;
    if (start < text_.size() && text_[start] == '#') position_ = text_.size();
    if (position_ == text_.size()) return {{}, static_cast<std::uint32_t>(start + 1)};
    bool quoted = false;
    for (; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\' && position_ + 1 < text_.size()) ++position_;
      if (!quoted && kBlank.find(c) != std::string_view::npos) break;
    }
    return {text_.substr(start, position_ - start), static_cast<std::uint32_t>(start + 1)};
  }

  void readPrefix(const Token& token, IpPrefix& out) {
    const auto prefix = IpPrefix::parse(token.text);
    if (!prefix) return error(token, "network", prefix.error().message);
    if (const auto v4 = embeddedPrefix(*prefix)) {
      return error(token, "network", "carries IPv4 addresses; write " + v4->text() + " instead");
    }
    out = *prefix;
  }

  std::string readPartition() {
    const Token id = word();
    if (!isId(id.text)) {
      error(id, "partition",
            "is no id: 1 to 48 of a-z, 0-9 and '-', starting with a letter or digit");
    }
    if (const Token more = word(); !more.text.empty()) {
      error(more, "", "nothing may follow the partition");
    }
    return std::string(id.text);
  }

  Location readLocation() {
    Location out;
    out.point = readPoint(word());
    std::vector<std::string_view> seen;
    for (Token token = word(); !token.text.empty(); token = word()) {
      const std::size_t equals = token.text.find('=');
      if (equals == std::string_view::npos) {
        error(token, "", "is no key=value");
        continue;
      }
      const std::string_view key = token.text.substr(0, equals);
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        error({key, token.column}, "", "stands twice in this line");
      }
      seen.push_back(key);
      const auto shift = static_cast<std::uint32_t>(equals + 1);
      readAttribute(key, {token.text.substr(equals + 1), token.column + shift}, token, out);
    }
    return out;
  }

  void readAttribute(std::string_view key, const Token& value, const Token& whole, Location& out) {
    if (key == "country") {
      out.country = readCountry(value);
    } else if (key == "subdivision") {
      out.subdivision = readText(value, "subdivision");
    } else if (key == "city") {
      out.city = readText(value, "city");
    } else if (key == "asn") {
      out.asn = readAsn(value);
    } else {
      error({key, whole.column}, "", "is not known here: country, subdivision, city or asn");
    }
  }

  GeoPoint readPoint(const Token& token) {
    const std::size_t comma = token.text.find(',');
    if (comma == std::string_view::npos) {
      error(token, "at", "must be LATITUDE,LONGITUDE without blanks");
      return {};
    }
    const auto shift = static_cast<std::uint32_t>(comma + 1);
    return {readDegrees({token.text.substr(0, comma), token.column}, "latitude", 90),
            readDegrees({token.text.substr(comma + 1), token.column + shift}, "longitude", 180)};
  }

  double readDegrees(const Token& token, std::string field, int limit) {
    double degrees = 0;
    const char* const end = token.text.data() + token.text.size();
    const auto [stop, code] = std::from_chars(token.text.data(), end, degrees);
    // Written so that NaN fails.
    if (code != std::errc() || stop != end || !(degrees >= -limit && degrees <= limit)) {
      error(token, std::move(field), fmt::format("must be a number from {} to {}", -limit, limit));
    }
    return degrees;
  }

  std::string readCountry(const Token& token) {
    std::string code = readText(token, "country");
    for (char& c : code) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (code.size() != 2 || code.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != code.npos) {
      error(token, "country", "must be two letters (ISO 3166-1 alpha-2)");
    }
    return code;
  }

  std::uint32_t readAsn(const Token& token) {
    std::uint32_t asn = 0;
    const char* const end = token.text.data() + token.text.size();
    const auto [stop, code] = std::from_chars(token.text.data(), end, asn);
    if (code != std::errc() || stop != end || asn == 0) {
      error(token, "asn", "must be a number from 1 to 4294967295");
    }
    return asn;
  }

  // A bare word, or a quoted one in which \" and \\ stand for themselves.
  std::string readText(const Token& token, std::string field) {
    std::string_view text = token.text;
    const bool quoted = !text.empty() && text.front() == '"';
    std::string out;
    std::size_t i = quoted ? 1 : 0;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (quoted && text[i] == '\\' && i + 1 < text.size()) ++i;
      out += text[i];
    }
    if (i != (quoted ? text.size() - 1 : text.size())) {
      error(token, std::move(field), "has quotes that do not match");
    } else if (out.empty()) {
      error(token, std::move(field), "is empty");
    } else if (!isPrintableUtf8(out)) {
      error(token, std::move(field), "must be UTF-8 without control characters");
    }
    return out;
  }

  std::string_view text_;
  SourcePlace place_;
  Diagnostics& problems_;
  std::size_t position_ = 0;
  bool good_ = true;
};

void readLines(std::string_view text, const std::string& file, std::vector<NetworkOverride>& out,
               Diagnostics& problems) {
  std::uint32_t number = 0;
  out.reserve(out.size() + 1 +
              static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    auto entry = Line(line, {file, ++number, 0}, problems).read();
    if (entry) out.push_back(std::move(*entry));
  }
}

// Sorts, and reports prefixes that stand twice at their later place.
Checked<std::vector<NetworkOverride>> finish(std::vector<NetworkOverride> entries,
                                             Diagnostics problems) {
  const auto before = [](const auto& a, const auto& b) { return a.prefix < b.prefix; };
  // Generated lists come sorted, and the check is much cheaper than a sort.
  if (!std::is_sorted(entries.begin(), entries.end(), before)) {
    std::stable_sort(entries.begin(), entries.end(), before);
  }
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].prefix != entries[i - 1].prefix) continue;
    problems.add(entries[i].place, "network", entries[i].prefix.text(),
                 "stands already at " + entries[i - 1].place.text());
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return entries;
}

}  // namespace

Checked<std::vector<NetworkOverride>> parseNetworks(std::string_view text,
                                                    const std::string& file) {
  std::vector<NetworkOverride> entries;
  Diagnostics problems;
  readLines(text, file, entries, problems);
  return finish(std::move(entries), std::move(problems));
}

Checked<std::vector<NetworkOverride>> loadNetworks(
    const std::vector<std::filesystem::path>& files) {
  std::vector<NetworkOverride> entries;
  Diagnostics problems;
  for (const std::filesystem::path& file : files) {
    const auto text = readFile(file, kMaxNetworkFileBytes);
    if (text) {
      readLines(*text, file.string(), entries, problems);
    } else {
      problems.add({}, "", "", text.error().message);  // names the file
    }
  }
  return finish(std::move(entries), std::move(problems));
}

}  // namespace meridian::geo
