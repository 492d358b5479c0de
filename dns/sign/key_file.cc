#include "dns/sign/key_file.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/digest.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kMaxKeyFileLines = 256;
constexpr std::uint16_t kRevokeFlag = 0x0080;  // RFC 5011 §7
constexpr int kDnskeyProtocolNumber = 3;

struct NumberedName {
  unsigned number;
  std::string_view name;
};
// IANA "DNS Security Algorithm Numbers".
constexpr NumberedName kAlgorithms[] = {{1, "RSAMD5"},
                                        {3, "DSA"},
                                        {5, "RSASHA1"},
                                        {6, "DSA-NSEC3-SHA1"},
                                        {7, "RSASHA1-NSEC3-SHA1"},
                                        {8, "RSASHA256"},
                                        {10, "RSASHA512"},
                                        {12, "ECC-GOST"},
                                        {13, "ECDSAP256SHA256"},
                                        {14, "ECDSAP384SHA384"},
                                        {15, "ED25519"},
                                        {16, "ED448"}};

std::string numberedAlgorithm(unsigned number) {
  for (const NumberedName& each : kAlgorithms) {
    if (each.number == number) return fmt::format("{} ({})", number, each.name);
  }
  return std::to_string(number);
}

Result<SigningAlgorithm> checkedAlgorithm(unsigned number) {
  for (const auto each : {SigningAlgorithm::kEcdsaP256Sha256, SigningAlgorithm::kEd25519}) {
    if (number == static_cast<unsigned>(each)) return each;
  }
  return fail(ErrorKind::kRefused,
              "algorithm " + numberedAlgorithm(number) +
                  " is none that is signed with here: 13 (ECDSAP256SHA256), 15 (ED25519)");
}

tl::unexpected<Error> invalidKey(std::string message) {
  return fail(ErrorKind::kInvalid, std::move(message));
}

bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view stripped(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Its lines without blanks around them, and without those that are empty.
Result<std::vector<std::string_view>> linesOf(std::string_view text) {
  if (text.size() > kMaxKeyFileBytes) {
    return fail(ErrorKind::kTooLarge, fmt::format("has more than {} bytes", kMaxKeyFileBytes));
  }
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = stripped(text.substr(at, end - at));
    if (!line.empty()) out.push_back(line);
    if (out.size() > kMaxKeyFileLines) {
      return fail(ErrorKind::kTooLarge, fmt::format("has more than {} lines", kMaxKeyFileLines));
    }
    at = end + 1;
  }
  return out;
}

std::vector<std::string_view> wordsOf(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < line.size();) {
    if (isBlank(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && !isBlank(line[end])) ++end;
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

// The whole text as a number up to `max`.
std::optional<unsigned> numberOf(std::string_view text, unsigned max) {
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out > max) return std::nullopt;
  return out;
}

bool isWord(std::string_view text, std::string_view upper) {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(), [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 32) : a) == b;
  });
}

// A .key file.
struct PublicHalf {
  Name owner;
  std::vector<std::uint8_t> dnskey;  // RDATA
};

Result<PublicHalf> readRdata(const Name& owner, const std::vector<std::string_view>& words) {
  if (words.size() < 4) return invalidKey("the DNSKEY record ends too early");
  const auto flags = numberOf(words[0], 0xffff);
  const auto protocol = numberOf(words[1], 0xff);
  const auto algorithm = numberOf(words[2], 0xff);
  if (!flags || protocol != kDnskeyProtocolNumber || !algorithm) {
    return invalidKey("flags, protocol (3) and algorithm of the DNSKEY record are no such numbers");
  }
  if (const auto known = checkedAlgorithm(*algorithm); !known) {
    return tl::unexpected(known.error());
  }
  if ((*flags & kRevokeFlag) != 0) return fail(ErrorKind::kRefused, "the key is revoked");
  if ((*flags | ZoneKey::kSecureEntryPointFlag) !=
      (ZoneKey::kZoneFlag | ZoneKey::kSecureEntryPointFlag)) {
    return invalidKey(fmt::format("flags {} are not those of a zone's key: 256, 257", *flags));
  }
  std::string text;
  for (std::size_t i = 3; i < words.size(); ++i) text += words[i];
  const auto bytes = fromBase64(text);
  if (!bytes) return tl::unexpected(bytes.error().within("the public key"));
  PublicHalf out;
  out.owner = owner.lowered();
  out.dnskey = {static_cast<std::uint8_t>(*flags >> 8U), static_cast<std::uint8_t>(*flags),
                static_cast<std::uint8_t>(*protocol), static_cast<std::uint8_t>(*algorithm)};
  out.dnskey.insert(out.dnskey.end(), bytes->begin(), bytes->end());
  return out;
}

// One record on one line, as the tools write it: OWNER [TTL] [IN] DNSKEY …
Result<PublicHalf> readRecord(std::string_view text) {
  const auto lines = linesOf(text);
  if (!lines) return tl::unexpected(lines.error());
  std::optional<PublicHalf> out;
  for (const std::string_view line : *lines) {
    const std::string_view record = stripped(line.substr(0, line.find(';')));
    if (record.empty()) continue;
    if (out) return invalidKey("has more than one record");
    std::vector<std::string_view> words = wordsOf(record);
    const auto owner = Name::parse(words.front());
    if (!owner) return tl::unexpected(owner.error().within("the record's owner"));
    std::size_t at = 1;
    while (at < words.size() && at < 3 &&
           (isWord(words[at], "IN") || numberOf(words[at], 0x7fff'ffff))) {
      ++at;
    }
    if (at == words.size() || !isWord(words[at], "DNSKEY")) {
      return invalidKey("has a line that is no DNSKEY record on one line");
    }
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    auto half = readRdata(*owner, words);
    if (!half) return tl::unexpected(half.error());
    out = std::move(*half);
  }
  if (!out) return invalidKey("has no record");
  return std::move(*out);
}

// "20260501120000", UTC.
std::optional<WallTime> timeOf(std::string_view text) {
  if (text.size() != 14) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) {
    return numberOf(text.substr(at, size), 9999);
  };
  const auto year = part(0, 4), month = part(4, 2), day = part(6, 2), hour = part(8, 2),
             minute = part(10, 2), second = part(12, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::string timeText(WallTime time) {
  return fmt::format("{:%Y%m%d%H%M%S}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(
                         std::chrono::time_point_cast<std::chrono::system_clock::duration>(time))));
}

// The rest of the member's line; nullopt: no line has this name. kInvalid: two have.
Result<std::optional<std::string_view>> memberOf(const std::vector<std::string_view>& lines,
                                                 std::string_view name) {
  std::optional<std::string_view> out;
  for (const std::string_view line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.substr(0, colon) != name) continue;
    if (out) return invalidKey("has two lines " + std::string(name));
    out = stripped(line.substr(colon + 1));
  }
  return out;
}

Result<std::string_view> requiredMember(const std::vector<std::string_view>& lines,
                                        std::string_view name) {
  const auto member = memberOf(lines, name);
  if (!member) return tl::unexpected(member.error());
  if (!*member) return invalidKey("has no line " + std::string(name));
  return **member;
}

// A .private file.
struct PrivateHalf {
  SigningAlgorithm algorithm = SigningAlgorithm::kEcdsaP256Sha256;
  std::string secret;
};

Result<PrivateHalf> readSecret(const std::vector<std::string_view>& lines) {
  const auto format = requiredMember(lines, "Private-key-format");
  if (!format) return tl::unexpected(format.error());
  if (*format != "v1.2" && *format != "v1.3") {
    return invalidKey("Private-key-format is neither v1.2 nor v1.3");
  }
  const auto algorithm = requiredMember(lines, "Algorithm");
  if (!algorithm) return tl::unexpected(algorithm.error());
  const auto number = numberOf(algorithm->substr(0, algorithm->find(' ')), 0xff);
  if (!number) return invalidKey("Algorithm is no number");
  const auto known = checkedAlgorithm(*number);
  if (!known) return tl::unexpected(known.error());
  const auto text = requiredMember(lines, "PrivateKey");
  if (!text) return tl::unexpected(text.error());
  auto secret = fromBase64(*text);
  if (!secret) return invalidKey("PrivateKey is no base64");
  // ldns leaves out zeros at the front of a scalar.
  const std::size_t missing =
      SigningKey::kPrivateBytes - std::min(secret->size(), SigningKey::kPrivateBytes);
  if (*known == SigningAlgorithm::kEcdsaP256Sha256 && !secret->empty()) {
    secret->insert(0, missing, '\0');
  }
  if (secret->size() != SigningKey::kPrivateBytes) {
    return invalidKey(fmt::format("PrivateKey has not {} bytes", SigningKey::kPrivateBytes));
  }
  return PrivateHalf{*known, std::move(*secret)};
}

Result<std::optional<WallTime>> timeMember(const std::vector<std::string_view>& lines,
                                           std::string_view name) {
  const auto member = memberOf(lines, name);
  if (!member) return tl::unexpected(member.error());
  if (!*member) return std::nullopt;
  const std::string_view text = **member;
  const auto time = timeOf(text.substr(0, text.find(' ')));
  if (!time) return invalidKey(std::string(name) + " is no time: YYYYMMDDHHMMSS");
  return time;
}

Status readTimes(const std::vector<std::string_view>& lines, FiledKey& out) {
  const std::pair<std::string_view, std::optional<WallTime>*> members[] = {
      {"Created", &out.made},
      {"Revoke", &out.revoked},
      {"Inactive", &out.inactive},
      {"Delete", &out.removed}};
  for (const auto& [name, where] : members) {
    const auto time = timeMember(lines, name);
    if (!time) return tl::unexpected(time.error());
    *where = *time;
  }
  return {};
}

}  // namespace

Result<FiledKey> readKeyFiles(std::string_view record, std::string_view secret) {
  auto shown = readRecord(record);
  if (!shown) return tl::unexpected(shown.error().within(".key file"));
  const auto lines = linesOf(secret);
  if (!lines) return tl::unexpected(lines.error().within(".private file"));
  const auto hidden = readSecret(*lines);
  if (!hidden) return tl::unexpected(hidden.error().within(".private file"));
  if (static_cast<std::uint8_t>(hidden->algorithm) != shown->dnskey[3]) {
    return invalidKey("the two files are of different algorithms");
  }
  auto pair = SigningKey::fromPrivate(
      keyKindOf(hidden->algorithm),
      {reinterpret_cast<const std::uint8_t*>(hidden->secret.data()), hidden->secret.size()});
  if (!pair) return tl::unexpected(pair.error().within(".private file"));
  FiledKey out;
  out.owner = shown->owner;
  const bool is_entry_point = (shown->dnskey[1] & ZoneKey::kSecureEntryPointFlag) != 0;
  out.key = std::make_shared<const ZoneKey>(std::move(*pair), is_entry_point);
  if (out.key->dnskey() != shown->dnskey) {
    return invalidKey("the private key is not that of the DNSKEY record");
  }
  if (const Status read = readTimes(*lines, out); !read) {
    return tl::unexpected(read.error().within(".private file"));
  }
  return out;
}

Status mayBeUsed(const FiledKey& key, WallTime now) {
  const std::pair<const char*, std::optional<WallTime>> ends[] = {
      {"Revoke", key.revoked}, {"Inactive", key.inactive}, {"Delete", key.removed}};
  for (const auto& [name, time] : ends) {
    if (!time || *time > now) continue;
    return fail(ErrorKind::kRefused, std::string(name) + " in the .private file was " +
                                         rfc3339(*time) + ": the key has had its day");
  }
  return {};
}

KeyFiles writeKeyFiles(NameView apex, const KeyRecord& record) {
  const ZoneKey& key = *record.key;
  const auto algorithm = static_cast<unsigned>(key.algorithm());
  KeyFiles out;
  out.name = fmt::format("K{}+{:03}+{:05}", apex.text(), algorithm, key.tag());
  out.record = fmt::format("; {}, key tag {}, made {}\n{} IN DNSKEY {}\n", keyRoleName(record.role),
                           key.tag(), timeText(record.made), apex.text(), dnskeyText(key));
  const std::string made = timeText(record.made);
  out.secret = fmt::format(
      "Private-key-format: v1.3\nAlgorithm: {} ({})\nPrivateKey: {}\nCreated: {}\nPublish: "
      "{}\nActivate: {}\n",
      algorithm, algorithmName(key.algorithm()), base64(key.key().privateBytes()), made, made,
      made);
  return out;
}

std::string dsText(NameView apex, const ZoneKey& key) {
  const std::vector<std::uint8_t> ds = dsOf(apex, key.dnskey());
  return fmt::format("{} IN DS {} {} {} {}", apex.text(), key.tag(), ds[2], ds[3],
                     hex(std::span(ds).subspan(4)));
}

std::string dnskeyText(const ZoneKey& key) {
  const std::vector<std::uint8_t>& rdata = key.dnskey();
  return fmt::format("{} {} {} {}", rdata[0] << 8U | rdata[1], rdata[2], rdata[3],
                     base64(std::span(rdata).subspan(4)));
}

std::string_view algorithmName(SigningAlgorithm algorithm) {
  return algorithm == SigningAlgorithm::kEd25519 ? "ED25519" : "ECDSAP256SHA256";
}

}  // namespace meridian::dns
