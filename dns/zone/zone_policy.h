// What a zone's operator allows and wants: who may have it transferred, who is notified, how edits
// raise its serial. From the configuration ([[dns.zones]]), and, of zones that a catalog brought,
// from the template that it has for them. Immutable. Threads: any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "dns/wire/name.h"
#include "dns/wire/tsig.h"
#include "dns/wire/types.h"
#include "dns/zone/catalog.h"
#include "dns/zone/signing_policy.h"
#include "dns/zone/zone_edit.h"

namespace meridian::dns {

// A client that has all that is stated.
struct ZoneAccess {
  std::optional<IpPrefixList> from = {};  // its address is within
  std::optional<Name> key = {};           // it signs with this TSIG key; lower-cased

  // `signer`, nullptr: it signs with none.
  bool admits(const IpAddress& address, const TsigKey* signer) const;
};

struct NotifyTarget {
  IpEndpoint address;
  std::optional<Name> key = {};  // that NOTIFY is signed with; lower-cased
};

// A server that a zone comes from.
struct ZonePrimary {
  IpEndpoint address;
  std::optional<Name> key = {};  // that requests are signed with, and answers must be; lower-cased
};

// Who may change what by updates (RFC 2136).
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

struct ZonePolicy;

// What members of a catalog are here that have this group; of the empty one: those for whose groups
// there is no other. Its policy has a catalog's name, and holds for the member alone.
struct MemberTemplate {
  std::string group;
  std::shared_ptr<const ZonePolicy> policy;
};

struct ZonePolicy {
  Name name;                            // lower-cased: of this zone and those below
  std::vector<ZoneAccess> transfer_to;  // whoever one of these admits; none: nobody
  std::vector<NotifyTarget> notify;
  std::vector<UpdateGrant> update;  // none: nobody
  // Of the zone `name` alone: where it comes from, in the order of preference; none: it is made
  // here. And who may say that it has changed there, beside these.
  std::vector<ZonePrimary> primaries;
  std::vector<ZoneAccess> allow_notify;
  SerialPolicy serials = SerialPolicy::kIncrement;
  std::optional<SigningPolicy> sign = {};  // nullopt: it is not signed here
  // Of the zone `name` alone: it is a catalog (dns/zone/catalog.h) that is made here of the zones
  // that this lists; or one that comes from primaries, whose members become zones here by these
  // templates, in the order in which their groups are looked for.
  std::optional<CatalogRule> catalog = {};
  std::vector<MemberTemplate> members = {};
  std::size_t max_members = 0;
};

struct MemberZone {
  CatalogMembership membership;
  std::shared_ptr<const ZonePolicy> policy;
};
// Looks for text without making a string of it.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class Value>
using ByWireName = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;
using MemberZones = ByWireName<MemberZone>;  // by apex

class ZonePolicies {
 public:
  ZonePolicies() : ZonePolicies(std::vector<ZonePolicy>{}) {}
  explicit ZonePolicies(std::vector<ZonePolicy> policies);
  // The same with these zones of catalogs in the place of those that there were.
  std::shared_ptr<const ZonePolicies> withMembers(std::shared_ptr<const MemberZones> members) const;

  // Of a zone that a catalog brought: its template's. Else that of the configuration with the
  // longest name that the zone is at or below; one that allows nothing where there is none.
  // REQUIRES: `apex` is lower-cased, here and below.
  const ZonePolicy& of(NameView apex) const;
  // The policy of the configuration whose name is `apex`, or nullptr.
  const ZonePolicy* named(NameView apex) const;
  // Whether any of them lets anybody update anything.
  bool allowUpdates() const;
  // Whether any of them has a zone signed; whether this zone is to be.
  bool sign() const;
  bool signs(NameView apex) const;
  // Those of the configuration that have primaries; all of the configuration. They live as long as
  // any of those that were made of this one.
  std::vector<const ZonePolicy*> secondaries() const;
  const std::vector<ZonePolicy>& configured() const { return configured_->policies; }
  // Whether the zone comes from primaries.
  bool isSecondary(NameView apex) const;
  // nullptr: no catalog brought the zone.
  const MemberZone* memberAt(NameView apex) const;
  // Whether the zone is a catalog, made here or taken from elsewhere; whether it is made here.
  bool isCatalog(NameView apex) const;
  bool makesCatalog(NameView apex) const;

 private:
  struct Configured {
    std::vector<ZonePolicy> policies;
    ByWireName<std::size_t> by_name;
  };

  std::shared_ptr<const Configured> configured_;
  std::shared_ptr<const MemberZones> members_ = std::make_shared<const MemberZones>();
};

// Whether one of these admits the client.
bool admits(const std::vector<ZoneAccess>& accesses, const IpAddress& address,
            const TsigKey* signer);

}  // namespace meridian::dns
