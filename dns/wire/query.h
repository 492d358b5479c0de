// Query: one DNS query, parsed; everything the answer path needs to know of it.
//
// Views point into the received message, which must outlive the Query.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip.h"
#include "dns/wire/cookie.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// EDNS client subnet as received (RFC 7871 §6).
struct ClientSubnet {
  bool present = false;
  bool has_address = false;  // false for SOURCE PREFIX-LENGTH 0: the client asks for no tailoring
  std::uint16_t family = 0;  // 1 IPv4, 2 IPv6, 0 only with an empty address
  std::uint8_t source_length = 0;
  IpAddress address;                            // bits after source_length are zero
  std::span<const std::uint8_t> address_bytes;  // echoed exactly
};

struct Edns {
  bool present = false;
  bool dnssec_ok = false;
  bool compact_ok = false;  // CO: takes NXDOMAIN with a compact denial (RFC 9824 §5)
  bool nsid_asked = false;
  bool keepalive_asked = false;  // RFC 7828; means something over TCP and TLS only
  bool padding_asked = false;    // RFC 7830; means something over TLS only
  std::uint8_t version = 0;
  std::uint16_t udp_payload = 512;  // what the client takes; never below 512 (RFC 6891 §6.2.3)
  ClientSubnet subnet;
  Cookie cookie;
  std::span<const std::uint8_t> location_option;  // the configured local option; empty = absent
};

struct Query {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  // as received
  NameView name;            // as asked, case kept
  Name lowered;
  std::uint64_t hash = 0;  // hashName(lowered)
  RrType type = RrType::kA;
  std::uint16_t rr_class = 1;
  std::span<const std::uint8_t> question;  // the question section's bytes
  bool has_tsig = false;                   // a TSIG record stands in the additional section
  Edns edns;
};

}  // namespace meridian::dns
