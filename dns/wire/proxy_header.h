// The header that a proxy puts before a connection's first byte: the PROXY protocol, version 2
// (haproxy.org, doc/proxy-protocol.txt §2.2). Pure; whom to believe is for the caller to know.
//
// Only TCP over IPv4 and IPv6 has clients here; records after the addresses (TLVs) are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "base/ip.h"

namespace meridian::dns {

// Signature, version and command, family, length; the header's first bytes.
inline constexpr std::size_t kProxyFixedBytes = 16;
// Room for the addresses and for what proxies tell beside them; the protocol's own bound is 65,551.
inline constexpr std::size_t kMaxProxyHeader = 2048;

enum class ProxyRefusal : std::uint8_t {
  kSignature,  // no header of version 2
  kVersion,    // its signature, but another version
  kCommand,    // neither LOCAL nor PROXY
  kFamily,     // neither TCP over IPv4 or IPv6, nor unspecified
  kLength,     // shorter than its addresses, or above kMaxProxyHeader
  kClosed,     // not of the parser: the connection ended before the header did
  kTimeout     // nor this: it took too long
};
inline constexpr std::size_t kProxyRefusals = 7;
// As metrics name it, e.g. "signature".
std::string_view proxyRefusalName(ProxyRefusal refusal);

// The size of the whole header, by its fixed part; kFamily is not found out yet.
tl::expected<std::size_t, ProxyRefusal> proxyHeaderSize(
    std::span<const std::uint8_t, kProxyFixedBytes> fixed);

// Who stands behind the proxy; nullopt: nobody, the connection's own peer is the client (LOCAL, as
// in the proxy's own health checks, or a family that the proxy could not tell). IPv4 addresses
// mapped into IPv6 come out as IPv4. `header` may be any bytes.
tl::expected<std::optional<IpAddress>, ProxyRefusal> parseProxyHeader(
    std::span<const std::uint8_t> header);

}  // namespace meridian::dns
