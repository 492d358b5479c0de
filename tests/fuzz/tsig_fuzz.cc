// Any bytes as a message with TSIG: to a server, whose answers must then be the client's to believe
// where the outcome was good, and to a client. And what we sign ourselves, however odd the message,
// is good as long as its records can be walked over.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "dns/wire/skip_name.h"
#include "dns/wire/tsig.h"

namespace {

using namespace meridian::dns;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kNow = 1'700'000'000;

void require(bool holds) {
  if (!holds) std::abort();
}

const TsigKeys& fuzzKeys() {
  static const TsigKeys kKeys = [] {
    std::string secret;
    for (char c = 0; c < 32; ++c) secret += c;
    auto built = TsigKeys::build({{*Name::parse("key.example"), TsigAlgorithm::kHmacSha256, secret},
                                  {*Name::parse("k"), TsigAlgorithm::kHmacSha1, secret}});
    return *built;
  }();
  return kKeys;
}

bool isWhole(std::span<const std::uint8_t> message) {
  meridian::ByteReader in(message);
  in.skip(4);
  const std::uint16_t questions = in.u16();
  std::uint32_t records = 0;
  for (int i = 0; i < 3; ++i) records += in.u16();
  for (std::uint32_t i = 0; i < questions && in.ok(); ++i) {
    skipName(in);
    in.skip(4);
  }
  for (std::uint32_t i = 0; i < records && in.ok(); ++i) {
    skipName(in);
    if (in.u16() == static_cast<std::uint16_t>(RrType::kTsig)) return false;
    in.skip(6);
    in.skip(in.u16());
  }
  return in.ok() && in.remaining() == 0;
}

void asRequest(std::span<const std::uint8_t> message) {
  const TsigCheck check = checkTsig(message, fuzzKeys(), kNow);
  require(check.unsigned_size <= message.size());
  require((check.key != nullptr) == (check.outcome == TsigOutcome::kGood));
  require((check.refusal() == Rcode::kNoError) ==
          (check.outcome == TsigOutcome::kGood || check.outcome == TsigOutcome::kNone));
  if (check.outcome == TsigOutcome::kNone || check.outcome == TsigOutcome::kMalformed) return;
  require(check.unsigned_size < message.size());
  TsigResponder responder(check);
  Bytes answer(kHeaderBytes, 0);
  answer.resize(kHeaderBytes + responder.recordSize());
  require(responder.sign(answer, kHeaderBytes, kNow) == answer.size());
  require(checkTsig(answer, fuzzKeys(), kNow).unsigned_size == kHeaderBytes);
}

void asAnswer(std::span<const std::uint8_t> message) {
  const TsigKey* key = fuzzKeys().find(*Name::parse("key.example"));
  TsigRequester requester(*key);
  Bytes request(kHeaderBytes, 0);
  request.resize(kHeaderBytes + requester.recordSize());
  require(requester.sign(request, kHeaderBytes, kNow) == request.size());
  // Its MAC is of another request.
  require(!requester.check(message, kNow));
  require(!requester.complete());
}

void signedByUs(std::span<const std::uint8_t> message) {
  if (message.size() < kHeaderBytes || !isWhole(message)) return;
  if (message[10] == 0xFF && message[11] == 0xFF) return;
  const TsigKey* key = fuzzKeys().find(*Name::parse("k"));
  TsigRequester requester(*key);
  Bytes request(message.begin(), message.end());
  request.resize(message.size() + requester.recordSize());
  const std::size_t size = requester.sign(request, message.size(), kNow);
  if (size == 0) return require(request.size() > kMaxMessage);
  const TsigCheck check = checkTsig(request, fuzzKeys(), kNow);
  require(check.outcome == TsigOutcome::kGood && check.unsigned_size == message.size());
  TsigResponder responder(check);
  Bytes answer(message.begin(), message.end());
  for (int i = 0; i < 3; ++i) {
    answer.resize(message.size());
    answer[10] = message[10];
    answer[11] = message[11];
    answer.resize(message.size() + responder.recordSize());
    require(responder.sign(answer, message.size(), kNow) == answer.size());
    const auto taken = requester.check(answer, kNow);
    require(taken && *taken == message.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span message(data, size);
  asRequest(message);
  asAnswer(message);
  signedByUs(message);
  return 0;
}
