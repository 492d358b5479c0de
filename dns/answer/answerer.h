// answer(): one query's whole road, Q2 to Q7 of docs/ARCHITECTURE.md.
//
// Pure but for the counters: no lock, no I/O, no clock, no allocation. Two exceptions: explanations
// allocate (only listed networks may ask for them), and a name below key.S costs a SHA-256 for each
// partition (Placement::ofKey). The same function serves UDP, TCP, the fuzzers and the benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "dns/answer/answer_counters.h"
#include "dns/answer/answer_facts.h"
#include "dns/answer/serving_state.h"

namespace meridian::dns {

enum class Transport : std::uint8_t { kUdp, kTcp, kTls, kHttps };

// Others cannot read what is sent; its size they see.
constexpr bool isEncrypted(Transport transport) {
  return transport >= Transport::kTls;
}

struct Client {
  IpAddress address;
  Transport transport = Transport::kUdp;
  std::uint32_t unix_time = 0;  // seconds since 1970, when the batch came: the age of cookies
};

// Writes the response to `message` into `out` and returns its size; 0 means send nothing. `facts`,
// for those who limit responses, are filled unless nullptr. REQUIRES: out.size() >= 4096 for UDP,
// kMaxMessage for the others; *facts is new.
std::size_t answer(std::span<const std::uint8_t> message, const Client& client,
                   const ServingState& state, std::span<std::uint8_t> out, AnswerCounters& counters,
                   AnswerFacts* facts = nullptr);

}  // namespace meridian::dns
