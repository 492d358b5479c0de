// A world for the engine of changes: a map on a disk that outlives it, and hooks, links and health
// that say what a test wants.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "partition/change/engine.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/scripted_seams.h"

namespace meridian::test {

// Three sites, a sharding zone of twelve partitions (p0 to p11, at home in turn), and a global
// zone.
inline const std::string& changeTopology() {
  static const std::string text = [] {
    std::string partitions;
    for (int i = 0; i < 12; ++i) {
      const char* homes[] = {"a", "b", "c"};
      partitions += std::string(i == 0 ? "" : ", ") + R"({"id": "p)" + std::to_string(i) +
                    R"(", "home": ")" + homes[i % 3] + "\"}";
    }
    return R"({"format": 1, "datacenters": [
      {"id": "a", "lat": 1, "lon": 1, "slot": 0}, {"id": "b", "lat": 2, "lon": 2, "slot": 1},
      {"id": "c", "lat": 3, "lon": 3, "slot": 2}],
      "zones": [{"id": "z", "kind": "sharding", "partitions": [)" +
           partitions + R"(], "placement": {"default_partition": "p0"}},
        {"id": "g", "kind": "global", "primary": "a", "replicas": ["b", "c"]}],
      "services": [{"name": "s.example", "zone": "z", "ttl": 30, "endpoints": {
        "a": ["A 192.0.2.1"], "b": ["A 192.0.2.2"], "c": ["A 192.0.2.3"]}}]})";
  }();
  return text;
}

// The eZones that may write a subject: two would be a broken table (domain.md §3g, I1).
inline int writersOf(const partition::Assignment& assignment, const partition::Topology& topology) {
  int writers = 0;
  for (std::size_t i = 0; i < topology.ezones.size(); ++i) {
    const partition::EZoneIx ezone(static_cast<std::uint16_t>(i));
    if (partition::accessOf(assignment, ezone) == partition::Access::kReadWrite) ++writers;
  }
  return writers;
}

class ChangeWorld {
 public:
  explicit ChangeWorld(partition::ChangePolicy policy_of_engine = {})
      : policy(std::move(policy_of_engine)) {}

  // Opens what the disk has; false when it does not hold together.
  bool open() {
    engine.reset();
    map.reset();
    store = std::make_shared<MemoryStore>(disk, families());
    auto opened = partition::MapService::open(store, clock, topology(),
                                              [this](const partition::MapSnapshot& next) {
                                                return partition::PreparedState{[this, next] {
                                                                                  if (published)
                                                                                    published(next);
                                                                                },
                                                                                {}};
                                              });
    if (!opened) return false;
    map = std::move(*opened);
    hooks.asked.clear();
    auto opened_holds = partition::HoldBook::open(store);
    if (!opened_holds) return false;
    holds = std::move(*opened_holds);
    auto made = partition::ChangeEngine::open(
        store, policy,
        {clock, *map, hooks, links, [this] { return health; }, &*holds, load, &consumers,
         [this](std::string_view dc, std::string_view) -> std::optional<std::string> {
           if (dc != fenced) return std::nullopt;
           return "the test says so";
         },
         &arrivals});
    if (!made) return false;
    engine = std::move(*made);
    map->onActiveChange([this](std::string_view subject) { return engine->activeChange(subject); });
    engine->resume();
    return true;
  }

  const partition::Assignment& assignment(const std::string& subject) const {
    const auto& table = *map->current().table;
    return table.assignments[table.find(subject).value().index()];
  }
  std::string owner(const std::string& subject) const {
    return map->current().topology->ezones[assignment(subject).ezone.index()].id;
  }
  void advance(std::chrono::milliseconds step) {
    clock.advance(step);
    engine->tick();
  }

  static std::vector<std::string> families() {
    std::vector<std::string> all = partition::Journal::families();
    for (std::string& family : partition::ChangeStore::families()) all.push_back(family);
    for (std::string& family : partition::HoldBook::families()) all.push_back(family);
    return all;
  }
  static std::shared_ptr<const partition::Topology> topology() {
    static const auto decoded = std::make_shared<const partition::Topology>(
        partition::decodeTopology(changeTopology(), "test").value());
    return decoded;
  }

  partition::ChangePolicy policy;
  FakeClock clock;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::shared_ptr<MemoryStore> store;
  ScriptedHooks hooks;
  ScriptedLinks links;
  partition::ArrivalBook arrivals;
  std::string fenced;                           // the datacenter that S15 knows to be fenced
  const partition::LoadSource* load = nullptr;  // taken by open()
  std::function<void(const partition::MapSnapshot&)> published = {};  // told of each table
  std::shared_ptr<const partition::SiteHealth> health =
      std::make_shared<const partition::SiteHealth>(partition::allUp(*topology()));
  std::unique_ptr<partition::MapService> map;
  std::optional<partition::HoldBook> holds;
  partition::ConsumerBook consumers;
  std::unique_ptr<partition::ChangeEngine> engine;
};

}  // namespace meridian::test
