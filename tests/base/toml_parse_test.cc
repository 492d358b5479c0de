// parseToml where the library behind it cannot be trusted with the bytes.
#include <gtest/gtest.h>

#include <string>

#include "base/config_node.h"

namespace meridian {
namespace {

std::string problem(std::string_view text) {
  const auto root = parseToml(text, "t");
  return root ? "" : root.error().text();
}

TEST(ParseToml, RefusesLettersOutsideAsciiThatStandInNoQuotes) {
  const std::string reason = "is not TOML: letters outside ASCII must stand in quotes\n";
  EXPECT_EQ(problem("a = 1\nä = 1"), "t:2:1: " + reason);
  EXPECT_EQ(problem("a˝ќ = 1"), "t:1:2: " + reason);
  EXPECT_EQ(problem("a = \"x\"ü"), "t:1:8: " + reason);
  EXPECT_EQ(problem("a = 'x\\'ü"), "t:1:9: " + reason);  // no escapes in a literal string
  EXPECT_EQ(problem("a = \"\"\"x\"\"\"\"\"ü"), "t:1:14: " + reason);
}

TEST(ParseToml, TakesThemInStringsKeysAndComments) {
  EXPECT_EQ(
      problem("a = \"ä\\\"ö\" # ü ' \"\n\"é\" = 'ß'\nb = \"\"\"\n\"\"ä\\\"\"\"\"\nc = '''ö''\n'''"),
      "");
  EXPECT_EQ(problem("\xef\xbb\xbf"
                    "a = 1"),
            "");
}

TEST(ParseToml, LeavesTornStringsToTheParser) {
  for (const char* text : {"a = \"ä", "a = 'ä\n'", "a = \"\"\"ä\"\"", "a = \"ä\\"}) {
    const std::string report = problem(text);
    EXPECT_EQ(report.substr(0, 4), "t:1:") << report;
    EXPECT_EQ(report.find("quotes"), std::string::npos) << report;
  }
}

TEST(ParseToml, ReportsAHeaderThatStartsWithAControlByte) {
  EXPECT_EQ(problem("[\x06"
                    "a]")
                .substr(0, 4),
            "t:1:");
  EXPECT_EQ(problem("[=").substr(0, 4), "t:1:");
}

}  // namespace
}  // namespace meridian
