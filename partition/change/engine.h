// ChangeEngine: carries changes through their states. The only one that acts on what machine.h
// decides.
//
// Each transition is one synced batch: the change's new state, a line of its log and, where the
// state says so, the commit of the table. Only then are hooks called. So a crash at any instruction
// leaves a prefix of whole transitions, and open() with resume() goes on from it. An error of the
// store, or a map that takes nothing back, stops all changes where they are (storeFailed()): what
// the disk has is known only after a restart. Answers go on. Threads: the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "partition/change/change.h"
#include "partition/change/change_plan.h"
#include "partition/change/change_store.h"
#include "partition/change/forwarders.h"
#include "partition/change/machine.h"
#include "partition/change/safety.h"
#include "partition/consumers/consumer_book.h"
#include "partition/hooks/hook.h"
#include "partition/map_service.h"
#include "partition/traffic/arrivals.h"

namespace meridian::partition {

// All must outlive the engine.
struct ChangeSeams {
  const Clock& clock;
  MapService& map;
  HookRunner& hooks;
  const LinkSource& links;
  std::function<std::shared_ptr<const SiteHealth>()> health;  // never null
  HoldBook* holds = nullptr;                                  // nullptr: nobody can hold anything
  const LoadSource* load = nullptr;                           // nullptr: nobody reports any
  const ConsumerBook* consumers = nullptr;                    // nullptr: nobody follows the table
  FenceProof fenced = {};                                     // as SafetyView
  const ArrivalBook* arrivals = nullptr;                      // nullptr: nobody counts them
};

// How much may still come to the old eZones of a change that is draining.
struct StaleClients {
  double share = 0;       // 0 to 1; of the item that has most
  bool measured = false;  // from counted arrivals; else computed from TTL and time
};

// What came of asking for a change.
struct ChangePlan {
  Change change;                      // number 0 when it was not taken up
  std::vector<RuleVerdict> verdicts;  // of its first wave, now
  bool accepted = false;
};

class ChangeEngine {
 public:
  static constexpr std::size_t kMaxOpen = 256;

  // Reads the stored changes. kCorrupt, kIo; kInvalid: policyProblems().
  static Result<std::unique_ptr<ChangeEngine>> open(std::shared_ptr<KvStore> store,
                                                    ChangePolicy policy, ChangeSeams seams);
  ~ChangeEngine();
  ChangeEngine(const ChangeEngine&) = delete;
  ChangeEngine& operator=(const ChangeEngine&) = delete;

  // Takes up what a restart found. Once, before the first tick().
  void resume();
  // Looks at every open change; call it a few times a second.
  void tick();

  // What start() would find if `map` were served, as one that is about to be; changes nothing.
  MapResult<ChangePlan> judge(const ChangeRequest& request, const MapSnapshot& map) const;
  // A refusal by a rule is no error: accepted is then false, and the verdicts say which.
  MapResult<ChangePlan> start(const ChangeRequest& request);
  // A new change that undoes `number`; a gradual one that still runs is stopped first.
  MapResult<ChangePlan> rollback(std::uint64_t number, ChangeMode mode, const std::string& reason,
                                 const std::string& actor, bool dry_run);
  MapResult<Change> order(std::uint64_t number, ChangeOrder order, const std::string& actor);

  const Change* find(std::uint64_t number) const;
  // Newest first.
  std::vector<const Change*> list(bool open_only) const;
  Result<std::vector<ChangeLogEntry>> log(std::uint64_t number) const { return store_.log(number); }
  // The id of the open change that holds this subject, or empty; for MapService::onActiveChange.
  // Scheduled ones hold nothing yet.
  std::string activeChange(std::string_view subject) const;
  // How long it has been in its state, by the monotonic clock.
  std::chrono::milliseconds inState(std::uint64_t number) const;

  // REQUIRES: the change is open, in DRAINING
  StaleClients staleClients(const Change& change) const;
  // What old eZones must still send on.
  std::vector<Forwarder> forwarders() const {
    return forwarders_.open(seams_.map.current(), seams_.clock.wallNow());
  }
  std::optional<WallTime> forwardUntil(std::uint64_t number) const {
    return forwarders_.until(number);
  }

  // Called after each transition.
  void onTransition(std::function<void(const Change&)> told) { told_ = std::move(told); }
  bool storeFailed() const { return store_failed_; }
  const ChangePolicy& policy() const { return policy_; }

 private:
  // A change that is not over, and what is known of it only while the process lives.
  struct Open {
    MonotonicTime entered{};
    std::optional<MonotonicTime> blocked_since = {};
    WallTime wall_at_block{};
    std::optional<MonotonicTime> well_since = {};
    std::optional<HookOutcome> hook = {};
    std::set<std::size_t> unheard = {};  // items whose hooks of the state's phase have not answered
  };

  ChangeEngine(std::shared_ptr<KvStore> store, ChangePolicy policy, ChangeSeams seams);

  MapResult<ChangePlan> takeUp(Change change, bool dry_run);
  ChangeFacts factsOf(const Change& change, Open& open);
  void addBrokenRules(const Change& change, ChangeFacts& facts) const;
  bool positionsSince(const Change& change, std::chrono::milliseconds in_state) const;
  bool caughtUp(const Change& change) const;
  std::string consumersBehind(const Change& change) const;
  std::optional<double> measuredStale(const Change& change) const;
  Status openForwarders();
  void watch(const Change& change, Open& open, MonotonicTime now, ChangeFacts& facts) const;
  SafetyView safetyView(const Change& change) const {
    return safetyView(change, seams_.map.current());
  }
  SafetyView safetyView(const Change& change, const MapSnapshot& map) const;
  void settle(std::uint64_t number);
  bool take(std::uint64_t number, const ChangeStep& step, const std::string& actor);
  Change withPositions(Change change) const;
  ChangeCommit commitOf(const Change& change, Change& next, const ChangeStep& step,
                        const std::string& actor) const;
  std::vector<StoreWrite> transitionOf(const Change& change, const std::string& actor);
  std::optional<Change> revertOf(const Change& done);
  void notePassedHolds(const Change& change);
  void entered(std::uint64_t number);
  void dropOpenHooks(const Change& change);
  void callHooks(const Change& change, Open& open);
  HookCall hookCall(const Change& change, const ChangeItem& item, HookPhase phase) const;
  void heard(std::uint64_t number, std::uint64_t step, std::size_t item, HookOutcome outcome);
  void storeBroke(const Error& error);
  void forgetOldest();
  std::optional<LastMove> lastMove(std::string_view subject) const;

  ChangeStore store_;
  ChangePolicy policy_;
  ChangeSeams seams_;
  std::map<std::uint64_t, Change> changes_;
  std::map<std::uint64_t, Open> open_;
  std::map<std::string, LastMove, std::less<>> last_moves_;
  Forwarders forwarders_;
  std::uint64_t next_number_ = 1;
  bool store_failed_ = false;
  std::function<void(const Change&)> told_;
  // Hooks answer later, perhaps to an engine that is gone.
  std::shared_ptr<ChangeEngine*> anchor_ = std::make_shared<ChangeEngine*>(this);
};

}  // namespace meridian::partition
