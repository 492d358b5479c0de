#include "partition/health/health_service.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr std::chrono::milliseconds kTick{1'000};

std::string text(Health health) {
  return std::string(healthName(health));
}

}  // namespace

Result<std::unique_ptr<HealthService>> HealthService::open(const Clock& clock,
                                                           std::shared_ptr<KvStore> store,
                                                           std::vector<CheckConfig> checks,
                                                           TopologyNow topology, Serve serve) {
  auto overrides = OverrideBook::open(std::move(store));
  if (!overrides) return tl::unexpected(overrides.error());
  std::unique_ptr<HealthService> service(new HealthService(
      clock, std::move(*overrides), std::move(checks), std::move(topology), std::move(serve)));
  service->tick();
  return service;
}

HealthService::HealthService(const Clock& clock, OverrideBook overrides,
                             std::vector<CheckConfig> checks, TopologyNow topology, Serve serve)
    : clock_(clock),
      topology_(std::move(topology)),
      serve_(std::move(serve)),
      board_(std::move(checks), clock.monotonicNow()),
      overrides_(std::move(overrides)) {}

void HealthService::start(EventLoop& loop, std::size_t max_probes) {
  const auto topology = topology_();
  for (const CheckConfig& check : board_.checks()) {
    if (siteOf(*topology, check)) continue;
    logWarn("check_of_unknown_site",
            {{"check", check.id},
             {"site", check.ezone.empty() ? check.datacenter : check.ezone},
             {"why", "the topology has no such site; the check runs and counts for nothing"}});
  }
  prober_ = std::make_unique<Prober>(
      loop, clock_, board_.checks(), max_probes,
      [this](std::size_t check, ProbeResult result) { observe(check, std::move(result)); });
  ticking_ = loop.every(kTick, [this] { tick(); });
}

void HealthService::observe(std::size_t check, ProbeResult result) {
  const Health before = board_.state(check).state();
  const bool was_blind = board_.blind();
  board_.observe(check, std::move(result), clock_.monotonicNow(), clock_.wallNow());
  const CheckState& state = board_.state(check);
  if (board_.blind() != was_blind) {
    logWarn(board_.blind() ? "health_blind" : "health_sees_again",
            {{"why", board_.blind() ? "all checks fail at once: states stay as they were"
                                    : "a check succeeded"}});
  }
  if (state.state() != before) {
    logInfo("check_changed", {{"check", board_.checks()[check].id},
                              {"from", text(before)},
                              {"to", text(state.state())},
                              {"why", state.last() ? state.last()->reason : ""}});
  }
  if (state.state() != before || board_.blind() != was_blind) refresh();
}

Status HealthService::report(const std::string& check, bool up, std::string reason) {
  const auto index = board_.find(check);
  if (!index) return fail(ErrorKind::kNotFound, fmt::format("there is no check {}", check));
  if (board_.checks()[*index].active()) {
    return fail(ErrorKind::kRefused,
                fmt::format("check {} is of kind {}: this server measures it itself", check,
                            checkKindName(board_.checks()[*index].kind)));
  }
  observe(*index, {up ? ProbeOutcome::kUp : ProbeOutcome::kDown, std::move(reason), {}});
  return {};
}

Result<OverrideAdded> HealthService::addOverride(OverrideRequest request) {
  const MatchCount matched = matches(request.glob);
  if (matched.none()) {
    return fail(ErrorKind::kRefused,
                fmt::format("\"{}\" matches no datacenter/ID, no check/ID and no "
                            "endpoint/SERVICE/EZONE/ID",
                            request.glob));
  }
  HealthOverride entry;
  entry.glob = std::move(request.glob);
  entry.state = request.state;
  entry.reason = std::move(request.reason);
  entry.author = std::move(request.author);
  entry.created = clock_.wallNow();
  entry.expires = entry.created + request.life;
  auto added = overrides_.add(std::move(entry));
  if (!added) return tl::unexpected(added.error());
  logInfo("health_override_added", {{"id", std::to_string(added->id)},
                                    {"glob", added->glob},
                                    {"state", text(added->state)},
                                    {"actor", added->author},
                                    {"reason", added->reason},
                                    {"expires", rfc3339(added->expires)}});
  refresh();
  return OverrideAdded{std::move(*added), matched};
}

Status HealthService::removeOverride(std::uint64_t id, const std::string& actor) {
  if (Status removed = overrides_.remove(id); !removed) return removed;
  logInfo("health_override_removed", {{"id", std::to_string(id)}, {"actor", actor}});
  refresh();
  return {};
}

void HealthService::tick() {
  const auto expired = overrides_.expire(clock_.wallNow());
  if (!expired) {
    logError("health_store_failed", {{"why", expired.error().message},
                                     {"next", "ended overrides are removed at the next start"}});
  } else if (*expired) {
    logInfo("health_override_expired");
  }
  refresh();
}

void HealthService::refresh() {
  const auto topology = topology_();
  SiteHealth next = healthOf(sites());
  const std::vector<EndpointReading> readings = endpoints();
  next.endpoints_down = downOf(readings);
  next.endpoints_unknown = unknownOf(readings);
  if (topology != warned_of_) warnOfUnknownChecks(topology);
  std::vector<std::string> names;
  for (const Datacenter& dc : topology->datacenters) names.push_back(dc.id);
  if (names == names_) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (next.datacenters[i] == served_.datacenters[i]) continue;
      logInfo("site_health_changed", {{"datacenter", names[i]},
                                      {"from", text(served_.datacenters[i])},
                                      {"to", text(next.datacenters[i])}});
    }
  }
  names_ = std::move(names);
  served_ = std::move(next);
  serve_(served_);
}

std::vector<SiteReading> HealthService::sites() const {
  return readSites(*topology_(), board_, overrides_, clock_.monotonicNow());
}

std::vector<EndpointReading> HealthService::endpoints() const {
  return readEndpoints(*topology_(), board_, overrides_);
}

void HealthService::warnOfUnknownChecks(std::shared_ptr<const Topology> topology) {
  constexpr std::size_t kMostNamed = 10;
  for (const std::string& check : unknownChecks(*topology, board_, kMostNamed)) {
    logWarn("endpoint_of_unknown_check",
            {{"check", check},
             {"why",
              "the topology's endpoints name it and this server has no such check; they "
              "count as up"}});
  }
  warned_of_ = std::move(topology);
}

MatchCount HealthService::matches(const std::string& glob) const {
  return countMatches(glob, *topology_(), board_);
}

}  // namespace meridian::partition
