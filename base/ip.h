// IP addresses and prefixes as values: parse, mask, order, print.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meridian {

// Of an address held as an unsigned integer.
template <class Address>
constexpr unsigned kAddressBits = sizeof(Address) * 8;

__extension__ using U128 = unsigned __int128;

enum class IpFamily : std::uint8_t { kV4, kV6 };

constexpr std::uint8_t bitsOf(IpFamily family) {
  return family == IpFamily::kV4 ? 32 : 128;
}

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static constexpr IpAddress v4(std::uint32_t host_order) {
    return {IpFamily::kV4, static_cast<U128>(host_order)};
  }
  static constexpr IpAddress v6(U128 host_order) { return {IpFamily::kV6, host_order}; }
  static IpAddress v6(std::span<const std::uint8_t, 16> network_order);
  static Result<IpAddress> parse(std::string_view text);

  constexpr IpFamily family() const { return family_; }
  constexpr bool isV4() const { return family_ == IpFamily::kV4; }
  constexpr std::uint32_t asV4() const { return static_cast<std::uint32_t>(bits_); }
  constexpr U128 bits() const {
    return bits_;
  }  // right-aligned: an IPv4 address is its 32-bit value
  std::string text() const;

  // The address with all but its first `length` bits cleared. length <= bitsOf(family()).
  IpAddress masked(std::uint8_t length) const;
  // Loopback, private, link-local, unique-local, unspecified, CGN: no location can be known from
  // it.
  bool isPrivate() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  constexpr IpAddress(IpFamily family, U128 bits) : family_(family), bits_(bits) {}
  IpFamily family_ = IpFamily::kV4;
  U128 bits_ = 0;
};

struct IpPrefix {
  IpAddress address;  // bits after `length` are zero
  std::uint8_t length = 0;

  // "192.0.2.0/24" or a bare address (its full length). Host bits that are set are an error.
  static Result<IpPrefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const;
  std::string text() const;
  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

// A short list of networks, e.g. who may ask for explanations. Linear: meant for a handful.
class IpPrefixList {
 public:
  IpPrefixList() = default;
  explicit IpPrefixList(std::vector<IpPrefix> prefixes) : prefixes_(std::move(prefixes)) {}
  bool contains(const IpAddress& address) const;
  bool empty() const { return prefixes_.empty(); }

 private:
  std::vector<IpPrefix> prefixes_;
};

// The networks of IpAddress::isPrivate(), in address order, IPv4 first.
const std::vector<IpPrefix>& privateNetworks();

// "127.0.0.1:53" or "[::1]:53".
struct IpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  static Result<IpEndpoint> parse(std::string_view text);
  std::string text() const;
};

}  // namespace meridian
