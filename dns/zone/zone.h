// Zone: one DNS zone, immutable, compiled so that a lookup is a hash probe or a few.
//
// Every fact that depends on other nodes (below a delegation, wildcard child) is computed at build
// time and stands in the node. Empty non-terminals are nodes without RRsets (RFC 8020). Names in
// nodes keep the file's case; lookups take lower-cased names. Threads: immutable; lookups from any
// thread, no allocation.
//
// NS or DNAME at a wildcard (undefined, RFC 4592 §4.2, §4.4) are data like any other: no cut, and
// no redirection but below the literal "*" name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong_id.h"
#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"
#include "dns/wire/types.h"

namespace meridian::dns {

using NodeIx = StrongId<struct NodeTag, std::uint32_t>;

// One record as the loader hands it over.
struct ZoneRecord {
  Name owner;  // case as in the file
  RrType type = RrType::kA;
  std::uint32_t ttl = 0;
  std::vector<std::uint8_t> rdata;  // wire form, names uncompressed
};

class DenialChain;
struct SigningFaults;
class ZoneBuilder;

class Zone {
 public:
  enum class MatchKind : std::uint8_t {
    kExact,       // the node is the name (maybe an empty non-terminal)
    kDelegation,  // the name is at or below this zone cut; at the cut itself too
    kDname,       // the name is below this node, which has a DNAME (RFC 6672 §3.2)
    kWildcard,    // the node is the wildcard that synthesises the name (RFC 4592 §3.3.1)
    kNxDomain,    // no such name; the node is its closest encloser
  };
  struct Match {
    MatchKind kind = MatchKind::kNxDomain;
    NodeIx node;
    std::uint8_t encloser_labels =
        0;  // labels of the closest encloser (the name itself for kExact)
  };

  // REQUIRES: records form a loadable zone (dns/zone/loader.h checks): one SOA at the apex, all
  // owners within it, CNAME alone, equal TTLs in an RRset (the loader evens them out).
  Zone(const Name& apex, const std::vector<ZoneRecord>& records);
  ~Zone();
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  NameView apex() const;  // lower-cased
  std::uint32_t serial() const;
  std::size_t recordCount() const;
  std::size_t bytes() const;

  // REQUIRES: `name` is lower-cased and within apex().
  Match find(NameView name) const noexcept { return find(name, hashName(name)); }
  // The same, for a caller that has the hash. REQUIRES: hash == hashName(name).
  Match find(NameView name, std::uint64_t hash) const noexcept;

  // All nodes, empty non-terminals among them, from 0 up.
  std::uint32_t nodeCount() const;
  NodeIx apexNode() const;
  // The node of this very name, below a cut too. REQUIRES: `name` is lower-cased.
  std::optional<NodeIx> nodeOf(NameView name) const;
  NameView nodeName(NodeIx node) const;  // case as in the file
  // Empty view when the node has no such RRset.
  RrsetView rrset(NodeIx node, RrType type) const noexcept;
  // All that the zone has at this name, NSEC3 too, which is none of the tree's
  // (dns/zone/denial_chain.h). Ascending by type.
  std::vector<RrsetView> rrsets(NodeIx node) const;
  // The one of the smallest type, without allocation; empty when the node has none.
  RrsetView firstRrset(NodeIx node) const noexcept;

  // For NS, MX, SRV, SVCB, HTTPS: nodes of this zone that hold the targets' addresses, for NS glue
  // at and below cuts as well, in record order, no doubles. The answerer adds their A and AAAA to
  // the additional section (dns/answer/additional.h).
  std::span<const NodeIx> additional(NodeIx node, RrType type) const noexcept;

  // The SOA as negative answers carry it: TTL is min(SOA TTL, MINIMUM) (RFC 2308 §3).
  RrsetView negativeSoa() const noexcept;

  // DNSSEC. RRSIGs are grouped by the type they cover (RFC 4034 §3): each group is an RRset.
  // Empty when there are none.
  RrsetView signatures(NodeIx node, RrType covered) const noexcept;
  // The node's group of the next larger covered type; rrset(node, kRrsig) is the first. Empty: that
  // was the last.
  RrsetView signaturesAfter(NodeIx node, RrType covered) const noexcept;
  // Of negativeSoa(), with its TTL (RFC 4035 §2.2: an RRSIG's TTL is that of what it covers).
  RrsetView negativeSoaSignatures() const noexcept;
  // nullptr: the zone is not signed, and the DO bit changes nothing. Signed: DNSKEY at the apex,
  // and an NSEC there or an NSEC3PARAM with a chain that has the apex.
  const DenialChain* denial() const noexcept;
  // What is wrong with the zone's signing at this time; walks the whole zone.
  SigningFaults signingFaults(WallTime now) const;

 private:
  friend class ZoneBuilder;  // the loader's way in, record by record
  friend class DenialChain;
  struct State;
  explicit Zone(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace meridian::dns
