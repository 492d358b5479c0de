// Many signatures at once, on all cores where they are many.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dns/sign/signed_data.h"

namespace meridian::dns {

struct SigningJob {
  NameView owner;  // any case
  RrsetView rrset;
  const ZoneKey* key = nullptr;
  SignaturePeriod period;
  std::vector<std::uint8_t> rdata = {};  // of the RRSIG, when it is done
};

// What they point to outlives the call. REQUIRES: `apex` is lower-cased.
void signAll(std::span<SigningJob> jobs, NameView apex);

}  // namespace meridian::dns
