// DNS cookies (RFC 7873), with server cookies that every server of an anycast set can check (RFC
// 9018): a hash over the client's cookie, the time and its address, under a secret that all of them
// have. They prove that a client receives what is sent to its address.
//
// Immutable. Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/sip_hash.h"

namespace meridian::dns {

inline constexpr std::size_t kClientCookieBytes = 8;
inline constexpr std::size_t kServerCookieBytes = 16;
inline constexpr std::size_t kMinServerCookieBytes = 8;  // of other makers (RFC 7873 §4)
inline constexpr std::size_t kMaxServerCookieBytes = 32;

// The option of a query, checked for its lengths. Views into the message.
struct Cookie {
  std::span<const std::uint8_t> client;  // kClientCookieBytes; empty: no cookie was sent
  std::span<const std::uint8_t> server;  // empty: the client has none yet

  bool present() const { return !client.empty(); }
};

// What a reply's option holds: the client's cookie and the server's.
using CookieReply = std::array<std::uint8_t, kClientCookieBytes + kServerCookieBytes>;

enum class CookieStanding : std::uint8_t {
  kNew,  // no server cookie
  kGood,
  kBad  // forged, too old, of another address, or of a secret that is gone
};

class CookieSecrets {
 public:
  static constexpr std::size_t kMax = 4;

  // One line for each secret: 32 hexadecimal digits; empty lines and those that begin with '#' are
  // skipped. New cookies are made with the first, those made with any are good. 1 to kMax secrets,
  // kInvalid else; the message has the number of the line and never its text.
  static Result<CookieSecrets> parse(std::string_view text);
  // One secret that nobody else has.
  static Result<CookieSecrets> random();

  std::size_t size() const { return keys_.size(); }

  // What the client's cookie is worth at `now` (seconds since 1970, of 32 bits: RFC 9018 §4.3), and
  // into `out` the cookie that goes back: the one that came while it is younger than half an hour
  // and of the first secret, else a new one. REQUIRES: cookie.present().
  CookieStanding answer(const Cookie& cookie, const IpAddress& address, std::uint32_t now,
                        CookieReply& out) const;

 private:
  std::vector<SipKey> keys_;
};

}  // namespace meridian::dns
