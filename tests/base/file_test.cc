// Whole files: bounded reads, atomic writes.
#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace meridian {
namespace {

using ::testing::HasSubstr;

mode_t modeOf(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777U;
}

TEST(File, WhatIsWrittenIsRead) {
  const test::TempDir folder;
  const auto path = folder.path() / "a";
  const std::string content = std::string(200'000, 'x') + '\0' + "end";
  ASSERT_TRUE(writeFileAtomically(path, content, 0600));
  EXPECT_EQ(readFile(path, content.size()).value(), content);
  EXPECT_EQ(modeOf(path), 0600U);
}

TEST(File, TheBoundIsExact) {
  const test::TempDir folder;
  const auto path = folder.path() / "a";
  ASSERT_TRUE(writeFileAtomically(path, "12345", 0600));
  EXPECT_TRUE(readFile(path, 5));
  const auto refused = readFile(path, 4);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTooLarge);
}

TEST(File, RefusesWhatIsNoRegularFile) {
  const test::TempDir folder;
  EXPECT_EQ(readFile(folder.path(), 10).error().kind, ErrorKind::kInvalid);
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(readFile(pipe, 10).error().kind, ErrorKind::kInvalid);
  const auto missing = readFile(folder.path() / "none", 10);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("none: cannot open"));
}

TEST(File, AWriteReplacesTheWholeFileAndLeavesNothingBeside) {
  const test::TempDir folder;
  const auto path = folder.path() / "a";
  ASSERT_TRUE(writeFileAtomically(path, "a long first content", 0644));
  ASSERT_TRUE(writeFileAtomically(path, "second", 0600));
  EXPECT_EQ(readFile(path, 100).value(), "second");
  EXPECT_EQ(modeOf(path), 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, AFailedWriteLeavesTheOldFile) {
  const test::TempDir folder;
  const auto path = folder.path() / "a";
  ASSERT_TRUE(writeFileAtomically(path, "old", 0600));
  std::filesystem::create_directory(folder.path() / "a.new");  // where the new one would be made
  EXPECT_FALSE(writeFileAtomically(path, "new", 0600));
  EXPECT_EQ(readFile(path, 100).value(), "old");
  EXPECT_FALSE(writeFileAtomically(folder.path() / "none" / "a", "x", 0600));
}

// Nobody can plant a link under the temporary name and have another file overwritten.
TEST(File, AWriteDoesNotFollowALinkAtTheTemporaryName) {
  const test::TempDir folder;
  const auto victim = folder.path() / "victim";
  ASSERT_TRUE(writeFileAtomically(victim, "precious", 0600));
  ASSERT_EQ(::symlink(victim.c_str(), (folder.path() / "a.new").c_str()), 0);
  EXPECT_FALSE(writeFileAtomically(folder.path() / "a", "x", 0600));
  EXPECT_EQ(readFile(victim, 100).value(), "precious");
}

}  // namespace
}  // namespace meridian
