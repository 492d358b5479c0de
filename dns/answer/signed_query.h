// SignedQuery: the seam between signed messages and what answers them. Checks a message's TSIG,
// tells who asks, and signs what is answered, in one message or in a stream of them.
//
//   SignedQuery asked(message, state.settings->tsig_keys.get(), client.unix_time);
//   if (asked.signature().refusal == Rcode::kNoError) … asked.signature().key may have it, or not
//   size = asked.sign(out, size, now);   // each message of the answer; unsigned to who did not
//   sign
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dns/answer/answerer.h"
#include "dns/wire/tsig.h"

namespace meridian::dns {

class SignedQuery {
 public:
  // `keys`, nullptr: there are none. They must outlive signature().key, nothing else of this.
  SignedQuery(std::span<const std::uint8_t> message, const TsigKeys* keys, std::uint64_t unix_time);

  TsigOutcome outcome() const { return outcome_; }
  const Signature& signature() const { return signature_; }
  // Of the message without TSIG; its ARCOUNT still has it.
  std::size_t unsignedSize() const { return unsigned_size_; }

  // Signs the message that is the first `size` bytes of `buffer`, or adds the error that the TSIG
  // asks for; returns the new size, or `size` where nothing is to be added: a message that was not
  // signed, or was malformed. 0: `size` was, or there is no room, of which signature().answer_bytes
  // are needed.
  std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size, std::uint64_t unix_time);

 private:
  TsigOutcome outcome_ = TsigOutcome::kNone;
  Signature signature_;
  std::size_t unsigned_size_ = 0;
  std::optional<TsigResponder> responder_;
};

// answer() of a message with TSIG: checked, counted, answered, signed. Kept apart from answer(),
// whose frame would have to hold what only signed queries need.
[[gnu::noinline]] std::size_t answerSigned(std::span<const std::uint8_t> message,
                                           const Client& client, const ServingState& state,
                                           std::span<std::uint8_t> out, AnswerCounters& counters,
                                           AnswerFacts* facts);

}  // namespace meridian::dns
