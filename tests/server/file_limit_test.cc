// raiseFileLimit() against the kernel, with this process's own limits put back after each test.
#include "server/file_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace meridian::server {
namespace {

class FileLimit : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  void TearDown() override { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }

  static rlim_t soft() {
    rlimit now{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    return now.rlim_cur;
  }
  void setSoft(rlim_t files) const {
    const rlimit lowered{files, before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  }

  rlimit before_{};
};

TEST_F(FileLimit, IsRaisedToWhatIsNeeded) {
  setSoft(100);
  EXPECT_TRUE(raiseFileLimit(150));
  EXPECT_EQ(soft(), 150U);
}

TEST_F(FileLimit, IsNeverLowered) {
  setSoft(100);
  EXPECT_TRUE(raiseFileLimit(50));
  EXPECT_EQ(soft(), 100U);
}

TEST_F(FileLimit, SaysWhatIsMissingAndTakesWhatThereIs) {
  if (before_.rlim_max == RLIM_INFINITY) {
    // No number is too many then.
    EXPECT_TRUE(raiseFileLimit(1000));
    return;
  }
  setSoft(100);
  const Status refused = raiseFileLimit(before_.rlim_max + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(refused.error().message,
              ::testing::EndsWith("only " + std::to_string(before_.rlim_max) + " are allowed"));
  EXPECT_EQ(soft(), before_.rlim_max);
}

}  // namespace
}  // namespace meridian::server
