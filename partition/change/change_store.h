// Changes in the store (docs/journal-format.md, families "changes" and "change_log").
//
// "changes": number → the change as it stands. "change_log": number and step → one line of its
// history. A transition is one synced batch of both, together with the table's commit when it makes
// one. Threads: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "partition/change/change.h"

namespace meridian::partition {

// One transition.
struct ChangeLogEntry {
  std::uint64_t step = 0;
  WallTime at{};
  ChangeState state = ChangeState::kScheduled;
  std::size_t wave = 0;
  bool paused = false;
  std::string note, actor;  // actor: who ordered it, empty when nobody did
};

std::string encodeChange(const Change& change);
Result<Change> decodeChange(std::string_view stored);
std::string encodeLogEntry(const ChangeLogEntry& entry);
Result<ChangeLogEntry> decodeLogEntry(std::string_view stored);

class ChangeStore {
 public:
  // Changes that are over and older than the newest this many are dropped.
  static constexpr std::size_t kKept = 10'000;

  static std::vector<std::string> families();

  explicit ChangeStore(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}

  // All of them, oldest first. kCorrupt names the change that cannot be read.
  Result<std::vector<Change>> load() const;
  Result<std::vector<ChangeLogEntry>> log(std::uint64_t number) const;

  // What makes the transition that `change` has just gone through durable.
  static std::vector<StoreWrite> transition(const Change& change, std::string actor);
  Status write(const std::vector<StoreWrite>& batch) { return store_->writeSynced(batch); }
  // The writes that forget a change.
  Result<std::vector<StoreWrite>> removal(std::uint64_t number) const;

 private:
  std::shared_ptr<KvStore> store_;
};

}  // namespace meridian::partition
