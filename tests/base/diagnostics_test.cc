// Diagnostics: text, bounds, and nothing that a terminal obeys.
#include "base/diagnostics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using ::testing::EndsWith;

TEST(Diagnostics, TextLeavesEmptyPartsOut) {
  EXPECT_EQ((Diagnostic{{"f", 3, 7}, "a.b", "v", "is wrong"}.text()), "f:3:7: a.b: v: is wrong");
  EXPECT_EQ((Diagnostic{{"f", 3, 0}, "", "", "is wrong"}.text()), "f:3: is wrong");
  EXPECT_EQ((Diagnostic{{"f", 0, 7}, "", "", "is wrong"}.text()), "f: is wrong");
  EXPECT_EQ((Diagnostic{{}, "", "", "is wrong"}.text()), "is wrong");
}

TEST(Diagnostics, ValuesAreShortenedAndHarmless) {
  Diagnostics problems;
  problems.add({}, "", "a\x1b[31m\n\x7f", "r");
  EXPECT_EQ(problems.entries()[0].value, "a?[31m??");
  problems.add({}, "", std::string(81, 'x'), "r");
  EXPECT_EQ(problems.entries()[1].value, std::string(80, 'x') + "…");
  problems.add({}, "", std::string(79, 'x') + "ää", "r");
  EXPECT_EQ(problems.entries()[2].value, std::string(79, 'x') + "…");
}

TEST(Diagnostics, FurtherEntriesAreCounted) {
  Diagnostics problems;
  EXPECT_TRUE(problems.empty());
  for (int i = 0; i < 203; ++i) problems.add({}, "", "", "r");
  EXPECT_EQ(problems.entries().size(), Diagnostics::kMaxDiagnostics);
  EXPECT_EQ(problems.size(), 203U);
  EXPECT_THAT(problems.text(), EndsWith("r\nand 3 more\n"));
}

TEST(Diagnostics, AppendKeepsBoundAndCount) {
  Diagnostics first;
  Diagnostics second;
  for (int i = 0; i < 150; ++i) first.add({}, "", "", "a");
  for (int i = 0; i < 250; ++i) second.add({}, "", "", "b");
  first.append(second);
  EXPECT_EQ(first.entries().size(), Diagnostics::kMaxDiagnostics);
  EXPECT_EQ(first.size(), 400U);
  EXPECT_EQ(first.entries().back().reason, "b");
}

}  // namespace
}  // namespace meridian
