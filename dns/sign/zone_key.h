// ZoneKey: a key pair that signs a zone, as its DNSKEY record shows it (RFC 4034 §2).
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/signing_key.h"
#include "dns/wire/name.h"
#include "dns/zone/signing_policy.h"

namespace meridian::dns {

SigningKeyKind keyKindOf(SigningAlgorithm algorithm);

// RFC 4034 appendix B, of a DNSKEY's RDATA.
std::uint16_t keyTagOf(std::span<const std::uint8_t> dnskey);
// The RDATA of the DS (and CDS) with digest type 2, SHA-256, of a key (RFC 4034 §5.1.4, RFC 4509).
// REQUIRES: `apex` is lower-cased.
std::vector<std::uint8_t> dsOf(NameView apex, std::span<const std::uint8_t> dnskey);

class ZoneKey {
 public:
  static constexpr std::uint16_t kZoneFlag = 0x0100;
  static constexpr std::uint16_t kSecureEntryPointFlag = 0x0001;

  // `is_entry_point`: of a KSK or CSK, the flag by which a parent knows what its DS may refer to.
  ZoneKey(SigningKey key, bool is_entry_point);

  SigningAlgorithm algorithm() const;
  bool isEntryPoint() const { return (dnskey_[1] & kSecureEntryPointFlag) != 0; }
  const std::vector<std::uint8_t>& dnskey() const { return dnskey_; }  // RDATA
  std::uint16_t tag() const { return tag_; }
  const SigningKey& key() const { return key_; }

 private:
  SigningKey key_;
  std::vector<std::uint8_t> dnskey_;
  std::uint16_t tag_ = 0;
};

}  // namespace meridian::dns
