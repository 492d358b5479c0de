// RateLimiter: response rate limiting (RRL). Who asks in another's name makes us send to that
// other; equal answers to one network beyond a rate are not sent, or sent small.
//
// An answer takes a token out of two buckets, or is limited when either is empty: that of the
// client's network, the kind of answer and the imputed name (dns/answer/answer_facts.h), and that
// of the network as a whole, which bounds what somebody gets who varies names or client subnets at
// will. A bucket holds what its rate gives in `burst`, one token at least. Of the answers that a
// bucket limits, every slip-th is cut (dns/wire/cut_response.h): a resolver that really asked comes
// back over TCP, which nobody limits.
//
// Memory is fixed at construction. A flood of networks or names makes nothing slower or larger, and
// no bucket gets tokens back by it (dns/net/bucket_table.h). It can have newcomers limited who did
// nothing, but only above `table_buckets` times the rate of a kind, in answers a second.
//
// Time: `now_ms` of any monotonic clock, below 2^43. It may jump: forward fills buckets, backward
// may empty those that are not full, and none stays empty for longer than `burst`.
//
// Threads: judge() from one, takeNotice() from another one; counters may be read by any.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/counter.h"
#include "base/ip.h"
#include "base/sip_hash.h"
#include "dns/answer/answer_facts.h"
#include "dns/net/bucket_table.h"
#include "dns/tap/tap_ring.h"

namespace meridian::dns {

struct RateLimits {
  // Answers a second; 0: no limit. By AnswerKind, and of a client network as a whole.
  std::array<std::uint32_t, kAnswerKinds> per_s{};
  std::uint32_t all_per_s = 0;
  std::chrono::seconds burst{5};
  std::uint32_t slip = 2;  // 0: none is cut, 1: all are
  std::uint8_t ipv4_prefix = 24;
  std::uint8_t ipv6_prefix = 56;
  std::size_t table_buckets = 65'536;  // names; networks have as many once more
  IpPrefixList allow;                  // never limited, and takes no tokens
  bool dry_run = false;                // counts what it would do
};

enum class RateVerdict : std::uint8_t { kSend, kCut, kDrop };

struct RateCounters {
  Counter dropped, cut;
  Counter would_drop, would_cut;  // in a dry run
};

// One of those that were limited, for the log.
struct RateNotice {
  IpAddress network;  // its first address
  std::uint8_t length = 0;
  std::optional<AnswerKind> kind;  // nullopt: all that the network got together
};

class RateLimiter {
 public:
  // Between two notices, so that an attack from everywhere fills no log.
  static constexpr std::uint64_t kNoticeEveryMs = 10'000;

  // `key` is secret and random: without it nobody finds names or networks that share a bucket.
  // `shares`: as many limiters see this server's clients by chance, each gives its share of the
  // rates. REQUIRES: shares > 0.
  RateLimiter(RateLimits limits, const SipKey& key, std::size_t shares = 1);

  // What to do with an answer to `client`. A client with a good cookie is never limited.
  RateVerdict judge(const IpAddress& client, const AnswerFacts& facts,
                    std::uint64_t now_ms) noexcept;

  const RateCounters& counters() const { return counters_; }
  // Of the first answer that was limited since the last notice, and kNoticeEveryMs.
  std::optional<RateNotice> takeNotice() noexcept;

 private:
  std::uint64_t hashOf(const IpAddress& network) const noexcept;
  // A product with a number that is secret and another one for each network, plus a secret that
  // keeps zero from being aimed at: that makes any two names of a network, and names of two
  // networks, meet as seldom as chance has it (universal hashing), for less than a second SipHash.
  std::uint64_t hashOf(std::uint64_t network_hash, const AnswerFacts& facts) const noexcept;
  // What a bucket owes at `now`. It is written down, so that a clock that went back is made good.
  std::uint64_t debtOf(Bucket& bucket, std::uint64_t now) const noexcept;
  bool isEmpty(std::uint64_t debt, std::uint64_t cost) const { return debt + cost > most_; }
  RateVerdict limited(Bucket& bucket) noexcept;
  void notice(const IpAddress& network, std::optional<AnswerKind> kind,
              std::uint64_t now_ms) noexcept;

  RateLimits limits_;
  SipKey key_;
  std::uint64_t name_key_;
  // In nanoseconds: what a token costs (0: no limit), and the most that a bucket owes. The same for
  // all kinds, as they share a table that hands debts on.
  std::array<std::uint64_t, kAnswerKinds> costs_;
  std::uint64_t all_cost_;
  std::uint64_t most_;
  BucketTable names_;
  BucketTable networks_;
  RateCounters counters_;
  TapRing notices_{1024};
  std::optional<std::uint64_t> noticed_ms_;
};

}  // namespace meridian::dns
