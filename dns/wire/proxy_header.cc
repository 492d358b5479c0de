#include "dns/wire/proxy_header.h"

#include <algorithm>
#include <array>

#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

constexpr std::array<std::uint8_t, 12> kProxySignature = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                          0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::uint8_t kProxyVersion = 2;
constexpr std::uint8_t kLocalCommand = 0;
constexpr std::uint8_t kProxyCommand = 1;
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcpOverV4 = 0x11;
constexpr std::uint8_t kTcpOverV6 = 0x21;
constexpr U128 kMappedPrefix = 0xFFFF;  // ::ffff:0:0/96, without its last 32 bits

IpAddress unmapped(const IpAddress& address) {
  if (address.bits() >> 32 != kMappedPrefix) return address;
  return IpAddress::v4(static_cast<std::uint32_t>(address.bits()));
}

}  // namespace

std::string_view proxyRefusalName(ProxyRefusal refusal) {
  switch (refusal) {
    case ProxyRefusal::kSignature:
      return "signature";
    case ProxyRefusal::kVersion:
      return "version";
    case ProxyRefusal::kCommand:
      return "command";
    case ProxyRefusal::kFamily:
      return "family";
    case ProxyRefusal::kLength:
      return "length";
    case ProxyRefusal::kClosed:
      return "closed";
    case ProxyRefusal::kTimeout:
      break;
  }
  return "timeout";
}

tl::expected<std::size_t, ProxyRefusal> proxyHeaderSize(
    std::span<const std::uint8_t, kProxyFixedBytes> fixed) {
  if (!std::equal(kProxySignature.begin(), kProxySignature.end(), fixed.begin()))
    return tl::unexpected(ProxyRefusal::kSignature);
  const std::uint8_t version_and_command = fixed[12];
  if (version_and_command >> 4 != kProxyVersion) return tl::unexpected(ProxyRefusal::kVersion);
  const std::uint8_t command = version_and_command & 0xF;
  if (command != kLocalCommand && command != kProxyCommand)
    return tl::unexpected(ProxyRefusal::kCommand);
  const std::size_t size = kProxyFixedBytes + static_cast<std::size_t>(fixed[14] << 8 | fixed[15]);
  if (size > kMaxProxyHeader) return tl::unexpected(ProxyRefusal::kLength);
  return size;
}

tl::expected<std::optional<IpAddress>, ProxyRefusal> parseProxyHeader(
    std::span<const std::uint8_t> header) {
  if (header.size() < kProxyFixedBytes) return tl::unexpected(ProxyRefusal::kLength);
  const auto size = proxyHeaderSize(header.first<kProxyFixedBytes>());
  if (!size) return tl::unexpected(size.error());
  if (header.size() != *size) return tl::unexpected(ProxyRefusal::kLength);
  const std::uint8_t family = header[13];
  // Of LOCAL even the family means nothing.
  if ((header[12] & 0xF) == kLocalCommand || family == kUnspecified) return std::nullopt;
  if (family != kTcpOverV4 && family != kTcpOverV6) return tl::unexpected(ProxyRefusal::kFamily);
  // Source, destination, their ports; only the source matters, but all must be there.
  ByteReader in(header.subspan(kProxyFixedBytes));
  if (family == kTcpOverV4) {
    const IpAddress source = IpAddress::v4(in.u32());
    in.skip(4 + 2 + 2);
    if (in.ok()) return source;
  } else if (const auto source = in.bytes(16); source.size() == 16) {
    in.skip(16 + 2 + 2);
    if (in.ok()) return unmapped(IpAddress::v6(source.first<16>()));
  }
  return tl::unexpected(ProxyRefusal::kLength);
}

}  // namespace meridian::dns
