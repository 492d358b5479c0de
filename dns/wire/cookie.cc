#include "dns/wire/cookie.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/digest.h"

namespace meridian::dns {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHashedBytes = 8;  // of the server cookie: version, reserved, time
// RFC 9018 §4.3.
constexpr std::int32_t kOldest = 3600;
constexpr std::int32_t kRenewedAfter = 1800;
constexpr std::int32_t kFromTheFuture = 300;

using ServerCookie = std::array<std::uint8_t, kServerCookieBytes>;

// The hash in the order that all makers write it: its bytes as the paper has them.
std::array<std::uint8_t, 8> hashOf(const SipKey& key, std::span<const std::uint8_t> client,
                                   std::span<const std::uint8_t> head, const IpAddress& address) {
  std::array<std::uint8_t, kClientCookieBytes + kHashedBytes + 16> input{};
  ByteWriter in(input);
  in.bytes(client);
  in.bytes(head.first(kHashedBytes));
  if (address.family() == IpFamily::kV4) {
    in.u32(static_cast<std::uint32_t>(address.bits()));
  } else {
    in.u32(static_cast<std::uint32_t>(address.bits() >> 96));
    in.u32(static_cast<std::uint32_t>(address.bits() >> 64));
    in.u32(static_cast<std::uint32_t>(address.bits() >> 32));
    in.u32(static_cast<std::uint32_t>(address.bits()));
  }
  std::uint64_t hash = sipHash24(key, std::span(input).first(in.position()));
  std::array<std::uint8_t, 8> out{};
  for (std::uint8_t& byte : out) {
    byte = static_cast<std::uint8_t>(hash);
    hash >>= 8;
  }
  return out;
}

ServerCookie made(const SipKey& key, std::span<const std::uint8_t> client, const IpAddress& address,
                  std::uint32_t now) {
  ServerCookie out{};
  ByteWriter writer(out);
  writer.u32(std::uint32_t{kVersion} << 24);
  writer.u32(now);
  writer.bytes(hashOf(key, client, out, address));
  return out;
}

std::optional<std::uint8_t> digitOf(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<SipKey> keyOf(std::string_view line) {
  SipKey key{};
  if (line.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto digit = digitOf(line[i]);
    if (!digit) return std::nullopt;
    key[i / 2] = static_cast<std::uint8_t>(key[i / 2] << 4 | *digit);
  }
  return key;
}

}  // namespace

Result<CookieSecrets> CookieSecrets::parse(std::string_view text) {
  CookieSecrets out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto key = keyOf(line);
    const std::string where = "line " + std::to_string(number) + ": ";
    if (!key) return fail(ErrorKind::kInvalid, where + "must be 32 hexadecimal digits");
    if (out.keys_.size() == kMax) {
      return fail(ErrorKind::kInvalid, where + "at most " + std::to_string(kMax) + " secrets");
    }
    out.keys_.push_back(*key);
  }
  if (out.keys_.empty()) return fail(ErrorKind::kInvalid, "has no secret");
  return out;
}

Result<CookieSecrets> CookieSecrets::random() {
  const auto hex = randomHex(sizeof(SipKey));
  if (!hex) return tl::unexpected(hex.error());
  return parse(*hex);
}

CookieStanding CookieSecrets::answer(const Cookie& cookie, const IpAddress& address,
                                     std::uint32_t now, CookieReply& out) const {
  std::copy(cookie.client.begin(), cookie.client.end(), out.begin());
  const auto server_half = out.begin() + kClientCookieBytes;
  CookieStanding standing = cookie.server.empty() ? CookieStanding::kNew : CookieStanding::kBad;
  if (cookie.server.size() == kServerCookieBytes && cookie.server.front() == kVersion) {
    ByteReader in(cookie.server);
    in.skip(4);
    // Serial arithmetic (RFC 1982): good beyond 2106.
    const auto age = static_cast<std::int32_t>(now - in.u32());
    const auto hash = in.bytes(8);
    const bool in_time = age >= -kFromTheFuture && age <= kOldest;
    for (std::size_t i = 0; in_time && i < keys_.size(); ++i) {
      const auto right = hashOf(keys_[i], cookie.client, cookie.server, address);
      if (!equalConstantTime(asText(right), asText(hash))) continue;
      standing = CookieStanding::kGood;
      if (i != 0 || age > kRenewedAfter) break;
      std::copy(cookie.server.begin(), cookie.server.end(), server_half);
      return standing;
    }
  }
  const ServerCookie fresh = made(keys_.front(), cookie.client, address, now);
  std::copy(fresh.begin(), fresh.end(), server_half);
  return standing;
}

}  // namespace meridian::dns
