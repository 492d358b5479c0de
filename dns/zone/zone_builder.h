// ZoneBuilder: takes records one by one, checks them against each other, and compiles the Zone.
//
// Records go straight into the zone's own memory: nothing is held twice while a zone of a million
// names is read. Not thread-safe. After a failed call the builder holds what it held before.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct ZoneNode;
struct ZoneRrset;

class ZoneBuilder {
 public:
  enum class Added : std::uint8_t {
    kNew,
    kDuplicate,  // the RRset had it already (RFC 2181 §5); dropped
    kTtlEvened,  // added; the RRset's TTLs differed, the smallest stands now (RFC 2181 §5.2)
  };
  ZoneBuilder();
  ~ZoneBuilder();
  ZoneBuilder(const ZoneBuilder&) = delete;
  ZoneBuilder& operator=(const ZoneBuilder&) = delete;

  // The node of this owner (any case), made at its first call; `line` is kept for check().
  // kTooLarge beyond 4 GiB of zone.
  Result<NodeIx> node(NameView owner, std::uint32_t line);
  // kInvalid where the node may not have the record: beside a CNAME (RFC 2181 §10.1), a second
  // CNAME, DNAME or SOA, an RRset that no message can carry. kTooLarge as above.
  Result<Added> add(NodeIx node, RrType type, std::uint32_t ttl,
                    std::span<const std::uint8_t> rdata);
  // Whether a SOA was added: its owner is the apex.
  bool hasApex() const;
  // Adds what is wrong with the records as a zone. That something is missing is only said while
  // `out` is empty: a line that was refused before may have been it.
  void check(const std::string& file, Diagnostics& out) const;
  // Compiles. REQUIRES: check() found nothing; no call after this one.
  std::shared_ptr<const Zone> build();

  // For Zone's constructor.
  static std::unique_ptr<const Zone::State> stateOf(const Name& apex,
                                                    const std::vector<ZoneRecord>& records);

 private:
  enum class Hidden : std::uint8_t { kNot, kBelowCut, kBelowDname };

  std::uint32_t findRrset(std::uint32_t node, RrType type) const;
  std::uint32_t findSignatures(std::uint32_t node, std::uint32_t covered) const;
  Status checkCname(std::uint32_t node, RrType type) const;
  bool holds(const ZoneRrset& rrset, std::span<const std::uint8_t> rdata) const;
  Status makeRoom(const ZoneNode& node, std::uint32_t rrset, std::size_t bytes);
  // Empty when the node may be in the zone.
  std::string nodeProblem(std::uint32_t node, const Name& apex) const;
  void chain(std::uint32_t node, std::uint32_t rrset);
  Added append(std::uint32_t rrset, std::uint32_t ttl, std::span<const std::uint8_t> rdata);
  std::unique_ptr<const Zone::State> compile();
  void addNode(std::uint32_t name, std::uint8_t size, std::uint8_t flags, std::uint64_t hash);
  void growTable();
  void linkAncestors();
  void markNodes();
  bool isCut(std::uint32_t node) const;
  // REQUIRES: hasApex(), the name is within the apex.
  Hidden hidden(const Name& lowered) const;
  void collectAdditional();
  void collectAdditional(std::uint32_t node, ZoneRrset& rrset);
  std::uint32_t addressNode(std::uint32_t node, RrType type,
                            std::span<const std::uint8_t> rdata) const;
  void renderNegativeSoa();
  // zone_denial.cc. NSEC3PARAMs that ask for too much work.
  void checkIterations(const std::string& file, Diagnostics& out) const;
  bool ownsOnlyNsec3(std::uint32_t node) const;
  void indexDenial();
  void takeNsec3(std::vector<DenialChain::Hashed>& out);
  void hideHashedNames(const std::vector<DenialChain::Hashed>& taken);
  void chainNsec3(std::span<const std::uint8_t> parameters,
                  const std::vector<DenialChain::Hashed>& taken);
  void chainNsec();
  void lowerDenialTtls();

  std::unique_ptr<Zone::State> state_;
  std::vector<std::uint32_t> lines_;  // by node: where its first record stands
  std::size_t hiding_rrsets_ = 0;     // NS and DNAME
};

}  // namespace meridian::dns
