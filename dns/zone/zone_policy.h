// What a zone's operator allows and wants: who may have it transferred, who is notified, how edits
// raise its serial. From the configuration ([[dns.zones]]); immutable. Threads: any.
#pragma once

#include <optional>
#include <vector>

#include "base/ip.h"
#include "dns/wire/name.h"
#include "dns/wire/tsig.h"
#include "dns/wire/types.h"
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
};

class ZonePolicies {
 public:
  ZonePolicies() = default;
  explicit ZonePolicies(std::vector<ZonePolicy> policies) : policies_(std::move(policies)) {}

  // The one with the longest name that the zone is at or below; one that allows nothing where there
  // is none. REQUIRES: `apex` is lower-cased.
  const ZonePolicy& of(NameView apex) const;
  // Whether any of them lets anybody update anything.
  bool allowUpdates() const;
  // Whether any of them has a zone signed.
  bool sign() const;
  // Those that have primaries. They live as long as this.
  std::vector<const ZonePolicy*> secondaries() const;
  // Whether the zone comes from primaries. REQUIRES: `apex` is lower-cased.
  bool isSecondary(NameView apex) const;

 private:
  std::vector<ZonePolicy> policies_;
};

// Whether one of these admits the client.
bool admits(const std::vector<ZoneAccess>& accesses, const IpAddress& address,
            const TsigKey* signer);

}  // namespace meridian::dns
