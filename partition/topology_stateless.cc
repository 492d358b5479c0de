// Stateless zones of a topology: members, weights, distance classes and the all-down policy.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "partition/topology_decoder.h"

namespace meridian::partition {
namespace {

constexpr std::int64_t kMaxWeight = 10000;     // basis points
constexpr double kMaxDistanceSlackKm = 20100;  // farther than any two places are apart

constexpr AllDown kAllDownPolicies[] = {AllDown::kAsIfUp, AllDown::kNearest, AllDown::kFallback,
                                        AllDown::kLastGood};

// One weight for each member, so that nobody wonders what a missing one would mean.
void decodeWeights(TopologyDecoder& decoder, ObjectReader& in, Zone& zone) {
  const ConfigNode* node = in.object("weights");
  if (node == nullptr) return;
  ObjectReader weights = decoder.reader(*node, in.pathOf("weights"));
  const std::size_t before = decoder.problems.size();
  bool any = false;
  for (const EZoneIx ezone : zone.ezones) {
    const std::string& id = decoder.out.ezones[ezone.index()].id;
    const std::int64_t weight =
        weights.integer(id, {.required = true, .min = 0, .max = kMaxWeight});
    zone.stateless.weights.push_back(static_cast<std::uint16_t>(weight));
    any = any || weight > 0;
  }
  weights.finish();
  // Without members there was an error already.
  if (!any && !zone.ezones.empty() && decoder.problems.size() == before) {
    in.error("weights", "gives no eZone more than 0");
  }
}

void decodeAllDown(TopologyDecoder& decoder, ObjectReader& in, StatelessRules& rules) {
  StringRule rule{.fallback = std::string(allDownName(AllDown::kAsIfUp))};
  for (const AllDown policy : kAllDownPolicies) rule.one_of.push_back(allDownName(policy));
  const std::string name = in.string("all_down", rule);
  for (const AllDown policy : kAllDownPolicies) {
    if (allDownName(policy) == name) rules.all_down = policy;
  }
  if (rules.all_down == AllDown::kFallback) {
    const auto fallback = decoder.reference(in, "fallback", decoder.ezones);
    rules.fallback = fallback.value_or(EZoneIx{});
    if (!fallback) rules.all_down = AllDown::kAsIfUp;  // reported; nothing to check covers for
  } else if (in.has("fallback")) {
    in.ignore("fallback");
    in.error("fallback", "means nothing unless all_down is \"fallback\"");
  }
}

}  // namespace

void TopologyDecoder::decodeStateless(ObjectReader& in, Zone& zone) {
  zone.ezones = ezoneList(in, "ezones", {.required = true, .min = 1, .max = kEpochSlots});
  decodeWeights(*this, in, zone);
  const double slack = in.number("distance_slack_km", {.min = 0, .max = kMaxDistanceSlackKm});
  if (in.has("distance_slack_km")) zone.stateless.distance_slack_km = slack;
  decodeAllDown(*this, in, zone.stateless);
}

}  // namespace meridian::partition
