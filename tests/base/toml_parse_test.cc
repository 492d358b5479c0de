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
  for (const char* text : {"a = 1\nä = 1", "\na˝ќ = 1", "\na = \"x\"ü", "\na = 0\"ä\"", "\nü"}) {
    const std::string report = problem(text);
    EXPECT_EQ(report.substr(0, 4), "t:2:") << report;
    EXPECT_NE(report.find("is not TOML: "), std::string::npos) << report;
  }
}

TEST(ParseToml, TakesThemInStringsKeysAndComments) {
  EXPECT_EQ(
      problem("a = \"ä\\\"ö\" # ü ' \"\n\"é\" = 'ß'\nb = \"\"\"\n\"\"ä\\\"\"\"\"\nc = '''ö''\n'''"),
      "");
  EXPECT_EQ(problem("\xef\xbb\xbf"
                    "a = 1"),
            "");
}

TEST(ParseToml, RefusesTornStrings) {
  for (const char* text : {"a = \"ä", "a = 'ä\n'", "a = \"\"\"ä\"\"", "a = \"ä\\"}) {
    EXPECT_EQ(problem(text).substr(0, 4), "t:1:") << problem(text);
  }
}

TEST(ParseToml, KeepsTheDepthThatTheHeaderPromises) {
  const auto nested = [](std::size_t arrays) {
    return "a = " + std::string(arrays, '[') + std::string(arrays, ']');
  };
  EXPECT_EQ(problem(nested(ConfigNode::kMaxDepth - 1)), "");  // the root is the first level
  EXPECT_EQ(problem(nested(ConfigNode::kMaxDepth)), "t:1:68: is nested deeper than 64\n");
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
