// MapService against its header: every rule, what a commit leaves behind, and what a failure leaves
// alone.
#include "partition/map_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

using test::MemoryDisk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The sample with one part of its text replaced.
std::shared_ptr<const Topology> sample(std::string_view part = {}, std::string_view with = {}) {
  std::string text(test::kSampleTopology);
  if (!part.empty()) {
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    text.replace(at, part.size(), with);
  }
  Checked<Topology> topology = decodeTopology(text, "test");
  EXPECT_TRUE(topology) << topology.error().text();
  return std::make_shared<const Topology>(std::move(*topology));
}

class MapServiceTest : public testing::Test {
 protected:
  MapServiceTest() { reopen(); }

  std::shared_ptr<KvStore> store() {
    return std::make_shared<test::MemoryStore>(disk_, Journal::families());
  }
  void reopen() {
    service_.reset();
    auto opened = MapService::open(store(), clock_, sample());
    ASSERT_TRUE(opened) << opened.error().error.message;
    service_ = std::move(*opened);
  }
  const Assignment& assignment(std::string_view subject) {
    const AssignmentTable& table = *service_->current().table;
    return table.assignments[table.find(subject)->index()];
  }
  std::string owner(std::string_view subject) {
    return service_->current().topology->ezones[assignment(subject).ezone.index()].id;
  }
  RemapRequest request(std::string subject, std::string to) {
    const Epoch epoch = assignment(subject).epoch;
    return {std::move(subject), std::move(to), epoch, "why", "ann", false};
  }
  // The refusal's kind and rule, which must have changed nothing.
  std::string refusal(const RemapRequest& request) {
    const auto table = service_->current().table;
    const std::size_t writes = disk_->writes;
    const auto result = service_->remap(request);
    EXPECT_FALSE(result);
    EXPECT_EQ(service_->current().table, table);
    EXPECT_EQ(disk_->writes, writes);
    return std::string(errorKindName(result.error().error.kind)) + " " + result.error().rule;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  test::FakeClock clock_;
  std::unique_ptr<MapService> service_;
};

TEST_F(MapServiceTest, ImportAssignsEverySubjectToItsHome) {
  EXPECT_EQ(service_->current().table->rev, 1U);
  EXPECT_EQ(service_->current().topology_rev, 1U);
  EXPECT_EQ(owner("us-tx"), "dal");
  EXPECT_EQ(assignment("us-tx").epoch, 64U);  // slot 0 after nothing
  EXPECT_EQ(owner("rest"), "iad");
  EXPECT_EQ(assignment("rest").epoch, 1U);
  EXPECT_EQ(owner("account"), "iad");
  EXPECT_EQ(assignment("account").kind, SubjectKind::kGlobalZone);
  EXPECT_EQ(assignment("account").since, clock_.wallNow());
}

TEST_F(MapServiceTest, RemapMovesOneSubjectAndSurvivesAReopen) {
  clock_.advance(std::chrono::seconds(5));
  const auto result = service_->remap(request("us-tx", "iad"));
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ(result->rev, 2U);
  EXPECT_EQ(result->from, "dal");
  EXPECT_EQ(result->to, "iad");
  EXPECT_EQ(result->epoch_old, 64U);
  EXPECT_EQ(result->epoch_new, 65U);
  EXPECT_TRUE(result->applied);
  for (const bool reopened : {false, true}) {
    if (reopened) reopen();
    EXPECT_EQ(service_->current().table->rev, 2U);
    EXPECT_EQ(owner("us-tx"), "iad");
    EXPECT_EQ(owner("rest"), "iad");
    const Assignment& moved = assignment("us-tx");
    EXPECT_EQ(moved.prev_ezone, service_->current().topology->findEZone("dal"));
    EXPECT_EQ(moved.epoch, 65U);
    EXPECT_EQ(moved.rev, 2U);
    EXPECT_EQ(moved.since, clock_.wallNow());
    EXPECT_EQ(moved.reason, "why");
    EXPECT_EQ(moved.actor, "ann");
    EXPECT_EQ(assignment("rest").rev, 1U);
  }
}

TEST_F(MapServiceTest, RemapIsRefusedByItsRules) {
  EXPECT_EQ(refusal({"nope", "iad", 64, "why", "ann", false}), "not_found unknown-subject");
  EXPECT_EQ(refusal(request("account", "dal")), "refused global-zone");
  EXPECT_EQ(refusal(request("us-tx", "iax")), "refused unknown-ezone");
  EXPECT_EQ(refusal(request("us-tx", "fra")), "refused not-allowed");
  EXPECT_EQ(refusal(request("us-tx", "dal")), "refused already-there");
  EXPECT_EQ(refusal(request("rest", "fra")), "refused site-not-in-service");
  RemapRequest stale = request("us-tx", "iad");
  stale.expected_epoch = 63;
  EXPECT_EQ(refusal(stale), "conflict stale-epoch");
  EXPECT_EQ(service_->remap(stale).error().current_epoch, 64U);
}

TEST_F(MapServiceTest, ReasonsMustBeShortPrintableUtf8) {
  for (const std::string& reason :
       {std::string(), std::string(513, 'x'), std::string("a\nb"), std::string("\xff"),
        std::string("\xc2\x85"), std::string("\xed\xa0\x80"), std::string("a\0b", 3)}) {
    RemapRequest bad = request("us-tx", "iad");
    bad.reason = reason;
    EXPECT_EQ(refusal(bad), "invalid reason");
    bad = request("us-tx", "iad");
    bad.actor = reason;
    EXPECT_EQ(refusal(bad), "invalid actor");
  }
  RemapRequest longest = request("us-tx", "iad");
  longest.reason = std::string(510, 'x') + "é";
  EXPECT_TRUE(service_->remap(longest));
}

TEST_F(MapServiceTest, DryRunPreparesAndChangesNothing) {
  int prepared = 0;
  int published = 0;
  service_->onPublish([&](const MapSnapshot& next) -> Checked<PreparedState> {
    ++prepared;
    EXPECT_EQ(next.table->rev, 2U);
    return PreparedState{[&] { ++published; }, {{"order", {}}}};
  });
  RemapRequest dry = request("us-tx", "iad");
  dry.dry_run = true;
  const std::size_t writes = disk_->writes;
  const auto result = service_->remap(dry);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rev, 2U);
  EXPECT_EQ(result->epoch_new, 65U);
  EXPECT_FALSE(result->applied);
  EXPECT_EQ(prepared, 1);
  EXPECT_EQ(published, 0);
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(owner("us-tx"), "dal");
}

TEST_F(MapServiceTest, PublishesAfterTheJournalAndOnlyThen) {
  std::vector<std::string> order;
  service_->onPublish([&](const MapSnapshot&) -> Checked<PreparedState> {
    order.push_back("prepare " + std::to_string(disk_->writes));
    return PreparedState{[&] { order.push_back("publish " + std::to_string(disk_->writes)); }, {}};
  });
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  EXPECT_THAT(order, ElementsAre("prepare 1", "publish 2"));

  order.clear();
  disk_->fail_at = disk_->writes;
  const auto failed = service_->remap(request("us-tx", "dal"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().error.kind, ErrorKind::kIo);
  EXPECT_THAT(order, ElementsAre("prepare 2"));
  EXPECT_EQ(owner("us-tx"), "iad");
  ASSERT_TRUE(service_->remap(request("us-tx", "dal")));
}

TEST_F(MapServiceTest, WhatPrepareRefusesIsNotJournalled) {
  service_->onPublish([](const MapSnapshot&) -> Checked<PreparedState> {
    Diagnostics problems;
    problems.add({"zone.file", 7, 1}, "name", "x", "is not good");
    return tl::unexpected(problems);
  });
  const std::size_t writes = disk_->writes;
  const auto result = service_->remap(request("us-tx", "iad"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(result.error().error.message, HasSubstr("zone.file:7:1: name: x: is not good"));
  EXPECT_EQ(result.error().problems.size(), 1U);
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(owner("us-tx"), "dal");
}

TEST_F(MapServiceTest, AFailedWriteThatReachedTheDiskStopsCommitsUntilARestart) {
  disk_->fail_at = disk_->writes;
  disk_->failure = MemoryDisk::Failure::kStored;
  ASSERT_FALSE(service_->remap(request("us-tx", "iad")));
  EXPECT_EQ(owner("us-tx"), "dal");
  const auto next = service_->remap(request("us-tx", "iad"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().error.kind, ErrorKind::kCorrupt);
  reopen();
  EXPECT_EQ(owner("us-tx"), "iad");
  EXPECT_EQ(service_->current().table->rev, 2U);
}

class PutTopologyTest : public MapServiceTest {
 protected:
  MapResult<TopologyResult> put(std::shared_ptr<const Topology> topology, bool dry_run = false) {
    return service_->putTopology(std::move(topology), std::nullopt, "why", "ann", dry_run);
  }
  std::string putRefusal(std::string_view part, std::string_view with) {
    const auto before = service_->current().topology;
    const auto result = put(sample(part, with));
    EXPECT_FALSE(result);
    EXPECT_EQ(service_->current().topology, before);
    return result ? "" : result.error().rule + ": " + result.error().error.message;
  }
};

TEST_F(PutTopologyTest, KeepsAssignmentsThatAreStillAllowed) {
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  // Home changes, what is allowed does not: the owner of data does not move for that.
  const auto result = put(sample(R"("home": "dal", "allowed")", R"("home": "iad", "allowed")"));
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ(result->rev, 3U);
  EXPECT_TRUE(result->applied);
  EXPECT_THAT(result->change.changed, ElementsAre("partition us-tx"));
  EXPECT_THAT(result->change.moves, IsEmpty());
  EXPECT_EQ(service_->current().topology_rev, 3U);
  EXPECT_EQ(assignment("us-tx").epoch, 65U);
  EXPECT_EQ(assignment("us-tx").rev, 2U);
}

TEST_F(PutTopologyTest, SendsHomeWhatIsNotAllowedAnyMore) {
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  const auto result = put(sample(R"("allowed": ["iad", "dal"])", R"("allowed": ["dal"])"));
  ASSERT_TRUE(result) << result.error().error.message;
  ASSERT_EQ(result->change.moves.size(), 1U);
  const AssignmentMove& move = result->change.moves[0];
  EXPECT_EQ(move.subject + " " + move.from + " " + move.to, "us-tx iad dal");
  EXPECT_EQ(move.epoch_old, 65U);
  EXPECT_EQ(move.epoch_new, 128U);
  EXPECT_EQ(owner("us-tx"), "dal");
  EXPECT_EQ(assignment("us-tx").prev_ezone, service_->current().topology->findEZone("iad"));
}

TEST_F(PutTopologyTest, ASubjectThatComesBackGoesOnWithItsEpochs) {
  constexpr std::string_view kRest =
      R"(,
       {"id": "rest", "home": "iad", "allowed": ["dal", "iad", "fra"]}
     ],
     "placement": {"default_partition": "rest")";
  constexpr std::string_view kOther =
      R"(,
       {"id": "other", "home": "fra", "allowed": ["dal", "iad", "fra"]}
     ],
     "placement": {"default_partition": "other")";
  const auto gone = put(sample(kRest, kOther));
  ASSERT_TRUE(gone) << gone.error().error.message;
  EXPECT_THAT(gone->change.added, ElementsAre("partition other"));
  EXPECT_THAT(gone->change.removed, ElementsAre("partition rest"));
  ASSERT_EQ(gone->change.moves.size(), 2U);
  EXPECT_EQ(gone->change.moves[0].from + ">" + gone->change.moves[0].to, ">fra");
  EXPECT_EQ(gone->change.moves[1].from + ">" + gone->change.moves[1].to, "iad>");
  EXPECT_EQ(service_->current().table->find("rest"), std::nullopt);
  reopen();
  ASSERT_TRUE(put(sample()));
  EXPECT_EQ(assignment("rest").epoch, 65U);  // 1 before: the fence must not fall back
  EXPECT_EQ(service_->journal().retiredEpoch("rest"), Epoch{0});
  EXPECT_EQ(service_->journal().retiredEpoch("other"), Epoch{2});
}

TEST_F(PutTopologyTest, ASlotBelongsToOneEZoneForEver) {
  EXPECT_THAT(putRefusal(R"("id": "dal-b", "dc": "dal", "slot": 7)",
                         R"("id": "dal-b", "dc": "dal", "slot": 8)"),
              HasSubstr("slot-reused: eZone dal-b has slot 7 for ever, not 8"));
  EXPECT_THAT(putRefusal(R"("id": "dal-b")", R"("id": "dal-c")"),
              HasSubstr("slot-reused: slot 7 of eZone dal-c belongs to eZone dal-b for ever"));
  // Also after the eZone has gone, and after a reopen.
  ASSERT_TRUE(put(sample(R"({"id": "dal-b", "dc": "dal", "slot": 7})", "")));
  reopen();
  EXPECT_THAT(putRefusal(R"("id": "dal-b")", R"("id": "dal-c")"), HasSubstr("slot-reused"));
  EXPECT_TRUE(put(sample()));
}

TEST_F(PutTopologyTest, AZoneKeepsItsSitesInService) {
  EXPECT_THAT(putRefusal(R"("slot": 1, "admin_state": "IN_SERVICE")",
                         R"("slot": 1, "admin_state": "OUT_OF_SERVICE")"),
              HasSubstr("min-in-service: zone order would have 1 eZones in service; it needs 2"));
}

// What a new topology moves, told by the outer layers: 2 of 3 POIs of zone order.
Checked<PreparedState> movesTwoPois(const MapSnapshot&) {
  PreparedState prepared;
  prepared.publish = [] {};
  PlacementDiff diff;
  diff.pois = 2;
  diff.pois_compared = 3;
  prepared.movements.push_back({"order", diff});
  return prepared;
}

TEST_F(PutTopologyTest, ManyPlacesMoveOnlyWhenThatIsConfirmed) {
  service_->onPublish(movesTwoPois);
  const std::size_t writes = disk_->writes;
  const auto next = sample(R"("home": "dal", "allowed")", R"("home": "iad", "allowed")");
  const auto refused = put(next);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().rule, "places-move");
  EXPECT_EQ(refused.error().error.kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().error.message, HasSubstr("zone order: 2 of 3 pois (66.67 %)"));
  ASSERT_EQ(refused.error().needs_confirmation.size(), 1U);
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(service_->current().table->rev, 1U);

  const auto dry = put(next, true);
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->needs_confirmation.size(), 1U);
  EXPECT_EQ(disk_->writes, writes);

  const auto done =
      service_->putTopology(next, std::nullopt, "meant", "ann", false, PlaceMoves::kConfirmed);
  ASSERT_TRUE(done) << done.error().error.message;
  const auto record = service_->journal().read(2);
  ASSERT_TRUE(record && *record);
  EXPECT_TRUE((*record)->moves_confirmed);
  EXPECT_EQ((*record)->reason, "meant");
  service_->limitMoves(66);
  EXPECT_FALSE(put(sample()));
  service_->limitMoves(67);
  EXPECT_TRUE(put(sample()));
  EXPECT_FALSE(service_->journal().read(3).value()->moves_confirmed);
}

TEST_F(PutTopologyTest, AConfirmationOfNothingIsNotKept) {
  const auto next = sample(R"("home": "dal", "allowed")", R"("home": "iad", "allowed")");
  ASSERT_TRUE(
      service_->putTopology(next, std::nullopt, "why", "ann", false, PlaceMoves::kConfirmed));
  EXPECT_FALSE(service_->journal().read(2).value()->moves_confirmed);
}

TEST_F(PutTopologyTest, OtherCommitsMoveNoPlaces) {
  service_->onPublish(movesTwoPois);
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  EXPECT_TRUE(service_->rollback(1, std::nullopt, "back", "bob", false));
}

TEST_F(PutTopologyTest, ExpectsTheRevTheCallerRead) {
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  const auto stale = service_->putTopology(sample(), 1, "why", "ann", false);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().error.kind, ErrorKind::kConflict);
  EXPECT_EQ(stale.error().rule, "stale-rev");
  EXPECT_EQ(stale.error().current_rev, 2U);
  EXPECT_TRUE(service_->putTopology(sample(), 2, "why", "ann", false));
}

TEST_F(PutTopologyTest, DryRunShowsTheChangeOnly) {
  const std::size_t writes = disk_->writes;
  const auto result =
      put(sample(R"({"id": "us-tx", "home": "dal")", R"({"id": "us-oh", "home": "dal")"), true);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rev, 2U);
  EXPECT_FALSE(result->applied);
  EXPECT_EQ(result->change.moves.size(), 2U);
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(service_->current().topology_rev, 1U);
}

class RollbackTest : public MapServiceTest {
 protected:
  MapResult<RollbackResult> rollback(Rev to, bool dry_run = false) {
    return service_->rollback(to, std::nullopt, "back", "bob", dry_run);
  }
};

TEST_F(RollbackTest, IsANewCommitWithTheOldOwners) {
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  ASSERT_TRUE(service_->remap(request("rest", "dal")));
  const auto dry = rollback(1, true);
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->moves.size(), 2U);
  EXPECT_FALSE(dry->applied);
  EXPECT_EQ(owner("us-tx"), "iad");

  const auto result = rollback(1);
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ(result->rev, 4U);
  EXPECT_TRUE(result->applied);
  EXPECT_THAT(result->left, IsEmpty());
  for (const bool reopened : {false, true}) {
    if (reopened) reopen();
    EXPECT_EQ(owner("us-tx"), "dal");
    EXPECT_EQ(owner("rest"), "iad");
    EXPECT_EQ(assignment("us-tx").epoch, 128U);
    EXPECT_EQ(assignment("us-tx").actor, "bob");
  }
  const auto record = service_->journal().read(4);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->kind, CommitKind::kRollback);
  EXPECT_EQ((*record)->rolled_back_to, 1U);
}

TEST_F(RollbackTest, NothingToMoveIsNoCommit) {
  const auto result = rollback(1);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->applied);
  EXPECT_EQ(result->rev, 1U);
  EXPECT_EQ(disk_->writes, 1U);
}

TEST_F(RollbackTest, LeavesWhatCannotGoBackAndSaysWhy) {
  ASSERT_TRUE(service_->remap(request("rest", "dal")));
  ASSERT_TRUE(service_->remap(request("us-tx", "iad")));
  ASSERT_TRUE(service_->putTopology(sample(R"("home": "iad", "allowed": ["dal", "iad", "fra"])",
                                           R"("home": "dal", "allowed": ["dal", "fra"])"),
                                    std::nullopt, "why", "ann", false));
  const auto result = rollback(1);
  ASSERT_TRUE(result) << result.error().error.message;
  ASSERT_EQ(result->moves.size(), 1U);
  EXPECT_EQ(result->moves[0].subject, "us-tx");
  EXPECT_THAT(result->left, ElementsAre("rest: may not be on eZone iad any more"));
}

TEST_F(RollbackTest, RefusesAnUnknownOrStaleRev) {
  for (const Rev rev : {Rev{0}, Rev{2}}) {
    const auto result = rollback(rev);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().rule, "unknown-rev");
    EXPECT_EQ(result.error().error.kind, ErrorKind::kNotFound);
  }
  const auto stale = service_->rollback(1, 7, "back", "bob", false);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().rule, "stale-rev");
}

TEST(MapServiceOpen, JournalWinsOverTheFirstTopologyAndNoneIsAnError) {
  const auto disk = std::make_shared<MemoryDisk>();
  const test::FakeClock clock;
  const auto open = [&](std::shared_ptr<const Topology> first, PreparePublish prepare = {}) {
    return MapService::open(std::make_shared<test::MemoryStore>(disk, Journal::families()), clock,
                            std::move(first), std::move(prepare));
  };
  EXPECT_EQ(open(nullptr).error().error.kind, ErrorKind::kNotFound);
  const auto refused = open(sample(), [](const MapSnapshot&) -> Checked<PreparedState> {
    Diagnostics problems;
    problems.add({"x", 1, 1}, "", "", "no such fence");
    return tl::unexpected(problems);
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(disk->writes, 0U);  // a mended file is imported by the next start

  int published = 0;
  const auto prepare = [&](const MapSnapshot&) -> Checked<PreparedState> {
    return PreparedState{[&] { ++published; }, {}};
  };
  ASSERT_TRUE(open(sample(), prepare));
  EXPECT_EQ(published, 1);
  const auto again = open(sample(R"("ttl": 60)", R"("ttl": 61)"), prepare);
  ASSERT_TRUE(again);
  EXPECT_EQ(published, 2);
  EXPECT_EQ((*again)->current().topology->services[0].ttl, 60U);
}

}  // namespace
}  // namespace meridian::partition
