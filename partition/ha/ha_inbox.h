// HaInbox: which events were answered, and how, so that the same event is answered the same again,
// also after a restart.
//
// Family "ha_events" of its store: number (8 bytes big-endian, in the order of arrival) → the event
// in short and its answer (docs/journal-format.md). Kept for kKeptFor of the monotonic clock, from
// when it came or from the last start, so that no jump of the wall clock makes an event forgotten
// and done twice; within kMaxRecords and kMaxBytes, beyond which the oldest go first, counted.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/kv_store.h"
#include "base/result.h"
#include "partition/ha/ha_event.h"
#include "partition/ha/ha_policy.h"

namespace meridian::partition {

struct HaRecord {
  HaEvent event;  // without gtid_executed
  std::string sender;
  WallTime received_at{};
  // False: it was about to be acted on; whether it was is found out from the changes.
  bool answered = false;
  HaAnswer answer;
};

class HaInbox {
 public:
  static constexpr std::size_t kMaxRecords = 10'000;
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
  static constexpr std::chrono::milliseconds kKeptFor{std::chrono::hours(72)};

  static std::vector<std::string> families() { return {"ha_events"}; }
  // kCorrupt, kIo.
  static Result<std::unique_ptr<HaInbox>> open(std::shared_ptr<KvStore> store, const Clock& clock);

  // nullptr: never heard of, or forgotten. Valid until the next add().
  const HaRecord* find(std::string_view event_id) const;
  // Known from here on, on the disk after flush(). REQUIRES: find() does not know it.
  void add(HaRecord record);
  // The same, of one that is known and not yet answered.
  void answer(std::string_view event_id, HaAnswer answer);
  // Writes, synced, what was added and answered since the last. When it fails, what was added is
  // unknown again; an answer stays known until a restart.
  Status flush();

  // Newest first, until the visitor returns false.
  void visit(const std::function<bool(const HaRecord&)>& visitor) const;
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  // Forgotten for want of room.
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    HaRecord record;
    std::size_t bytes = 0;
    MonotonicTime since{};
  };
  using Entries = std::map<std::uint64_t, Entry>;

  HaInbox(std::shared_ptr<KvStore> store, const Clock& clock)
      : store_(std::move(store)), clock_(clock) {}
  void insert(std::uint64_t number, HaRecord record, std::size_t bytes);
  void forget(Entries::iterator at);
  void makeRoom();

  std::shared_ptr<KvStore> store_;
  const Clock& clock_;
  Entries entries_;
  std::unordered_map<std::string, std::uint64_t> numbers_;  // by event_id
  std::vector<StoreWrite> unwritten_;
  std::vector<std::uint64_t> added_;  // since the last flush
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::uint64_t dropped_ = 0;
};

}  // namespace meridian::partition
