// Crashes at every journal prefix (domain.md, "Crash recovery"): each kind of change is carried
// from its start to its end while the process dies at its 1st, 2nd, 3rd … write, in both ways in
// which a disk can fail, and then at one of the first writes of the recovery too. Whatever happens:
// each table that is published is the one after the last, with one writer at most for each subject;
// what was blocked is open in the end; and the change has either moved everything that it says it
// moved, or nothing of it.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/log.h"
#include "tests/support/change_world.h"

namespace meridian::partition {
namespace {

using namespace std::chrono_literals;
using State = ChangeState;

struct KindOfLife {
  const char* name;
  ChangeMode mode;
  DataPolicy data_policy;
  ChangeKind kind;
  std::vector<ChangeTarget> targets;
  bool expires;
};

const std::vector<KindOfLife>& kindsOfLife() {
  static const std::vector<KindOfLife> kinds = {
      {"planned",
       ChangeMode::kPlanned,
       DataPolicy::kLossless,
       ChangeKind::kShift,
       {{"p0", "b"}},
       false},
      {"gradual",
       ChangeMode::kGradual,
       DataPolicy::kLossless,
       ChangeKind::kShift,
       {{"p0", "b"}, {"p3", "b"}, {"p6", "b"}},
       false},
      {"emergency",
       ChangeMode::kEmergency,
       DataPolicy::kForce,
       ChangeKind::kShift,
       {{"p0", "b"}},
       false},
      {"drill", ChangeMode::kDrill, DataPolicy::kLossless, ChangeKind::kShift, {{"p0", "b"}}, true},
      {"switch",
       ChangeMode::kPlanned,
       DataPolicy::kLossless,
       ChangeKind::kSwitch,
       {{"g", "b"}},
       false},
      {"forced",
       ChangeMode::kEmergency,
       DataPolicy::kForce,
       ChangeKind::kSwitch,
       {{"g", "b"}},
       false}};
  return kinds;
}

class Life {
 public:
  Life(const KindOfLife& kind, test::MemoryDisk::Failure failure) : kind_(kind) {
    world_.disk->failure = failure;
    world_.fenced = "a";
    world_.published = [this](const MapSnapshot& next) { publishedTable(next); };
    EXPECT_TRUE(world_.open());
  }

  // Dies at the write `first` from the start of the change, and at `second` from the restart on;
  // nullopt: not. The number of writes of the whole life.
  std::size_t run(std::optional<std::size_t> first, std::optional<std::size_t> second) {
    const std::size_t before = world_.disk->writes;
    if (first) world_.disk->fail_at = before + *first;
    begin();
    bool again = second.has_value();
    // Each death is followed by a restart; without one the life ends by itself.
    for (int i = 0; i < 4'000 && !isAtEnd(); ++i) {
      if (world_.engine->storeFailed()) {
        world_.disk->fail_at.reset();
        if (again) world_.disk->fail_at = world_.disk->writes + *second;
        again = false;
        published_.reset();  // the write that failed may be on the disk
        if (!world_.open()) {
          world_.disk->fail_at.reset();
          EXPECT_TRUE(world_.open());
        }
      }
      goOn();
    }
    judge();
    return world_.disk->writes - before;
  }

 private:
  void begin() {
    ChangeRequest request;
    request.kind = kind_.kind;
    request.mode = kind_.mode;
    request.data_policy = kind_.data_policy;
    request.targets = kind_.targets;
    request.reason = "prefix";
    request.actor = "test";
    if (kind_.expires) request.expires_at = world_.clock.wallNow() + 2min;
    const auto plan = world_.engine->start(request);
    EXPECT_TRUE(!plan || plan->accepted);
  }

  void goOn() {
    if (!world_.hooks.asked.empty()) {
      world_.hooks.answer();
    } else {
      world_.advance(2s);
    }
    for (const Change* change : world_.engine->list(true)) {
      // A wave that was cut off waits for a person.
      if (!change->paused || world_.engine->storeFailed()) continue;
      (void)world_.engine->order(change->number, ChangeOrder::kResume, "test");
      return;
    }
  }
  bool isAtEnd() const {
    return !world_.engine->storeFailed() && world_.engine->list(true).empty();
  }

  void publishedTable(const MapSnapshot& map) {
    if (published_) {
      EXPECT_EQ(map.table->rev, *published_ + 1) << "I2";
    }
    published_ = map.table->rev;
    for (const Assignment& each : map.table->assignments) {
      EXPECT_LE(test::writersOf(each, *map.topology), 1) << "I1 " << each.subject;
      Epoch& last = epochs_[each.subject];
      EXPECT_GE(each.epoch, last) << "I2 " << each.subject;
      last = each.epoch;
    }
  }

  void judge() const {
    EXPECT_TRUE(isAtEnd()) << "it hangs";
    for (const Assignment& each : world_.map->current().table->assignments) {
      EXPECT_EQ(each.write_state, WriteState::kOpen) << "I4 " << each.subject;
      EXPECT_FALSE(each.prepared) << each.subject;
    }
    // The newest change says where everything is; none at all where its first write was lost.
    const auto changes = world_.engine->list(false);
    for (const ChangeTarget& target : kind_.targets) {
      std::string expected = "a";
      for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        for (const auto& wave : (*change)->waves) {
          for (const ChangeItem& item : wave) {
            if (item.subject == target.subject && item.moved) expected = item.to;
          }
        }
      }
      EXPECT_EQ(world_.owner(target.subject), expected) << target.subject;
    }
  }

  const KindOfLife& kind_;
  test::ChangeWorld world_;
  std::optional<Rev> published_;
  std::map<std::string, Epoch> epochs_;
};

TEST(ChangePrefixTest, EveryPrefixOfEveryKindOfChangeRecovers) {
  setLogLevel(LogLevel::kError);
#ifdef MERIDIAN_FEWER_SCHEDULES
  constexpr std::size_t kSecond = 3;
#else
  constexpr std::size_t kSecond = 10;
#endif
  std::size_t lives = 0;
  for (const KindOfLife& kind : kindsOfLife()) {
    const std::size_t writes = Life(kind, test::MemoryDisk::Failure::kLost).run({}, {});
    ASSERT_GT(writes, 5U) << kind.name << " has hardly begun";
    for (std::size_t first = 0; first < writes; ++first) {
      for (const auto failure :
           {test::MemoryDisk::Failure::kLost, test::MemoryDisk::Failure::kStored}) {
        for (std::size_t second = 0; second <= kSecond; ++second) {
          SCOPED_TRACE(testing::Message()
                       << kind.name << ", dies at write " << first << ", then at " << second << " ("
                       << kSecond << ": no more)");
          Life life(kind, failure);
          life.run(first, second == kSecond ? std::nullopt : std::optional(second));
          ++lives;
          if (HasFailure()) return;
        }
      }
    }
  }
  std::printf("%zu lives\n", lives);
}

}  // namespace
}  // namespace meridian::partition
