#include "dns/net/doh_request.h"

#include <algorithm>
#include <array>

namespace meridian::dns {
namespace {

constexpr std::string_view kDnsMessage = "application/dns-message";
constexpr std::string_view kVariable = "dns=";
constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2
constexpr unsigned kBitsPerDigit = 6;

// The value of a base64url digit; -1: none.
int digitOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

bool sameIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// Parameters are of no meaning for this type (RFC 8484 §6).
bool isDnsMessage(std::string_view media_type) {
  std::string_view type = media_type.substr(0, media_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return sameIgnoringCase(type, kDnsMessage);
}

}  // namespace

std::string_view httpStatusCode(HttpStatus status) {
  constexpr std::array<std::string_view, kHttpStatuses> kCodes = {"200", "400", "404", "405",
                                                                  "413", "415", "431"};
  return kCodes[static_cast<std::size_t>(status)];
}

std::optional<std::vector<std::uint8_t>> decodeBase64Url(std::string_view text) {
  std::vector<std::uint8_t> out;
  out.reserve(text.size() * kBitsPerDigit / 8);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = digitOf(c);
    if (digit < 0) return std::nullopt;
    bits = bits << kBitsPerDigit | static_cast<std::uint32_t>(digit);
    count += kBitsPerDigit;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> count));
    bits &= (1U << count) - 1;
  }
  // What is left is less than a byte: a digit too many, or bits that say nothing.
  if (count >= kBitsPerDigit || bits != 0) return std::nullopt;
  return out;
}

void DohRequest::add(std::string_view name, std::string_view value) {
  const std::size_t size = name.size() + value.size() + kFieldOverhead;
  if (too_large_ || size > left_) {
    too_large_ = true;
    return forgetPath();
  }
  left_ -= size;
  if (name == ":method") {
    method_ = value == "GET"    ? Method::kGet
              : value == "HEAD" ? Method::kHead
              : value == "POST" ? Method::kPost
                                : Method::kOther;
  } else if (name == ":path") {
    path_ = value;
  } else if (name == "content-type") {
    media_wrong_ |= media_named_ || !isDnsMessage(value);
    media_named_ = true;
  } else if (name == "content-encoding") {
    media_wrong_ |= !sameIgnoringCase(value, "identity");
  }
}

// The value of the only `dns` in the query; nullopt: none, or several.
std::optional<std::string_view> DohRequest::variable() const {
  std::optional<std::string_view> found;
  const std::size_t mark = path_.find('?');
  std::string_view rest = mark == std::string::npos ? std::string_view{} : path_;
  if (!rest.empty()) rest.remove_prefix(mark + 1);
  while (!rest.empty()) {
    const std::string_view each = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(each.size() + 1, rest.size()));
    if (!each.starts_with(kVariable)) continue;
    if (found) return std::nullopt;
    found = each.substr(kVariable.size());
  }
  return found;
}

std::optional<HttpRefusal> DohRequest::refusal(std::string_view path) const {
  if (too_large_) {
    return HttpRefusal{HttpStatus::kFieldsTooLarge, "the header fields are too large; use POST"};
  }
  if (std::string_view(path_).substr(0, path_.find('?')) != path) {
    return HttpRefusal{HttpStatus::kNotFound, "no DNS here; look at the path"};
  }
  switch (method_) {
    case Method::kGet:
    case Method::kHead:
      if (variable()) return std::nullopt;
      return HttpRefusal{HttpStatus::kBadRequest, "the query needs one variable dns"};
    case Method::kPost:
      if (media_named_ && !media_wrong_) return std::nullopt;
      return HttpRefusal{HttpStatus::kWrongMedia, "the body must be application/dns-message"};
    case Method::kOther:
      break;
  }
  return HttpRefusal{HttpStatus::kMethodNotAllowed, "GET, HEAD and POST are served"};
}

std::optional<std::vector<std::uint8_t>> DohRequest::messageOfPath() const {
  const auto text = variable();
  return text ? decodeBase64Url(*text) : std::nullopt;
}

}  // namespace meridian::dns
