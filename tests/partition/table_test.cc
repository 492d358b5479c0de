#include "partition/table.h"

#include <gtest/gtest.h>

#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

TEST(Epoch, IsTheSmallestGreaterOneOfTheSlot) {
  EXPECT_EQ(nextEpoch(0, 0), 64U);
  EXPECT_EQ(nextEpoch(0, 1), 1U);
  EXPECT_EQ(nextEpoch(0, 63), 63U);
  EXPECT_EQ(nextEpoch(1, 1), 65U);  // the same owner again is a new fence too
  EXPECT_EQ(nextEpoch(1, 0), 64U);
  EXPECT_EQ(nextEpoch(64, 0), 128U);
  EXPECT_EQ(nextEpoch(127, 63), 191U);
  for (Epoch current = 0; current < 300; ++current) {
    for (std::uint8_t slot = 0; slot < kEpochSlots; ++slot) {
      Epoch expected = current + 1;
      while (expected % kEpochSlots != slot) ++expected;
      ASSERT_EQ(nextEpoch(current, slot), expected) << current << " " << int{slot};
      ASSERT_EQ(slotOf(nextEpoch(current, slot)), slot);
    }
  }
}

TEST(Epoch, KeepsTheSlotAcrossControlPlaneTerms) {
  const Epoch term = Epoch{3} << 48;
  EXPECT_EQ(nextEpoch(term, 5), term + 5);
  EXPECT_EQ(slotOf(nextEpoch(term - 1, 5)), 5);
}

TEST(Subjects, ArePartitionsThenGlobalZones) {
  const Checked<Topology> topology = decodeTopology(test::kSampleTopology, "t");
  ASSERT_TRUE(topology);
  const std::vector<Subject> subjects = subjectsOf(*topology);
  ASSERT_EQ(subjects.size(), 3U);
  EXPECT_EQ(subjects[0].id, "us-tx");
  EXPECT_EQ(subjects[1].id, "rest");
  EXPECT_EQ(subjects[1].home, EZoneIx(1));
  EXPECT_EQ(subjects[2].id, "account");
  EXPECT_EQ(subjects[2].kind, SubjectKind::kGlobalZone);
  EXPECT_EQ(subjects[2].home, EZoneIx(1));
  EXPECT_EQ(*subjects[2].allowed, (std::vector{EZoneIx(1), EZoneIx(0)}));
}

TEST(AssignmentTable, FindsBySubject) {
  AssignmentTable table;
  table.assignments.resize(2);
  table.assignments[0].subject = "a";
  table.assignments[1].subject = "b";
  EXPECT_EQ(table.find("b"), SubjectIx(1));
  EXPECT_EQ(table.find("c"), std::nullopt);
}

}  // namespace
}  // namespace meridian::partition
