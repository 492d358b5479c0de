// HaService: takes events of EMHA and does what the policy says (docs/hooks.md, "Inbound").
//
// What may start a change is first written down, synced, then done, then answered: a crash in
// between is found out from the changes, so that no event ever starts two. A heartbeat has no
// consequence but itself and is not written down. Threads: the control thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/change/engine.h"
#include "partition/drc/feed_intake.h"
#include "partition/ha/ha_event.h"
#include "partition/ha/ha_inbox.h"
#include "partition/ha/ha_limit.h"
#include "partition/ha/ha_policy.h"
#include "partition/ha/ha_signals.h"
#include "partition/hooks/signature.h"

namespace meridian::partition {

struct HaConfig {
  std::vector<std::string> senders = {};  // tokens of the role agent that may tell events
  std::vector<std::filesystem::path> secret_files =
      {};                // then events are signed; read at each request
  bool frozen = false;   // nothing moves because of an event
  HaLimits limits = {};  // of events that were not answered before
};

// All must outlive the service.
struct HaSeams {
  const Clock& clock;
  MapService& map;
  ChangeEngine& changes;
  FeedIntake& drc;
};

// What became of one event.
struct HaReply {
  enum class Kind : std::uint8_t {
    kFirst,      // judged now
    kAgain,      // was answered before: the same answer
    kOtherBody,  // another event has this id
    kMalformed,  // `problems` says how
    kStore,      // the store failed: it may be told again
    kLimited     // too many came: it may be told again after `retry_after`
  };
  Kind kind = Kind::kMalformed;
  std::string event_id = {};  // empty when malformed
  HaAnswer answer = {};       // of kFirst and kAgain
  Diagnostics problems = {};
  std::chrono::milliseconds retry_after{};
};

class HaService {
 public:
  static constexpr std::size_t kMaxBatch = 256;

  HaService(HaConfig config, HaSeams seams, std::unique_ptr<HaInbox> inbox);

  // kForbidden, kUnauthorized; kIo: a secret cannot be read. `is_agent`: the token has no role
  // above that.
  Status admit(const std::string& sender, bool is_agent, const SignedHeaders& headers,
               std::string_view body);
  // One reply for each, in order. When it returns, all that was answered is on the disk.
  // REQUIRES: at most kMaxBatch
  std::vector<HaReply> take(const std::vector<std::string_view>& events, const std::string& sender);

  const HaSignals& signals() const { return signals_; }
  const SignalBoard& board() const { return signals_; }
  const HaInbox& inbox() const { return *inbox_; }

  std::uint64_t count(HaEventType type, HaDecision decision) const {
    return counts_[static_cast<std::size_t>(type)][static_cast<std::size_t>(decision)];
  }
  enum class Rejected : std::uint8_t {
    kForbidden,
    kUnauthorized,
    kMalformed,
    kOtherBody,
    kStore,
    kLimited
  };
  static constexpr std::size_t kRejections = 6;
  static std::string_view rejectedName(Rejected reason);  // "forbidden", …
  std::uint64_t rejected(Rejected reason) const {
    return rejected_[static_cast<std::size_t>(reason)];
  }
  std::uint64_t repeated() const { return repeated_; }

 private:
  HaReply one(std::string_view text, const std::string& sender);
  HaReply first(const HaEvent& event, const std::string& sender);
  HaReply known(const HaRecord& record, const HaEvent& event);
  HaVerdict judged(const HaEvent& event) const;
  // Does what the verdict says. An error: it may be tried again later.
  Result<HaAnswer> act(const HaEvent& event, HaVerdict verdict);
  Result<HaAnswer> start(const ChangeRequest& request, HaAnswer answer);
  void rebase(const std::string& dc);
  std::string changeOf(const HaEvent& event) const;
  std::string frozenWhy(WallTime now) const;
  HaReply answered(const HaEvent& event, HaAnswer answer);
  HaReply notStored(const std::string& event_id, const Error& error);
  Status flush();
  void reject(Rejected reason) { ++rejected_[static_cast<std::size_t>(reason)]; }

  HaConfig config_;
  HaSeams seams_;
  std::unique_ptr<HaInbox> inbox_;
  SignalBoard signals_;
  HaLimit limit_;
  std::array<std::array<std::uint64_t, kHaDecisions>, kHaEventTypes> counts_{};
  std::array<std::uint64_t, kRejections> rejected_{};
  std::uint64_t repeated_ = 0;
  // How the inbox was last written, until take() has looked at it.
  enum class Flushed { kNot, kWell, kBadly };
  Flushed flushed_ = Flushed::kNot;
};

}  // namespace meridian::partition
