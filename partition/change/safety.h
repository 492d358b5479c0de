// The safety rules (domain.md §3b, S1–S13, S14 for holds, S15 for fences): may these subjects move
// there now?
//
// Pure: one verdict a rule that applies, with the facts it was made from. UNKNOWN satisfies no rule
// about replication, and none about load once anybody has reported one. A rule that is not about
// the mode asked for gives no verdict. S10 is checked when a topology is read, S11 is the state
// PREPARED, S12 needs more than one node.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/change/change.h"
#include "partition/decision.h"
#include "partition/drc/link_view.h"
#include "partition/hold/hold_book.h"
#include "partition/load/load_view.h"
#include "partition/model.h"
#include "partition/table.h"

namespace meridian::partition {

struct RuleVerdict {
  std::string rule;  // "S3"
  bool holds = true;
  bool hard = false;        // cannot be overridden
  bool overridden = false;  // it does not hold, and somebody said that this shall not count
  std::string text;         // what was found, also when it holds
};
bool stops(const RuleVerdict& verdict);

// When a subject last moved, for cooldowns.
struct LastMove {
  WallTime at{};
  std::string from, to;  // eZone ids
};

// Who says that nobody can write the subject at this datacenter any more, in words; nullopt:
// nobody.
using FenceProof =
    std::function<std::optional<std::string>(std::string_view dc, std::string_view subject)>;

struct SafetyView {
  const Topology& topology;
  const AssignmentTable& table;
  const LinkSource& links;
  std::shared_ptr<const SiteHealth> health;
  const ChangePolicy& policy;
  WallTime now{};
  std::vector<const Change*> others = {};  // changes that are not over, without the one in question
  std::function<std::optional<LastMove>(std::string_view subject)> last_move = {};
  const HoldBook* holds = nullptr;   // nullptr: nobody can hold anything
  const LoadSource* load = nullptr;  // nullptr: nobody reports any
  FenceProof fenced = {};            // empty: nobody ever says so
};

// Verdicts for a change's current wave, in the order of the rules.
std::vector<RuleVerdict> checkRules(const Change& change, const SafetyView& view);
// The holds on the current wave, each once.
std::vector<const Hold*> holdsOn(const Change& change, const SafetyView& view);
// Whether nothing but holds stops the wave: those end by themselves.
bool onlyHeld(const std::vector<RuleVerdict>& verdicts);
// The rules that may stop a wave that is under way: S1, S3 and S4, and S2 of a gradual
// change.
std::vector<RuleVerdict> checkWatchedRules(const Change& change, const SafetyView& view);

// "10:30-13:30" of UTC, or "10:30-13:30 +08:00" of a clock that is so far ahead of it (or behind,
// with "-"); both ends of 00:00 to 24:00, over midnight when the first is later. kInvalid.
struct DayWindow {
  int from_minute = 0, to_minute = 0;
  std::chrono::minutes ahead{};  // of UTC
  static Result<DayWindow> parse(std::string_view text);
  bool contains(WallTime time) const;
};

}  // namespace meridian::partition
