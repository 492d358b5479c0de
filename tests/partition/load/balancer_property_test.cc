// I8: from any state the balancer's rounds move a bounded load, let every partition rest, keep to
// two rounds an hour, and come to an end while the load stands still.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/balance_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using test::BalanceWorld;

class RandomBalance {
 public:
  explicit RandomBalance(std::uint32_t seed) : random_(seed), world_(2 + below(6)) {
    const std::size_t sites = world_.topology.ezones.size();
    for (Datacenter& site : world_.topology.datacenters) {
      site.capacity_units = 50 + static_cast<double>(below(200));
      site.point = {static_cast<double>(below(6)), static_cast<double>(below(8))};
    }
    const std::size_t partitions = 5 + below(80);
    double sum = 0;
    for (std::size_t i = 0; i < partitions; ++i) {
      Partition& each = world_.add("p" + std::to_string(i), below(sites), 1);
      each.weight_units = below(10) == 0 ? 0.01 : 0.2 + static_cast<double>(below(100)) / 20;
      sum += each.weight_units;
      for (std::size_t other = 0; other < sites; ++other) {
        const EZoneIx ezone(static_cast<std::uint16_t>(other));
        if (ezone != each.home && below(4) == 0) std::erase(each.allowed, ezone);
      }
      // Where it is now: at home or anywhere it may be.
      if (below(3) == 0) {
        world_.table.assignments[i].ezone = each.allowed[below(each.allowed.size())];
      }
    }
    // Between nearly empty and overfull all together.
    double capacity = 0;
    for (const Datacenter& site : world_.topology.datacenters) capacity += *site.capacity_units;
    const double fill = (0.2 + static_cast<double>(below(90)) / 100) * capacity / sum;
    for (Partition& each : world_.topology.partitions) each.weight_units *= fill;
    world_.measure();
  }

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  double zoneUnits() const {
    double sum = 0;
    for (const PartitionLoad& each : world_.load.partitions) sum += *each.units;
    return sum;
  }

  // A look at the zone, and what it proposes done at once.
  void look() {
    const WallTime now = world_.clock.wallNow();
    std::erase_if(rounds_, [&](WallTime at) { return now - at >= 1h; });
    world_.history.rounds_last_hour = rounds_.size();
    state_ = observed(state_, spreadOf(world_.view(), ZoneIx(0)), world_.clock.monotonicNow(),
                      world_.policy);
    const BalanceRound round =
        proposeRound(world_.view(), ZoneIx(0), state_, world_.clock.monotonicNow(), world_.policy);
    if (!round.moves.empty()) carryOut(round);
  }
  void carryOut(const BalanceRound& round) {
    const WallTime now = world_.clock.wallNow();
    ASSERT_LE(round.moves.size(), world_.policy.max_partitions);
    ASSERT_LT(rounds_.size(), world_.policy.max_rounds_per_hour);
    rounds_.push_back(now);
    ++rounds;
    last_round = now;
    double units = 0;
    for (const BalanceMove& move : round.moves) {
      const auto before = moved_.find(move.partition);
      ASSERT_TRUE(before == moved_.end() || now - before->second >= world_.policy.dwell)
          << move.partition << " moves before it has rested";
      ASSERT_LE(move.to_after, world_.policy.max_target + 1e-9);
      ASSERT_GE(move.gain, kMinGain);
      moved_[move.partition] = now;
      units += move.units;
      world_.move(move.partition, move.to);
    }
    ASSERT_LE(units, world_.policy.max_share * zoneUnits() + 1e-9);
    moved_units += units;
  }
  double busiest() const {
    double highest = 0;
    for (const EZoneLoad& each : world_.load.ezones) {
      highest = std::max(highest, each.utilisation().value_or(0));
    }
    return highest;
  }
  void pass(std::chrono::milliseconds time, bool noisy) {
    world_.clock.advance(time);
    std::vector<double> factor;
    for (std::size_t i = 0; noisy && i < world_.topology.partitions.size(); ++i) {
      factor.push_back(0.8 + static_cast<double>(below(401)) / 1000);
    }
    world_.measure(factor);
  }
  WallTime now() const { return world_.clock.wallNow(); }

  std::size_t rounds = 0;
  double moved_units = 0;
  WallTime last_round{};

 private:
  std::mt19937 random_;
  BalanceWorld world_;
  BalanceState state_;
  std::vector<WallTime> rounds_;
  std::map<std::string, WallTime> moved_;
};

constexpr std::uint32_t kSeeds = 200;

TEST(BalancerProperty, I8ASteadyLoadIsLeftAloneInTheEnd) {
  std::size_t rounds = 0;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomBalance world(seed);
    const double before = world.busiest();
    // Ten days.
    for (int look = 0; look < 10 * 24 * 2; ++look) {
      world.look();
      if (testing::Test::HasFatalFailure()) return;
      world.pass(30min, false);
    }
    rounds += world.rounds;
    EXPECT_LE(world.moved_units, 2 * world.zoneUnits()) << world.rounds << " rounds";
    EXPECT_GT(world.now() - world.last_round, 48h) << "it still moves things";
    EXPECT_LE(world.busiest(), before + 1e-9);
  }
  RecordProperty("rounds", static_cast<int>(rounds));
  EXPECT_GT(rounds, kSeeds / 3) << "most of these worlds have nothing to do";
}

TEST(BalancerProperty, I8ARestlessLoadIsMovedNoFasterThanTheBounds) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomBalance world(seed);
    const int days = 2;
    for (int look = 0; look < days * 24 * 4; ++look) {
      world.look();
      if (testing::Test::HasFatalFailure()) return;
      world.pass(15min, true);
    }
    EXPECT_LE(world.rounds, std::size_t{days} * 24 * 2);
  }
}

}  // namespace
}  // namespace meridian::partition
