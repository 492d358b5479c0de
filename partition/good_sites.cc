#include "partition/good_sites.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/config_reader.h"
#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kGoodFamily = "stateless";
constexpr std::string_view kGoodPrefix = "good/";

std::vector<std::string_view> idsIn(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool isGoodRecord(std::string_view zone, std::string_view text) {
  const std::vector<std::string_view> ids = idsIn(text);
  return isId(zone) && !ids.empty() && ids.size() <= kEpochSlots &&
         std::all_of(ids.begin(), ids.end(), isId);
}

}  // namespace

std::vector<std::string> GoodSites::families() {
  return {std::string(kGoodFamily)};
}

Result<GoodSites> GoodSites::open(std::shared_ptr<KvStore> store) {
  GoodSites out(std::move(store));
  const Status read = out.store_->scan(
      kGoodFamily, kGoodPrefix, false, [&](std::string_view key, std::string_view value) {
        if (key.substr(0, kGoodPrefix.size()) != kGoodPrefix) return false;
        const std::string zone(key.substr(kGoodPrefix.size()));
        if (isGoodRecord(zone, value)) {
          out.kept_.emplace(zone, value);
        } else {
          logWarn("last_good_forgotten",
                  {{"zone", zone}, {"why", "what is stored is no list of eZones"}});
        }
        return true;
      });
  if (!read) return tl::unexpected(read.error());
  return out;
}

std::vector<std::vector<EZoneIx>> GoodSites::of(const Topology& topology) const {
  std::vector<std::vector<EZoneIx>> out;
  for (const Zone& zone : topology.zones) {
    std::vector<EZoneIx>& good = out.emplace_back();
    const auto known = kept_.find(zone.id);
    if (known == kept_.end() || zone.kind != ZoneKind::kStateless) continue;
    const std::vector<std::string_view> ids = idsIn(known->second);
    std::copy_if(
        zone.ezones.begin(), zone.ezones.end(), std::back_inserter(good), [&](EZoneIx ezone) {
          return std::find(ids.begin(), ids.end(), topology.ezones[ezone.index()].id) != ids.end();
        });
  }
  return out;
}

Status GoodSites::keep(const Topology& topology, const DecisionSet& decisions) {
  std::map<std::string, std::string> next;
  for (std::size_t i = 0; i < topology.zones.size(); ++i) {
    const Zone& zone = topology.zones[i];
    const bool wanted =
        zone.kind == ZoneKind::kStateless && zone.stateless.all_down == AllDown::kLastGood;
    if (!wanted || decisions[i]->last_good.empty()) continue;
    std::string& text = next[zone.id];
    for (const EZoneIx ezone : decisions[i]->last_good) {
      text += (text.empty() ? "" : " ") + topology.ezones[ezone.index()].id;
    }
  }
  if (next == kept_) return {};
  std::vector<StoreWrite> batch;
  const auto key = [](const std::string& zone) { return std::string(kGoodPrefix) + zone; };
  for (const auto& [zone, text] : next) {
    const auto known = kept_.find(zone);
    if (known != kept_.end() && known->second == text) continue;
    batch.push_back({std::string(kGoodFamily), key(zone), text});
  }
  for (const auto& [zone, text] : kept_) {
    if (!next.contains(zone)) batch.push_back({std::string(kGoodFamily), key(zone), std::nullopt});
  }
  Status written = store_->writeSynced(batch);
  if (written) kept_ = std::move(next);
  return written;
}

}  // namespace meridian::partition
