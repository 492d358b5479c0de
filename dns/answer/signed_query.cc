#include "dns/answer/signed_query.h"

namespace meridian::dns {
namespace {

const TsigKeys& orNone(const TsigKeys* keys) {
  static const TsigKeys kNoKeys;
  return keys == nullptr ? kNoKeys : *keys;
}

}  // namespace

SignedQuery::SignedQuery(std::span<const std::uint8_t> message, const TsigKeys* keys,
                         std::uint64_t unix_time) {
  const TsigCheck check = checkTsig(message, orNone(keys), unix_time);
  outcome_ = check.outcome;
  unsigned_size_ = check.unsigned_size;
  signature_.key = check.key;
  signature_.refusal = check.refusal();
  if (outcome_ == TsigOutcome::kNone || outcome_ == TsigOutcome::kMalformed) return;
  responder_.emplace(check);
  signature_.answer_bytes = responder_->recordSize();
}

std::size_t SignedQuery::sign(std::span<std::uint8_t> buffer, std::size_t size,
                              std::uint64_t unix_time) {
  return responder_ && size != 0 ? responder_->sign(buffer, size, unix_time) : size;
}

std::size_t answerSigned(std::span<const std::uint8_t> message, const Client& client,
                         const ServingState& state, std::span<std::uint8_t> out,
                         AnswerCounters& counters, AnswerFacts* facts) {
  SignedQuery asked(message, state.settings->tsig_keys.get(), client.unix_time);
  counters.tsig[static_cast<std::size_t>(asked.outcome())].add();
  Client signer = client;
  signer.signature = &asked.signature();
  const std::size_t size = answer(message, signer, state, out, counters, facts);
  if (facts != nullptr) facts->good_tsig = asked.outcome() == TsigOutcome::kGood;
  return asked.sign(out, size, client.unix_time);
}

}  // namespace meridian::dns
