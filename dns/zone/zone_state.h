// The memory of a Zone, as ZoneBuilder fills it and Zone reads it.
//
// One arena holds names and rendered RRsets, so that a node's name and its first RRset share cache
// lines. Nodes find each other through an open-addressing table of names; RRsets of a node are a
// chain, ascending by type. All links are 32-bit indices: a zone is refused at 4 GiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dns/zone/denial_chain.h"
#include "dns/zone/name_table.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

enum NodeFlag : std::uint8_t {
  kHasUpperCase = 1,  // the name is not its own lower-cased form
  kIsCut = 2,         // NS that delegate; not at the apex, not at a wildcard
  kHasDname = 4,      // names below are redirected; no node is below it
  kHasWildcard = 8,   // a "*" child exists
  kIsOccluded = 16,   // below a cut: glue at most; or a name that only hashes into NSEC3
};

struct ZoneNode {
  std::uint32_t name = 0;           // offset in the arena
  std::uint32_t rrsets = kNoIndex;  // first of the chain
  std::uint8_t name_size = 0;
  std::uint8_t flags = 0;
};

struct ZoneRrset {
  std::uint32_t offset = 0;  // in the arena
  std::uint32_t next = kNoIndex;
  std::uint32_t additional = kNoIndex;  // in State::additional_lists; of RRSIGs: the type covered
  RrType type = RrType::kA;
  std::uint16_t size = 0;  // bytes rendered
  std::uint16_t capacity = 0;
  std::uint16_t count = 0;
};

struct Zone::State {
  struct AdditionalList {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  Name apex;  // lower-cased
  std::uint32_t apex_node = kNoIndex;
  std::size_t record_count = 0;
  std::size_t max_labels = 0;  // no node has more
  std::vector<std::uint8_t> arena;
  std::vector<ZoneNode> nodes;
  std::vector<ZoneRrset> rrsets;
  std::vector<AdditionalList> additional_lists;
  std::vector<NodeIx> additional_nodes;
  std::vector<std::uint8_t> negative_soa;
  std::vector<std::uint8_t> negative_soa_signatures;
  std::unique_ptr<const DenialChain> denial;  // nullptr: not signed
  // NSEC3 and its signatures, which no chain of a node has: node and RRset, ascending.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> hashed_rrsets;
  NameTable table;

  NameView nameOf(const ZoneNode& node) const {
    return NameView({arena.data() + node.name, node.name_size});
  }
  Name loweredName(const ZoneNode& node) const { return Name(nameOf(node)).lowered(); }
  RrsetView view(const ZoneRrset& rrset) const;
  // nullptr when the node has no such RRset.
  const ZoneRrset* rrsetOf(const ZoneNode& node, RrType type) const;
  // nullptr when the node has no RRSIG that covers the type.
  const ZoneRrset* signaturesOf(const ZoneNode& node, RrType covered) const;
  // The node of this name, or kNoIndex. REQUIRES: hash is hashName(lowered).
  std::uint32_t probe(NameView lowered, std::uint64_t hash) const;
  std::uint32_t probe(NameView lowered) const { return probe(lowered, hashName(lowered)); }
  // The "*" child. REQUIRES: the node of `encloser` has kHasWildcard.
  std::uint32_t wildcardOf(NameView encloser) const;
};

}  // namespace meridian::dns
