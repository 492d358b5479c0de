// QueryTap: where one thread that answers queries tells of some of them. They go into a ring, which
// the tap's thread empties (dns/tap/tap_thread.h).
//
// A query that nobody is told of costs two subtractions. One that is told of costs the copying of
// its messages; the writer never waits, and where the ring is full the query is dropped and
// counted.
//
// Threads: next() and tell() from one, ring()'s reader another; counters from any.
#pragma once

#include <cstdint>
#include <span>

#include "base/counter.h"
#include "dns/answer/answer_facts.h"
#include "dns/answer/serving_state.h"
#include "dns/tap/sampler.h"
#include "dns/tap/tap_record.h"
#include "dns/tap/tap_ring.h"

namespace meridian::dns {

// One query of so many is told; 0: none.
struct TapRates {
  std::uint32_t dnstap = 0;
  std::uint32_t log = 0;
};

class QueryTap {
 public:
  // For the largest message over TCP, and thousands of usual ones over UDP.
  static constexpr std::size_t kRingBytes = std::size_t{1} << 20;

  QueryTap(const TapRates& rates, std::uint64_t seed, std::size_t ring_bytes = kRingBytes)
      : dnstap_(rates.dnstap, seed), log_(rates.log, ~seed), ring_(ring_bytes) {}

  // Who is to be told of the next query. To be asked once for each.
  TapWish next() noexcept { return {dnstap_.take(), log_.take()}; }

  // `record` has everything but what `facts` say, whose decision is good for `state`. What is no
  // query, by its header, is left out.
  void tell(TapRecord& record, const AnswerFacts& facts, const ServingState& state) noexcept;

  std::uint64_t told() const { return told_.value(); }  // put into the ring
  std::uint64_t dropped() const { return ring_.dropped(); }
  TapRing& ring() { return ring_; }

 private:
  Sampler dnstap_;
  Sampler log_;
  Counter told_;
  TapRing ring_;
};

}  // namespace meridian::dns
