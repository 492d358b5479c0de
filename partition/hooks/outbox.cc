#include "partition/hooks/outbox.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "partition/hooks/hook_codec.h"
#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr char kFamily[] = "hooks";
constexpr char kAnswerPrefix = 'a';
constexpr char kWaitingPrefix = 'n';
constexpr char kDeadPrefix = 'd';
constexpr char kNextIdKey[] = "i";

std::string idKey(char prefix, std::uint64_t id) {
  std::string key(1, prefix);
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>((id >> shift) & 0xFF);
  return key;
}

std::uint64_t idOf(std::string_view key) {
  std::uint64_t id = 0;
  for (const char c : key.substr(1)) id = id << 8 | static_cast<unsigned char>(c);
  return id;
}

WallTime wallTime(const Json& json) {
  return WallTime(milliseconds(json.get<std::int64_t>()));
}

std::string encodeMessage(const HookMessage& message) {
  return storedText({{"v", 1},
                     {"hook", message.hook},
                     {"call", encodeCall(message.call)},
                     {"attempts", message.attempts},
                     {"written_at", unixMillis(message.written_at)},
                     {"next_at", unixMillis(message.next_at)},
                     {"last_error", message.last_error}});
}

Result<HookMessage> decodeMessage(std::uint64_t id, std::string_view text) {
  try {
    const Json json = Json::parse(text);
    auto call = decodeCall(json.at("call").get<std::string>());
    if (!call) return tl::unexpected(call.error());
    return HookMessage{id,
                       json.at("hook").get<std::string>(),
                       std::move(*call),
                       json.at("attempts").get<unsigned>(),
                       wallTime(json.at("written_at")),
                       wallTime(json.at("next_at")),
                       json.at("last_error").get<std::string>()};
  } catch (const Json::exception& wrong) {
    return fail(ErrorKind::kCorrupt,
                "message " + std::to_string(id) + " cannot be read: " + wrong.what());
  }
}

// What is kept of a call: that it was begun, or its answer.
std::string encodeAnswer(std::string_view kind, const HookReply& reply, WallTime now) {
  return storedText({{"v", 1},
                     {"at", unixMillis(now)},
                     {"kind", kind},
                     {"reason", reply.reason},
                     {"evidence", reply.evidence}});
}

struct Answer {
  WallTime at{};
  std::optional<HookReply> reply;  // nullopt: begun
};

Result<Answer> decodeAnswer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Answer answer{wallTime(json.at("at")), std::nullopt};
    const auto kind = json.at("kind").get<std::string>();
    if (kind == "begun") return answer;
    answer.reply =
        HookReply{kind == "veto" ? HookReply::Kind::kVeto : HookReply::Kind::kAllow,
                  json.at("reason").get<std::string>(), json.at("evidence").get<std::string>()};
    return answer;
  } catch (const Json::exception& wrong) {
    return fail(ErrorKind::kCorrupt,
                std::string("a stored answer cannot be read: ") + wrong.what());
  }
}

tl::unexpected<Error> noSuch(std::uint64_t id) {
  return fail(ErrorKind::kNotFound, "there is no dead letter " + std::to_string(id));
}

}  // namespace

Result<std::unique_ptr<HookOutbox>> HookOutbox::open(std::shared_ptr<KvStore> store) {
  std::unique_ptr<HookOutbox> box(new HookOutbox(std::move(store)));
  const auto next = box->store_->get(kFamily, kNextIdKey);
  if (!next) return tl::unexpected(next.error());
  if (*next) {
    const char* const end = (*next)->data() + (*next)->size();
    if (const auto read = std::from_chars((*next)->data(), end, box->next_id_);
        read.ec != std::errc() || read.ptr != end)
      return fail(ErrorKind::kCorrupt, "the outbox's next number cannot be read");
  }
  if (Status loaded = box->load(kWaitingPrefix, box->waiting_); !loaded)
    return tl::unexpected(loaded.error());
  if (Status loaded = box->load(kDeadPrefix, box->dead_); !loaded)
    return tl::unexpected(loaded.error());
  return box;
}

Status HookOutbox::load(char prefix, std::map<std::uint64_t, HookMessage>& into) {
  Status problem;
  Status scanned = store_->scan(kFamily, std::string(1, prefix), false,
                                [&](std::string_view key, std::string_view value) {
                                  if (key.empty() || key.front() != prefix) return false;
                                  auto message = decodeMessage(idOf(key), value);
                                  if (!message) {
                                    problem = tl::unexpected(message.error().within("outbox"));
                                    return false;
                                  }
                                  into.emplace(message->id, std::move(*message));
                                  return true;
                                });
  return scanned ? problem : scanned;
}

Result<std::optional<HookReply>> HookOutbox::begin(const std::string& key, WallTime now) {
  const std::string row = kAnswerPrefix + key;
  const auto stored = store_->get(kFamily, row);
  if (!stored) return tl::unexpected(stored.error());
  if (*stored) {
    auto answer = decodeAnswer(**stored);
    if (!answer) return tl::unexpected(answer.error().within(key));
    return answer->reply;
  }
  if (Status written = store_->writeSynced({{kFamily, row, encodeAnswer("begun", {}, now)}});
      !written)
    return tl::unexpected(written.error());
  return std::optional<HookReply>();
}

Status HookOutbox::answered(const std::string& key, const HookReply& reply, WallTime now) {
  const bool veto = reply.kind == HookReply::Kind::kVeto;
  return store_->writeSynced(
      {{kFamily, kAnswerPrefix + key, encodeAnswer(veto ? "veto" : "allow", reply, now)}});
}

Status HookOutbox::tell(const std::vector<std::string>& hooks, const HookCall& call, WallTime now) {
  std::vector<StoreWrite> batch;
  std::vector<HookMessage> messages;
  std::uint64_t id = next_id_;
  for (const std::string& hook : hooks) {
    const std::string row = kAnswerPrefix + idempotencyKey(call, hook);
    const auto known = store_->get(kFamily, row);
    if (!known) return tl::unexpected(known.error());
    if (*known) continue;
    messages.push_back({id, hook, call, 0, now, now, {}});
    batch.push_back({kFamily, row, encodeAnswer("begun", {}, now)});
    batch.push_back({kFamily, idKey(kWaitingPrefix, id), encodeMessage(messages.back())});
    ++id;
  }
  if (messages.empty()) return {};
  if (waiting_.size() + messages.size() > kMaxWaiting)
    return fail(ErrorKind::kTooLarge, "too many messages to hooks wait");
  batch.push_back({kFamily, kNextIdKey, std::to_string(id)});
  if (Status written = store_->writeSynced(batch); !written) return written;
  next_id_ = id;
  for (HookMessage& message : messages) waiting_.emplace(message.id, std::move(message));
  return {};
}

Status HookOutbox::delivered(std::uint64_t id) {
  if (Status written = store_->writeSynced({{kFamily, idKey(kWaitingPrefix, id), std::nullopt}});
      !written)
    return written;
  waiting_.erase(id);
  return {};
}

Status HookOutbox::failed(std::uint64_t id, WallTime next_at, const std::string& why) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return noSuch(id);
  HookMessage message = found->second;
  ++message.attempts;
  message.next_at = next_at;
  message.last_error = why;
  if (Status written =
          store_->writeSynced({{kFamily, idKey(kWaitingPrefix, id), encodeMessage(message)}});
      !written)
    return written;
  found->second = std::move(message);
  return {};
}

Status HookOutbox::bury(std::uint64_t id, const std::string& why, WallTime now) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return noSuch(id);
  HookMessage message = found->second;
  ++message.attempts;
  message.next_at = now;
  message.last_error = why;
  std::vector<StoreWrite> batch = {{kFamily, idKey(kWaitingPrefix, id), std::nullopt},
                                   {kFamily, idKey(kDeadPrefix, id), encodeMessage(message)}};
  const bool full = dead_.size() >= kMaxDead;
  if (full) batch.push_back({kFamily, idKey(kDeadPrefix, dead_.begin()->first), std::nullopt});
  if (Status written = store_->writeSynced(batch); !written) return written;
  waiting_.erase(found);
  if (full) {
    dead_.erase(dead_.begin());
    ++dead_overflow_;
  }
  dead_.emplace(id, std::move(message));
  return {};
}

Status HookOutbox::requeue(std::uint64_t id, WallTime now) {
  const auto found = dead_.find(id);
  if (found == dead_.end()) return noSuch(id);
  if (waiting_.size() >= kMaxWaiting)
    return fail(ErrorKind::kTooLarge, "too many messages to hooks wait");
  HookMessage message = found->second;
  message.attempts = 0;
  message.next_at = now;
  if (Status written =
          store_->writeSynced({{kFamily, idKey(kDeadPrefix, id), std::nullopt},
                               {kFamily, idKey(kWaitingPrefix, id), encodeMessage(message)}});
      !written)
    return written;
  dead_.erase(found);
  waiting_.emplace(id, std::move(message));
  return {};
}

Status HookOutbox::drop(std::uint64_t id) {
  if (!dead_.contains(id)) return noSuch(id);
  if (Status written = store_->writeSynced({{kFamily, idKey(kDeadPrefix, id), std::nullopt}});
      !written)
    return written;
  dead_.erase(id);
  return {};
}

Status HookOutbox::prune(WallTime now) {
  std::vector<StoreWrite> batch;
  Status problem;
  Status scanned = store_->scan(kFamily, std::string(1, kAnswerPrefix), false,
                                [&](std::string_view key, std::string_view value) {
                                  if (key.empty() || key.front() != kAnswerPrefix) return false;
                                  const auto answer = decodeAnswer(value);
                                  if (!answer) {
                                    problem = tl::unexpected(answer.error().within(key));
                                    return false;
                                  }
                                  if (answer->at + kKeptFor < now)
                                    batch.push_back({kFamily, std::string(key), std::nullopt});
                                  return true;
                                });
  if (!scanned) return scanned;
  if (!problem || batch.empty()) return problem;
  return store_->writeSynced(batch);
}

}  // namespace meridian::partition
