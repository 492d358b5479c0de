// What EMHA says of the datacenters, newest first: soft state, gone after a restart until EMHA
// speaks again.
//
// HaSignals is what policies read; SignalBoard keeps it. A signal ends with its event's expires_at,
// counted by the monotonic clock from when it came, and after kMaxSignalLife at the latest: who has
// fallen silent says nothing any more. Of two about the same thing the one that occurred later
// counts, whichever came first. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "partition/ha/ha_event.h"

namespace meridian::partition {

struct HaSignal {
  HaEventType type = HaEventType::kHeartbeat;
  HaScope scope = HaScope::kDc;
  std::string dc, cluster, event_id;
  std::vector<std::string> subjects = {};  // that the newest event named
  WallTime since{};        // when the first of an unbroken row that says the same occurred
  WallTime occurred_at{};  // the newest of them
  MonotonicTime ends{};
};

class HaSignals {
 public:
  virtual ~HaSignals() = default;
  // EMHA says that this whole datacenter has failed or is cut off, now. One cluster's failure is no
  // such word.
  virtual std::optional<HaSignal> failed(std::string_view dc) const = 0;
  // EMHA says that nobody can write the subject in this datacenter, now: it is named by a block of
  // writes there that has not ended, or that is of the whole datacenter.
  virtual std::optional<HaSignal> fenced(std::string_view dc, std::string_view subject) const = 0;
};

class SignalBoard final : public HaSignals {
 public:
  static constexpr std::chrono::milliseconds kMaxSignalLife{3'600'000};
  static constexpr std::size_t kMaxSignals = 1'024;

  explicit SignalBoard(const Clock& clock) : clock_(clock) {}  // must outlive the board

  enum class Taken { kNew, kOutdated, kTooMany };
  // REQUIRES: the event has not expired.
  Taken record(const HaEvent& event);

  std::optional<HaSignal> failed(std::string_view dc) const override;
  std::optional<HaSignal> fenced(std::string_view dc, std::string_view subject) const override;
  // Those in force, by datacenter.
  std::vector<HaSignal> all() const;

 private:
  // What a signal is about: newer ones take the place of older ones.
  enum class Topic { kSite, kFailure, kWrites, kAlive };
  using Key = std::tuple<std::string, Topic, std::string>;  // datacenter, topic, cluster
  static Key keyOf(const HaEvent& event);

  const Clock& clock_;
  std::map<Key, HaSignal> signals_;
};

}  // namespace meridian::partition
