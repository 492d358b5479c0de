// The journal against its header: what it keeps, what it finds wrong, and what it says about it.
#include "partition/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "partition/journal_codec.h"
#include "partition/map_service.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

using testing::HasSubstr;

JournalRecord recordOf(Rev rev) {
  JournalRecord record;
  record.rev = rev;
  return record;
}

TEST(JournalCodec, RecordsRoundTrip) {
  JournalRecord record;
  record.rev = 77;
  record.kind = CommitKind::kRollback;
  record.at = WallTime(std::chrono::milliseconds(1'777'636'800'123));
  record.actor = "ann";
  record.reason = "\"quoted\", é, 上海";
  record.moves = {{SubjectKind::kPartition, "p", "z", "", "a", 0, (Epoch{7} << 48) + 64},
                  {SubjectKind::kGlobalZone, "g", "g", "a", "", ~Epoch{0}, 0}};
  record.rolled_back_to = 5;
  record.moves_confirmed = true;
  const Result<JournalRecord> back = decodeRecord(encodeRecord(record));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encodeRecord(*back), encodeRecord(record));
  EXPECT_EQ(back->reason, record.reason);
  EXPECT_EQ(back->at, record.at);
  EXPECT_EQ(back->moves[0].epoch_new, (Epoch{7} << 48) + 64);
  EXPECT_EQ(back->moves[1].epoch_old, ~Epoch{0});
  EXPECT_EQ(back->moves[1].kind, SubjectKind::kGlobalZone);
  EXPECT_EQ(back->rolled_back_to, 5U);
  EXPECT_TRUE(back->moves_confirmed);
  record.moves_confirmed = false;
  EXPECT_FALSE(decodeRecord(encodeRecord(record)).value().moves_confirmed) << "as in older records";
}

TEST(JournalCodec, KeysSortAsRevs) {
  EXPECT_LT(revKey(255), revKey(256));
  EXPECT_EQ(revOfKey(revKey(0x0102030405060708)), 0x0102030405060708U);
  EXPECT_EQ(revOfKey("short"), 0U);
}

TEST(JournalCodec, SaysWhichMemberIsWrong) {
  JournalRecord record = recordOf(1);
  record.moves.emplace_back().subject = "p";
  const std::string good = encodeRecord(record);
  const auto broken = [&](std::string_view part, std::string_view with) {
    std::string text = good;
    text.replace(text.find(part), part.size(), with);
    const Result<JournalRecord> decoded = decodeRecord(text);
    return decoded ? "decoded" : decoded.error().message;
  };
  EXPECT_EQ(broken("{", "["), "is not JSON");
  EXPECT_EQ(broken(R"("v":1)", R"("v":2)"), "has format 2; this version reads 1");
  EXPECT_EQ(broken(R"("v":1)", R"("w":1)"), R"(member "v" must be a whole number)");
  EXPECT_EQ(broken(R"("rev":1)", R"("rev":-1)"), R"(member "rev" must be a whole number)");
  EXPECT_EQ(broken(R"("kind":"remap")", R"("kind":"x")"), R"(member "kind" must be a known kind)");
  EXPECT_EQ(broken(R"("topology":false)", R"("topology":0)"),
            R"(member "topology" must be true or false)");
  EXPECT_EQ(broken(R"("subject":"p")", R"("subject":1)"),
            R"(moves: member "subject" must be a string)");
  EXPECT_EQ(broken(R"("rev":1)", R"("rev":1,"later":true)"), "decoded");
}

// Three commits: import, us-tx to iad, us-tx back to dal.
class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    auto service = MapService::open(
        store_, clock_,
        std::make_shared<const Topology>(*decodeTopology(test::kSampleTopology, "test")));
    EXPECT_TRUE((*service)->remap({"us-tx", "iad", 64, "out", "ann", false}));
    EXPECT_TRUE((*service)->remap({"us-tx", "dal", 65, "back", "bob", false}));
  }
  // What opening says after `damage`.
  std::string opened(const std::function<void(test::MemoryDisk&)>& damage) {
    damage(*disk_);
    const auto service = MapService::open(store_, clock_, nullptr);
    if (service) return "opened";
    EXPECT_EQ(service.error().error.kind, ErrorKind::kCorrupt);
    EXPECT_THAT(service.error().error.message, HasSubstr("restore it from a backup"));
    return service.error().error.message;
  }

  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::shared_ptr<KvStore> store_ = std::make_shared<test::MemoryStore>(disk_, Journal::families());
  test::FakeClock clock_;
  Journal journal_{store_};
};

TEST_F(JournalTest, ReadsAndLists) {
  EXPECT_EQ(journal_.head(), Rev{3});
  EXPECT_EQ((*journal_.read(2))->reason, "out");
  EXPECT_EQ(*journal_.read(4), std::nullopt);
  const auto revs = [&](Rev before, std::size_t limit) {
    std::vector<Rev> out;
    const auto records = journal_.list(before, limit);
    EXPECT_TRUE(records);
    for (const JournalRecord& record : *records) out.push_back(record.rev);
    return out;
  };
  EXPECT_EQ(revs(0, 10), (std::vector<Rev>{3, 2, 1}));
  EXPECT_EQ(revs(0, 2), (std::vector<Rev>{3, 2}));
  EXPECT_EQ(revs(3, 10), (std::vector<Rev>{2, 1}));
  EXPECT_EQ(revs(1, 10), std::vector<Rev>{});
  EXPECT_EQ(revs(0, 0), std::vector<Rev>{});
}

TEST_F(JournalTest, FindsTheTopologyOfARev) {
  EXPECT_EQ(journal_.topologyAt(3)->first, 1U);
  EXPECT_EQ(journal_.topologyAt(3)->second, test::kSampleTopology);
  EXPECT_EQ(journal_.topologyAt(0).error().kind, ErrorKind::kNotFound);
}

TEST_F(JournalTest, DifferencesHoldBothWays) {
  const auto out = journal_.differences(1, 2);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 1U);
  EXPECT_EQ((*out)[0].from + ">" + (*out)[0].to, "dal>iad");
  EXPECT_EQ((*out)[0].epoch_new, 65U);
  const auto back = journal_.differences(2, 1);
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)[0].from + ">" + (*back)[0].to, "iad>dal");
  EXPECT_EQ((*back)[0].epoch_old, 65U);
  EXPECT_TRUE(journal_.differences(1, 3)->empty());  // there and back again
  EXPECT_TRUE(journal_.differences(2, 2)->empty());
  EXPECT_EQ(journal_.differences(1, 4).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(journal_.differences(0, 1).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(journal_.differences(1, 200'000).error().kind, ErrorKind::kTooLarge);
}

TEST_F(JournalTest, RefusesARevThatDoesNotFollow) {
  const Topology topology = *decodeTopology(test::kSampleTopology, "test");
  for (const Rev rev : {Rev{3}, Rev{5}}) {
    const Status written = journal_.append(recordOf(rev), {}, topology, nullptr);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kCorrupt);
  }
  EXPECT_EQ(journal_.head(), Rev{3});
}

TEST_F(JournalTest, OpeningNamesWhatDoesNotFit) {
  EXPECT_EQ(opened([](auto&) {}), "opened");
}
TEST_F(JournalTest, FindsARecordThatIsMissing) {
  EXPECT_THAT(opened([](auto& disk) { disk.families["journal"].erase(revKey(3)); }),
              HasSubstr("the head is 3 but the last record is 2"));
}
TEST_F(JournalTest, FindsARecordThatDoesNotDecode) {
  EXPECT_THAT(opened([](auto& disk) { disk.at("journal", revKey(3)).resize(20); }),
              HasSubstr("record 3: is not JSON"));
}
TEST_F(JournalTest, FindsARecordUnderAnotherKey) {
  EXPECT_THAT(
      opened([](auto& disk) { disk.at("journal", revKey(3)) = disk.at("journal", revKey(2)); }),
      HasSubstr("record 3 says it is record 2"));
}
TEST_F(JournalTest, FindsARowOfAnotherCommit) {
  EXPECT_THAT(opened([](auto& disk) {
                StoredRow row = *decodeRow(disk.at("table", "us-tx"));
                row.epoch += kEpochSlots;
                disk.at("table", "us-tx") = encodeRow(row);
              }),
              HasSubstr("the row of us-tx is not what record 3 wrote"));
}
TEST_F(JournalTest, FindsARowWithAForeignEpoch) {
  EXPECT_THAT(opened([](auto& disk) {
                StoredRow row = *decodeRow(disk.at("table", "rest"));
                ++row.epoch;
                disk.at("table", "rest") = encodeRow(row);
              }),
              HasSubstr("the row of rest has an epoch of another eZone's slot"));
}
TEST_F(JournalTest, FindsARowThatIsMissingOrTooMany) {
  EXPECT_THAT(
      opened([](auto& disk) { disk.families["table"]["stray"] = disk.at("table", "rest"); }),
      HasSubstr("the table has 4 rows, the topology 3 subjects, the head says 3"));
  EXPECT_THAT(opened([](auto& disk) { disk.families["table"].erase("rest"); }),
              HasSubstr("rest has no row"));
}
TEST_F(JournalTest, FindsAHeadThatIsGone) {
  EXPECT_THAT(opened([](auto& disk) { disk.families["meta"].erase("head"); }),
              HasSubstr("the head is 0 but the last record is 3"));
}

}  // namespace
}  // namespace meridian::partition
