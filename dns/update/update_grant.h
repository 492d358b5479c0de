// Who may change what by updates: grants of a zone, and what they allow. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "dns/update/update_message.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// Names of UpdateGrant::key and ::name are lower-cased.
struct UpdateGrant {
  enum class Names : std::uint8_t {
    kExact,    // `name` alone
    kBelow,    // `name` and all below it
    kSelf,     // the name of the key that signed, alone
    kPattern,  // `name` has one label "*", which stands for one label or more:
               // "_acme-challenge.*", "_acme-challenge.*.example.org"
  };
  // Whom: who signed with this key, and who is in one of these networks. Both where both are given;
  // one of them must be, or the grant is nobody's.
  std::optional<Name> key = {};
  IpPrefixList networks = {};
  Names names = Names::kExact;
  Name name = {};
  std::vector<RrType> types = {};  // empty: all, and only then all of a name may be deleted
};

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
