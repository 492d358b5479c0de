#include "partition/health/endpoint_health.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "partition/pool.h"

namespace meridian::partition {
namespace {

class CheckIndex {
 public:
  explicit CheckIndex(const CheckBoard& board) {
    for (std::size_t i = 0; i < board.checks().size(); ++i) {
      index_.emplace(board.checks()[i].id, i);
    }
  }
  std::optional<std::size_t> find(std::string_view id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::unordered_map<std::string_view, std::size_t> index_;
};

// Calls visit(service, eZone's id, endpoint) for each endpoint, by EndpointIx.
template <class Visit>
void forEach(const Topology& topology, const Visit& visit) {
  if (topology.endpoint_count == 0) return;
  for (const Service& service : topology.services) {
    for (const Endpoint& endpoint : service.endpoints) {
      for (const PoolEndpoint& each : endpoint.pool) {
        visit(service, topology.ezones[endpoint.ezone.index()].id, each);
      }
    }
  }
}

// Overrides whose glob could begin like a subject of endpoints, newest first: most are of sites.
std::vector<const HealthOverride*> candidatesOf(const OverrideBook& overrides) {
  constexpr std::string_view kFirst = "*?e";
  std::vector<const HealthOverride*> out;
  for (const HealthOverride& each : overrides.all()) {
    if (!each.glob.empty() && kFirst.find(each.glob.front()) != std::string_view::npos) {
      out.push_back(&each);
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<bool> inState(Health state, const std::vector<EndpointReading>& endpoints) {
  const auto is = [state](const EndpointReading& each) { return each.health == state; };
  std::vector<bool> out;
  if (std::none_of(endpoints.begin(), endpoints.end(), is)) return out;
  out.resize(endpoints.size());
  std::transform(endpoints.begin(), endpoints.end(), out.begin(), is);
  return out;
}

}  // namespace

std::vector<bool> endpointChecks(const Topology& topology, const CheckBoard& board) {
  std::vector<bool> out(board.checks().size());
  const CheckIndex index(board);
  forEach(topology, [&](const Service&, const std::string&, const PoolEndpoint& each) {
    if (const auto check = index.find(each.check)) out[*check] = true;
  });
  return out;
}

std::vector<EndpointReading> readEndpoints(const Topology& topology, const CheckBoard& board,
                                           const OverrideBook& overrides) {
  std::vector<EndpointReading> out;
  out.reserve(topology.endpoint_count);
  const CheckIndex index(board);
  const std::vector<const HealthOverride*> candidates = candidatesOf(overrides);
  forEach(topology,
          [&](const Service& service, const std::string& ezone, const PoolEndpoint& each) {
            EndpointReading& reading = out.emplace_back();
            if (const auto check = index.find(each.check)) {
              const HealthOverride* forced = overrides.winner(checkSubject(each.check));
              reading.health = forced != nullptr ? forced->state : board.state(*check).state();
            }
            if (candidates.empty()) return;
            const std::string subject = endpointSubject(service.name, ezone, each.id);
            const auto forced = std::find_if(
                candidates.begin(), candidates.end(),
                [&](const HealthOverride* one) { return globMatches(one->glob, subject); });
            if (forced == candidates.end()) return;
            reading.health = (*forced)->state;
            reading.override_id = (*forced)->id;
          });
  return out;
}

std::vector<bool> downOf(const std::vector<EndpointReading>& endpoints) {
  return inState(Health::kDown, endpoints);
}

std::vector<bool> unknownOf(const std::vector<EndpointReading>& endpoints) {
  return inState(Health::kUnknown, endpoints);
}

std::vector<std::string> unknownChecks(const Topology& topology, const CheckBoard& board,
                                       std::size_t most) {
  std::set<std::string> out;
  const CheckIndex index(board);
  forEach(topology, [&](const Service&, const std::string&, const PoolEndpoint& each) {
    if (!each.check.empty() && !index.find(each.check) && out.size() < most) {
      out.insert(each.check);
    }
  });
  return {out.begin(), out.end()};
}

std::size_t countEndpoints(std::string_view glob, const Topology& topology) {
  std::size_t out = 0;
  forEach(topology,
          [&](const Service& service, const std::string& ezone, const PoolEndpoint& each) {
            out += globMatches(glob, endpointSubject(service.name, ezone, each.id)) ? 1U : 0U;
          });
  return out;
}

}  // namespace meridian::partition
