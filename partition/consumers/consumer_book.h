// ConsumerBook: which rev of the table each router and DAL has (domain.md §3a, "Distribution").
//
// A consumer that asks for what came after a rev has that rev: its poll is its acknowledgement. So
// nothing has to be sent twice, and whoever falls silent for kSilence is one no more. Soft state: a
// restart forgets all, and their next polls, at most half a minute later, bring them back.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "partition/ids.h"

namespace meridian::partition {

enum class ConsumerKind : std::uint8_t {
  kRouter,  // sends requests to sites
  kDal      // judges writes: the one who must know before a global zone's new owner is opened
};
std::string_view consumerKindName(ConsumerKind kind);  // "router", "dal"
std::optional<ConsumerKind> consumerKindOf(std::string_view name);

struct Consumer {
  ConsumerKind kind = ConsumerKind::kRouter;
  Rev rev = 0;
  MonotonicTime heard{};
};

// How far the consumers of some kinds have come.
struct ConsumerStanding {
  static constexpr std::size_t kNamed = 8;
  std::size_t all = 0, there = 0;
  std::vector<std::string> behind = {};  // the first kNamed ids of those that are not there

  bool hasShare(double share) const {
    return static_cast<double>(there) >= share * static_cast<double>(all);
  }
};

class ConsumerBook {
 public:
  static constexpr std::size_t kMax = 10'000;
  static constexpr std::size_t kMaxId = 64;
  // Three times the longest poll.
  static constexpr std::chrono::seconds kSilence{90};

  // 1 to kMaxId letters, digits, '.', '-', '_' or ':'.
  static bool isId(std::string_view id);

  // It has `rev`, which may be lower than what it had before: it lost its disk. False: the book is
  // full of others that are not silent; it is not counted then. REQUIRES: isId(id).
  bool heard(std::string_view id, ConsumerKind kind, Rev rev, MonotonicTime now);
  // Those that are not silent; by id.
  std::map<std::string, Consumer, std::less<>> all(MonotonicTime now) const;
  // Who of them has `rev` or more; `dals_only`: routers do not count.
  ConsumerStanding standing(Rev rev, bool dals_only, MonotonicTime now) const;

 private:
  std::map<std::string, Consumer, std::less<>> consumers_;
};

}  // namespace meridian::partition
