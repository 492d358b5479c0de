#include "partition/journal_codec.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

constexpr std::array kCommitKinds = {
    std::pair{CommitKind::kImport, std::string_view("import")},
    std::pair{CommitKind::kTopology, std::string_view("topology")},
    std::pair{CommitKind::kRemap, std::string_view("remap")},
    std::pair{CommitKind::kRollback, std::string_view("rollback")},
    std::pair{CommitKind::kChange, std::string_view("change")},
};
constexpr std::array kSubjectKinds = {
    std::pair{SubjectKind::kPartition, std::string_view("partition")},
    std::pair{SubjectKind::kGlobalZone, std::string_view("global_zone")},
};
constexpr std::array kWriteStates = {
    std::pair{WriteState::kOpen, std::string_view("open")},
    std::pair{WriteState::kBlocked, std::string_view("blocked")},
    std::pair{WriteState::kSwitching, std::string_view("switching")},
};

Json moveJson(const AssignmentMove& move) {
  return {{"kind", nameOf(kSubjectKinds, move.kind)},
          {"subject", move.subject},
          {"zone", move.zone},
          {"from", move.from},
          {"to", move.to},
          {"epoch_old", move.epoch_old},
          {"epoch_new", move.epoch_new}};
}

Result<AssignmentMove> moveOf(const Json& json) {
  MemberReader in(json);
  AssignmentMove move;
  move.kind = in.kind("kind", kSubjectKinds);
  move.subject = in.string("subject");
  move.zone = in.string("zone");
  move.from = in.string("from");
  move.to = in.string("to");
  move.epoch_old = in.number("epoch_old");
  move.epoch_new = in.number("epoch_new");
  if (!in.ok()) return in.failure();
  return move;
}

}  // namespace

std::string_view commitKindName(CommitKind kind) {
  return nameOf(kCommitKinds, kind);
}

std::string revKey(Rev rev) {
  std::string key(8, '\0');
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(rev >> (8 * (7 - i)));
  return key;
}

Rev revOfKey(std::string_view key) {
  if (key.size() != 8) return 0;
  Rev rev = 0;
  for (const char c : key) rev = rev << 8 | static_cast<unsigned char>(c);
  return rev;
}

std::string encodeRecord(const JournalRecord& record) {
  Json moves = Json::array();
  for (const AssignmentMove& move : record.moves) moves.push_back(moveJson(move));
  Json json = {{"v", kStoredFormat},
               {"rev", record.rev},
               {"kind", commitKindName(record.kind)},
               {"at", unixMillis(record.at)},
               {"actor", record.actor},
               {"reason", record.reason},
               {"moves", std::move(moves)},
               {"topology", record.has_topology}};
  if (record.rolled_back_to) json["rolled_back_to"] = *record.rolled_back_to;
  if (record.moves_confirmed) json["moves_confirmed"] = true;
  return storedText(json);
}

Result<JournalRecord> decodeRecord(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  JournalRecord record;
  record.rev = in.number("rev");
  record.kind = in.kind("kind", kCommitKinds);
  record.at = in.time("at");
  record.actor = in.string("actor");
  record.reason = in.string("reason");
  record.has_topology = in.boolean("topology");
  record.rolled_back_to = in.numberIfGiven("rolled_back_to");
  if (in.has("moves_confirmed")) record.moves_confirmed = in.boolean("moves_confirmed");
  const Json* moves = in.array("moves");
  if (!in.ok()) return in.failure();
  for (const Json& element : *moves) {
    Result<AssignmentMove> move = moveOf(element);
    if (!move) return tl::unexpected(move.error().within("moves"));
    record.moves.push_back(std::move(*move));
  }
  return record;
}

std::string encodeRow(const StoredRow& row) {
  Json json = {{"v", kStoredFormat},
               {"kind", nameOf(kSubjectKinds, row.kind)},
               {"zone", row.zone},
               {"ezone", row.ezone},
               {"prev_ezone", row.prev_ezone},
               {"epoch", row.epoch},
               {"rev", row.rev},
               {"since", unixMillis(row.since)},
               {"change_id", row.change_id},
               {"reason", row.reason},
               {"actor", row.actor},
               {"write_state", nameOf(kWriteStates, row.write_state)},
               {"prepared", row.prepared}};
  if (row.block_expires) json["block_expires"] = unixMillis(*row.block_expires);
  return storedText(json);
}

Result<StoredRow> decodeRow(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  StoredRow row;
  row.kind = in.kind("kind", kSubjectKinds);
  row.zone = in.string("zone");
  row.ezone = in.string("ezone");
  row.prev_ezone = in.string("prev_ezone");
  row.epoch = in.number("epoch");
  row.rev = in.number("rev");
  row.since = in.time("since");
  row.change_id = in.string("change_id");
  row.reason = in.string("reason");
  row.actor = in.string("actor");
  // Rows written before there were blocks have none of these.
  if (in.has("write_state")) row.write_state = in.kind("write_state", kWriteStates);
  if (in.has("prepared")) row.prepared = in.boolean("prepared");
  if (in.has("block_expires")) row.block_expires = in.time("block_expires");
  if (!in.ok()) return in.failure();
  return row;
}

std::string encodeHead(const StoredHead& head) {
  return storedText({{"v", kStoredFormat}, {"rev", head.rev}, {"subjects", head.subjects}});
}

Result<StoredHead> decodeHead(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  const StoredHead head{in.number("rev"), in.number("subjects")};
  if (!in.ok()) return in.failure();
  return head;
}

std::string encodeSlots(const SlotOwners& owners) {
  Json slots = Json::object();
  for (const auto& [slot, ezone] : owners) slots[std::to_string(slot)] = ezone;
  return storedText({{"v", kStoredFormat}, {"slots", std::move(slots)}});
}

Result<SlotOwners> decodeSlots(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  const Json* slots = in.object("slots");
  if (!in.ok()) return in.failure();
  SlotOwners owners;
  for (const auto& [key, ezone] : slots->items()) {
    std::uint8_t slot = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), slot);
    if (error != std::errc() || end != key.data() + key.size() || slot >= kEpochSlots ||
        !ezone.is_string()) {
      return fail(ErrorKind::kCorrupt, fmt::format("slots: \"{}\" is no slot of an eZone", key));
    }
    owners[slot] = ezone.get<std::string>();
  }
  return owners;
}

std::string encodeRetired(Epoch last) {
  return storedText({{"v", kStoredFormat}, {"epoch", last}});
}

Result<Epoch> decodeRetired(std::string_view stored) {
  const Result<Json> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  const Epoch epoch = in.number("epoch");
  if (!in.ok()) return in.failure();
  return epoch;
}

}  // namespace meridian::partition
