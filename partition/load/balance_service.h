// BalanceService: looks at every sharding zone every few seconds and keeps what the balancer says
// of it (balancer.h); in mode auto it starts its rounds as gradual changes.
//
// Auto: one round at a time over all zones, never while a change of the zone is open, and the
// engine's rules are asked as for anybody. Its changes have kActor as actor, which is how the
// rounds of the last hour are counted, over restarts too. Threads: the control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/change/engine.h"
#include "partition/load/balancer.h"
#include "partition/load/load_book.h"
#include "partition/map_service.h"

namespace meridian::partition {

enum class BalanceMode : std::uint8_t { kOff, kAdvise, kAuto };
std::string_view balanceModeName(BalanceMode mode);  // "off", "advise", "auto"
std::optional<BalanceMode> balanceModeOf(std::string_view name);

// All must outlive the service.
struct BalanceSeams {
  const Clock& clock;
  const MapService& map;
  ChangeEngine& changes;
  const LinkSource& links;
  const LoadSource& load;
  std::function<std::shared_ptr<const SiteHealth>()> health;  // never null
};

// What is said of one zone.
struct ZoneBalance {
  BalanceState state;
  BalanceRound round;
  WallTime at{};
  // Auto: why the engine did not take the round up; empty when it did, or was not asked.
  std::string refused;
};

class BalanceService {
 public:
  static constexpr std::string_view kActor = "balancer";
  static constexpr std::chrono::seconds kPeriod{5};  // call tick() so often
  static constexpr std::size_t kShownRounds = 10;

  // `book` is where reports go; it must outlive the service.
  BalanceService(LoadBook& book, BalanceMode mode, const BalancePolicy& policy, BalanceSeams seams)
      : book_(book), mode_(mode), policy_(policy), seams_(std::move(seams)) {}

  void tick();

  LoadBook& book() const { return book_; }
  const LoadSource& load() const { return seams_.load; }
  BalanceMode mode() const { return mode_; }
  const BalancePolicy& policy() const { return policy_; }
  // By zone id; none before the first tick, and none in mode off.
  const std::map<std::string, ZoneBalance>& zones() const { return zones_; }
  // Its own changes that are kept, newest first, at most kShownRounds.
  std::vector<const Change*> rounds() const;

 private:
  std::size_t roundsLastHour() const;
  BalanceHistory historyOf(const Zone& zone, std::size_t rounds) const;
  bool roundOpen() const;
  void begin(const std::string& zone, ZoneBalance& balance);

  LoadBook& book_;
  BalanceMode mode_;
  BalancePolicy policy_;
  BalanceSeams seams_;
  std::map<std::string, ZoneBalance> zones_;
};

}  // namespace meridian::partition
