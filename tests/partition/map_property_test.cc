// Random lives of a table: remaps, topologies and rollbacks, with a write that fails at every
// place, in both ways a disk can fail. After each step:
//   I2  a commit raises rev by exactly one, and the epochs of the subjects it moves, and of no
//   others;
//       the epoch names the slot of the owner; an epoch never comes back, not even for a subject
//       that was removed and added again
//   what was acknowledged is what a reopen serves; a failed write is there whole or not at all
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <tuple>

#include "partition/map_service.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace meridian::partition {
namespace {

using test::MemoryDisk;

// A topology of a few of six sites and a few of eight partitions.
std::string randomTopology(std::mt19937& random) {
  const auto chance = [&](int percent) {
    return std::uniform_int_distribution<int>(0, 99)(random) < percent;
  };
  std::string sites;
  std::string endpoints;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    if (i >= 2 && chance(30)) continue;  // two sites are always there
    const std::string id = "e" + std::to_string(i);
    const std::string comma = ids.empty() ? "" : ", ";
    sites += comma + R"({"id": ")" + id + R"(", "lat": 1, "lon": 2, "slot": )" +
             std::to_string(i * 9) + R"(, "admin_state": ")" +
             (i > 0 && chance(20) ? "DRAINING" : "IN_SERVICE") + R"("})";
    endpoints += comma + "\"" + id + R"(": ["A 192.0.2.1"])";
    ids.push_back(id);
  }
  std::string partitions;
  for (int i = 0; i < 8; ++i) {
    if (i != 0 && chance(25)) continue;
    const std::string home = ids[random() % ids.size()];
    const std::string second = ids[random() % ids.size()];
    partitions += std::string(partitions.empty() ? "" : ", ") + R"({"id": "p)" + std::to_string(i) +
                  R"(", "home": ")" + home + "\"";
    if (home != second && chance(40)) {
      partitions += R"(, "allowed": [")" + home + R"(", ")" + second + "\"]";
    }
    partitions += "}";
  }
  return R"({"format": 1, "datacenters": [)" + sites + R"(], "zones": [
    {"id": ")" +
         (chance(50) ? "z" : "y") + R"(", "kind": "sharding", "partitions": [)" + partitions +
         R"(], "placement": {"default_partition": "p0"}},
    {"id": "g", "kind": "global", "primary": ")" +
         ids[random() % ids.size()] + R"("}], "services": []})";
}

std::shared_ptr<const Topology> decoded(const std::string& text) {
  Checked<Topology> topology = decodeTopology(text, "random");
  EXPECT_TRUE(topology) << topology.error().text() << text;
  return topology ? std::make_shared<const Topology>(std::move(*topology)) : nullptr;
}

// All that a reopen must bring back of a row, by ids.
using Row = std::tuple<SubjectKind, std::string, std::string, std::string, Epoch, Rev, WallTime,
                       std::string, std::string>;
using Whole = std::pair<Rev, std::map<std::string, Row>>;

Whole stateOf(const MapSnapshot& map) {
  const auto id = [&](EZoneIx ezone) { return map.topology->ezones[ezone.index()].id; };
  Whole state{map.table->rev, {}};
  for (const Assignment& a : map.table->assignments) {
    state.second[a.subject] = {a.kind,  a.zone, id(a.ezone), a.prev_ezone ? id(*a.prev_ezone) : "",
                               a.epoch, a.rev,  a.since,     a.reason,
                               a.actor};
  }
  return state;
}

class Life {
 public:
  explicit Life(unsigned seed, MemoryDisk::Failure failure) : random_(seed) {
    disk_->failure = failure;
    reopen();
  }

  void step() {
    clock_.advance(std::chrono::seconds(1));
    if (random_() % 4 == 0) disk_->fail_at = disk_->writes;
    const MapSnapshot before = service_->current();
    const bool applied = act();
    if (!applied) {
      // Nothing that was refused, dry or failed shows in what is served.
      EXPECT_EQ(service_->current().table, before.table);
      EXPECT_EQ(service_->current().topology, before.topology);
    } else {
      checkCommit(before);
    }
    checkReopen(disk_->writes > 0 && disk_->fail_at == disk_->writes - 1);
    disk_->fail_at.reset();
  }

  Rev rev() const { return service_->current().table->rev; }

 private:
  std::unique_ptr<MapService> open() {
    auto opened =
        MapService::open(std::make_shared<test::MemoryStore>(disk_, Journal::families()), clock_,
                         rev_of_first_ ? nullptr : decoded(randomTopology(random_)));
    EXPECT_TRUE(opened) << opened.error().error.message;
    rev_of_first_ = true;
    return opened ? std::move(*opened) : nullptr;
  }
  void reopen() {
    service_ = open();
    ASSERT_NE(service_, nullptr);
    noteEpochs();
  }

  bool act() {
    const bool dry = random_() % 8 == 0;
    const AssignmentTable& table = *service_->current().table;
    switch (random_() % 6) {
      case 0: {
        const auto moves = random_() % 4 == 0 ? PlaceMoves::kLimited : PlaceMoves::kConfirmed;
        const auto result = service_->putTopology(decoded(randomTopology(random_)), std::nullopt,
                                                  "put", "ann", dry, moves);
        return result && result->applied;
      }
      case 1: {
        const Rev to = 1 + random_() % table.rev;
        const auto result = service_->rollback(to, table.rev, "back", "ann", dry);
        return result && result->applied;
      }
      default: {
        const Assignment& subject = table.assignments[random_() % table.assignments.size()];
        const Topology& topology = *service_->current().topology;
        const std::string to = topology.ezones[random_() % topology.ezones.size()].id;
        const auto result =
            service_->remap({subject.subject, to, subject.epoch, "move", "ann", dry});
        return result && result->applied;
      }
    }
  }

  void checkCommit(const MapSnapshot& before) {
    const MapSnapshot& after = service_->current();
    EXPECT_EQ(after.table->rev, before.table->rev + 1);
    const auto record = service_->journal().read(after.table->rev);
    ASSERT_TRUE(record && *record);
    std::map<std::string, AssignmentMove> moved;
    for (const AssignmentMove& move : (*record)->moves) moved.emplace(move.subject, move);
    for (const Assignment& a : after.table->assignments) {
      EXPECT_EQ(slotOf(a.epoch), after.topology->ezones[a.ezone.index()].slot);
      const auto move = moved.find(a.subject);
      if (move == moved.end()) {
        EXPECT_EQ(a.epoch, last_epoch_[a.subject]) << a.subject;
      } else {
        EXPECT_GT(a.epoch, last_epoch_[a.subject]) << a.subject;
        EXPECT_EQ(move->second.epoch_new, a.epoch);
        EXPECT_EQ(move->second.epoch_old, last_epoch_[a.subject]);
      }
    }
    noteEpochs();
  }
  void noteEpochs() {
    for (const Assignment& a : service_->current().table->assignments) {
      EXPECT_GE(a.epoch, last_epoch_[a.subject]);
      last_epoch_[a.subject] = a.epoch;
    }
  }

  // What a new process would serve is what was acknowledged. After a failed write it may be one
  // commit further; then this life goes on from there, as a restarted server would.
  void checkReopen(bool failed_write) {
    const auto other = open();
    ASSERT_NE(other, nullptr);
    const Whole stored = stateOf(other->current());
    const Whole served = stateOf(service_->current());
    if (!failed_write || disk_->failure == MemoryDisk::Failure::kLost) {
      EXPECT_EQ(stored, served);
      EXPECT_EQ(other->current().topology->document, service_->current().topology->document);
      EXPECT_EQ(other->current().topology_rev, service_->current().topology_rev);
    } else {
      EXPECT_EQ(stored.first, served.first + 1);
      reopen();
    }
  }

  std::mt19937 random_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  test::FakeClock clock_;
  bool rev_of_first_ = false;
  std::unique_ptr<MapService> service_;
  std::map<std::string, Epoch> last_epoch_;  // of every subject there ever was
};

class MapProperty : public testing::TestWithParam<MemoryDisk::Failure> {};

TEST_P(MapProperty, EpochsRiseAndWhatWasAcknowledgedIsServedAfterAReopen) {
  for (int round = 0; round < 12; ++round) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed, GetParam());
    for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) life.step();
    EXPECT_GT(life.rev(), 5U);
    if (testing::Test::HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Failures, MapProperty,
                         testing::Values(MemoryDisk::Failure::kLost, MemoryDisk::Failure::kStored),
                         [](const auto& tested) {
                           return tested.param == MemoryDisk::Failure::kLost ? "Lost" : "Stored";
                         });

}  // namespace
}  // namespace meridian::partition
