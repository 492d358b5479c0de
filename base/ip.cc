#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace meridian {
namespace {

// The first `length` of `bits` bits set, right-aligned.
U128 maskOf(std::uint8_t length, std::uint8_t bits) {
  if (length == 0) return 0;
  const U128 all = bits == 128 ? ~U128{0} : (U128{1} << bits) - 1;
  return all & ~(length >= bits ? U128{0} : (all >> length));
}

Result<unsigned> parseNumber(std::string_view text, unsigned max, std::string_view what) {
  unsigned value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value > max) {
    return fail(ErrorKind::kInvalid, std::string(what) + " must be a number from 0 to " +
                                         std::to_string(max) + ", not \"" + std::string(text) +
                                         "\"");
  }
  return value;
}

}  // namespace

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> network_order) {
  U128 bits = 0;
  for (const std::uint8_t byte : network_order) bits = bits << 8 | byte;
  return v6(bits);
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text.substr(0, INET6_ADDRSTRLEN + 1));
  // A zero byte inside would end the text early for inet_pton().
  const bool whole = terminated.find('\0') == std::string::npos;
  in_addr four{};
  if (whole && inet_pton(AF_INET, terminated.c_str(), &four) == 1) return v4(ntohl(four.s_addr));
  in6_addr six{};
  if (whole && inet_pton(AF_INET6, terminated.c_str(), &six) == 1) {
    return v6(std::span<const std::uint8_t, 16>(six.s6_addr));
  }
  return fail(ErrorKind::kInvalid, "\"" + terminated + "\" is not an IP address");
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  if (isV4()) {
    const in_addr four{htonl(asV4())};
    inet_ntop(AF_INET, &four, out, sizeof out);
  } else {
    in6_addr six{};
    for (unsigned i = 0; i < 16; ++i) {
      six.s6_addr[i] = static_cast<std::uint8_t>(bits_ >> (120 - 8 * i));
    }
    inet_ntop(AF_INET6, &six, out, sizeof out);
  }
  return out;
}

IpAddress IpAddress::masked(std::uint8_t length) const {
  return {family_, bits_ & maskOf(length, bitsOf(family_))};
}

bool IpAddress::isPrivate() const {
  const auto& networks = privateNetworks();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpPrefix& network) { return network.contains(*this); });
}

const std::vector<IpPrefix>& privateNetworks() {
  // RFC 6890's special-purpose blocks a resolver may sit in; 100.64/10 is RFC 6598.
  static const std::vector<IpPrefix> kNetworks = [] {
    std::vector<IpPrefix> list;
    for (const char* text :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
          "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"}) {
      list.push_back(*IpPrefix::parse(text));
    }
    return list;
  }();
  return kNetworks;
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return tl::unexpected(address.error());
  const std::uint8_t bits = bitsOf(address->family());
  if (slash == std::string_view::npos) return IpPrefix{*address, bits};
  auto length = parseNumber(text.substr(slash + 1), bits, "prefix length");
  if (!length) return tl::unexpected(length.error());
  const IpPrefix prefix{*address, static_cast<std::uint8_t>(*length)};
  const IpAddress network = address->masked(prefix.length);
  if (network != *address) {
    return fail(ErrorKind::kInvalid, "\"" + std::string(text) +
                                         "\" has host bits set; did you mean " + network.text() +
                                         "/" + std::to_string(*length) + "?");
  }
  return prefix;
}

bool IpPrefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && other.masked(length) == address;
}

std::string IpPrefix::text() const {
  return address.text() + "/" + std::to_string(length);
}

bool IpPrefixList::contains(const IpAddress& address) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

Result<IpEndpoint> IpEndpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return fail(ErrorKind::kInvalid, "\"" + std::string(text) + "\" is not address:port");
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = IpAddress::parse(host);
  if (!address) return tl::unexpected(address.error());
  if (address->isV4() == bracketed) {
    return fail(ErrorKind::kInvalid, "\"" + std::string(text) +
                                         "\": write IPv6 as [address]:port, IPv4 without brackets");
  }
  auto port = parseNumber(text.substr(colon + 1), 65535, "port");
  if (!port) return tl::unexpected(port.error());
  return IpEndpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string IpEndpoint::text() const {
  const std::string port_text = ":" + std::to_string(port);
  return address.isV4() ? address.text() + port_text : "[" + address.text() + "]" + port_text;
}

}  // namespace meridian
