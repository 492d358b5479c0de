#include "dns/zone/rdata_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "base/byte_writer.h"
#include "base/ip.h"
#include "dns/zone/ldns.h"

namespace meridian::dns {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Tokens = std::span<const ZoneToken>;

constexpr std::size_t kMaxRdata = 65535;
constexpr const char* kRelativeName = "a relative name where there is no origin";
constexpr std::array<std::uint8_t, 10> kNoOrigin{8, 0, 'n', 'o', 'n', 'e', 0xff, 0, 0xff, 0};

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equalIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Result<std::uint32_t> parseNumber(std::string_view text, std::uint32_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || !isDigit(text[0]) || end != text.data() + text.size()) {
    return fail(ErrorKind::kInvalid, "not a number: " + std::string(text));
  }
  if (error != std::errc() || value > max) {
    return fail(ErrorKind::kInvalid, std::string(text) + " is above " + std::to_string(max));
  }
  return static_cast<std::uint32_t>(value);
}

Status wantTokens(Tokens text, std::size_t count) {
  if (text.size() == count) return {};
  if (text.size() < count) return fail(ErrorKind::kInvalid, "a value is missing");
  return fail(ErrorKind::kInvalid, "superfluous text: " + std::string(text[count].text));
}

Status readAddress(Tokens text, IpFamily family, Bytes& out) {
  if (Status count = wantTokens(text, 1); !count) return count;
  const Result<IpAddress> address = IpAddress::parse(text[0].text);
  if (!address || address->family() != family) {
    return fail(ErrorKind::kInvalid,
                family == IpFamily::kV4 ? "not an IPv4 address" : "not an IPv6 address");
  }
  const int bytes = bitsOf(family) / 8;
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<std::uint8_t>(address->bits() >> (8 * i)));
  }
  return {};
}

Status readName(std::string_view text, const std::optional<Name>& origin, Bytes& out) {
  const Result<Name> name = parseName(text, origin);
  if (!name) return tl::unexpected(name.error());
  const auto wire = name->view().wire();
  out.insert(out.end(), wire.begin(), wire.end());
  return {};
}

Status readMx(Tokens text, const std::optional<Name>& origin, Bytes& out) {
  if (Status count = wantTokens(text, 2); !count) return count;
  const Result<std::uint32_t> preference = parseNumber(text[0].text, 65535);
  if (!preference) return tl::unexpected(preference.error());
  out.push_back(static_cast<std::uint8_t>(*preference >> 8));
  out.push_back(static_cast<std::uint8_t>(*preference));
  return readName(text[1].text, origin, out);
}

void appendRdata(const ldns_rr& rr, Bytes& out) {
  for (std::size_t i = 0; i < ldns_rr_rd_count(&rr); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(&rr, i);
    if (field == nullptr) continue;  // absent optional fields
    const std::uint8_t* data = ldns_rdf_data(field);
    out.insert(out.end(), data, data + ldns_rdf_size(field));
  }
}

// What ldns made of `text`, but for names that begin with an escape: it takes a first label "\\@"
// (or "\\064") for the origin.
Status appendRdata(const ldns_rr& rr, Tokens text, const std::optional<Name>& origin, Bytes& out) {
  for (std::size_t i = 0; i < ldns_rr_rd_count(&rr); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(&rr, i);
    if (field == nullptr) continue;  // absent optional fields
    if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME && i < text.size() &&
        text[i].text.front() == '\\') {
      if (Status read = readName(text[i].text, origin, out); !read) return read;
      continue;
    }
    const std::uint8_t* data = ldns_rdf_data(field);
    out.insert(out.end(), data, data + ldns_rdf_size(field));
  }
  return {};
}

int hexValue(char c) {
  if (isDigit(c)) return c - '0';
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// RFC 3597 §5: the length, then hexadecimal digits in any number of words.
Status readGeneric(Tokens text, Bytes& out) {
  if (text.size() < 2) return fail(ErrorKind::kInvalid, "\\# without a length");
  const Result<std::uint32_t> length = parseNumber(text[1].text, kMaxRdata);
  if (!length) return tl::unexpected(length.error());
  int high = -1;
  for (const ZoneToken& word : text.subspan(2)) {
    for (const char c : word.text) {
      const int digit = hexValue(c);
      if (digit < 0) return fail(ErrorKind::kInvalid, "not a hexadecimal digit in \\# data");
      if (high < 0) {
        high = digit;
      } else {
        out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
        high = -1;
      }
    }
  }
  if (high >= 0 || out.size() != *length) {
    return fail(ErrorKind::kInvalid, "\\# data is not as long as it says");
  }
  return {};
}

// Whether ldns reads the bytes as RDATA of the type and would write the same: known types written
// the generic way must still be of their type's form, without compression.
bool isOfForm(RrType type, std::span<const std::uint8_t> rdata) {
  constexpr std::size_t kRootOwner = 1;
  constexpr std::size_t kFixed = 10;  // type, class, TTL, RDLENGTH
  Bytes record(kRootOwner + kFixed + rdata.size());
  ByteWriter writer(record);
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(type));
  writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
  writer.u32(0);
  writer.u16(static_cast<std::uint16_t>(rdata.size()));
  writer.bytes(rdata);
  ldns_rr* raw = nullptr;
  std::size_t position = 0;
  const ldns_status status =
      ldns_wire2rr(&raw, record.data(), record.size(), &position, LDNS_SECTION_ANSWER);
  const LdnsRr rr(raw);
  Bytes again;
  if (status != LDNS_STATUS_OK) return false;
  // Where the data ends early it leaves the fields out, and says nothing.
  const ldns_rr_descriptor* form = ldns_rr_descript(static_cast<std::uint16_t>(type));
  if (ldns_rr_rd_count(rr.get()) < ldns_rr_descriptor_minimum(form)) return false;
  appendRdata(*rr, again);
  return std::equal(again.begin(), again.end(), rdata.begin(), rdata.end());
}

Status checkGeneric(RrType type, const Bytes& rdata) {
  if (isOfForm(type, rdata)) return {};
  return fail(ErrorKind::kInvalid, "\\# data is not of the type's form");
}

// Which numbers a field of ldns may hold; nothing for fields that are no numbers. Those of the
// first group may also be written as mnemonics.
std::optional<std::uint32_t> largestOf(ldns_rdf_type field, bool& may_be_mnemonic) {
  may_be_mnemonic = false;
  switch (static_cast<int>(field)) {
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE:
      may_be_mnemonic = true;
      return 255;
    case LDNS_RDF_TYPE_CERT_ALG:
      may_be_mnemonic = true;
      return 65535;
    case LDNS_RDF_TYPE_INT8:
      return 255;
    case LDNS_RDF_TYPE_INT16:
      return 65535;
    case LDNS_RDF_TYPE_INT32:
      return std::numeric_limits<std::uint32_t>::max();
    default:
      return std::nullopt;
  }
}

// ldns cuts numbers that are too big for their field and takes half a byte of hexadecimal digits
// for a whole one; here they are refused. REQUIRES: i is the token of the field.
Status checkField(ldns_rdf_type field, Tokens text, std::size_t i) {
  bool may_be_mnemonic = false;
  const std::optional<std::uint32_t> largest = largestOf(field, may_be_mnemonic);
  if (largest && (!may_be_mnemonic || isDigit(text[i].text[0]))) {
    const Result<std::uint32_t> number = parseNumber(text[i].text, *largest);
    if (!number) return tl::unexpected(number.error());
  }
  if (field == LDNS_RDF_TYPE_PERIOD) {
    const Result<std::uint32_t> period = parseTtl(text[i].text);
    if (!period) return tl::unexpected(period.error());
  }
  if (field == LDNS_RDF_TYPE_HEX) {
    std::size_t digits = 0;
    for (const ZoneToken& word : text.subspan(i)) digits += word.text.size();
    if (digits % 2 != 0) return fail(ErrorKind::kInvalid, "an odd number of hexadecimal digits");
  }
  return {};
}

Status checkFields(const ldns_rr_descriptor& type, Tokens text) {
  for (std::size_t i = 0; i < std::min(text.size(), std::size_t{type._maximum}); ++i) {
    Status field = checkField(ldns_rr_descriptor_field_type(&type, i), text, i);
    if (!field) return field;
  }
  return {};
}

Status readWithLdns(RrType type, Tokens text, const std::optional<Name>& origin, Bytes& out) {
  const ldns_rr_descriptor* descriptor = ldns_rr_descript(static_cast<std::uint16_t>(type));
  if (Status fields = checkFields(*descriptor, text); !fields) return fields;
  std::string record = ". 0 IN TYPE" + std::to_string(static_cast<std::uint16_t>(type));
  for (const ZoneToken& token : text) (record += ' ') += token.text;
  // ldns takes relative names without an origin for absolute ones. An origin that nobody writes
  // shows that there was one.
  const auto base_wire = origin ? origin->view().wire() : std::span(kNoOrigin);
  const LdnsRdf base(
      ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, base_wire.size(), base_wire.data()));
  ldns_rr* raw = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&raw, record.c_str(), 0, base.get(), nullptr);
  const LdnsRr rr(raw);
  if (status != LDNS_STATUS_OK) {
    return fail(ErrorKind::kInvalid, ldns_get_errorstr_by_id(status));
  }
  if (Status appended = appendRdata(*rr, text, origin, out); !appended) return appended;
  if (!origin &&
      std::search(out.begin(), out.end(), kNoOrigin.begin(), kNoOrigin.end()) != out.end()) {
    return fail(ErrorKind::kInvalid, kRelativeName);
  }
  return {};
}

// Bytes of a name that ends the way an absolute name does: with a dot that is not escaped.
bool isAbsolute(std::string_view text) {
  if (text.empty() || text.back() != '.') return false;
  std::size_t escapes = 0;
  while (escapes + 1 < text.size() && text[text.size() - 2 - escapes] == '\\') ++escapes;
  return escapes % 2 == 0;
}

}  // namespace

Result<RrType> parseRrType(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, RrType>, 8> kCommon{{
      {"A", RrType::kA},
      {"AAAA", RrType::kAaaa},
      {"NS", RrType::kNs},
      {"CNAME", RrType::kCname},
      {"MX", RrType::kMx},
      {"TXT", RrType::kTxt},
      {"PTR", RrType::kPtr},
      {"SRV", RrType::kSrv},
  }};
  for (const auto& [name, type] : kCommon) {
    if (equalIgnoringCase(text, name)) return type;
  }
  constexpr std::string_view kGeneric = "TYPE";
  if (text.size() > kGeneric.size() &&
      equalIgnoringCase(text.substr(0, kGeneric.size()), kGeneric)) {
    const Result<std::uint32_t> number = parseNumber(text.substr(kGeneric.size()), 65535);
    if (!number) return tl::unexpected(number.error());
    return static_cast<RrType>(*number);
  }
  const ldns_rr_type type = ldns_get_rr_type_by_name(std::string(text).c_str());
  if (type == 0) return fail(ErrorKind::kInvalid, "unknown record type");
  return static_cast<RrType>(type);
}

std::string rrTypeName(RrType type) {
  const auto number = static_cast<std::uint16_t>(type);
  const ldns_rr_descriptor* known = ldns_rr_descript(number);
  if (known->_name != nullptr) return known->_name;
  return "TYPE" + std::to_string(number);
}

bool isDataType(RrType type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number != 0 && type != RrType::kOpt && (number < 128 || number > 255);
}

Result<Name> parseName(std::string_view text, const std::optional<Name>& origin) {
  if (isAbsolute(text)) return Name::parse(text);
  if (!origin) {
    return fail(ErrorKind::kInvalid, kRelativeName);
  }
  if (text == "@") return *origin;
  Result<Name> relative = Name::parse(text);
  if (!relative) return relative;
  const auto head = relative->view().wire().first(relative->view().size() - 1);
  const auto tail = origin->view().wire();
  if (head.size() + tail.size() > kMaxName) {
    return fail(ErrorKind::kInvalid, "name over 255 bytes");
  }
  std::array<std::uint8_t, kMaxName> wire{};
  std::copy(head.begin(), head.end(), wire.begin());
  std::copy(tail.begin(), tail.end(), wire.begin() + static_cast<std::ptrdiff_t>(head.size()));
  return Name(NameView(std::span(wire).first(head.size() + tail.size())));
}

Result<std::uint32_t> parseTtl(std::string_view text) {
  constexpr std::uint64_t kMax = 0x7fffffff;
  std::uint64_t total = 0;
  std::uint64_t number = 0;
  bool in_number = false;
  for (const char c : text) {
    if (isDigit(c)) {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      in_number = true;
    } else {
      constexpr std::string_view kUnits = "smhdw";
      constexpr std::array<std::uint64_t, 5> kSeconds{1, 60, 3600, 86400, 604800};
      const std::size_t unit = kUnits.find(lower(c));
      if (unit == std::string_view::npos || !in_number) {
        return fail(ErrorKind::kInvalid, "not a time: digits with s, m, h, d, w");
      }
      total += number * kSeconds[unit];
      number = 0;
      in_number = false;
    }
    if (number > kMax || total > kMax) return fail(ErrorKind::kInvalid, "time over 2^31 - 1 s");
  }
  if (text.empty()) return fail(ErrorKind::kInvalid, "a time is missing");
  if (total + number > kMax) return fail(ErrorKind::kInvalid, "time over 2^31 - 1 s");
  return static_cast<std::uint32_t>(total + number);
}

Status parseRdata(RrType type, Tokens text, const std::optional<Name>& origin, Bytes& out) {
  out.clear();
  if (!text.empty() && text[0].text == "\\#") {
    Status read = readGeneric(text, out);
    return read ? checkGeneric(type, out) : read;
  }
  if (type == RrType::kA) return readAddress(text, IpFamily::kV4, out);
  if (type == RrType::kAaaa) return readAddress(text, IpFamily::kV6, out);
  if (type == RrType::kNs || type == RrType::kCname || type == RrType::kPtr ||
      type == RrType::kDname) {
    Status count = wantTokens(text, 1);
    return count ? readName(text[0].text, origin, out) : count;
  }
  if (type == RrType::kMx) return readMx(text, origin, out);
  return readWithLdns(type, text, origin, out);
}

Status checkRdata(RrType type, std::span<const std::uint8_t> rdata) {
  if (isOfForm(type, rdata)) return {};
  return fail(ErrorKind::kInvalid, "the data is not of the type's form");
}

}  // namespace meridian::dns
