// answer(): one query's whole road, Q2 to Q7 of docs/ARCHITECTURE.md.
//
// Pure but for the counters: no lock, no I/O, no clock, no allocation. Three exceptions:
// explanations allocate (only listed networks may ask for them), a name below key.S costs a SHA-256
// for each partition (Placement::ofKey), and signed queries cost two MACs, which OpenSSL allocates
// for. The same function serves UDP, TCP, TLS, HTTPS, the fuzzers and the benchmarks.
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

// What a query's TSIG is to its answer (dns/answer/signed_query.h).
struct Signature {
  const TsigKey* key = nullptr;     // who asks: the signature was good
  Rcode refusal = Rcode::kNoError;  // it was not: the answer is that, and nothing more
  std::size_t answer_bytes = 0;     // that the answer's own TSIG will take
};

struct Client {
  IpAddress address;
  Transport transport = Transport::kUdp;
  std::uint32_t unix_time = 0;  // seconds since 1970, when the batch came: the age of cookies
  // nullptr: of a query that is not signed, or whose TSIG was not looked at yet. Must outlive the
  // answer.
  const Signature* signature = nullptr;
};

// Writes the response to `message` into `out` and returns its size; 0 means send nothing. A TSIG in
// `message` is checked, and the response signed, unless client.signature says that the caller does
// both (answerSigned()). `facts`, for those who limit responses or tell of them, are filled unless
// nullptr.
// REQUIRES: out.size() >= 4096 for UDP, kMaxMessage for the others; *facts is new.
std::size_t answer(std::span<const std::uint8_t> message, const Client& client,
                   const ServingState& state, std::span<std::uint8_t> out, AnswerCounters& counters,
                   AnswerFacts* facts = nullptr);

}  // namespace meridian::dns
