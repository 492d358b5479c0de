#include "dns/net/rate_limiter.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace meridian::dns {
namespace {

static_assert(std::is_trivially_copyable_v<RateNotice>);  // they travel as bytes

constexpr std::uint64_t kNanosInSecond = 1'000'000'000;
constexpr std::uint64_t kNanosInMilli = 1'000'000;

std::uint64_t costOf(std::uint32_t per_s, std::size_t shares) {
  return per_s == 0 ? 0 : kNanosInSecond * shares / per_s;
}

}  // namespace

RateLimiter::RateLimiter(RateLimits limits, const SipKey& key, std::size_t shares)
    : limits_(std::move(limits)),
      key_(key),
      name_key_(sipHash24(key, {})),
      costs_{},
      all_cost_(costOf(limits_.all_per_s, shares)),
      most_(
          std::max(static_cast<std::uint64_t>(limits_.burst.count()) * kNanosInSecond, all_cost_)),
      names_(limits_.table_buckets),
      networks_(limits_.table_buckets) {
  for (std::size_t i = 0; i < kAnswerKinds; ++i) {
    costs_[i] = costOf(limits_.per_s[i], shares);
    most_ = std::max(most_, costs_[i]);
  }
}

std::uint64_t RateLimiter::debtOf(Bucket& bucket, std::uint64_t now) const noexcept {
  if (bucket.paid_at <= now) return 0;
  bucket.paid_at = std::min(bucket.paid_at, now + most_);
  return bucket.paid_at - now;
}

std::uint64_t RateLimiter::hashOf(const IpAddress& network) const noexcept {
  std::array<std::uint8_t, sizeof(U128) + 1> bytes{};
  const U128 bits = network.bits();
  std::memcpy(bytes.data(), &bits, sizeof bits);
  bytes.back() = network.isV4() ? 4 : 6;
  return sipHash24(key_, bytes);
}

std::uint64_t RateLimiter::hashOf(std::uint64_t network_hash,
                                  const AnswerFacts& facts) const noexcept {
  const std::uint64_t name =
      facts.imputed + static_cast<std::uint64_t>(facts.kind) * 0x9E3779B97F4A7C15;
  const U128 product = U128{network_hash | 1} * (name ^ name_key_);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

RateVerdict RateLimiter::judge(const IpAddress& client, const AnswerFacts& facts,
                               std::uint64_t now_ms) noexcept {
  if (facts.good_cookie || facts.good_tsig || limits_.allow.contains(client))
    return RateVerdict::kSend;
  const std::uint64_t now = now_ms * kNanosInMilli;
  const IpAddress masked = client.masked(client.isV4() ? limits_.ipv4_prefix : limits_.ipv6_prefix);
  const std::uint64_t network = hashOf(masked);

  Bucket* whole = nullptr;
  std::uint64_t whole_debt = 0;
  if (all_cost_ != 0) {
    whole = &networks_.of(network);
    whole_debt = debtOf(*whole, now);
    if (isEmpty(whole_debt, all_cost_)) {
      notice(masked, std::nullopt, now_ms);
      return limited(*whole);
    }
  }
  if (const std::uint64_t cost = costs_[static_cast<std::size_t>(facts.kind)]; cost != 0) {
    Bucket& own = names_.of(hashOf(network, facts));
    const std::uint64_t debt = debtOf(own, now);
    if (isEmpty(debt, cost)) {
      notice(masked, facts.kind, now_ms);
      return limited(own);
    }
    own.paid_at = now + debt + cost;
  }
  if (whole != nullptr) whole->paid_at = now + whole_debt + all_cost_;
  return RateVerdict::kSend;
}

// A clock that went back makes the time since the last one very long, and the next is told.
void RateLimiter::notice(const IpAddress& network, std::optional<AnswerKind> kind,
                         std::uint64_t now_ms) noexcept {
  if (noticed_ms_ && now_ms - *noticed_ms_ < kNoticeEveryMs) return;
  noticed_ms_ = now_ms;
  const RateNotice told{network, network.isV4() ? limits_.ipv4_prefix : limits_.ipv6_prefix, kind};
  const std::span<std::uint8_t> room = notices_.reserve(sizeof told);
  if (room.empty()) return;  // nobody takes them
  std::memcpy(room.data(), &told, sizeof told);
  notices_.commit();
}

std::optional<RateNotice> RateLimiter::takeNotice() noexcept {
  const std::span<const std::uint8_t> oldest = notices_.front();
  if (oldest.empty()) return std::nullopt;
  RateNotice out;
  std::memcpy(&out, oldest.data(), sizeof out);
  notices_.pop();
  return out;
}

RateVerdict RateLimiter::limited(Bucket& bucket) noexcept {
  ++bucket.limited;
  const bool cut = limits_.slip != 0 && bucket.limited >= limits_.slip;
  if (cut) bucket.limited = 0;
  if (limits_.dry_run) {
    (cut ? counters_.would_cut : counters_.would_drop).add();
    return RateVerdict::kSend;
  }
  (cut ? counters_.cut : counters_.dropped).add();
  return cut ? RateVerdict::kCut : RateVerdict::kDrop;
}

}  // namespace meridian::dns
