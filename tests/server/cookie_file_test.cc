#include "server/cookie_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/temp_dir.h"

namespace meridian::server {
namespace {

using testing::HasSubstr;

TEST(CookieFile, TellsEachChangeOnceAndEachErrorOnce) {
  const test::TempDir folder;
  const auto path = folder.path() / "cookies";
  CookieFile file(path);
  EXPECT_FALSE(file.look()) << "it is not there";
  EXPECT_TRUE(file.look()) << "said once";
  ASSERT_TRUE(writeFileAtomically(path, std::string(32, 'a') + "\n", 0600));
  const auto first = file.look();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->size(), 1U);
  const auto same = file.look();
  ASSERT_TRUE(same);
  EXPECT_FALSE(*same);
  ASSERT_TRUE(writeFileAtomically(path, "nonsense\n", 0600));
  const auto broken = file.look();
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("line 1: must be 32 hexadecimal digits"));
  EXPECT_THAT(broken.error().message, testing::Not(HasSubstr("nonsense")));
}

// An empty file at the start was taken for one that had not changed, and what it did not have was
// used.
TEST(CookieFile, RegressionAnEmptyFileAtTheStartIsAnError) {
  const test::TempDir folder;
  const auto path = folder.path() / "cookies";
  ASSERT_TRUE(writeFileAtomically(path, "", 0600));
  const auto empty = CookieFile(path).look();
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message, HasSubstr("has no secret"));
}

}  // namespace
}  // namespace meridian::server
