// ZoneSigning: who signs zones, as the one who writes them sees it. dns/sign/signing_service does.
#pragma once

#include <memory>

#include "base/diagnostics.h"
#include "dns/zone/zone.h"
#include "dns/zone/zone_set.h"

namespace meridian::dns {

class ZoneSigning {
 public:
  struct Signed {
    std::shared_ptr<const Zone> zone;
    // False: where the data are as before, `zone` need not be served: but for the serial it is
    // what is.
    bool changed = false;
    std::shared_ptr<const OnlineKeys> online = {};  // for LoadedZone
  };

  virtual ~ZoneSigning() = default;
  // Whether the zone of this apex is to be signed here. REQUIRES: `apex` is lower-cased.
  virtual bool signs(NameView apex) = 0;
  // `data` has nothing that signing makes (dns/zone/unsigned_part.h); `before`: as it was signed
  // here last, nullptr: it was not. REQUIRES: signs(data.apex()).
  virtual Checked<Signed> sign(const Zone* before, const Zone& data) = 0;
};

}  // namespace meridian::dns
