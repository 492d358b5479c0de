// DenialChain: the NSEC (RFC 4034 §4) or NSEC3 (RFC 5155) records of one signed zone, in the order
// of their chain, so that the record that matches or covers a name is a binary search away.
//
// Which of them an answer needs is dns/answer/denial.h's business. Lives in its zone and points
// into it. Threads: immutable; lookups from any thread, no allocation but a thread's first hash().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/digest.h"
#include "base/strong_id.h"
#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

using DenialIx = StrongId<struct DenialTag, std::uint32_t>;

// A zone that asks for more rounds of hashing is refused when it is read: each negative answer
// costs up to three times as many SHA-1, and validators treat such zones as unsigned (RFC 9276
// §3.2).
inline constexpr std::uint16_t kMaxNsec3Iterations = 100;

struct Nsec3Parameters {
  std::uint16_t iterations = 0;
  std::vector<std::uint8_t> salt;
  bool operator==(const Nsec3Parameters&) const = default;
};

// RFC 5155 §5: IH(salt, name, iterations). REQUIRES: `lowered` is lower-cased.
Sha1 nsec3Hash(NameView lowered, std::uint16_t iterations, std::span<const std::uint8_t> salt);

class DenialChain {
 public:
  struct Hashed {
    Sha1 hash{};
    NodeIx node;               // whose name is the hash
    std::uint32_t record = 0;  // indices of the zone's RRsets
    std::uint32_t signatures = 0;
  };
  // Of NSEC: nodes in canonical order, the apex first.
  DenialChain(const Zone::State& zone, std::vector<NodeIx> nodes);
  // Of NSEC3: ascending by hash, not empty.
  DenialChain(const Zone::State& zone, Nsec3Parameters parameters, std::vector<Hashed> hashed);

  bool isHashed() const { return !hashed_.empty(); }
  // RFC 9824: each NSEC speaks for its own name alone, and what does not exist is denied by one
  // that is made when it is asked for. So it is where the apex's NSEC leads to the first name that
  // could be below it, and that is not there.
  bool isCompact() const { return is_compact_; }
  std::size_t size() const { return isHashed() ? hashed_.size() : nodes_.size(); }
  std::size_t bytes() const;

  // The NSEC of this name, or else the one that covers it. REQUIRES: !isHashed(), the name is
  // within the zone.
  DenialIx find(NameView name) const noexcept;
  // Of a name, with the zone's parameters. REQUIRES: isHashed(), `lowered` is lower-cased.
  Sha1 hash(NameView lowered) const;
  // The NSEC3 of this hash, or else the one that covers it. REQUIRES: isHashed().
  DenialIx find(const Sha1& hash) const noexcept;
  bool matches(DenialIx record, const Sha1& hash) const noexcept {
    return hashed_[record.index()].hash == hash;
  }

  NameView owner(DenialIx record) const noexcept;
  RrsetView rrset(DenialIx record) const noexcept;
  RrsetView signatures(DenialIx record) const noexcept;  // empty: there are none

 private:
  const Zone::State& zone_;
  std::vector<NodeIx> nodes_;
  Nsec3Parameters parameters_;
  std::vector<Hashed> hashed_;
  bool is_compact_ = false;
};

}  // namespace meridian::dns
