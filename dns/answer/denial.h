// Denial: the NSEC or NSEC3 records that one answer of a signed zone must carry (RFC 4035 §3.1.3,
// RFC 5155 §7.2), collected while the answer is made and written into its authority section.
//
// A record that several proofs need is written once. Names are lower-cased and within the zone.
// Not thread-safe; no allocation but for a thread's first hash (base/digest.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dns/wire/name.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

class Denial {
 public:
  // Each alias may come from a wildcard and need a record; the end of the chain needs up to three.
  static constexpr std::size_t kMaxRecords = 72;

  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): begin() sets what is read
  Denial() = default;
  // Before anything else. REQUIRES: zone.denial() is not nullptr; it outlives this.
  void begin(const Zone& zone) {
    zone_ = &zone;
    chain_ = zone.denial();
    count_ = 0;
  }

  // The name exists and has no such type, is an empty non-terminal, or a cut without DS.
  void addNoType(NameView name);
  // Neither the name exists nor a wildcard that would make it; `encloser_labels` are those of its
  // closest encloser.
  void addNoName(NameView name, std::size_t encloser_labels);
  // The answer comes from the wildcard below the encloser: the name itself does not exist.
  void addExpanded(NameView name, std::size_t encloser_labels);
  // The wildcard below the encloser would make the name, but has no such type.
  void addNoTypeAtWildcard(NameView name, std::size_t encloser_labels);

  // What was collected since the last call, each record with its signatures. False: did not fit.
  bool write(ResponseWriter& out);

 private:
  void add(DenialIx record);
  void addHashed(NameView name) { add(chain_->find(chain_->hash(name))); }
  NameView addEncloser(NameView name, NameView encloser);
  void addWildcard(NameView encloser);

  const Zone* zone_;
  const DenialChain* chain_;
  std::size_t count_;
  std::array<std::uint32_t, kMaxRecords> records_;  // of DenialIx; the first count_ are read
};

}  // namespace meridian::dns
