// How a zone is to be signed here ([dns.zones.sign] of the configuration, docs/dnssec.md).
#pragma once

#include <chrono>
#include <cstdint>

namespace meridian::dns {

// IANA "DNS Security Algorithm Numbers".
enum class SigningAlgorithm : std::uint8_t { kEcdsaP256Sha256 = 13, kEd25519 = 15 };

enum class DenialKind : std::uint8_t {
  kNsec,
  kNsec3,    // no salt, no further iterations, no opt-out (RFC 9276 §3.1)
  kCompact,  // RFC 9824
};

struct SigningPolicy {
  SigningAlgorithm algorithm = SigningAlgorithm::kEcdsaP256Sha256;
  bool split_keys = false;  // a KSK and a ZSK; else one key does both (CSK)
  DenialKind denial = DenialKind::kNsec;
  std::chrono::seconds signature_lifetime = std::chrono::days(14);
  // A signature that has less than this left is made anew. Less than the lifetime.
  std::chrono::seconds refresh_before = std::chrono::days(7);
  // Of keys; 0: they are rolled when somebody says so. ksk_lifetime is a CSK's too.
  std::chrono::seconds ksk_lifetime{0};
  std::chrono::seconds zsk_lifetime = std::chrono::days(90);
  std::chrono::seconds dnskey_ttl = std::chrono::hours(1);
  // Until all servers of the zone, and of its parent, have what was changed.
  std::chrono::seconds propagation_delay = std::chrono::hours(1);
  std::chrono::seconds parent_propagation_delay = std::chrono::hours(1);
  std::chrono::seconds parent_ds_ttl = std::chrono::days(1);
  bool operator==(const SigningPolicy&) const = default;
};

}  // namespace meridian::dns
