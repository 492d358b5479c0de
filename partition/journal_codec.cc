#include "partition/journal_codec.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kFormat = 1;

constexpr std::array kCommitKinds = {
    std::pair{CommitKind::kImport, std::string_view("import")},
    std::pair{CommitKind::kTopology, std::string_view("topology")},
    std::pair{CommitKind::kRemap, std::string_view("remap")},
    std::pair{CommitKind::kRollback, std::string_view("rollback")},
};
constexpr std::array kSubjectKinds = {
    std::pair{SubjectKind::kPartition, std::string_view("partition")},
    std::pair{SubjectKind::kGlobalZone, std::string_view("global_zone")},
};

template <class Names, class Kind>
std::string_view nameOf(const Names& names, Kind kind) {
  for (const auto& [known, name] : names) {
    if (known == kind) return name;
  }
  return {};
}

std::string text(const Json& json) {
  // Strings were checked to be UTF-8 when they came in; should one not be, a replacement character
  // in a reason is better than a commit that fails.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Takes members out of a JSON object; remembers the first that is missing or of another type.
class MemberReader {
 public:
  explicit MemberReader(const Json& object) : object_(object) {
    if (!object_.is_object()) problem_ = "is no object";
  }
  static Result<Json> parse(std::string_view text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return fail(ErrorKind::kCorrupt, "is not JSON");
    MemberReader in(json);
    const std::uint64_t format = in.number("v");
    if (!in.problem_.empty()) return in.failure();
    if (format != kFormat) {
      return fail(ErrorKind::kCorrupt,
                  fmt::format("has format {}; this version reads {}", format, kFormat));
    }
    return json;
  }

  std::string string(const char* key) {
    const Json* member = find(key);
    if (member == nullptr || !member->is_string()) return wrong<std::string>(key, "a string");
    return member->get<std::string>();
  }
  std::uint64_t number(const char* key) {
    const Json* member = find(key);
    if (member == nullptr || !member->is_number_unsigned()) {
      return wrong<std::uint64_t>(key, "a whole number");
    }
    return member->get<std::uint64_t>();
  }
  std::optional<std::uint64_t> numberIfGiven(const char* key) {
    if (find(key) == nullptr) return std::nullopt;
    return number(key);
  }
  bool boolean(const char* key) {
    const Json* member = find(key);
    if (member == nullptr || !member->is_boolean()) return wrong<bool>(key, "true or false");
    return member->get<bool>();
  }
  WallTime time(const char* key) {
    const Json* member = find(key);
    if (member == nullptr || !member->is_number_integer()) {
      return wrong<WallTime>(key, "milliseconds since 1970");
    }
    return WallTime(std::chrono::milliseconds(member->get<std::int64_t>()));
  }
  template <class Names>
  auto kind(const char* key, const Names& names) {
    using Kind = typename Names::value_type::first_type;
    const std::string name = string(key);
    for (const auto& [kind, known] : names) {
      if (known == name) return kind;
    }
    return wrong<Kind>(key, "a known kind");
  }
  const Json* array(const char* key) {
    const Json* member = find(key);
    if (member != nullptr && member->is_array()) return member;
    return wrong<const Json*>(key, "an array");
  }
  const Json* object(const char* key) {
    const Json* member = find(key);
    if (member != nullptr && member->is_object()) return member;
    return wrong<const Json*>(key, "an object");
  }

  bool ok() const { return problem_.empty(); }
  tl::unexpected<Error> failure() const { return fail(ErrorKind::kCorrupt, problem_); }

 private:
  const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  template <class T>
  T wrong(const char* key, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("member \"{}\" must be {}", key, expected);
    return T{};
  }

  const Json& object_;
  std::string problem_;
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
  Json json = {{"v", kFormat},
               {"rev", record.rev},
               {"kind", commitKindName(record.kind)},
               {"at", record.at.time_since_epoch().count()},
               {"actor", record.actor},
               {"reason", record.reason},
               {"moves", std::move(moves)},
               {"topology", record.has_topology}};
  if (record.rolled_back_to) json["rolled_back_to"] = *record.rolled_back_to;
  return text(json);
}

Result<JournalRecord> decodeRecord(std::string_view stored) {
  const Result<Json> json = MemberReader::parse(stored);
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
  return text({{"v", kFormat},
               {"kind", nameOf(kSubjectKinds, row.kind)},
               {"zone", row.zone},
               {"ezone", row.ezone},
               {"prev_ezone", row.prev_ezone},
               {"epoch", row.epoch},
               {"rev", row.rev},
               {"since", row.since.time_since_epoch().count()},
               {"change_id", row.change_id},
               {"reason", row.reason},
               {"actor", row.actor}});
}

Result<StoredRow> decodeRow(std::string_view stored) {
  const Result<Json> json = MemberReader::parse(stored);
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
  if (!in.ok()) return in.failure();
  return row;
}

std::string encodeHead(const StoredHead& head) {
  return text({{"v", kFormat}, {"rev", head.rev}, {"subjects", head.subjects}});
}

Result<StoredHead> decodeHead(std::string_view stored) {
  const Result<Json> json = MemberReader::parse(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  const StoredHead head{in.number("rev"), in.number("subjects")};
  if (!in.ok()) return in.failure();
  return head;
}

std::string encodeSlots(const SlotOwners& owners) {
  Json slots = Json::object();
  for (const auto& [slot, ezone] : owners) slots[std::to_string(slot)] = ezone;
  return text({{"v", kFormat}, {"slots", std::move(slots)}});
}

Result<SlotOwners> decodeSlots(std::string_view stored) {
  const Result<Json> json = MemberReader::parse(stored);
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
  return text({{"v", kFormat}, {"epoch", last}});
}

Result<Epoch> decodeRetired(std::string_view stored) {
  const Result<Json> json = MemberReader::parse(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  const Epoch epoch = in.number("epoch");
  if (!in.ok()) return in.failure();
  return epoch;
}

}  // namespace meridian::partition
