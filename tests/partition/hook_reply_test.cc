#include "partition/hooks/hook_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace meridian::partition {
namespace {

using ::testing::HasSubstr;
using Kind = HookReply::Kind;

HookReply ask(int status, std::string_view body) {
  return readHttpReply(status, body, HookRole::kVeto);
}

TEST(HookReply, DecisionsAreRead) {
  EXPECT_EQ(ask(200, R"({"decision":"allow"})").kind, Kind::kAllow);
  EXPECT_EQ(ask(204, "").kind, Kind::kAllow);
  EXPECT_EQ(ask(200, " \r\n").kind, Kind::kAllow);
  EXPECT_EQ(ask(200, R"({"decision":"defer"})").kind, Kind::kDefer);
  const HookReply veto =
      ask(200, R"({"decision":"veto","reason":"lag\n9 s","evidence":{"lag_ms": 9000},"more":[1]})");
  EXPECT_EQ(veto.kind, Kind::kVeto);
  EXPECT_EQ(veto.reason, "lag 9 s");
  EXPECT_EQ(veto.evidence, R"({"lag_ms":9000})");
}

TEST(HookReply, StatusesMeanWhatTheSpecificationSays) {
  EXPECT_EQ(ask(409, "whatever").kind, Kind::kAllow);
  for (const int status : {400, 401, 404, 410, 422, 429, 499})
    EXPECT_EQ(ask(status, "").kind, Kind::kPermanent) << status;
  for (const int status : {301, 302, 307, 500, 502, 503, 599, 101, 999, 0})
    EXPECT_EQ(ask(status, "").kind, Kind::kRetry) << status;
  EXPECT_EQ(ask(500, "out of \x1b[31m memory\nmore").reason, "status 500: out of  [31m memory");
}

TEST(HookReply, WhatCannotBeUnderstoodIsAnErrorThatStays) {
  const std::string long_evidence =
      R"({"decision":"allow","evidence":{"x":")" + std::string(5000, 'x') + "\"}}";
  const std::string deep(100'000, '[');
  for (const std::string& body :
       {std::string("ok"), std::string("[]"), std::string("{}"), std::string("null"),
        std::string(R"({"decision":"perhaps"})"), std::string(R"({"decision":true})"),
        std::string(R"({"decision":"allow","decision":"veto"})"),
        std::string(R"({"decision":"allow","reason":7})"),
        std::string(R"({"decision":"allow","evidence":[]})"),
        std::string("{\"decision\":\"\xff\"}"), long_evidence, deep}) {
    const HookReply reply = ask(200, body);
    EXPECT_EQ(reply.kind, Kind::kPermanent) << body.substr(0, 60);
    EXPECT_FALSE(reply.reason.empty());
    EXPECT_TRUE(isPrintableUtf8(reply.reason));
  }
  // Who is only told says nothing that counts.
  EXPECT_EQ(readHttpReply(200, "ok", HookRole::kNotify).kind, Kind::kAllow);
}

TEST(HookReply, ExitCodesAreThoseOfMha) {
  EXPECT_EQ(readExecEnd(0, "said\n", "").kind, Kind::kAllow);
  EXPECT_EQ(readExecEnd(0, "said\n", "").reason, "");
  EXPECT_EQ(readExecEnd(10, "", "careful\n").kind, Kind::kAllow);
  EXPECT_EQ(readExecEnd(10, "", "careful\n").reason, "careful");
  EXPECT_FALSE(readExecEnd(10, "", "").reason.empty());
  EXPECT_EQ(readExecEnd(20, "", "").kind, Kind::kDefer);
  for (const int code : {1, 2, 11, 127, 137, 255})
    EXPECT_EQ(readExecEnd(code, "", "").kind, Kind::kRetry) << code;
  EXPECT_EQ(readExecEnd(1, "\nout\n", "err").reason, "exit code 1: out");
}

TEST(HookReply, FailuresOfTheAttempt) {
  EXPECT_EQ(readFailure({ErrorKind::kUnavailable, "time-out"}).kind, Kind::kRetry);
  EXPECT_EQ(readFailure({ErrorKind::kTooLarge, "reply"}).kind, Kind::kPermanent);
  EXPECT_EQ(readFailure({ErrorKind::kInvalid, "url"}).kind, Kind::kPermanent);
}

TEST(HookReply, ShownTextIsPrintableAndShort) {
  EXPECT_EQ(shownText("a\tb\x7f"), "a b ");
  EXPECT_EQ(shownText("\xff\xfe."), "??.");
  EXPECT_EQ(shownText("\xc2\x85."), "??.");  // a C1 control
  EXPECT_EQ(shownText("上海", 6), "上海");
  EXPECT_EQ(shownText("上海", 5), "上");
  EXPECT_EQ(shownText("上海", 4), "上");
  EXPECT_EQ(shownText("上海", 3), "上");
  EXPECT_EQ(shownText(std::string(10'000, 'x')).size(), kMaxHookReasonBytes);
}

}  // namespace
}  // namespace meridian::partition
