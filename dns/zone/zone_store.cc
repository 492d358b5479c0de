#include "dns/zone/zone_store.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/config_node.h"
#include "base/config_reader.h"
#include "base/digest.h"
#include "dns/zone/rdata_names.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {
namespace {

constexpr std::string_view kFamily = "zones";
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
// Below that a snapshot more often would save nothing.
constexpr std::size_t kMinBytesSince = std::size_t{64} << 10;
constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kMaxNumber = 0xffff'ffff;

// What a key is about; the order in which a scan comes to them.
constexpr char kMeta = 'a';
constexpr char kStep = 'd';
constexpr char kChunk = 's';

std::span<const std::uint8_t> asBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string bigEndianText(std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes{};
  ByteWriter(bytes).u32(number);
  return std::string(asText(bytes));
}

// A name in wire form is no beginning of another, so neither are keys of different zones.
std::string prefixOf(NameView apex) {
  return std::string(asText(apex.wire()));
}
std::string stepKey(const std::string& prefix, std::uint32_t step) {
  return prefix + kStep + bigEndianText(step);
}
std::string chunkKey(const std::string& prefix, std::uint32_t generation, std::uint32_t chunk) {
  return prefix + kChunk + bigEndianText(generation) + bigEndianText(chunk);
}

StoreWrite put(std::string key, std::string value) {
  return {std::string(kFamily), std::move(key), std::move(value)};
}
// Every key in [from, until).
StoreWrite drop(std::string from, std::string until) {
  return {std::string(kFamily), std::move(from), std::nullopt, std::move(until)};
}

// All of a zone. The last of the kinds is kChunk: what follows all keys of the zone is one more.
StoreWrite dropZone(const std::string& prefix) {
  return drop(prefix + kMeta, prefix + static_cast<char>(kChunk + 1));
}

}  // namespace

// One zone's keys, as a scan meets them.
struct ZoneStore::Reading {
  std::string prefix;
  std::string meta;
  std::vector<std::string> steps;
  std::vector<std::string> chunks;
  bool has_strange_key = false;
};

std::vector<std::string> ZoneStore::families() {
  return {std::string(kFamily)};
}

Result<std::vector<StoredZone>> ZoneStore::load() {
  std::vector<StoredZone> out;
  std::optional<Reading> reading;
  Status read;
  const auto finish = [&] {
    if (!reading) return true;
    auto zone = assemble(*reading);
    if (!zone) {
      const NameView apex(asBytes(reading->prefix));
      read = fail(ErrorKind::kCorrupt,
                  "zone " + apex.text() + " in the store: " + zone.error().message +
                      "; restore state_dir from a backup, or start without it");
      return false;
    }
    out.push_back(std::move(*zone));
    return true;
  };
  const Status scanned = store_->scan(kFamily, "", false, [&](auto key, auto value) {
    const std::optional<NameView> apex = nameIn(asBytes(key), 0);
    if (!apex || apex->size() == key.size()) {
      read = fail(ErrorKind::kCorrupt, "a key of family zones is none");
      return false;
    }
    const std::string prefix = prefixOf(*apex);
    if (!reading || reading->prefix != prefix) {
      if (!finish()) return false;
      reading.emplace();
      reading->prefix = prefix;
    }
    switch (key[prefix.size()]) {
      case kMeta:
        reading->meta = value;
        break;
      case kStep:
        reading->steps.emplace_back(value);
        break;
      case kChunk:
        reading->chunks.emplace_back(value);
        break;
      default:
        reading->has_strange_key = true;
    }
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  if (!read || !finish()) return tl::unexpected(read.error());
  return out;
}

Result<StoredZone> ZoneStore::assemble(Reading& reading) {
  auto root = parseJson(reading.meta, "store");
  if (!root) return fail(ErrorKind::kCorrupt, root.error().text());
  Diagnostics problems;
  ObjectReader in(*root, "", "store", problems);
  const auto number = [&](const char* key) {
    return static_cast<std::uint32_t>(
        in.integer(key, {.required = true, .min = 0, .max = kMaxNumber}));
  };
  in.integer("v", {.required = true, .min = kFormat, .max = kFormat});
  StoredZone out;
  out.facts.file = in.string("file", {.required = true});
  out.facts.file_sha256 = in.string("file_sha256", {.required = true});
  out.facts.changed =
      WallTime(std::chrono::milliseconds(in.integer("changed", {.required = true})));
  // Neither is in what was written before zones could be signed.
  out.facts.edited = in.boolean("edited", true);
  out.facts.signed_here = in.boolean("signed", false);
  if (in.has("refreshed")) {
    out.facts.refreshed = WallTime(std::chrono::milliseconds(in.integer("refreshed")));
  }
  if (in.has("catalog")) {
    const auto label = fromBase64(in.string("member", {.required = true}));
    if (!label) return fail(ErrorKind::kCorrupt, "member: " + label.error().message);
    out.facts.member = {in.string("catalog"), *label, in.string("group", {.required = true})};
  }
  Entry entry;
  entry.generation = number("generation");
  entry.chunks = number("chunks");
  entry.snapshot_bytes =
      static_cast<std::size_t>(in.integer("snapshot_bytes", {.required = true, .min = 0}));
  entry.snapshot_step = number("snapshot_step");
  entry.first_step = number("first_step");
  entry.next_step = number("next_step");
  if (!problems.empty()) return fail(ErrorKind::kCorrupt, problems.text());
  const bool complete = !reading.has_strange_key && reading.chunks.size() == entry.chunks &&
                        entry.first_step <= entry.next_step &&
                        reading.steps.size() == entry.next_step - entry.first_step &&
                        entry.snapshot_step + 1 >= entry.first_step &&
                        entry.snapshot_step < entry.next_step;
  if (!complete) return fail(ErrorKind::kCorrupt, "parts are missing");

  RecordList records;
  for (const std::string& chunk : reading.chunks) {
    auto part = RecordList::fromWire(asBytes(chunk));
    if (!part) return tl::unexpected(part.error().within("snapshot"));
    records.append(*part);
  }
  if (records.wire().size() != entry.snapshot_bytes) {
    return fail(ErrorKind::kCorrupt, "the snapshot is not as long as it should be");
  }
  auto zone = zoneOfRecords(records, "store");
  if (!zone) return fail(ErrorKind::kCorrupt, zone.error().text());
  if (asText((*zone)->apex().wire()) != reading.prefix) {
    return fail(ErrorKind::kCorrupt, "the snapshot is of another zone");
  }
  for (std::uint32_t i = 0; i < reading.steps.size(); ++i) {
    auto step = decodeDifference(asBytes(reading.steps[i]));
    if (!step) return tl::unexpected(step.error().within("step"));
    out.steps.push_back(std::make_shared<const ZoneDifference>(std::move(*step)));
    if (entry.first_step + i <= entry.snapshot_step) continue;
    entry.bytes_since += out.steps.back()->bytes();
    zone = apply(**zone, *out.steps.back(), "store");
    if (!zone) return fail(ErrorKind::kCorrupt, zone.error().text());
  }
  out.zone = std::move(*zone);
  entry.facts = out.facts;
  entries_[reading.prefix] = entry;
  return out;
}

Status ZoneStore::keep(const Zone& zone, const ZoneHistory& history, const StoredZoneFacts& facts) {
  const std::string prefix = prefixOf(zone.apex());
  const auto known = entries_.find(prefix);
  Entry entry = known == entries_.end() ? Entry{} : known->second;
  std::vector<StoreWrite> batch;
  const auto steps = history.steps();
  if (steps.empty()) {
    batch.push_back(drop(stepKey(prefix, entry.first_step), stepKey(prefix, entry.next_step)));
    entry.first_step = entry.next_step;
  } else {
    batch.push_back(put(stepKey(prefix, entry.next_step), encode(*steps.back())));
    entry.bytes_since += steps.back()->bytes();
    ++entry.next_step;
  }
  if (steps.empty() || entry.generation == 0 ||
      entry.bytes_since > std::max(entry.snapshot_bytes, kMinBytesSince)) {
    addSnapshot(prefix, zone, entry, batch);
  }
  // Steps that the history has dropped, and that are in the snapshot, are of no use.
  const auto wanted =
      entry.next_step - std::min<std::uint32_t>(entry.next_step - entry.first_step,
                                                static_cast<std::uint32_t>(steps.size()));
  const std::uint32_t first = std::min(wanted, entry.snapshot_step + 1);
  if (first > entry.first_step) {
    batch.push_back(drop(stepKey(prefix, entry.first_step), stepKey(prefix, first)));
    entry.first_step = first;
  }
  batch.push_back(put(prefix + kMeta, metaOf(entry, facts)));
  if (Status written = store_->writeSynced(batch); !written) return written;
  entry.facts = facts;
  entries_[prefix] = std::move(entry);
  return {};
}

std::string ZoneStore::metaOf(const Entry& entry, const StoredZoneFacts& facts) {
  nlohmann::json meta = {{"v", kFormat},
                         {"file", facts.file},
                         {"file_sha256", facts.file_sha256},
                         {"changed", unixMillis(facts.changed)},
                         {"edited", facts.edited},
                         {"signed", facts.signed_here},
                         {"generation", entry.generation},
                         {"chunks", entry.chunks},
                         {"snapshot_bytes", entry.snapshot_bytes},
                         {"snapshot_step", entry.snapshot_step},
                         {"first_step", entry.first_step},
                         {"next_step", entry.next_step}};
  if (facts.refreshed) meta["refreshed"] = unixMillis(*facts.refreshed);
  if (facts.member) {
    meta["catalog"] = facts.member->catalog;
    meta["member"] = base64(asBytes(facts.member->label));  // any bytes
    meta["group"] = facts.member->group;
  }
  return meta.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status ZoneStore::keepFacts(NameView apex, const StoredZoneFacts& facts) {
  const std::string prefix = prefixOf(apex);
  const auto known = entries_.find(prefix);
  if (known == entries_.end()) return fail(ErrorKind::kNotFound, "no zone " + apex.text());
  Status written = store_->writeSynced({put(prefix + kMeta, metaOf(known->second, facts))});
  if (written) known->second.facts = facts;
  return written;
}

const StoredZoneFacts* ZoneStore::factsOf(NameView apex) const {
  const auto found = entries_.find(prefixOf(apex));
  return found == entries_.end() ? nullptr : &found->second.facts;
}

// The old snapshot goes with the batch that brings the new one.
void ZoneStore::addSnapshot(const std::string& prefix, const Zone& zone, Entry& entry,
                            std::vector<StoreWrite>& batch) {
  const std::uint32_t generation = entry.generation + 1;
  batch.push_back(drop(chunkKey(prefix, 0, 0), chunkKey(prefix, generation, 0)));
  entry.generation = generation;
  entry.chunks = 0;
  entry.snapshot_bytes = 0;
  RecordList chunk;
  const auto flush = [&] {
    entry.snapshot_bytes += chunk.wire().size();
    batch.push_back(
        put(chunkKey(prefix, generation, entry.chunks++), std::string(asText(chunk.wire()))));
    chunk = {};
  };
  for (ZoneCursor at(zone); !at.atEnd();) {
    chunk.add(at.next());
    if (chunk.wire().size() >= kChunkBytes) flush();
  }
  if (!chunk.empty()) flush();
  entry.snapshot_step = entry.next_step - 1;
  entry.bytes_since = 0;
}

Status ZoneStore::forget(NameView apex) {
  const std::string prefix = prefixOf(apex);
  Status written = store_->writeSynced({dropZone(prefix)});
  if (written) entries_.erase(prefix);
  return written;
}

Status ZoneStore::settleMembers(std::span<const Name> gone,
                                std::span<const std::pair<Name, CatalogMembership>> moved) {
  std::vector<StoreWrite> batch;
  for (const Name& apex : gone) {
    const std::string prefix = prefixOf(apex);
    if (entries_.contains(prefix)) batch.push_back(dropZone(prefix));
  }
  std::vector<std::pair<Entry*, StoredZoneFacts>> changed;
  for (const auto& [apex, membership] : moved) {
    const std::string prefix = prefixOf(apex);
    const auto known = entries_.find(prefix);
    if (known == entries_.end()) continue;
    StoredZoneFacts facts = known->second.facts;
    facts.member = membership;
    batch.push_back(put(prefix + kMeta, metaOf(known->second, facts)));
    changed.emplace_back(&known->second, std::move(facts));
  }
  if (batch.empty()) return {};
  if (Status written = store_->writeSynced(batch); !written) return written;
  for (auto& [entry, facts] : changed) entry->facts = std::move(facts);
  for (const Name& apex : gone) entries_.erase(prefixOf(apex));
  return {};
}

}  // namespace meridian::dns
