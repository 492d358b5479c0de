#include "partition/hooks/outbox.h"

#include <gtest/gtest.h>

#include "base/kv_store.h"
#include "partition/hooks/hook_codec.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using test::MemoryDisk;

HookCall sampleCall(const std::string& change = "c1") {
  HookCall call;
  call.change_id = change;
  call.phase = HookPhase::kCommitted;
  call.subject = "p1";
  call.kind = "shift";
  call.mode = "planned";
  call.from = "ez-a";
  call.to = "ez-b";
  call.from_dc = "dc-a";
  call.to_dc = "dc-b";
  call.epoch_old = (std::uint64_t{7} << 48) + 64;
  call.epoch_new = (std::uint64_t{7} << 48) + 65;
  call.rev = 12;
  call.barrier = "gtid:1-7";
  call.lag_ms = 250;
  call.budget = milliseconds(5'000);
  call.deadline = WallTime(milliseconds(1'777'636'805'000));
  call.emergency = true;
  call.honour_veto = true;
  call.dry_run = true;
  return call;
}

class HookOutboxTest : public ::testing::Test {
 protected:
  HookOutboxTest() { reopen(); }
  void reopen() {
    box_ = HookOutbox::open(std::make_shared<test::MemoryStore>(disk_, HookOutbox::families()))
               .value();
  }
  WallTime now() const { return clock_.wallNow(); }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  test::FakeClock clock_;
  std::unique_ptr<HookOutbox> box_;
};

TEST_F(HookOutboxTest, MessagesSurviveARestartAsTheyWere) {
  ASSERT_TRUE(box_->tell({"a", "b"}, sampleCall(), now()));
  ASSERT_TRUE(box_->failed(1, now() + milliseconds(500), "status 500"));
  reopen();
  ASSERT_EQ(box_->waiting().size(), 2U);
  const HookMessage& message = box_->waiting().at(1);
  EXPECT_EQ(message.hook, "a");
  EXPECT_EQ(message.attempts, 1U);
  EXPECT_EQ(message.next_at, now() + milliseconds(500));
  EXPECT_EQ(message.last_error, "status 500");
  EXPECT_EQ(encodeCall(message.call), encodeCall(sampleCall()));
  EXPECT_EQ(hookPayload(message.call, "a", 3), hookPayload(sampleCall(), "a", 3));
}

TEST_F(HookOutboxTest, AHookIsToldOnceWhateverRestartsCome) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(box_->tell({"a"}, sampleCall(), now()));
    EXPECT_EQ(box_->waiting().size(), 1U);
    reopen();
  }
  ASSERT_TRUE(box_->delivered(1));
  reopen();
  ASSERT_TRUE(box_->tell({"a", "b"}, sampleCall(), now()));
  ASSERT_EQ(box_->waiting().size(), 1U);
  EXPECT_EQ(box_->waiting().begin()->second.hook, "b");
  EXPECT_EQ(box_->waiting().begin()->first, 2U) << "an id is not used again";
}

TEST_F(HookOutboxTest, AnswersSurviveARestartAndAreForgottenInTheEnd) {
  EXPECT_EQ(box_->begin("k", now()).value(), std::nullopt);
  EXPECT_EQ(box_->begin("k", now()).value(), std::nullopt);  // begun is not answered
  ASSERT_TRUE(box_->answered("k", {HookReply::Kind::kVeto, "no", R"({"a":1})"}, now()));
  reopen();
  const auto known = box_->begin("k", now()).value();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->kind, HookReply::Kind::kVeto);
  EXPECT_EQ(known->reason, "no");
  EXPECT_EQ(known->evidence, R"({"a":1})");
  ASSERT_TRUE(box_->prune(now() + HookOutbox::kKeptFor));
  EXPECT_TRUE(box_->begin("k", now()).value());
  ASSERT_TRUE(box_->prune(now() + HookOutbox::kKeptFor + milliseconds(1)));
  EXPECT_FALSE(box_->begin("k", now()).value());
}

TEST_F(HookOutboxTest, DeadLettersAreKeptUntilRequeuedOrDropped) {
  ASSERT_TRUE(box_->tell({"a", "b"}, sampleCall(), now()));
  ASSERT_TRUE(box_->bury(1, "gone", now()));
  ASSERT_TRUE(box_->bury(2, "gone", now()));
  reopen();
  EXPECT_TRUE(box_->waiting().empty());
  ASSERT_EQ(box_->dead().size(), 2U);
  EXPECT_EQ(box_->dead().at(1).last_error, "gone");
  EXPECT_EQ(box_->dead().at(1).attempts, 1U);
  ASSERT_TRUE(box_->requeue(1, now()));
  ASSERT_TRUE(box_->drop(2));
  EXPECT_EQ(box_->requeue(1, now()).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(box_->drop(7).error().kind, ErrorKind::kNotFound);
  reopen();
  EXPECT_TRUE(box_->dead().empty());
  ASSERT_EQ(box_->waiting().size(), 1U);
  EXPECT_EQ(box_->waiting().at(1).attempts, 0U);
}

TEST_F(HookOutboxTest, ListsAreBounded) {
  for (std::size_t i = 0; i <= HookOutbox::kMaxDead; ++i) {
    ASSERT_TRUE(box_->tell({"a"}, sampleCall("c" + std::to_string(i)), now()));
    ASSERT_TRUE(box_->bury(i + 1, "gone", now()));
  }
  EXPECT_EQ(box_->dead().size(), HookOutbox::kMaxDead);
  EXPECT_EQ(box_->deadOverflow(), 1U);
  EXPECT_FALSE(box_->dead().contains(1));
  const std::vector<std::string> hooks(HookOutbox::kMaxWaiting + 1, "a");
  EXPECT_EQ(box_->tell(hooks, sampleCall("many"), now()).error().kind, ErrorKind::kTooLarge);
  EXPECT_TRUE(box_->waiting().empty());
}

TEST_F(HookOutboxTest, AWriteThatFailsChangesNothing) {
  ASSERT_TRUE(box_->tell({"a", "b"}, sampleCall(), now()));
  ASSERT_TRUE(box_->bury(2, "gone", now()));
  const auto failing = [&](auto act) {
    disk_->fail_at = disk_->writes;
    const auto before = disk_->families;
    EXPECT_FALSE(act());
    EXPECT_EQ(disk_->families, before);
    EXPECT_EQ(box_->waiting().size(), 1U);
    EXPECT_EQ(box_->waiting().at(1).attempts, 0U);
    EXPECT_EQ(box_->dead().size(), 1U);
  };
  failing([&] { return box_->tell({"c"}, sampleCall(), now()).has_value(); });
  failing([&] { return box_->delivered(1).has_value(); });
  failing([&] { return box_->failed(1, now(), "x").has_value(); });
  failing([&] { return box_->bury(1, "x", now()).has_value(); });
  failing([&] { return box_->requeue(2, now()).has_value(); });
  failing([&] { return box_->drop(2).has_value(); });
  failing([&] { return box_->begin("k", now()).has_value(); });
  failing([&] { return box_->answered("k", {}, now()).has_value(); });
}

TEST_F(HookOutboxTest, DamageIsReportedAndNotSentOut) {
  ASSERT_TRUE(box_->tell({"a"}, sampleCall(), now()));
  const std::string key("n\0\0\0\0\0\0\0\1", 9);
  const std::string good = disk_->at("hooks", key);
  for (const std::string& bad : {std::string("{}"), std::string(), good.substr(0, good.size() / 2),
                                 std::string(R"({"hook":7})")}) {
    disk_->at("hooks", key) = bad;
    const auto opened =
        HookOutbox::open(std::make_shared<test::MemoryStore>(disk_, HookOutbox::families()));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
  }
}

TEST(HookOutboxOnDisk, IsThereAfterReopening) {
  const test::TempDir folder;
  const test::FakeClock clock;
  const auto open = [&] {
    auto store = openRocksStore(folder.path() / "hooks", HookOutbox::families());
    return HookOutbox::open(std::shared_ptr<KvStore>(std::move(store.value()))).value();
  };
  ASSERT_TRUE(open()->tell({"a"}, sampleCall(), clock.wallNow()));
  EXPECT_EQ(open()->waiting().size(), 1U);
}

TEST(HookCodec, ThePayloadIsWhatTheDocumentationShows) {
  EXPECT_EQ(
      hookPayload(sampleCall(), "dal", 2),
      R"({"attempt":2,"barrier":"gtid:1-7","change_id":"c1","deadline":"2026-05-01T12:00:05.000Z",)"
      R"("dry_run":true,"emergency":true,"epoch_new":1970324836974657,"epoch_old":1970324836974656,)"
      R"("from":"ez-a","from_dc":"dc-a","holds":[],"idempotency_key":"c1:committed:dal",)"
      R"("kind":"shift",)"
      R"("lag":{"effective_ms":250},"mode":"planned","phase":"committed","rev":12,"subject":"p1",)"
      R"("to":"ez-b","to_dc":"dc-b"})");
  HookCall unknown = sampleCall();
  unknown.lag_ms.reset();
  unknown.barrier.clear();
  const std::string payload = hookPayload(unknown, "dal", 1);
  EXPECT_NE(payload.find(R"("lag":{"effective_ms":null})"), std::string::npos);
  EXPECT_NE(payload.find(R"("barrier":null)"), std::string::npos);
  EXPECT_EQ(encodeCall(decodeCall(encodeCall(unknown)).value()), encodeCall(unknown));
}

}  // namespace
}  // namespace meridian::partition
