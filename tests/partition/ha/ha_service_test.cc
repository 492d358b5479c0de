// The inbox and the service over a map and an engine on one disk that outlives them.
#include "partition/ha/ha_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "partition/drc/link_book.h"
#include "tests/support/change_world.h"
#include "tests/support/temp_dir.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using Kind = HaReply::Kind;
using HaTestJson = nlohmann::json;

class HaServiceTest : public testing::Test {
 protected:
  HaServiceTest() { reopen(); }

  // A restart.
  void reopen(HaConfig config = {}) {
    service_.reset();
    ASSERT_TRUE(world_.open());
    // The families of one store belong to the disk.
    store_ = std::make_shared<test::MemoryStore>(world_.disk, HaInbox::families());
    auto inbox = HaInbox::open(store_, world_.clock);
    ASSERT_TRUE(inbox) << inbox.error().message;
    service_ = std::make_unique<HaService>(std::move(config),
                                           HaSeams{world_.clock, *world_.map, *world_.engine, drc_},
                                           std::move(*inbox));
  }

  // p0 is at a, and may go to b.
  HaTestJson request(const std::string& id) const {
    const std::int64_t now = unixMillis(world_.clock.wallNow());
    return {{"event_id", id},       {"type", "switch.request"},
            {"cluster", "order-3"}, {"scope", "cross_dc"},
            {"subjects", {"p0"}},   {"from", {{"dc", "a"}}},
            {"to", {{"dc", "b"}}},  {"reason", "planned"},
            {"occurred_at", now},   {"expires_at", now + 60'000}};
  }
  HaTestJson told(const std::string& id, const std::string& type, const std::string& scope) const {
    HaTestJson event = request(id);
    event["type"] = type;
    event["scope"] = scope;
    event.erase("to");
    event.erase("subjects");
    return event;
  }
  HaReply tell(const HaTestJson& event) {
    const std::string text = event.dump();
    return service_->take({text}, "emha").front();
  }
  // With the sites' anchors far apart S7 would forbid nothing of one partition.
  std::size_t changes() const { return world_.engine->list(false).size(); }

  test::ChangeWorld world_;
  std::shared_ptr<test::MemoryStore> store_;
  LinkBook book_;
  FeedIntake drc_{book_};
  std::unique_ptr<HaService> service_;
};

TEST_F(HaServiceTest, TooManyWaitAndRepeatsOfWhatWasAnsweredDoNot) {
  HaConfig config;
  config.limits.cluster = {1, 2};
  reopen(config);
  const HaTestJson first = told("e-1", "dc.isolated", "dc");
  EXPECT_EQ(tell(first).kind, Kind::kFirst);
  EXPECT_EQ(tell(told("e-2", "dc.isolated", "dc")).kind, Kind::kFirst);
  const HaTestJson third = told("e-3", "dc.isolated", "dc");
  const HaReply refused = tell(third);
  EXPECT_EQ(refused.kind, Kind::kLimited);
  EXPECT_EQ(refused.event_id, "e-3");
  EXPECT_EQ(refused.retry_after, std::chrono::seconds(1));
  EXPECT_EQ(service_->rejected(HaService::Rejected::kLimited), 1U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(tell(first).kind, Kind::kAgain);
  EXPECT_EQ(service_->inbox().size(), 2U) << "nothing was kept of it";
  world_.clock.advance(refused.retry_after);
  EXPECT_EQ(tell(third).kind, Kind::kFirst);
}

TEST_F(HaServiceTest, APlannedRequestStartsOneChangeHoweverOftenItIsTold) {
  const HaTestJson event = request("e-1");
  const HaReply first = tell(event);
  ASSERT_EQ(first.kind, Kind::kFirst);
  EXPECT_EQ(first.answer.decision, HaDecision::kAccepted) << first.answer.text;
  EXPECT_EQ(first.answer.change_id, "c-1");
  EXPECT_EQ(world_.engine->find(1)->actor, "emha:order-3");
  const HaReply again = tell(event);
  EXPECT_EQ(again.kind, Kind::kAgain);
  EXPECT_EQ(again.answer.change_id, "c-1");
  HaTestJson other = event;
  other["auto"] = true;
  EXPECT_EQ(tell(other).kind, Kind::kOtherBody);
  EXPECT_EQ(changes(), 1U);
  reopen();
  EXPECT_EQ(tell(event).kind, Kind::kAgain);
  EXPECT_EQ(tell(other).kind, Kind::kOtherBody);
  EXPECT_EQ(changes(), 1U);
}

TEST_F(HaServiceTest, ARuleThatForbidsIsTheAnswer) {
  world_.links.all.state = LinkState::kRebasing;
  const HaReply reply = tell(request("e-1"));
  EXPECT_EQ(reply.answer.decision, HaDecision::kDenied);
  EXPECT_EQ(reply.answer.rule, "S4");
  HaTestJson stale = request("e-2");
  stale["expected_epoch"] = 1;
  const HaReply refused = tell(stale);
  EXPECT_EQ(refused.answer.refusal, HaRefusal::kStaleEpoch);
  EXPECT_TRUE(refused.answer.current_epoch);
  EXPECT_EQ(changes(), 0U);
}

TEST_F(HaServiceTest, ASwitchInsideMarksTheLinksOfItsSite) {
  tell(told("e-1", "switch.completed", "intra_dc"));
  const auto state = [&](const char* source, const char* target) {
    return book_.view(source, target, world_.clock.monotonicNow()).state;
  };
  EXPECT_EQ(state("a", "b"), LinkState::kRebasing);
  EXPECT_EQ(state("c", "a"), LinkState::kRebasing);
  EXPECT_EQ(state("b", "c"), LinkState::kUnknown);
  world_.clock.advance(kRebasingGrace);
  EXPECT_EQ(state("a", "b"), LinkState::kUnknown);
}

TEST_F(HaServiceTest, ABlockOfWritesIsAFenceWhileItLasts) {
  HaTestJson block = told("e-1", "write.blocked", "cross_dc");
  block["subjects"] = {"g"};
  block["to"] = {{"dc", "b"}};
  EXPECT_FALSE(service_->signals().fenced("a", "g"));
  ASSERT_EQ(tell(block).kind, Kind::kFirst);
  ASSERT_TRUE(service_->signals().fenced("a", "g"));
  EXPECT_EQ(service_->signals().fenced("a", "g")->event_id, "e-1");
  EXPECT_FALSE(service_->signals().fenced("a", "p0"));
  EXPECT_FALSE(service_->signals().fenced("b", "g"));
  world_.clock.advance(std::chrono::seconds(61));
  EXPECT_FALSE(service_->signals().fenced("a", "g")) << "it has ended";

  ASSERT_EQ(tell(told("e-3", "write.blocked", "dc")).kind, Kind::kFirst);
  EXPECT_TRUE(service_->signals().fenced("a", "g")) << "the whole datacenter";
  ASSERT_EQ(tell(told("e-4", "write.unblocked", "dc")).kind, Kind::kFirst);
  EXPECT_FALSE(service_->signals().fenced("a", "g"));
}

TEST_F(HaServiceTest, FrozenMeansThatNothingMoves) {
  reopen({.frozen = true});
  EXPECT_EQ(tell(request("e-1")).answer.refusal, HaRefusal::kFrozen);
  tell(told("e-2", "dc.isolated", "dc"));
  EXPECT_TRUE(service_->signals().failed("a"));
}

TEST_F(HaServiceTest, AHeartbeatIsNotKept) {
  EXPECT_EQ(tell(told("h", "heartbeat", "dc")).kind, Kind::kFirst);
  EXPECT_EQ(service_->inbox().size(), 0U);
  EXPECT_EQ(service_->board().all().size(), 1U);
}

TEST_F(HaServiceTest, OneBadEventOfABatchHarmsNoOther) {
  const std::string a = told("e-1", "dc.isolated", "dc").dump();
  const std::string b = told("e-1", "dc.recovered", "dc").dump();
  const auto replies = service_->take({a, "nonsense", a, b}, "emha");
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[0].kind, Kind::kFirst);
  EXPECT_EQ(replies[1].kind, Kind::kMalformed);
  EXPECT_EQ(replies[2].kind, Kind::kAgain);
  EXPECT_EQ(replies[3].kind, Kind::kOtherBody);
  EXPECT_EQ(service_->rejected(HaService::Rejected::kMalformed), 1U);
  EXPECT_EQ(service_->count(HaEventType::kDcIsolated, HaDecision::kNoted), 1U);
}

// Every write may fail in either way, and the server may die there: told again until it is
// answered, an event has started one change.
TEST_F(HaServiceTest, NoFailureOfTheStoreStartsTwoChanges) {
  for (const auto failure :
       {test::MemoryDisk::Failure::kLost, test::MemoryDisk::Failure::kStored}) {
    for (std::size_t at = 0; at < 3; ++at) {
      world_.disk = std::make_shared<test::MemoryDisk>();
      reopen();
      const HaTestJson event = request("e-1");
      world_.disk->fail_at = world_.disk->writes + at;
      world_.disk->failure = failure;
      const HaReply broken = tell(event);
      EXPECT_EQ(broken.kind, Kind::kStore) << at;
      reopen();
      const HaReply reply = tell(event);
      EXPECT_TRUE(reply.kind == Kind::kFirst || reply.kind == Kind::kAgain) << at;
      EXPECT_EQ(reply.answer.decision, HaDecision::kAccepted) << reply.answer.text;
      EXPECT_EQ(reply.answer.change_id, "c-1");
      EXPECT_EQ(changes(), 1U);
    }
  }
}

TEST_F(HaServiceTest, ABatchWhoseWriteFailedWasNotTaken) {
  const std::string a = told("e-1", "dc.isolated", "dc").dump();
  world_.disk->fail_at = world_.disk->writes;
  for (const HaReply& reply : service_->take({a, a}, "emha")) EXPECT_EQ(reply.kind, Kind::kStore);
  EXPECT_EQ(service_->inbox().size(), 0U);
  EXPECT_EQ(service_->inbox().bytes(), 0U);
  EXPECT_EQ(service_->take({a}, "emha").front().kind, Kind::kFirst);
}

TEST_F(HaServiceTest, AnswersAreKeptForThreeDaysOfTheMonotonicClock) {
  const HaTestJson event = told("e-1", "dc.isolated", "dc");
  tell(event);
  world_.clock.jump(std::chrono::hours(24 * 365));
  tell(told("e-2", "dc.isolated", "dc"));
  EXPECT_EQ(tell(event).kind, Kind::kAgain);
  reopen();
  EXPECT_EQ(tell(event).kind, Kind::kAgain);
  world_.clock.advance(HaInbox::kKeptFor + milliseconds(1));
  tell(told("e-3", "dc.isolated", "dc"));
  EXPECT_EQ(service_->inbox().size(), 1U);
  EXPECT_EQ(service_->inbox().dropped(), 0U);
  EXPECT_EQ(world_.disk->families.at("ha_events").size(), 1U);
}

TEST_F(HaServiceTest, TheOldestMakeRoom) {
  HaConfig config;
  config.limits = {{10'000, 100'000}, {10'000, 100'000}};
  reopen(config);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < HaInbox::kMaxRecords + 2; ++i) {
    texts.push_back(told("e-" + std::to_string(i), "dc.isolated", "dc").dump());
  }
  for (std::size_t i = 0; i < texts.size(); i += HaService::kMaxBatch) {
    const std::size_t end = std::min(texts.size(), i + HaService::kMaxBatch);
    service_->take({texts.begin() + static_cast<std::ptrdiff_t>(i),
                    texts.begin() + static_cast<std::ptrdiff_t>(end)},
                   "emha");
  }
  EXPECT_EQ(service_->inbox().size(), HaInbox::kMaxRecords);
  EXPECT_LE(service_->inbox().bytes(), HaInbox::kMaxBytes);
  EXPECT_EQ(service_->inbox().dropped(), 2U);
  EXPECT_EQ(service_->inbox().find("e-1"), nullptr);
  ASSERT_NE(service_->inbox().find("e-2"), nullptr);
  EXPECT_EQ(world_.disk->families.at("ha_events").size(), HaInbox::kMaxRecords);
  std::string newest;
  service_->inbox().visit([&](const HaRecord& record) {
    newest = record.event.event_id;
    return false;
  });
  EXPECT_EQ(newest, "e-" + std::to_string(HaInbox::kMaxRecords + 1));
}

TEST_F(HaServiceTest, ADamagedRecordStopsTheStart) {
  tell(request("e-1"));
  auto& rows = world_.disk->families.at("ha_events");
  for (const char* text : {"", "{}", R"({"v": 1})", R"({"v": 2})"}) {
    rows.begin()->second = text;
    const auto inbox = HaInbox::open(store_, world_.clock);
    ASSERT_FALSE(inbox) << text;
    EXPECT_EQ(inbox.error().kind, ErrorKind::kCorrupt);
  }
}

TEST_F(HaServiceTest, OnlyKnownSendersWithAGoodSignatureAreAdmitted) {
  EXPECT_EQ(service_->admit("drc-1", true, {}, "x").error().kind, ErrorKind::kForbidden);
  EXPECT_TRUE(service_->admit("ann", false, {}, "x"));
  const test::TempDir folder;
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  ASSERT_TRUE(writeFileAtomically(folder.path() / "s", secret, 0600));
  reopen({.senders = {"emha-1"}, .secret_files = {folder.path() / "s"}});
  const std::int64_t now = unixMillis(world_.clock.wallNow()) / 1000;
  const std::string at = std::to_string(now);
  const std::string good = WebhookSecret::parse(secret)->sign("m-1", now, "x");
  EXPECT_TRUE(service_->admit("emha-1", true, {"m-1", at, "v1,no " + good}, "x"));
  EXPECT_EQ(service_->admit("emha-1", true, {"m-1", at, good}, "y").error().kind,
            ErrorKind::kUnauthorized);
  EXPECT_EQ(service_->admit("ann", false, {}, "x").error().kind, ErrorKind::kUnauthorized);
  world_.clock.advance(milliseconds(301'000));
  EXPECT_EQ(service_->admit("emha-1", true, {"m-1", at, good}, "x").error().kind,
            ErrorKind::kUnauthorized);
  EXPECT_EQ(service_->rejected(HaService::Rejected::kUnauthorized), 3U);
  reopen({.secret_files = {folder.path() / "gone"}});
  EXPECT_EQ(service_->admit("ann", false, {}, "x").error().kind, ErrorKind::kIo);
}

}  // namespace
}  // namespace meridian::partition
