// PROXY headers byte by byte, for tests (haproxy.org, doc/proxy-protocol.txt §2.2).
#pragma once

#include <string_view>

#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::test {

struct ProxyPacket {
  unsigned version_and_command = 0x21;
  unsigned family = 0x11;  // TCP over IPv4
  Bytes body;

  Bytes bytes() const {
    Bytes out{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
    out.push_back(static_cast<std::uint8_t>(version_and_command));
    out.push_back(static_cast<std::uint8_t>(family));
    put16(out, static_cast<unsigned>(body.size()));
    append(out, body);
    return out;
  }
};

inline Bytes addressBytes(std::string_view text) {
  const IpAddress value = address(text);
  Bytes out;
  for (unsigned bits = bitsOf(value.family()); bits > 0; bits -= 8)
    out.push_back(static_cast<std::uint8_t>(value.bits() >> (bits - 8)));
  return out;
}

// Of a client that asked `server` over TCP.
inline ProxyPacket proxied(std::string_view client, std::string_view server = "192.0.2.53") {
  ProxyPacket out;
  out.body = addressBytes(client);
  if (out.body.size() == 16) {
    out.family = 0x21;
    server = "2001:db8::53";
  }
  append(out.body, addressBytes(server));
  put16(out.body, 40'000);
  put16(out.body, 53);
  return out;
}

}  // namespace meridian::test
