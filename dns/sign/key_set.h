// KeySet: what the keys of one zone are to do at one moment, as their states say
// (dns/sign/key_plan). What a signer works with. Immutable. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dns/sign/zone_key.h"

namespace meridian::dns {

struct KeySet {
  using Keys = std::vector<std::shared_ptr<const ZoneKey>>;

  std::vector<std::vector<std::uint8_t>> dnskeys;   // RDATA, as published at the apex
  std::vector<std::vector<std::uint8_t>> cds;       // RDATA, likewise (RFC 7344); may be none
  std::vector<std::vector<std::uint8_t>> cdnskeys;  // likewise
  std::uint32_t dnskey_ttl = 3600;                  // s; of all three
  Keys key_signers;   // sign the DNSKEY, CDS and CDNSKEY RRsets; not empty
  Keys zone_signers;  // sign all others; not empty; one, as a rule
};

}  // namespace meridian::dns
