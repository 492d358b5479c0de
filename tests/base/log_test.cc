// Log lines: one event a line, whatever the values hold.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace meridian {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class Log : public ::testing::Test {
 protected:
  void TearDown() override { setLogLevel(LogLevel::kInfo); }

  static std::string logged(LogLevel level, std::string_view id,
                            std::initializer_list<LogField> fields) {
    ::testing::internal::CaptureStderr();
    logEvent(level, id, fields);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, WritesTheEventAndItsPairs) {
  const std::string line =
      logged(LogLevel::kInfo, "zone_loaded", {{"zone", "example."}, {"records", "7"}});
  EXPECT_THAT(line, EndsWith(" info zone_loaded zone=example. records=7\n"));
}

TEST_F(Log, QuotesWhatWouldReadAsMoreThanOneValue) {
  EXPECT_THAT(logged(LogLevel::kInfo, "e", {{"k", "a b"}}), EndsWith(" k=\"a b\"\n"));
  EXPECT_THAT(logged(LogLevel::kInfo, "e", {{"k", ""}}), EndsWith(" k=\"\"\n"));
  EXPECT_THAT(logged(LogLevel::kInfo, "e", {{"k", "a=b"}}), EndsWith(" k=\"a=b\"\n"));
  EXPECT_THAT(logged(LogLevel::kInfo, "e", {{"k", "a\"b\\"}}), EndsWith(" k=\"a\\\"b\\\\\"\n"));
}

TEST_F(Log, NoValueCanForgeALine) {
  const std::string line =
      logged(LogLevel::kWarn, "e", {{"k", "x\n2026 error forged\r\x1b[2J\x7f"}});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr("x\\x0a2026 error forged\\x0d\\x1b[2J\\x7f"));
  for (const char c : line) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
}

TEST_F(Log, LevelsBelowTheSetOneAreSilent) {
  setLogLevel(LogLevel::kWarn);
  EXPECT_EQ(logged(LogLevel::kInfo, "e", {}), "");
  EXPECT_THAT(logged(LogLevel::kError, "e", {}), EndsWith(" error e\n"));
}

TEST_F(Log, LevelsHaveNames) {
  EXPECT_EQ(parseLogLevel("debug").value(), LogLevel::kDebug);
  EXPECT_EQ(parseLogLevel("error").value(), LogLevel::kError);
  for (const char* bad : {"", "INFO", "warning", "info "}) EXPECT_FALSE(parseLogLevel(bad)) << bad;
}

}  // namespace
}  // namespace meridian
