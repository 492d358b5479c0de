#include "partition/change/change.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace meridian::partition {
namespace {

using std::pair;
using std::string_view;

constexpr std::array kKinds = {pair{ChangeKind::kShift, string_view("shift")},
                               pair{ChangeKind::kSwitch, string_view("switch")},
                               pair{ChangeKind::kRollback, string_view("rollback")},
                               pair{ChangeKind::kRevert, string_view("revert")},
                               pair{ChangeKind::kDrain, string_view("drain")},
                               pair{ChangeKind::kReturn, string_view("return")},
                               pair{ChangeKind::kEvacuation, string_view("evacuation")}};
constexpr std::array kModes = {pair{ChangeMode::kPlanned, string_view("planned")},
                               pair{ChangeMode::kGradual, string_view("gradual")},
                               pair{ChangeMode::kEmergency, string_view("emergency")},
                               pair{ChangeMode::kDrill, string_view("drill")}};
constexpr std::array kPolicies = {pair{DataPolicy::kLossless, string_view("lossless")},
                                  pair{DataPolicy::kBounded, string_view("bounded")},
                                  pair{DataPolicy::kForce, string_view("force")}};
constexpr std::array kStates = {pair{ChangeState::kScheduled, string_view("SCHEDULED")},
                                pair{ChangeState::kPrecheck, string_view("PRECHECK")},
                                pair{ChangeState::kPrepared, string_view("PREPARED")},
                                pair{ChangeState::kPreblock, string_view("PREBLOCK")},
                                pair{ChangeState::kBlocking, string_view("BLOCKING")},
                                pair{ChangeState::kCatchingUp, string_view("CATCHING_UP")},
                                pair{ChangeState::kVerifying, string_view("VERIFYING")},
                                pair{ChangeState::kPrecommit, string_view("PRECOMMIT")},
                                pair{ChangeState::kShifting, string_view("SHIFTING")},
                                pair{ChangeState::kUnblocking, string_view("UNBLOCKING")},
                                pair{ChangeState::kDraining, string_view("DRAINING")},
                                pair{ChangeState::kSoaking, string_view("SOAKING")},
                                pair{ChangeState::kAborting, string_view("ABORTING")},
                                pair{ChangeState::kDone, string_view("DONE")},
                                pair{ChangeState::kAborted, string_view("ABORTED")},
                                pair{ChangeState::kNeedsOperator, string_view("NEEDS_OPERATOR")}};

template <class Names, class Value>
string_view nameIn(const Names& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "unknown";
}

template <class Names>
auto valueIn(const Names& names, string_view name) {
  using Value = typename Names::value_type::first_type;
  for (const auto& [value, known] : names) {
    if (known == name) return std::optional<Value>(value);
  }
  return std::optional<Value>();
}

}  // namespace

std::string_view changeKindName(ChangeKind kind) {
  return nameIn(kKinds, kind);
}
std::string_view changeModeName(ChangeMode mode) {
  return nameIn(kModes, mode);
}
std::string_view dataPolicyName(DataPolicy policy) {
  return nameIn(kPolicies, policy);
}
std::string_view changeStateName(ChangeState state) {
  return nameIn(kStates, state);
}
std::optional<ChangeKind> changeKindOf(std::string_view name) {
  return valueIn(kKinds, name);
}
std::optional<ChangeMode> changeModeOf(std::string_view name) {
  return valueIn(kModes, name);
}
std::optional<DataPolicy> dataPolicyOf(std::string_view name) {
  return valueIn(kPolicies, name);
}
std::optional<ChangeState> changeStateOf(std::string_view name) {
  return valueIn(kStates, name);
}

bool isOver(ChangeState state) {
  return state == ChangeState::kDone || state == ChangeState::kAborted;
}

bool isCommitted(ChangeState state) {
  using enum ChangeState;
  return state == kShifting || state == kUnblocking || state == kDraining || state == kSoaking ||
         state == kDone;
}

std::string changeId(std::uint64_t number) {
  return fmt::format("c-{}", number);
}

std::optional<std::uint64_t> changeNumberOf(std::string_view id) {
  if (!id.starts_with("c-")) return std::nullopt;
  id.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size() || number == 0) return std::nullopt;
  return number;
}

std::vector<std::string> policyProblems(const ChangePolicy& policy) {
  std::vector<std::string> problems;
  // Each part may take its whole budget, and the lease must still outlast clocks that disagree.
  const auto parts = policy.block_ack + policy.catch_up + policy.verify + policy.veto;
  if (parts > policy.block_lease - 2 * policy.max_clock_skew) {
    problems.push_back(fmt::format(
        "block_ack + catch_up + verify + veto is {} ms: more than block_lease less twice "
        "max_clock_skew, {} ms",
        parts.count(), (policy.block_lease - 2 * policy.max_clock_skew).count()));
  }
  if (policy.block_budget > policy.block_lease - 2 * policy.max_clock_skew) {
    problems.push_back("block_budget must be below block_lease less twice max_clock_skew");
  }
  if (policy.soak > policy.soak_max) problems.push_back("soak must not be above soak_max");
  return problems;
}

}  // namespace meridian::partition
