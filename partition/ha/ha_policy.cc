#include "partition/ha/ha_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::partition {
namespace {

using Type = HaEventType;

constexpr std::array<std::string_view, kHaDecisions> kDecisionNames = {"accepted", "noted",
                                                                       "denied"};
constexpr std::array<std::string_view, 4> kRefusalNames = {"none", "stale-epoch", "expired",
                                                           "frozen"};

template <class Kind, class Names>
std::optional<Kind> atName(const Names& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Kind>(found - names.begin());
}

HaVerdict answered(HaDecision decision, std::string rule, std::string text) {
  HaVerdict out;
  out.answer.decision = decision;
  out.answer.rule = std::move(rule);
  out.answer.text = std::move(text);
  return out;
}
HaVerdict denied(std::string rule, std::string text, HaRefusal refusal = HaRefusal::kNone) {
  HaVerdict out = answered(HaDecision::kDenied, std::move(rule), std::move(text));
  out.answer.refusal = refusal;
  return out;
}
HaVerdict noted(std::string rule, std::string text) {
  return answered(HaDecision::kNoted, std::move(rule), std::move(text));
}
HaVerdict signalled(std::string rule, std::string text) {
  HaVerdict out = noted(std::move(rule), std::move(text));
  out.signal = true;
  return out;
}

// What forbids to look any further.
std::optional<HaVerdict> refusal(const HaEvent& event, const HaFacts& facts) {
  if (event.expires_at <= facts.now) {
    return denied("expired", "it has expired: what it knew may be true no longer",
                  HaRefusal::kExpired);
  }
  if (event.occurred_at > facts.now + kMaxHaAhead) {
    return denied("future", fmt::format("it says that it happened more than {} s from now",
                                        kMaxHaAhead.count() / 1000));
  }
  if (!facts.from_known || !facts.to_known) {
    return denied("unknown-datacenter",
                  fmt::format("there is no datacenter \"{}\"",
                              facts.from_known ? event.to.dc : event.from.dc));
  }
  if (!facts.unknown_subject.empty()) {
    return denied("unknown-subject", fmt::format("there is no partition or global zone \"{}\"",
                                                 facts.unknown_subject));
  }
  if (event.expected_epoch && facts.subjects.front().epoch != *event.expected_epoch) {
    const HaSubject& subject = facts.subjects.front();
    HaVerdict out = denied(
        "stale-epoch",
        fmt::format("{} is at epoch {}, not {}", subject.id, subject.epoch, *event.expected_epoch),
        HaRefusal::kStaleEpoch);
    out.answer.current_epoch = subject.epoch;
    return out;
  }
  return std::nullopt;
}

bool isSignal(Type type) {
  return type == Type::kDcIsolated || type == Type::kDcRecovered || type == Type::kWriteBlocked ||
         type == Type::kWriteUnblocked || type == Type::kHeartbeat;
}

// May these subjects go there as one change?
std::optional<HaVerdict> noMove(const HaEvent& event, const HaFacts& facts) {
  if (!facts.frozen.empty()) return denied("frozen", facts.frozen, HaRefusal::kFrozen);
  const bool global = facts.subjects.front().kind == SubjectKind::kGlobalZone;
  for (const HaSubject& each : facts.subjects) {
    if ((each.kind == SubjectKind::kGlobalZone) != global) {
      return denied("mixed-subjects", "partitions and global zones move by changes of their own");
    }
    if (each.owner_dc != event.from.dc) {
      return denied("not-owner",
                    fmt::format("{} is at {}, not at {}", each.id, each.owner_dc, event.from.dc));
    }
    if (each.target.empty()) {
      return denied("no-target", fmt::format("{} may be on no eZone of {}", each.id, event.to.dc));
    }
  }
  if (global && facts.subjects.size() != 1) {
    return denied("one-switch", "a switch moves one global zone");
  }
  if (global && event.automatic) {
    return denied("global-not-automatic", "a global zone moves only when a person asks for it");
  }
  return std::nullopt;
}

HaVerdict moved(const HaEvent& event, const HaFacts& facts) {
  if (auto no = noMove(event, facts)) return std::move(*no);
  HaVerdict out = answered(HaDecision::kAccepted, "planned", "a change was started");
  const bool drill = event.reason == HaReason::kDrill;
  ChangeRequest request;
  request.kind = facts.subjects.front().kind == SubjectKind::kGlobalZone ? ChangeKind::kSwitch
                                                                         : ChangeKind::kShift;
  request.mode = drill ? ChangeMode::kDrill : ChangeMode::kPlanned;
  request.reason = haChangeReason(event);
  request.actor = haActor(event);
  if (drill) request.expires_at = facts.now + kHaDrillLife;
  for (const HaSubject& each : facts.subjects) {
    request.targets.push_back({each.id, each.target, event.expected_epoch});
  }
  out.start = std::move(request);
  return out;
}

HaVerdict crossDc(const HaEvent& event, const HaFacts& facts) {
  if (event.type == Type::kFailureDetected || event.reason == HaReason::kFailure) {
    return signalled("failure-signal",
                     "a failure is one signal of several; it moves nothing by itself");
  }
  if (event.type != Type::kSwitchRequest) return noted("informed", "nothing was asked for");
  return moved(event, facts);
}

HaVerdict wholeDc(const HaEvent& event) {
  if (event.type == Type::kFailureDetected || event.reason == HaReason::kFailure) {
    return signalled("failure-signal",
                     "a failure is one signal of several; it moves nothing by itself");
  }
  if (event.type != Type::kSwitchRequest) return noted("informed", "nothing was asked for");
  return denied("whole-datacenter", "a datacenter is emptied by an operator");
}

}  // namespace

std::string_view haDecisionName(HaDecision decision) {
  return kDecisionNames[static_cast<std::size_t>(decision)];
}
std::optional<HaDecision> haDecisionOf(std::string_view name) {
  return atName<HaDecision>(kDecisionNames, name);
}
std::string_view haRefusalName(HaRefusal refusal) {
  return kRefusalNames[static_cast<std::size_t>(refusal)];
}
std::optional<HaRefusal> haRefusalOf(std::string_view name) {
  return atName<HaRefusal>(kRefusalNames, name);
}

HaFacts haFactsOf(const HaEvent& event, const MapSnapshot& map, WallTime now, std::string frozen) {
  const Topology& topology = *map.topology;
  HaFacts out;
  out.now = now;
  out.frozen = std::move(frozen);
  out.from_known = topology.findDatacenter(event.from.dc).has_value();
  out.to_known = event.to.dc.empty() || topology.findDatacenter(event.to.dc).has_value();
  const std::vector<Subject> known = subjectsOf(topology);
  for (const std::string& id : event.subjects) {
    const auto found = map.table->find(id);
    if (!found) {
      out.unknown_subject = id;
      return out;
    }
    const Assignment& assignment = map.table->assignments[found->index()];
    HaSubject subject{
        id, assignment.kind, assignment.epoch, topology.dcOf(assignment.ezone).id, {}};
    for (const EZoneIx ezone : *known[found->index()].allowed) {
      if (!subject.target.empty() || topology.dcOf(ezone).id != event.to.dc) continue;
      subject.target = topology.ezones[ezone.index()].id;
    }
    out.subjects.push_back(std::move(subject));
  }
  return out;
}

HaVerdict judge(const HaEvent& event, const HaFacts& facts) {
  if (auto refused = refusal(event, facts)) return std::move(*refused);
  if (isSignal(event.type)) return signalled("signal", "kept until it expires");
  switch (event.scope) {
    case HaScope::kIntraDc: {
      HaVerdict out =
          noted("intra-dc", "replication of this datacenter is rebasing; nothing moves for that");
      out.rebases = true;
      return out;
    }
    case HaScope::kDc:
      return wholeDc(event);
    case HaScope::kCrossDc:
      break;
  }
  return crossDc(event, facts);
}

std::string haActor(const HaEvent& event) {
  return "emha:" + event.cluster;
}

std::string haChangeReason(const HaEvent& event) {
  return fmt::format("EMHA event {}: {}", event.event_id,
                     haReasonName(event.reason.value_or(HaReason::kPlanned)));
}

}  // namespace meridian::partition
