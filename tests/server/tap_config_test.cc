// The sections [dnstap] and [query_log].
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "server/config.h"

namespace meridian::server {
namespace {

using testing::HasSubstr;

std::string tapProblems(const std::string& text) {
  const auto config = parseConfig(text, "/etc/m.toml");
  return config ? "" : config.error().text();
}

dns::TapSettings tapOf(const std::string& text) {
  const auto config = parseConfig(text, "/etc/m.toml");
  EXPECT_TRUE(config) << (config ? "" : config.error().text());
  return config ? config->tap : dns::TapSettings{};
}

TEST(TapConfig, NobodyIsToldWithoutAPlaceToTellIt) {
  EXPECT_FALSE(tapOf("").any());
  EXPECT_FALSE(tapOf("[dnstap]\nsample = 5\n[query_log]\nsample = 5\n").any());
}

TEST(TapConfig, EveryKeyIsRead) {
  const dns::TapSettings tap = tapOf(
      "[server]\nnode_id = \"n\"\n[dnstap]\nsocket = \"tap.sock\"\nsample = 5\nqueries = true\n"
      "responses = false\n[query_log]\nfolder = \"log\"\nsample = 6\nkeep_days = 8\n");
  EXPECT_EQ(tap.identity, "n");
  ASSERT_TRUE(tap.dnstap);
  EXPECT_EQ(tap.dnstap->socket, "/etc/tap.sock");
  EXPECT_EQ(tap.dnstap->sample, 5U);
  EXPECT_TRUE(tap.dnstap->queries);
  EXPECT_FALSE(tap.dnstap->responses);
  ASSERT_TRUE(tap.log);
  EXPECT_EQ(tap.log->folder, "/etc/log");
  EXPECT_EQ(tap.log->sample, 6U);
  EXPECT_EQ(tap.log->keep_days, 8);
  const dns::TapSettings tcp = tapOf("[dnstap]\naddress = \"[::1]:6000\"\n");
  EXPECT_EQ(tcp.dnstap->address.text(), "[::1]:6000");
  EXPECT_EQ(tcp.dnstap->socket, "");
}

TEST(TapConfig, WhatCannotBeIsRefused) {
  EXPECT_EQ(tapProblems("[dnstap]\nsocket = \"a\"\naddress = \"127.0.0.1:1\"\n"),
            "/etc/m.toml:3:11: dnstap.address: 127.0.0.1:1: is for TCP, and socket names a "
            "unix socket: one only\n");
  EXPECT_THAT(tapProblems("[dnstap]\nsocket = \"/" + std::string(107, 'a') + "\"\n"),
              HasSubstr("longer than 107 bytes"));
  EXPECT_EQ(tapProblems("[dnstap]\nsocket = \"/" + std::string(106, 'a') + "\"\n"), "");
  EXPECT_THAT(tapProblems("[dnstap]\naddress = \"127.0.0.1:0\"\n"), HasSubstr("must have a port"));
  EXPECT_THAT(tapProblems("[dnstap]\nsocket = \"\"\n"), HasSubstr("must not be empty"));
  EXPECT_THAT(tapProblems("[dnstap]\nresponses = false\n"), HasSubstr("nothing would be told"));
  EXPECT_THAT(tapProblems("[query_log]\nfolder = \"\"\n"), HasSubstr("must not be empty"));
  EXPECT_THAT(tapProblems("[query_log]\nkeep = 3\n"), HasSubstr("query_log.keep"));
}

// The page's examples are read as they stand.
TEST(TapConfig, TheDocumentedExamplesAreGood) {
  const std::string page = *readFile(MERIDIAN_SOURCE_DIR "/docs/observation.md", 1 << 20);
  constexpr std::string_view kFence = "```toml\n";
  int examples = 0;
  for (std::size_t at = page.find(kFence); at != std::string::npos; at = page.find(kFence, at)) {
    at += kFence.size();
    EXPECT_TRUE(tapOf(page.substr(at, page.find("```", at) - at)).any());
    ++examples;
  }
  EXPECT_EQ(examples, 2);
}

}  // namespace
}  // namespace meridian::server
