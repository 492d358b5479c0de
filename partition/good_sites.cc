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
constexpr std::string_view kPoolPrefix = "pool/";

std::vector<std::string_view> idsIn(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

constexpr std::size_t kMaxServiceName = 1024;  // escapes included

std::string zoneKey(const Zone& zone) {
  return std::string(kGoodPrefix) + zone.id;
}

// Names that differ in case or the final dot only are one.
std::string serviceKey(const Service& service) {
  std::string_view name = service.name;
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(kPoolPrefix);
  std::transform(name.begin(), name.end(), std::back_inserter(out), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool isGoodRecord(std::string_view key, std::string_view text) {
  const bool zone = key.starts_with(kGoodPrefix);
  const std::string_view of = key.substr(zone ? kGoodPrefix.size() : kPoolPrefix.size());
  const bool named = zone ? isId(of) : !of.empty() && of.size() <= kMaxServiceName;
  const std::vector<std::string_view> ids = idsIn(text);
  return named && !ids.empty() && ids.size() <= kEpochSlots &&
         std::all_of(ids.begin(), ids.end(), isId);
}

bool remembers(const Zone& zone) {
  return zone.kind == ZoneKind::kStateless && zone.stateless.all_down == AllDown::kLastGood;
}

std::string textOf(const Topology& topology, const std::vector<EZoneIx>& good) {
  std::string text;
  for (const EZoneIx ezone : good) {
    text += (text.empty() ? "" : " ") + topology.ezones[ezone.index()].id;
  }
  return text;
}

// Those of the ids in `text` that are members of the zone.
std::vector<EZoneIx> membersIn(const Topology& topology, const Zone& zone, std::string_view text) {
  const std::vector<std::string_view> ids = idsIn(text);
  std::vector<EZoneIx> out;
  std::copy_if(zone.ezones.begin(), zone.ezones.end(), std::back_inserter(out), [&](EZoneIx ezone) {
    return std::find(ids.begin(), ids.end(), topology.ezones[ezone.index()].id) != ids.end();
  });
  return out;
}

}  // namespace

std::vector<std::string> GoodSites::families() {
  return {std::string(kGoodFamily)};
}

Result<GoodSites> GoodSites::open(std::shared_ptr<KvStore> store) {
  GoodSites out(std::move(store));
  for (const std::string_view prefix : {kGoodPrefix, kPoolPrefix}) {
    const Status read = out.store_->scan(
        kGoodFamily, prefix, false, [&](std::string_view key, std::string_view value) {
          if (!key.starts_with(prefix)) return false;
          if (isGoodRecord(key, value)) {
            out.kept_.emplace(key, value);
          } else {
            logWarn("last_good_forgotten",
                    {{"of", std::string(key)}, {"why", "what is stored is no list of eZones"}});
          }
          return true;
        });
    if (!read) return tl::unexpected(read.error());
  }
  return out;
}

std::vector<std::vector<EZoneIx>> GoodSites::of(const Topology& topology) const {
  std::vector<std::vector<EZoneIx>> out;
  for (const Zone& zone : topology.zones) {
    std::vector<EZoneIx>& good = out.emplace_back();
    const auto known = kept_.find(zoneKey(zone));
    if (known == kept_.end() || zone.kind != ZoneKind::kStateless) continue;
    good = membersIn(topology, zone, known->second);
  }
  return out;
}

std::vector<std::vector<EZoneIx>> GoodSites::ofServices(const Topology& topology) const {
  std::vector<std::vector<EZoneIx>> out;
  for (const Service& service : topology.services) {
    std::vector<EZoneIx>& good = out.emplace_back();
    const auto known = kept_.find(serviceKey(service));
    if (known == kept_.end() || !service.pooled()) continue;
    good = membersIn(topology, topology.zones[service.zone.index()], known->second);
  }
  return out;
}

Status GoodSites::keep(const Topology& topology, const DecisionSet& decisions,
                       const PoolSet* pools) {
  std::map<std::string, std::string> next;
  for (std::size_t i = 0; i < topology.zones.size(); ++i) {
    const Zone& zone = topology.zones[i];
    if (!remembers(zone) || decisions[i]->last_good.empty()) continue;
    next.emplace(zoneKey(zone), textOf(topology, decisions[i]->last_good));
  }
  for (std::size_t i = 0; pools != nullptr && i < pools->size(); ++i) {
    const Service& service = topology.services[i];
    if ((*pools)[i] == nullptr || !remembers(topology.zones[service.zone.index()])) continue;
    const std::vector<EZoneIx>& good = (*pools)[i]->decisions->last_good;
    if (good.empty() || good == decisions[service.zone.index()]->last_good) continue;
    next.emplace(serviceKey(service), textOf(topology, good));
  }
  if (next == kept_) return {};
  std::vector<StoreWrite> batch;
  for (const auto& [key, text] : next) {
    const auto known = kept_.find(key);
    if (known != kept_.end() && known->second == text) continue;
    batch.push_back({std::string(kGoodFamily), key, text});
  }
  for (const auto& [key, text] : kept_) {
    if (!next.contains(key)) batch.push_back({std::string(kGoodFamily), key, std::nullopt});
  }
  Status written = store_->writeSynced(batch);
  if (written) kept_ = std::move(next);
  return written;
}

}  // namespace meridian::partition
