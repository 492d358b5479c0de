// Random lives of a zone's keys before validators that have cached whatever they could: at any
// time, whichever DS set, DNSKEY RRset and signature a cache may hold, they make a chain. The store
// fails, the server restarts with other policies, clocks are set, rolls are asked for at any
// moment, signer, parent and operator are late or never do their part.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dns/sign/key_service.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::dns {
namespace {

using std::chrono::seconds;
using Seconds = std::int64_t;  // that have really passed since the life began
using Tags = std::set<std::uint16_t>;

constexpr Seconds kLife = 4'000;
constexpr int kLives = 150;
constexpr std::size_t kRrsets = 3;
// Servers have a change after at most that; policies say some seconds more, by which clocks may be
// wrong unnoticed.
constexpr Seconds kSpread = 5;

struct ShownKeys {
  Tags keys, signers, for_parent;
};
struct ShownRrset {
  std::optional<std::uint16_t> signer;  // nullopt: not signed
  Seconds ends = kLife * 10;            // its signature does
};

// What was served, one after another.
template <class Content>
class Served {
 public:
  void serve(Content content, Seconds ttl, Seconds now) {
    versions_.push_back({std::move(content), ttl, now});
  }
  bool empty() const { return versions_.empty(); }
  const Content& last() const { return versions_.back().content; }
  // All that a cache may hold.
  std::vector<Content> cached(Seconds now) const {
    std::vector<Content> out;
    for (std::size_t i = 0; i < versions_.size(); ++i) {
      const bool is_last = i + 1 == versions_.size();
      if (is_last || now < versions_[i + 1].since + kSpread + versions_[i].ttl) {
        out.push_back(versions_[i].content);
      }
    }
    return out;
  }

 private:
  struct Version {
    Content content;
    Seconds ttl, since;
  };
  std::vector<Version> versions_;
};

Tags tagsOf(const KeySet::Keys& keys) {
  Tags out;
  for (const auto& key : keys) out.insert(key->tag());
  return out;
}

class KeyLife {
 public:
  explicit KeyLife(unsigned seed)
      : random_(seed),
        split_keys_(chance(0.5)),
        never_reports_(chance(0.1)),
        parent_polls_(chance(0.9)),
        zone_ttl_(between(1, 60)) {
    shown_keys_.serve({}, zone_ttl_, -1'000);
    parent_.serve({}, 60, -1'000);
    for (auto& rrset : rrsets_) rrset.serve({}, zone_ttl_, -1'000);
    newPolicy();
    start();
  }

  // Empty: nothing went wrong.
  std::string run() {
    for (now_ = 0; now_ < kLife && wrong_.empty(); ++now_) step();
    return wrong_;
  }
  std::uint64_t rollsEnded(KeyRole role) const {
    return ended_[static_cast<std::size_t>(role)] +
           service_->counters().rolls_ended[static_cast<std::size_t>(role)];
  }
  bool parentHasKeys() const { return !parent_.last().empty(); }

 private:
  bool chance(double of) { return std::bernoulli_distribution(of)(random_); }
  Seconds between(Seconds low, Seconds high) {
    return std::uniform_int_distribution<Seconds>(low, high)(random_);
  }

  void newPolicy() {
    policy_.algorithm = SigningAlgorithm::kEd25519;
    policy_.split_keys = split_keys_;
    policy_.dnskey_ttl = seconds(between(1, 60));
    policy_.propagation_delay = seconds(between(kSpread + 3, 20));
    policy_.parent_propagation_delay = seconds(between(kSpread + 3, 20));
    policy_.parent_ds_ttl = seconds(60);
    policy_.signature_lifetime = seconds(between(80, 240));
    policy_.refresh_before = seconds(30);
    policy_.zsk_lifetime = seconds(chance(0.5) ? 0 : between(360, 900));
    policy_.ksk_lifetime = seconds(chance(0.5) ? 0 : between(480, 900));
  }
  void start() {
    if (service_) {
      for (std::size_t i = 0; i < ended_.size(); ++i) {
        ended_[i] += service_->counters().rolls_ended[i];
      }
    }
    ZonePolicy policy;
    policy.name = apex_;
    policy.sign = policy_;
    auto opened =
        KeyService::open(std::make_shared<test::MemoryStore>(disk_, KeyService::families()), clock_,
                         std::make_shared<const ZonePolicies>(std::vector{std::move(policy)}));
    if (!opened) {
      wrong_ = opened.error().message;
      return;
    }
    service_.emplace(std::move(*opened));
    service_->onChange([this](NameView) { publish_at_ = now_ + lateness(); });
    static_cast<void>(service_->zoneServed(apex_, seconds(zone_ttl_)));
  }
  Seconds lateness() { return chance(0.5) ? 0 : chance(0.9) ? between(0, 30) : between(0, 400); }

  void step() {
    changed_ = false;
    moveClocks();
    disk_->fail_at.reset();
    if (chance(0.001)) {
      service_->tick();
      if (chance(0.3)) newPolicy();
      start();
    }
    if (chance(0.02)) {
      disk_->fail_at = disk_->writes;
      disk_->failure =
          chance(0.5) ? test::MemoryDisk::Failure::kLost : test::MemoryDisk::Failure::kStored;
    }
    // Before the tick, often: whoever asks first after a clock was set must not be deceived.
    if (chance(0.01)) askForRoll();
    sign();
    confirm();
    service_->tick();
    if (const auto keys = service_->keysOf(apex_)) checkSet(*keys);
    pollKeys();
    if (changed_) checkChains();
  }

  void moveClocks() {
    clock_.advance(seconds(1));
    if (chance(0.002)) clock_.jump(seconds(between(-100'000, 100'000)));
    if (chance(0.002)) clock_.jump(std::chrono::milliseconds(between(-1'500, 1'500)));
  }
  void askForRoll() {
    constexpr KeyRole kRoles[] = {KeyRole::kKsk, KeyRole::kZsk, KeyRole::kCsk};
    static_cast<void>(service_->roll(apex_, kRoles[between(0, 2)]));
  }

  // The signer: brings DNSKEY into service, and signs each RRset when it comes to it.
  void sign() {
    const auto keys = service_->keysOf(apex_);
    if (keys == nullptr) return;
    if (publish_at_ && now_ >= *publish_at_) {
      publish_at_.reset();
      published_ = keys;
      ShownKeys shown{{}, tagsOf(keys->key_signers), {}};
      for (const auto& each : keys->dnskeys) shown.keys.insert(keyTagOf(each));
      for (const auto& each : keys->cdnskeys) shown.for_parent.insert(keyTagOf(each));
      shown_keys_.serve(std::move(shown), keys->dnskey_ttl, now_);
      changed_ = true;
    }
    if (published_ == nullptr) return;
    const std::uint16_t signer = keys->zone_signers.at(0)->tag();
    bool whole = true;
    for (auto& rrset : rrsets_) {
      const ShownRrset& last = rrset.last();
      const bool must = last.signer && last.ends - now_ <= policy_.refresh_before.count();
      const bool may = last.signer != signer && chance(0.05);
      if (must || may) {
        rrset.serve({signer, now_ + policy_.signature_lifetime.count()}, zone_ttl_, now_);
        changed_ = true;
      }
      whole = whole && rrset.last().signer == signer;
    }
    if (chance(0.001)) changeTtl();
    if (never_reports_ || !chance(0.2)) return;
    service_->keysServed(apex_, *published_);
    if (whole && published_ == keys) service_->zoneSigned(apex_, *keys);
  }
  void changeTtl() {
    zone_ttl_ = between(1, 60);
    for (auto& rrset : rrsets_) rrset.serve(rrset.last(), zone_ttl_, now_);
    static_cast<void>(service_->zoneServed(apex_, seconds(zone_ttl_)));
    // A store that failed lets the service not know of a TTL that it is told of again.
    while (!service_->zoneServed(apex_, seconds(zone_ttl_))) continue;
  }

  // The parent takes what CDS say, at some server of the zone, now and then.
  void pollKeys() {
    if (!parent_polls_ || !chance(0.01)) return;
    const Tags& wanted = shown_keys_.last().for_parent;
    if (wanted.empty() || wanted == parent_.last()) return;
    parent_.serve(wanted, 60, now_);
    confirm_at_ = chance(0.1) ? std::optional<Seconds>() : now_ + lateness();
    changed_ = true;
  }
  void confirm() {
    if (!confirm_at_ || now_ < *confirm_at_) return;
    bool done = true;
    for (const std::uint16_t tag : parent_.last()) {
      done = done && service_->dsSeen(apex_, tag).has_value();
    }
    if (done || chance(0.1)) confirm_at_.reset();
  }

  void checkSet(const KeySet& keys) {
    if (keys.key_signers.empty()) wrong("nobody signs the keys");
    if (keys.zone_signers.size() != 1) wrong("not one key signs the zone");
    const Tags signers = tagsOf(keys.key_signers);
    Tags all;
    for (const auto& each : keys.dnskeys) all.insert(keyTagOf(each));
    if (all.size() != keys.dnskeys.size()) wrong("a tag twice");
    if (all.size() > ZoneKeys::kMaxKeys) wrong("too many keys");
    for (const std::uint16_t tag : tagsOf(keys.zone_signers)) {
      if (!all.contains(tag)) wrong("the zone's signer is not in DNSKEY");
    }
    for (std::size_t i = 0; i < keys.cdnskeys.size(); ++i) {
      if (keys.cds.at(i) != dsOf(apex_, keys.cdnskeys[i])) wrong("CDS and CDNSKEY differ");
      if (!signers.contains(keyTagOf(keys.cdnskeys[i]))) wrong("CDS of a key that signs no keys");
    }
  }

  void checkChains() {
    const auto keys = shown_keys_.cached(now_);
    for (const Tags& ds : parent_.cached(now_)) {
      if (ds.empty()) continue;
      for (const ShownKeys& each : keys) {
        const bool trusted = std::any_of(ds.begin(), ds.end(), [&](std::uint16_t tag) {
          return each.keys.contains(tag) && each.signers.contains(tag);
        });
        if (!trusted) wrong("no DS of a cached set has a key in a cached DNSKEY RRset");
        for (const auto& rrset : rrsets_) checkRrset(rrset, each.keys);
      }
    }
  }
  void checkRrset(const Served<ShownRrset>& rrset, const Tags& keys) {
    for (const ShownRrset& each : rrset.cached(now_)) {
      if (!each.signer) {
        wrong("something is cached without a signature, and so is a DS");
      } else if (each.ends > now_ && !keys.contains(*each.signer)) {
        wrong("a cached signature is of no key of a cached DNSKEY RRset");
      }
    }
  }
  void wrong(const std::string& what) {
    if (!wrong_.empty()) return;
    wrong_ = "after " + std::to_string(now_) + " s: " + what;
    const auto shown = service_->show(apex_);
    if (!shown) return;
    for (const KeyRecord& each : shown->keys.keys) {
      wrong_ += "; " + std::to_string(each.tag()) + " " + std::string(keyRoleName(each.role)) +
                " " + std::string(keyStateName(each.state));
    }
  }

  std::mt19937 random_;
  const Name apex_ = Name::parse("shop.example").value();
  bool split_keys_, never_reports_, parent_polls_;
  SigningPolicy policy_;
  test::FakeClock clock_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::optional<KeyService> service_;
  std::array<std::uint64_t, 3> ended_{};
  Seconds now_ = 0;
  Seconds zone_ttl_;
  Served<ShownKeys> shown_keys_;
  Served<Tags> parent_;
  std::array<Served<ShownRrset>, kRrsets> rrsets_;
  std::shared_ptr<const KeySet> published_;
  std::optional<Seconds> publish_at_, confirm_at_;
  bool changed_ = false;
  std::string wrong_;
};

TEST(KeyProperty, NoCacheEverHoldsABrokenChain) {
  std::uint64_t zsk = 0, csk = 0, ksk = 0, known = 0;
  for (unsigned seed = 1; seed <= kLives; ++seed) {
    KeyLife life(seed);
    ASSERT_EQ(life.run(), "") << "seed " << seed;
    zsk += life.rollsEnded(KeyRole::kZsk);
    ksk += life.rollsEnded(KeyRole::kKsk);
    csk += life.rollsEnded(KeyRole::kCsk);
    known += life.parentHasKeys() ? 1U : 0U;
  }
  // The lives were worth it.
  EXPECT_GT(zsk, 2U * kLives);
  EXPECT_GT(ksk, kLives / 2U);
  EXPECT_GT(csk, kLives / 2U);
  EXPECT_GT(known, kLives / 2U);
}

}  // namespace
}  // namespace meridian::dns
