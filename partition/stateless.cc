#include "partition/stateless.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace meridian::partition {

StatelessRule::StatelessRule(const Topology& topology, ZoneIx zone, const SiteHealth& health,
                             const SiteInputs& inputs)
    : topology_(topology),
      zone_(topology.zones[zone.index()]),
      health_(health),
      site_hash_(topology.ezones.size()),
      weight_(topology.ezones.size()),
      spill_(inputs.load.spill) {
  spill_.resize(topology.ezones.size());
  for (const EZoneIx ezone : zone_.ezones) {
    site_hash_[ezone.index()] = siteHash(topology.ezones[ezone.index()].id);
  }
  for (const EZoneIx ezone : inputs.last_good) good_.set(ezone.index());
  usable_ = members(Tier::kUsable);
  if (!take(usable_)) {
    all_down_ = true;
    applyAllDown();
  }
  // Where nothing is known to be good, what was is not forgotten: the checks of a server that has
  // just started have not spoken yet.
  bool known = false;
  for (const EZoneIx ezone : zone_.ezones) {
    known = known || (usable_.test(ezone.index()) && !isUnknown(ezone));
  }
  if (!known) {
    last_good_ = inputs.last_good;
    return;
  }
  for (const EZoneIx ezone : zone_.ezones) {
    if (usable_.test(ezone.index())) last_good_.push_back(ezone);
  }
}

bool StatelessRule::isUnknown(EZoneIx ezone) const {
  return health_.unproven.test(ezone.index()) ||
         health_.datacenters[topology_.ezones[ezone.index()].dc.index()] == Health::kUnknown;
}

bool StatelessRule::isUsable(EZoneIx ezone) const {
  if (obstacleOf(topology_, health_, ezone) != RejectedFor::kChosen) return false;
  // With last-good an eZone of which nothing is known stays what it was.
  const bool remembers = zone_.stateless.all_down == AllDown::kLastGood && good_.any();
  return !remembers || !isUnknown(ezone) || good_.test(ezone.index());
}

StatelessRule::Members StatelessRule::members(Tier tier) const {
  Members out;
  for (const EZoneIx ezone : zone_.ezones) {
    const AdminState admin = topology_.dcOf(ezone).admin_state;
    bool in = true;
    switch (tier) {
      case Tier::kUsable:
        in = isUsable(ezone);
        break;
      case Tier::kInService:
        in = admin == AdminState::kInService;
        break;
      case Tier::kDraining:
        in = admin == AdminState::kDraining;
        break;
      case Tier::kAny:
        break;
    }
    out.set(ezone.index(), in);
  }
  return out;
}

// These may answer: those that have a weight or, if none has or weights do not count, all of them
// alike. False: nobody.
bool StatelessRule::take(Members from, bool weighted) {
  if (from.none()) return false;
  const std::vector<std::uint16_t>& weights = zone_.stateless.weights;
  for (std::size_t i = 0; weighted && i < weights.size(); ++i) {
    const EZoneIx ezone = zone_.ezones[i];
    if (from.test(ezone.index())) weight_[ezone.index()] = weights[i];
  }
  for (std::size_t i = 0; i < weight_.size(); ++i) candidates_.set(i, weight_[i] > 0);
  if (candidates_.any()) return true;
  candidates_ = from;
  for (std::size_t i = 0; i < weight_.size(); ++i) weight_[i] = from.test(i) ? 1 : 0;
  return true;
}

// A wrong answer is better than none: what an operator wants least is given up last.
void StatelessRule::applyAllDown() {
  const StatelessRules& rules = zone_.stateless;
  policy_ = rules.all_down;
  if (policy_ == AllDown::kFallback) {
    const std::size_t fallback = rules.fallback.index();
    site_hash_[fallback] = siteHash(topology_.ezones[fallback].id);
    weight_[fallback] = 1;
    candidates_.set(fallback);
    return;
  }
  const Members in_service = members(Tier::kInService);
  if (policy_ == AllDown::kLastGood) {
    if (take(good_ & in_service)) return;
    policy_ = AllDown::kAsIfUp;
  }
  const bool weighted = policy_ != AllDown::kNearest;
  if (take(in_service, weighted) || take(members(Tier::kDraining), weighted)) return;
  take(members(Tier::kAny), weighted);
}

std::string StatelessRule::basis() const {
  return all_down_ ? "all-down " + std::string(allDownName(policy_)) : "usable";
}

bool StatelessRule::sameEverywhere() const {
  if (all_down_ && policy_ == AllDown::kFallback) return true;
  if (all_down_ && policy_ == AllDown::kNearest) return false;
  return !zone_.stateless.weights.empty() && !zone_.stateless.distance_slack_km;
}

void StatelessRule::addClass(std::span<const EZoneIx> ezones, std::vector<Share>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const EZoneIx ezone : ezones) {
    const std::size_t ix = ezone.index();
    out.push_back({site_hash_[ix], ezone, weight_[ix], spill_[ix], false});
  }
  // The same whatever order they are met in, so that places with the same class share one list.
  std::sort(out.begin() + first, out.end(),
            [](const Share& a, const Share& b) { return a.ezone < b.ezone; });
  out.back().last_of_class = true;
}

std::vector<Share> StatelessRule::ranked(const Placement& placement, Locus locus) const {
  std::vector<Share> out;
  if (all_down_ && policy_ == AllDown::kFallback) {
    addClass(std::span(&zone_.stateless.fallback, 1), out);
    return out;
  }
  const std::vector<EZoneIx>& order = placement.siteOrder(locus);
  const std::span<const std::uint8_t> reach = placement.siteReach(locus);
  const bool nearest_only = all_down_ && policy_ == AllDown::kNearest;
  const bool all_as_near = !zone_.stateless.weights.empty() && reach.empty() && !nearest_only;
  std::vector<EZoneIx> members;
  std::size_t end = 0;  // of the class, in the order
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!candidates_.test(order[i].index())) continue;
    if (i >= end && !members.empty()) {
      addClass(members, out);
      members.clear();
    }
    if (members.empty()) {
      end = all_as_near                     ? order.size()
            : reach.empty() || nearest_only ? i + 1
                                            : std::size_t{reach[i]};
    }
    members.push_back(order[i]);
  }
  addClass(members, out);
  return out;
}

std::vector<Share> StatelessRule::shares(const Placement& placement, Locus locus) const {
  std::vector<Share> out = ranked(placement, locus);
  if (all_down_ && policy_ == AllDown::kNearest) {
    out.resize(1);
    return out;
  }
  // Nobody gets past a class with an eZone that keeps everybody.
  bool keeps = false;
  const auto end = std::find_if(out.begin(), out.end(), [&](const Share& share) {
    keeps = keeps || share.spill == 0;
    return keeps && share.last_of_class;
  });
  if (end != out.end()) out.erase(std::next(end), out.end());
  return out;
}

std::uint64_t StatelessRule::locusHash(const Placement& placement, Locus locus) const {
  std::uint64_t hash = 0;
  for (const EZoneIx ezone : placement.siteOrder(locus)) {
    hash = mixHash(hash ^ site_hash_[ezone.index()]);
  }
  return hash;
}

std::vector<Verdict> StatelessRule::verdicts(const Placement& placement, Locus locus,
                                             std::uint64_t client) const {
  const EZoneIx chosen = chooseShare(shares(placement, locus), client);
  std::vector<Verdict> candidates(topology_.ezones.size());
  std::uint8_t distance_class = 1;
  for (const Share& share : ranked(placement, locus)) {
    Verdict& verdict = candidates[share.ezone.index()];
    verdict.distance_class = distance_class;
    verdict.weight = share.weight;
    verdict.spill = share.spill;
    if (share.last_of_class) ++distance_class;
  }
  const std::uint8_t chosen_class = candidates[chosen.index()].distance_class;
  const auto reason = [&](EZoneIx ezone) {
    using enum RejectedFor;
    const Verdict& found = candidates[ezone.index()];
    const RejectedFor obstacle = obstacleOf(topology_, health_, ezone);
    if (ezone == chosen) return kChosen;
    if (obstacle != kChosen) return obstacle;
    if (!all_down_ && !usable_.test(ezone.index())) return kUnknown;
    if (found.distance_class == 0) return kStandby;
    if (found.distance_class > chosen_class) return kFarther;
    return spillSlice(client, site_hash_[ezone.index()]) < found.spill ? kSpilled : kOtherShare;
  };
  std::vector<Verdict> out;
  const auto add = [&](EZoneIx ezone) {
    Verdict verdict = candidates[ezone.index()];
    verdict.ezone = ezone;
    verdict.why = reason(ezone);
    out.push_back(verdict);
  };
  const std::vector<EZoneIx>& order = placement.siteOrder(locus);
  std::for_each(order.begin(), order.end(), add);
  if (std::find(order.begin(), order.end(), chosen) == order.end()) add(chosen);
  return out;
}

}  // namespace meridian::partition
