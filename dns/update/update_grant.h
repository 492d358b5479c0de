// Who may change what by updates: what the grants of a zone (dns/zone/zone_policy.h) allow. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "dns/update/update_message.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"
#include "dns/zone/zone_policy.h"

namespace meridian::dns {

// Who sent an update.
struct Updater {
  IpAddress address;
  std::optional<NameView> key = {};  // lower-cased, of the key whose signature was good
};

// Whether one of the grants allows to change this type (kAny: all types) at `owner`, which is
// lower-cased.
bool mayUpdate(std::span<const UpdateGrant> grants, const Updater& updater, NameView owner,
               RrType type);

// The first record of the update section that may not be changed; nullptr: none. (RFC 2136 §3.3;
// to be asked before the prerequisites, which would tell strangers what the zone has.)
const UpdateRecord* firstForbidden(std::span<const UpdateGrant> grants, const Updater& updater,
                                   const Update& update);

}  // namespace meridian::dns
