#include "partition/site/site_patrol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kActor = "meridian";
constexpr std::array kModes = {std::pair{PatrolMode::kOff, std::string_view("off")},
                               std::pair{PatrolMode::kAdvise, std::string_view("advise")},
                               std::pair{PatrolMode::kAuto, std::string_view("auto")}};

std::string signalNames(const SiteSignals& signals) {
  std::string names;
  const auto add = [&](bool given, std::string_view name) {
    if (given) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  add(signals.probes, "probes");
  add(signals.links, "links");
  add(signals.framework, "framework");
  return names;
}

std::string outcomeOf(const MapResult<SiteResult>& result) {
  if (!result) return result.error().error.message;
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  for (const ChangePlan& plan : result->changes) {
    if (plan.accepted) {
      add(fmt::format("{} moves {} of zone {}", changeId(plan.change.number),
                      plan.change.waves.front().size(), plan.change.items().front().zone));
      continue;
    }
    for (const RuleVerdict& verdict : plan.verdicts) {
      if (stops(verdict)) add(fmt::format("{}: {}", verdict.rule, verdict.text));
    }
  }
  for (const auto& left : result->left) add(fmt::format("{} stays: {}", left.subject, left.why));
  return text.empty() ? "nothing to move" : text;
}

}  // namespace

std::string_view patrolModeName(PatrolMode mode) {
  for (const auto& [known, name] : kModes) {
    if (known == mode) return name;
  }
  return "unknown";
}

std::optional<PatrolMode> patrolModeOf(std::string_view name) {
  for (const auto& [mode, known] : kModes) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

void SitePatrol::tick() {
  const MapSnapshot map = seams_.map.current();
  std::vector<SiteSignals> signals = readSignals(*map.topology, *seams_.health(), seams_.links);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    signals[i].framework = seams_.failed && seams_.failed(map.topology->datacenters[i].id);
  }
  watch_.look(*map.topology, signals, now());
  for (const auto& [id, site] : watch_.sites()) {
    if (site.verdict == SiteVerdict::kLost) {
      if (policy_.evacuate != PatrolMode::kOff && owns(id) && due(id)) evacuate(id, site.signals);
    } else if (policy_.bring_home != PatrolMode::kOff && site.well_since &&
               now() - *site.well_since >= policy_.watch.return_hold_down) {
      if (!seams_.mover.planHome(id, true).zones.empty() && due(id)) bringHome(id);
    }
  }
}

// Not more often than kRetry: what could not be done now can hardly be done in the next second.
bool SitePatrol::due(const std::string& datacenter) {
  const auto last = tried_.find(datacenter);
  if (last != tried_.end() && now() - last->second < kRetry) return false;
  tried_[datacenter] = now();
  return true;
}

bool SitePatrol::owns(std::string_view datacenter) const {
  const MapSnapshot map = seams_.map.current();
  for (std::size_t i = 0; i < map.topology->partitions.size(); ++i) {
    if (map.topology->dcOf(map.table->assignments[i].ezone).id == datacenter) return true;
  }
  return false;
}

void SitePatrol::evacuate(const std::string& datacenter, const SiteSignals& signals) {
  SiteRequest request;
  request.datacenter = datacenter;
  request.reason = fmt::format("{} is lost: {} say so", datacenter, signalNames(signals));
  request.actor = kActor;
  request.dry_run = policy_.evacuate == PatrolMode::kAdvise;
  note(datacenter, fmt::format("{}{}: {}", request.dry_run ? "would evacuate: " : "evacuates: ",
                               request.reason, outcomeOf(seams_.mover.evacuate(request))));
}

void SitePatrol::bringHome(const std::string& datacenter) {
  if (policy_.bring_home == PatrolMode::kAdvise) {
    note(datacenter,
         "is well again; bring its partitions home: meridianctl site undrain " + datacenter);
    return;
  }
  SiteRequest request;
  request.datacenter = datacenter;
  request.reason = datacenter + " is well again after it was evacuated";
  request.actor = kActor;
  note(datacenter, "brings home: " + outcomeOf(seams_.mover.bringHome(request)));
}

void SitePatrol::note(const std::string& datacenter, std::string what) {
  std::string& last = acts_[datacenter];
  if (last == what) return;
  last = std::move(what);
  logWarn("site", {{"datacenter", datacenter}, {"what", last}});
}

std::string SitePatrol::lastAct(std::string_view datacenter) const {
  const auto found = acts_.find(datacenter);
  return found == acts_.end() ? std::string() : found->second;
}

}  // namespace meridian::partition
