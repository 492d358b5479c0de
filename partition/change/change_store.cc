#include "partition/change/change_store.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "partition/journal_codec.h"
#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kChanges = "changes";
constexpr std::string_view kLog = "change_log";

std::string logKey(std::uint64_t number, std::uint64_t step) {
  return revKey(number) + revKey(step);
}

// A name through its parser; an unknown one is kCorrupt.
template <class T>
void take(MemberReader& in, const char* key, std::optional<T> (*parse)(std::string_view), T& into,
          std::string& problem) {
  const std::string name = in.string(key);
  if (!in.ok()) return;
  if (const std::optional<T> value = parse(name)) {
    into = *value;
  } else if (problem.empty()) {
    problem = fmt::format("member \"{}\" has the unknown value \"{}\"", key, name);
  }
}

Json itemJson(const ChangeItem& item) {
  Json json = {{"global_zone", item.kind == SubjectKind::kGlobalZone},
               {"subject", item.subject},
               {"zone", item.zone},
               {"from", item.from},
               {"to", item.to},
               {"epoch", item.epoch},
               {"epoch_before", item.epoch_before},
               {"old_ttl", item.old_ttl},
               {"barrier", item.barrier},
               {"moved", item.moved}};
  if (item.lost_ms) json["lost_ms"] = *item.lost_ms;
  return json;
}

Result<ChangeItem> itemOf(const Json& json) {
  MemberReader in(json);
  ChangeItem item;
  item.kind = in.boolean("global_zone") ? SubjectKind::kGlobalZone : SubjectKind::kPartition;
  item.subject = in.string("subject");
  item.zone = in.string("zone");
  item.from = in.string("from");
  item.to = in.string("to");
  item.epoch = in.number("epoch");
  item.epoch_before = in.number("epoch_before");
  item.old_ttl = static_cast<std::uint32_t>(in.number("old_ttl"));
  item.barrier = in.string("barrier");
  item.moved = in.boolean("moved");
  if (in.has("lost_ms")) item.lost_ms = in.integer("lost_ms");
  if (!in.ok()) return in.failure();
  return item;
}

Result<std::vector<std::vector<ChangeItem>>> wavesOf(const Json& json) {
  std::vector<std::vector<ChangeItem>> waves;
  for (const Json& wave : json) {
    if (!wave.is_array() || wave.empty()) return fail(ErrorKind::kCorrupt, "a wave is empty");
    waves.emplace_back();
    for (const Json& element : wave) {
      Result<ChangeItem> item = itemOf(element);
      if (!item) return tl::unexpected(item.error());
      waves.back().push_back(std::move(*item));
    }
  }
  return waves;
}

Result<std::vector<RuleOverride>> overridesOf(const Json& json) {
  std::vector<RuleOverride> overrides;
  for (const Json& element : json) {
    MemberReader in(element);
    overrides.push_back({in.string("rule"), in.string("reason")});
    if (!in.ok()) return in.failure();
  }
  return overrides;
}

Result<std::vector<std::string>> stringsOf(const Json& json) {
  std::vector<std::string> strings;
  for (const Json& element : json) {
    if (!element.is_string()) return fail(ErrorKind::kCorrupt, "an element must be a string");
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

// The lists of a change, and what must hold between them and its numbers.
Status takeLists(MemberReader& in, Change& change) {
  const Json* waves = in.array("waves");
  const Json* overrides = in.array("overrides");
  const Json* remaining = in.array("remaining");
  if (!in.ok()) return in.failure();
  auto all = wavesOf(*waves);
  if (!all) return tl::unexpected(all.error().within("waves"));
  change.waves = std::move(*all);
  auto rules = overridesOf(*overrides);
  if (!rules) return tl::unexpected(rules.error().within("overrides"));
  change.overrides = std::move(*rules);
  auto phases = stringsOf(*remaining);
  if (!phases) return tl::unexpected(phases.error().within("remaining"));
  change.remaining = std::move(*phases);
  if (change.wave >= change.waves.size()) {
    return fail(ErrorKind::kCorrupt, "its wave is not among its waves");
  }
  return {};
}

}  // namespace

std::string encodeChange(const Change& change) {
  Json waves = Json::array();
  for (const auto& wave : change.waves) {
    Json items = Json::array();
    for (const ChangeItem& item : wave) items.push_back(itemJson(item));
    waves.push_back(std::move(items));
  }
  Json overrides = Json::array();
  for (const RuleOverride& each : change.overrides) {
    overrides.push_back({{"rule", each.rule}, {"reason", each.reason}});
  }
  Json json = {{"v", kStoredFormat},
               {"number", change.number},
               {"kind", changeKindName(change.kind)},
               {"mode", changeModeName(change.mode)},
               {"data_policy", dataPolicyName(change.data_policy)},
               {"actor", change.actor},
               {"reason", change.reason},
               {"overrides", std::move(overrides)},
               {"waves", std::move(waves)},
               {"created", unixMillis(change.created)},
               {"state", changeStateName(change.state)},
               {"wave", change.wave},
               {"entered", unixMillis(change.entered)},
               {"note", change.note},
               {"paused", change.paused},
               {"block_sent", change.block_sent},
               {"round", change.round},
               {"wait_for_holds", change.wait_for_holds},
               {"abort_reason", change.abort_reason},
               {"remaining", change.remaining},
               {"steps", change.steps}};
  if (change.not_before) json["not_before"] = unixMillis(*change.not_before);
  if (change.expires_at) json["expires_at"] = unixMillis(*change.expires_at);
  if (change.undoes) json["undoes"] = *change.undoes;
  return storedText(json);
}

Result<Change> decodeChange(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  Change change;
  std::string problem;
  change.number = in.number("number");
  take(in, "kind", changeKindOf, change.kind, problem);
  take(in, "mode", changeModeOf, change.mode, problem);
  take(in, "data_policy", dataPolicyOf, change.data_policy, problem);
  take(in, "state", changeStateOf, change.state, problem);
  change.actor = in.string("actor");
  change.reason = in.string("reason");
  change.created = in.time("created");
  change.wave = in.number("wave");
  change.entered = in.time("entered");
  change.note = in.string("note");
  change.paused = in.boolean("paused");
  change.block_sent = in.boolean("block_sent");
  // Changes of before there were rounds or holds do not have them.
  if (in.has("round")) change.round = in.number("round");
  if (in.has("wait_for_holds")) change.wait_for_holds = in.boolean("wait_for_holds");
  change.abort_reason = in.string("abort_reason");
  change.steps = in.number("steps");
  if (in.has("not_before")) change.not_before = in.time("not_before");
  if (in.has("expires_at")) change.expires_at = in.time("expires_at");
  change.undoes = in.numberIfGiven("undoes");
  if (const Status lists = takeLists(in, change); !lists) return tl::unexpected(lists.error());
  if (!problem.empty()) return fail(ErrorKind::kCorrupt, std::move(problem));
  return change;
}

std::string encodeLogEntry(const ChangeLogEntry& entry) {
  return storedText({{"v", kStoredFormat},
                     {"step", entry.step},
                     {"at", unixMillis(entry.at)},
                     {"state", changeStateName(entry.state)},
                     {"wave", entry.wave},
                     {"paused", entry.paused},
                     {"note", entry.note},
                     {"actor", entry.actor}});
}

Result<ChangeLogEntry> decodeLogEntry(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  ChangeLogEntry entry;
  std::string problem;
  entry.step = in.number("step");
  entry.at = in.time("at");
  take(in, "state", changeStateOf, entry.state, problem);
  entry.wave = in.number("wave");
  entry.paused = in.boolean("paused");
  entry.note = in.string("note");
  entry.actor = in.string("actor");
  if (!in.ok()) return in.failure();
  if (!problem.empty()) return fail(ErrorKind::kCorrupt, std::move(problem));
  return entry;
}

std::vector<std::string> ChangeStore::families() {
  return {std::string(kChanges), std::string(kLog)};
}

Result<std::vector<Change>> ChangeStore::load() const {
  std::vector<Change> changes;
  std::optional<Error> problem;
  const Status scanned =
      store_->scan(kChanges, "", false, [&](std::string_view key, std::string_view stored) {
        const std::uint64_t number = revOfKey(key);
        Result<Change> change = decodeChange(stored);
        if (change && change->number != number) {
          change = fail(ErrorKind::kCorrupt, "is stored under another number");
        }
        if (!change) {
          problem = change.error().within(fmt::format("change {}", changeId(number)));
          return false;
        }
        changes.push_back(std::move(*change));
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (problem) return tl::unexpected(*problem);
  return changes;
}

Result<std::vector<ChangeLogEntry>> ChangeStore::log(std::uint64_t number) const {
  std::vector<ChangeLogEntry> entries;
  std::optional<Error> problem;
  const std::string prefix = revKey(number);
  const Status scanned =
      store_->scan(kLog, prefix, false, [&](std::string_view key, std::string_view stored) {
        if (!key.starts_with(prefix)) return false;
        Result<ChangeLogEntry> entry = decodeLogEntry(stored);
        if (!entry) {
          problem = entry.error().within(fmt::format("log of change {}", changeId(number)));
          return false;
        }
        entries.push_back(std::move(*entry));
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (problem) return tl::unexpected(*problem);
  return entries;
}

std::vector<StoreWrite> ChangeStore::transition(const Change& change, std::string actor) {
  const ChangeLogEntry entry{change.steps,  change.entered, change.state,    change.wave,
                             change.paused, change.note,    std::move(actor)};
  return {{std::string(kChanges), revKey(change.number), encodeChange(change)},
          {std::string(kLog), logKey(change.number, change.steps), encodeLogEntry(entry)}};
}

Result<std::vector<StoreWrite>> ChangeStore::removal(std::uint64_t number) const {
  std::vector<StoreWrite> writes{{std::string(kChanges), revKey(number), std::nullopt}};
  const std::string prefix = revKey(number);
  const Status scanned =
      store_->scan(kLog, prefix, false, [&](std::string_view key, std::string_view) {
        if (!key.starts_with(prefix)) return false;
        writes.push_back({std::string(kLog), std::string(key), std::nullopt});
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  return writes;
}

}  // namespace meridian::partition
