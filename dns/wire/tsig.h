// TSIG (RFC 8945): messages signed with a key that both sides have, by a MAC in their last record.
//
//   server   checkTsig(message, keys, now) → TsigCheck; TsigResponder(check).sign(response…)
//   client   TsigRequester requester(key); requester.sign(query…); requester.check(response…)
//
// All of it works on the bytes as they travel. Not done: remembering the latest time a key signed
// at (§5.2.3 "SHOULD"): several clients share a key, so a message within the fudge can be sent
// again. docs/decisions/0007-tsig.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

inline constexpr std::uint16_t kTsigFudge = 300;  // seconds that clocks may differ (RFC 8945 §10)

// HMAC of a hash, whose MACs may be sent cut by who signs (§5.2.2.1), never by us. hmac-md5 is
// known to nobody here.
enum class TsigAlgorithm : std::uint8_t {
  kHmacSha256,
  kHmacSha224,
  kHmacSha384,
  kHmacSha512,
  kHmacSha1
};
// "hmac-sha256", in any case and with or without the final dot. kInvalid: none of ours.
Result<TsigAlgorithm> parseTsigAlgorithm(std::string_view text);
std::string_view tsigAlgorithmName(TsigAlgorithm algorithm);

struct TsigKey {
  static constexpr std::size_t kMinSecret = 16;  // bytes
  static constexpr std::size_t kMaxSecret = 512;

  Name name;  // lower-cased
  TsigAlgorithm algorithm = TsigAlgorithm::kHmacSha256;
  std::string secret;  // the bytes, not base64
};

// The keys of a server. Immutable. Threads: any.
class TsigKeys {
 public:
  static constexpr std::size_t kMax = 1000;

  TsigKeys() = default;  // none
  // kInvalid: more than kMax, a name twice, a secret too short or too long. The message names the
  // key and never has its secret.
  static Result<TsigKeys> build(std::vector<TsigKey> keys);

  std::size_t size() const { return keys_.size(); }
  // nullptr: no key of that name. `lowered` is lower-cased.
  const TsigKey* find(NameView lowered) const;

 private:
  std::vector<TsigKey> keys_;  // by name
};

enum class TsigOutcome : std::uint8_t {
  kNone,       // not signed
  kGood,       // the request is its key's
  kBadKey,     // no such key, or of another algorithm
  kBadSig,     // not made with that key, or the message was changed
  kBadTime,    // made with it, but outside the fudge
  kMalformed,  // FORMERR: not the last record, class, TTL, RDATA, a MAC shorter or longer than any
};
inline constexpr std::size_t kTsigOutcomes = 6;
// As metrics name it, e.g. "badkey".
std::string_view tsigOutcomeName(TsigOutcome outcome);

// What came of a request's signature, and what its answer's needs of it.
struct TsigCheck {
  TsigOutcome outcome = TsigOutcome::kNone;
  const TsigKey* key = nullptr;   // who signed, into the TsigKeys; for kGood only
  std::size_t unsigned_size = 0;  // of the message without TSIG (its ARCOUNT still has it)
  // Below: not for kNone and kMalformed. As in the record, but for answer_key and checked_at.
  const TsigKey* answer_key = nullptr;  // signs the answer: for kGood and kBadTime
  Name key_name;                        // lower-cased, as is the next
  Name algorithm;                       // any name
  Mac mac;
  std::uint64_t time_signed = 0;  // seconds since 1970, 48 bits
  std::uint16_t fudge = 0;
  std::uint64_t checked_at = 0;  // the `unix_time` of the check

  // What the answer is to be when its question may not be answered: FORMERR or NOTAUTH; kNoError
  // for kNone and kGood.
  Rcode refusal() const;
};

// Key, then MAC, then time (§5.2). `message` may be any bytes: one that has no TSIG, or is broken
// before one was found, is kNone, and for its parser to refuse. `keys` must outlive the check.
TsigCheck checkTsig(std::span<const std::uint8_t> message, const TsigKeys& keys,
                    std::uint64_t unix_time);

// What each MAC of an exchange has of those before it (§5.3.1). Part of the two classes below.
class TsigChain {
 public:
  static constexpr std::size_t kMaxUnsigned = 99;  // messages in a row

  void begin(const Mac& request);
  bool first() const { return first_; }
  std::size_t unsignedMessages() const { return unsigned_; }
  // What the next MAC is made with so far: the one before, and messages left unsigned since.
  Hmac& next(const TsigKey& key);
  // False: a signature is due.
  bool addUnsigned(const TsigKey& key, std::span<const std::uint8_t> message);
  // Ends a signed message; its MAC as it was sent is what the next are chained to.
  Mac finish();
  void signedWith(const Mac& sent);

 private:
  Mac prior_;                    // of the request, then of the message signed last
  std::optional<Hmac> running_;  // over prior_ and what was left unsigned
  std::size_t unsigned_ = 0;
  bool first_ = true;
};

// Signs what answers one request: one message, or a stream of them over TCP (§5.3.1).
class TsigResponder {
 public:
  // REQUIRES: an outcome other than kNone and kMalformed; the keys may be gone afterwards. Of a
  // refused request: its answers carry the error (§5.3.2), BADKEY and BADSIG without a MAC, BADTIME
  // signed and with this server's time.
  explicit TsigResponder(const TsigCheck& check);

  // What sign() adds to a message.
  std::size_t recordSize() const;
  // Adds the record to the message that is the first `size` bytes of `buffer`; returns the new
  // size. 0: no room for it, in `buffer` or in a message. REQUIRES: size >= kHeaderBytes, and an
  // ARCOUNT below 65,535.
  std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size, std::uint64_t unix_time);
  // A message of the stream that goes out unsigned; the next signature covers it. False: it must be
  // signed, because it is the first, or 99 before it were not. (The last must be, too.)
  bool leaveUnsigned(std::span<const std::uint8_t> message);

 private:
  std::optional<TsigKey> key_;  // none: unsigned errors
  Name key_name_;
  Name algorithm_;
  TsigError error_;
  std::uint16_t fudge_;
  std::uint64_t time_signed_;  // of the request, for BADTIME; and this server's
  std::uint64_t checked_at_;
  TsigChain chain_;
};

enum class TsigFailure : std::uint8_t {
  kUnsigned,        // the first message, or the hundredth in a row, has no signature
  kMalformed,       // as TsigOutcome's
  kOtherKey,        // signed with another key or algorithm than the request
  kBadSig,          // the MAC is wrong
  kBadTime,         // outside the fudge
  kPeerBadKey,      // the server's own errors. These two are unsigned, so anybody may have sent
  kPeerBadSig,      // them
  kPeerBadTime,     // signed: the clocks differ
  kPeerBadTrunc,    // signed
  kPeerOtherError,  // signed
};
// A reason for a log, e.g. "the server does not know the key (BADKEY)".
std::string_view tsigFailureText(TsigFailure failure);

// The client's side of one exchange: a request, and all messages that answer it, in order.
class TsigRequester {
 public:
  explicit TsigRequester(TsigKey key) : key_(std::move(key)) {}

  // What sign() adds to a request.
  std::size_t recordSize() const;
  // Signs a request as TsigResponder::sign() does an answer, and begins an exchange with it.
  std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size, std::uint64_t unix_time);

  // The size of the message without its signature, if it has one. An unsigned one is believed only
  // once a signed one has followed: look at complete(). After a failure the exchange is over.
  // REQUIRES: sign() was called.
  tl::expected<std::size_t, TsigFailure> check(std::span<const std::uint8_t> message,
                                               std::uint64_t unix_time);
  // Whether the answer may end here: the last message was signed (§5.3.1).
  bool complete() const { return !chain_.first() && chain_.unsignedMessages() == 0; }

 private:
  TsigKey key_;
  TsigChain chain_;
};

}  // namespace meridian::dns
