// What a signature is made of: the bytes of RFC 4034 §3.1.8.1, for one RRset and one key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dns/sign/zone_key.h"
#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"

namespace meridian::dns {

// Seconds since 1970, round the circle of RFC 4034 §3.1.5.
struct SignaturePeriod {
  std::uint32_t inception = 0;
  std::uint32_t expiration = 0;
};

class SignedData {
 public:
  // `owner` as in the zone (any case; of a wildcard "*…"); `apex` is lower-cased.
  SignedData(NameView owner, const RrsetView& rrset, const ZoneKey& key, NameView apex,
             SignaturePeriod period);

  std::span<const std::uint8_t> bytes() const { return bytes_; }
  // The RDATA of the RRSIG, but for the signature that ends it.
  std::span<const std::uint8_t> head() const { return bytes().first(head_); }
  // All of it.
  std::vector<std::uint8_t> withSignature(const SignatureBytes& signature) const;

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t head_ = 0;  // the RRSIG's RDATA but for the signature: what bytes_ begins with
};

// RDATA in canonical form: names of the types that RFC 4034 §6.2 lists, NSEC excepted (RFC 6840
// §5.1), are lower-cased. What is not of the type's form stays as it is.
void makeCanonical(RrType type, std::span<std::uint8_t> rdata);

}  // namespace meridian::dns
