// What an event of EMHA means here (domain.md §3c): accepted, noted or denied, and by which rule.
//
// Pure. The policy never moves a global zone because of a failure, and never moves anything because
// of a switch inside a datacenter: that only perturbs replication for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/change/change_plan.h"
#include "partition/ha/ha_event.h"
#include "partition/map_service.h"

namespace meridian::partition {

enum class HaDecision : std::uint8_t {
  kAccepted,  // a change was started
  kNoted,     // taken to heart; nothing moves because of it
  kDenied
};
inline constexpr std::size_t kHaDecisions = 3;
std::string_view haDecisionName(HaDecision decision);  // "accepted", …
std::optional<HaDecision> haDecisionOf(std::string_view name);

// Denials that the sender can do something about by itself.
enum class HaRefusal : std::uint8_t { kNone, kStaleEpoch, kExpired, kFrozen };
std::string_view haRefusalName(HaRefusal refusal);  // "none", "stale-epoch", "expired", "frozen"
std::optional<HaRefusal> haRefusalOf(std::string_view name);

// What an event was answered; kept, so that it is answered the same again.
struct HaAnswer {
  HaDecision decision = HaDecision::kDenied;
  HaRefusal refusal = HaRefusal::kNone;
  std::string rule;                         // stable, for machines: "intra-dc", "expired", "S4"
  std::string text;                         // for people
  std::string change_id;                    // of what was started; else empty
  std::optional<Epoch> current_epoch = {};  // of a stale one
};

// What is known of one subject the event names.
struct HaSubject {
  std::string id;
  SubjectKind kind = SubjectKind::kPartition;
  Epoch epoch = 0;
  std::string owner_dc;
  std::string target;  // the first eZone of the event's to.dc it may be on; empty: none
};
struct HaFacts {
  WallTime now{};
  std::string frozen = {};           // why nothing may move now; empty: it may
  bool from_known = false;           // the datacenters are of this topology
  bool to_known = false;             // also when the event names none
  std::string unknown_subject = {};  // the first that nobody knows
  std::vector<HaSubject> subjects = {};
};
HaFacts haFactsOf(const HaEvent& event, const MapSnapshot& map, WallTime now, std::string frozen);

// Further ahead a clock is wrong: its events would outrank all honest ones.
inline constexpr std::chrono::milliseconds kMaxHaAhead{60'000};
// How long replication may be perturbed by a switch inside a datacenter.
inline constexpr std::chrono::milliseconds kRebasingGrace{120'000};
// When what a drill has moved goes back.
inline constexpr std::chrono::hours kHaDrillLife{4};

struct HaVerdict {
  HaAnswer answer;
  bool rebases = false;                  // the links of from.dc are REBASING for kRebasingGrace
  bool signal = false;                   // ha_signals.h shall know
  std::optional<ChangeRequest> start{};  // only then the decision is kAccepted
};
HaVerdict judge(const HaEvent& event, const HaFacts& facts);

// Of the change an event starts; by these it is found again after a crash.
std::string haActor(const HaEvent& event);
std::string haChangeReason(const HaEvent& event);

}  // namespace meridian::partition
