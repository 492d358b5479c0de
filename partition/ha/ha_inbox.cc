#include "partition/ha/ha_inbox.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "partition/journal_codec.h"
#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

using HaJson = nlohmann::json;

constexpr const char* kHaFamily = "ha_events";
// What a record costs beside its stored text.
constexpr std::size_t kRecordOverhead = 512;

HaJson answerJson(const HaAnswer& answer) {
  HaJson out = {{"decision", haDecisionName(answer.decision)},
                {"refusal", haRefusalName(answer.refusal)},
                {"rule", answer.rule},
                {"text", answer.text},
                {"change_id", answer.change_id}};
  if (answer.current_epoch) out["current_epoch"] = *answer.current_epoch;
  return out;
}

std::string encodeHaRecord(const HaRecord& record) {
  const HaEvent& event = record.event;
  HaJson json = {{"v", kStoredFormat},
                 {"event_id", event.event_id},
                 {"digest", event.digest},
                 {"type", haEventTypeName(event.type)},
                 {"cluster", event.cluster},
                 {"scope", haScopeName(event.scope)},
                 {"subjects", event.subjects},
                 {"from_host", event.from.host},
                 {"from_dc", event.from.dc},
                 {"to_host", event.to.host},
                 {"to_dc", event.to.dc},
                 {"occurred_at", unixMillis(event.occurred_at)},
                 {"expires_at", unixMillis(event.expires_at)},
                 {"auto", event.automatic},
                 {"correlation_id", event.correlation_id},
                 {"sender", record.sender},
                 {"received_at", unixMillis(record.received_at)}};
  if (event.reason) json["reason"] = haReasonName(*event.reason);
  if (event.expected_epoch) json["expected_epoch"] = *event.expected_epoch;
  if (record.answered) json["answer"] = answerJson(record.answer);
  return storedText(json);
}

// What a record has by name; the first name that nobody knows is a problem.
template <class Kind>
Kind named(MemberReader& in, const char* key, std::optional<Kind> (*of)(std::string_view),
           std::string& problem) {
  const std::optional<Kind> kind = of(in.string(key));
  if (!kind && problem.empty()) problem = fmt::format("member \"{}\" has an unknown name", key);
  return kind.value_or(Kind{});
}

void readAnswer(const HaJson& json, HaRecord& out, std::string& problem) {
  MemberReader in(json);
  out.answered = true;
  out.answer.decision = named(in, "decision", haDecisionOf, problem);
  out.answer.refusal = named(in, "refusal", haRefusalOf, problem);
  out.answer.rule = in.string("rule");
  out.answer.text = in.string("text");
  out.answer.change_id = in.string("change_id");
  out.answer.current_epoch = in.numberIfGiven("current_epoch");
  if (!in.ok() && problem.empty()) problem = in.failure().value().message;
}

void readEvent(MemberReader& in, HaEvent& event, std::string& problem) {
  event.event_id = in.string("event_id");
  event.digest = in.string("digest");
  event.type = named(in, "type", haEventTypeOf, problem);
  event.cluster = in.string("cluster");
  event.scope = named(in, "scope", haScopeOf, problem);
  if (const HaJson* subjects = in.array("subjects")) {
    for (const HaJson& each : *subjects) {
      if (!each.is_string()) {
        problem = "member \"subjects\" must be an array of strings";
        return;
      }
      event.subjects.push_back(each.get<std::string>());
    }
  }
  event.from = {in.string("from_host"), in.string("from_dc")};
  event.to = {in.string("to_host"), in.string("to_dc")};
  event.occurred_at = in.time("occurred_at");
  event.expires_at = in.time("expires_at");
  event.automatic = in.boolean("auto");
  event.correlation_id = in.string("correlation_id");
  if (in.has("reason")) event.reason = named(in, "reason", haReasonOf, problem);
  event.expected_epoch = in.numberIfGiven("expected_epoch");
}

Result<HaRecord> decodeHaRecord(std::string_view stored) {
  const Result<HaJson> json = parseStored(stored);
  if (!json) return tl::unexpected(json.error());
  MemberReader in(*json);
  HaRecord out;
  std::string problem;
  readEvent(in, out.event, problem);
  out.sender = in.string("sender");
  out.received_at = in.time("received_at");
  if (in.has("answer")) {
    if (const HaJson* answer = in.object("answer")) readAnswer(*answer, out, problem);
  }
  if (!in.ok()) return in.failure();
  if (!problem.empty()) return fail(ErrorKind::kCorrupt, std::move(problem));
  return out;
}

}  // namespace

Result<std::unique_ptr<HaInbox>> HaInbox::open(std::shared_ptr<KvStore> store, const Clock& clock) {
  // Not make_unique: the constructor is private.
  std::unique_ptr<HaInbox> inbox(new HaInbox(std::move(store), clock));
  std::optional<Error> problem;
  const Status scanned =
      inbox->store_->scan(kHaFamily, "", false, [&](std::string_view key, std::string_view stored) {
        Result<HaRecord> record = decodeHaRecord(stored);
        const std::uint64_t number = revOfKey(key);
        if (record && number == 0) record = fail(ErrorKind::kCorrupt, "its key is no number");
        if (!record) {
          problem = record.error().within(fmt::format("{} {}", kHaFamily, inbox->next_));
          return false;
        }
        inbox->insert(number, std::move(*record), stored.size());
        inbox->next_ = number + 1;
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (problem) return tl::unexpected(*problem);
  inbox->makeRoom();
  return inbox;
}

const HaRecord* HaInbox::find(std::string_view event_id) const {
  const auto found = numbers_.find(std::string(event_id));
  return found == numbers_.end() ? nullptr : &entries_.at(found->second).record;
}

void HaInbox::insert(std::uint64_t number, HaRecord record, std::size_t bytes) {
  // A write whose failure was reported may be on the disk, and the event came once more: the later
  // word counts.
  numbers_.insert_or_assign(record.event.event_id, number);
  Entry entry{std::move(record), bytes + kRecordOverhead, clock_.monotonicNow()};
  bytes_ += entry.bytes;
  entries_.emplace(number, std::move(entry));
}

void HaInbox::forget(Entries::iterator at) {
  const auto found = numbers_.find(at->second.record.event.event_id);
  if (found != numbers_.end() && found->second == at->first) numbers_.erase(found);
  bytes_ -= at->second.bytes;
  entries_.erase(at);
}

void HaInbox::makeRoom() {
  const MonotonicTime now = clock_.monotonicNow();
  while (!entries_.empty()) {
    const auto oldest = entries_.begin();
    const bool old = now - oldest->second.since > kKeptFor;
    const bool full = entries_.size() > kMaxRecords || bytes_ > kMaxBytes;
    if (!old && !full) return;
    if (!old) ++dropped_;
    unwritten_.push_back({kHaFamily, revKey(oldest->first), std::nullopt});
    forget(oldest);
  }
}

void HaInbox::add(HaRecord record) {
  record.event.gtid_executed.clear();
  std::string stored = encodeHaRecord(record);
  const std::uint64_t number = next_++;
  insert(number, std::move(record), stored.size());
  added_.push_back(number);
  unwritten_.push_back({kHaFamily, revKey(number), std::move(stored)});
  makeRoom();
}

void HaInbox::answer(std::string_view event_id, HaAnswer answer) {
  const auto found = numbers_.find(std::string(event_id));
  if (found == numbers_.end()) return;  // it had to make room
  Entry& entry = entries_.at(found->second);
  entry.record.answered = true;
  entry.record.answer = std::move(answer);
  std::string stored = encodeHaRecord(entry.record);
  bytes_ += stored.size() + kRecordOverhead - entry.bytes;
  entry.bytes = stored.size() + kRecordOverhead;
  unwritten_.push_back({kHaFamily, revKey(found->second), std::move(stored)});
}

Status HaInbox::flush() {
  const std::vector<StoreWrite> batch = std::exchange(unwritten_, {});
  const std::vector<std::uint64_t> added = std::exchange(added_, {});
  if (batch.empty()) return {};
  Status written = store_->writeSynced(batch);
  if (written) return {};
  for (const std::uint64_t number : added) {
    const auto at = entries_.find(number);
    if (at != entries_.end()) forget(at);
  }
  return written;
}

void HaInbox::visit(const std::function<bool(const HaRecord&)>& visitor) const {
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if (!visitor(at->second.record)) return;
  }
}

}  // namespace meridian::partition
