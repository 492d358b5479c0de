#include "admin/ctl/offline.h"

#include <nlohmann/json.hpp>

#include "admin/ctl/commands.h"
#include "admin/ctl/text_table.h"
#include "admin/json.h"
#include "partition/explain.h"
#include "server/world.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

struct Loaded {
  server::World world;
  std::shared_ptr<const dns::ServingState> state;
};

Checked<Loaded> load(const std::string& config_file) {
  auto world = server::loadWorld(config_file, SystemClock{}.wallNow());
  if (!world) return tl::unexpected(world.error());
  auto state = server::stateOf(*world);
  if (!state) return tl::unexpected(state.error());
  return Loaded{std::move(*world), std::move(*state)};
}

ExitCode report(const Diagnostics& problems) {
  std::string text = problems.text();
  if (!text.empty()) text.pop_back();
  return complain(ExitCode::kUsage, std::to_string(problems.size()) +
                                        " errors; a server would not start with this\n" + text);
}

Result<partition::Asker> askerOf(const OfflineQuestion& question) {
  partition::Asker asker;
  if (!question.client.empty()) {
    const auto address = IpAddress::parse(question.client);
    if (!address) return tl::unexpected(address.error().within("--client"));
    asker.client = *address;
  }
  if (!question.subnet.empty()) {
    const auto subnet = IpPrefix::parse(question.subnet);
    if (!subnet) return tl::unexpected(subnet.error().within("--subnet"));
    asker.subnet = *subnet;
  }
  return asker;
}

Result<partition::Explanation> explained(const Loaded& loaded, const OfflineQuestion& question) {
  const dns::ServingState& state = *loaded.state;
  const partition::Topology& topology = *state.map.topology;
  const auto asked = partition::parseServiceName(topology, question.name);
  if (!asked) return tl::unexpected(asked.error());
  const auto asker = askerOf(question);
  if (!asker) return tl::unexpected(asker.error());
  const partition::ExplainState from{
      topology,    *state.map.table, *state.placements, *state.health, loaded.world.sources.get(),
      &state.load, &state.decisions, state.pools.get()};
  return partition::explainQuestion(from, *asked, *asker);
}

}  // namespace

ExitCode checkConfig(const std::string& config_file, bool json) {
  const auto loaded = load(config_file);
  if (!loaded) return report(loaded.error());
  const partition::Topology& topology = *loaded->world.topology;
  std::size_t records = 0;
  const dns::ZoneSet& zones = *loaded->world.zones;
  for (std::size_t i = 0; i < zones.size(); ++i) records += zones[i].zone->recordCount();
  const std::vector<std::pair<const char*, std::size_t>> counts = {
      {"datacenters", topology.datacenters.size()},
      {"ezones", topology.ezones.size()},
      {"zones", topology.zones.size()},
      {"partitions", topology.partitions.size()},
      {"services", topology.services.size()},
      {"fences", loaded->world.sources->fences.size()},
      {"pois", loaded->world.sources->pois.size()},
      {"cities", loaded->world.sources->cities.size()},
      {"dns_zones", zones.size()},
      {"dns_records", records}};
  Json object = Json::object();
  TextTable table({"CHECKED", "COUNT"});
  for (const auto& [name, count] : counts) {
    object[name] = count;
    table.add({name, std::to_string(count)});
  }
  print(json ? admin::dumpJson(object) + "\n" : config_file + " is good\n" + table.text());
  return ExitCode::kDone;
}

ExitCode explainOffline(const std::string& config_file, const OfflineQuestion& question,
                        bool json) {
  const auto loaded = load(config_file);
  if (!loaded) return report(loaded.error());
  const auto out = explained(*loaded, question);
  if (!out) return complain(ExitCode::kRefused, out.error().message);
  if (json) {
    print(admin::dumpJson(admin::explanationJson(*out)) + "\n");
    return ExitCode::kDone;
  }
  std::string text;
  for (const std::string& line : partition::explanationLines(*out)) text += line + "\n";
  print(text);
  return ExitCode::kDone;
}

}  // namespace meridian::ctl
