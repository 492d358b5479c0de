#include "partition/drc/feed_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

using testing::HasSubstr;

constexpr std::string_view kLink =
    R"({"type":"link","seq":8812,"source":"bj","target":"sh","channel":"order","state":"RUNNING",)"
    R"("lag_ms":180,"src_pos":"a:1-9","applied_pos":"a:1-7","gtid_gap":2,"hb_ts":1730000000123,)"
    R"("last_event_ts":1730000000101,"ts":1730000000303,)"
    R"("conflicts":{"total":12,"last_1m":1,"unresolved":3}})";

// A link line with one member more, or one in place of another.
std::string linkWith(const std::string& members) {
  return R"({"type":"link","seq":1,"source":"bj","target":"sh","ts":5)" + members + "}";
}
FeedError rejected(std::string_view line) {
  const auto decoded = decodeFeedLine(line);
  EXPECT_FALSE(decoded) << line;
  return decoded ? FeedError{} : decoded.error();
}
LinkLine link(const std::string& line) {
  const auto decoded = decodeFeedLine(line);
  EXPECT_TRUE(decoded) << line << ": " << (decoded ? "" : decoded.error().text);
  const auto* out = decoded ? std::get_if<LinkLine>(&*decoded) : nullptr;
  return out == nullptr ? LinkLine{} : *out;
}

TEST(FeedLine, ALinkHasEveryMemberOfTheSpecification) {
  const LinkLine line = link(std::string(kLink));
  EXPECT_EQ(line.seq, 8812U);
  EXPECT_EQ(line.source + ">" + line.target + "/" + line.channel, "bj>sh/order");
  EXPECT_EQ(line.state, LinkState::kRunning);
  EXPECT_EQ(line.lag_ms, 180);
  EXPECT_EQ(line.src_pos, "a:1-9");
  EXPECT_EQ(line.applied_pos, "a:1-7");
  EXPECT_EQ(line.gtid_gap, 2U);
  EXPECT_EQ(line.hb_ts, 1730000000123);
  EXPECT_EQ(line.last_event_ts, 1730000000101);
  EXPECT_EQ(line.ts, 1730000000303);
  EXPECT_EQ(line.conflicts.total, 12);
  EXPECT_EQ(line.conflicts.last_1m, 1);
  EXPECT_EQ(line.conflicts.unresolved, 3);
}

TEST(FeedLine, ANullOrAbsentLagIsUnknownAndNeverZero) {
  EXPECT_EQ(link(linkWith(R"(,"state":"RUNNING","lag_ms":null)")).lag_ms, std::nullopt);
  EXPECT_EQ(link(linkWith(R"(,"state":"RUNNING")")).lag_ms, std::nullopt);
  EXPECT_EQ(link(linkWith(R"(,"state":"RUNNING","lag_ms":0)")).lag_ms, 0);
  EXPECT_EQ(link(linkWith(R"(,"state":"RUNNING","lag_ms":-7)")).lag_ms, -7);
  EXPECT_EQ(link(linkWith(R"(,"state":"RUNNING","lag_ms":0.25)")).lag_ms, 1) << "rounded up";
}

TEST(FeedLine, TheOtherTypes) {
  const auto hello = decodeFeedLine(
      R"({"type":"hello","v":1,"agent":"drc-sh-1","dc":"sh","boot":"b7f3","token":"t"})");
  ASSERT_TRUE(hello && std::holds_alternative<HelloLine>(*hello));
  EXPECT_EQ(std::get<HelloLine>(*hello).agent, "drc-sh-1");
  EXPECT_EQ(std::get<HelloLine>(*hello).boot, "b7f3");
  const auto beat = decodeFeedLine(R"({"type":"hb","seq":8813,"ts":1730000001303})");
  ASSERT_TRUE(beat && std::holds_alternative<HeartbeatLine>(*beat));
  EXPECT_EQ(std::get<HeartbeatLine>(*beat).seq, 8813U);
  const auto ack = decodeFeedLine(R"({"type":"ack","seq":0})");
  ASSERT_TRUE(ack && std::holds_alternative<AckLine>(*ack));
  const auto bye = decodeFeedLine(R"( {"reason":"restart","type":"bye"} )");
  ASSERT_TRUE(bye && std::holds_alternative<ByeLine>(*bye));
  EXPECT_EQ(std::get<ByeLine>(*bye).reason, "restart");
  const auto unknown = decodeFeedLine(R"({"type":"weather","seq":"x"})");
  ASSERT_TRUE(unknown && std::holds_alternative<UnknownLine>(*unknown));
  EXPECT_EQ(std::get<UnknownLine>(*unknown).type, "weather");
}

TEST(FeedLine, UnknownMembersAreSkippedWhateverTheyHold) {
  const LinkLine line =
      link(linkWith(R"(,"state":"PAUSED","x":{"seq":9,"lag_ms":[1,{"ts":2}]},"y":[{"seq":3}],)"
                    R"("conflicts":{"unresolved":4,"by":{"total":8},"z":[5]},"lag_ms":2)"));
  EXPECT_EQ(line.seq, 1U);
  EXPECT_EQ(line.ts, 5);
  EXPECT_EQ(line.lag_ms, 2);
  EXPECT_EQ(line.conflicts.unresolved, 4);
  EXPECT_EQ(line.conflicts.total, 0);
  EXPECT_EQ(line.channel, "default");
}

TEST(FeedLine, EachRejectionHasAReasonAndSaysWhat) {
  struct Case {
    std::string line;
    FeedReject reason;
    std::string says;
  };
  const std::string state = R"(,"state":"RUNNING")";
  const Case cases[] = {
      {"", FeedReject::kNotJson, "byte"},
      {"{\"type\":\"hb\",", FeedReject::kNotJson, "byte"},
      {"{\"type\":\"\xff\"}", FeedReject::kNotJson, "byte"},
      {"{}{}", FeedReject::kNotJson, "byte"},
      {R"({"type":"hb","seq":1e999})", FeedReject::kNotJson, "byte"},
      {"[]", FeedReject::kNotObject, "object"},
      {"7", FeedReject::kNotObject, "object"},
      {"{\"x\":" + std::string(40, '[') + std::string(40, ']') + "}", FeedReject::kTooDeep, "16"},
      {std::string(kMaxFeedLine + 1, ' '), FeedReject::kTooLong, "16385"},
      {"{}", FeedReject::kMissing, "type"},
      {R"({"type":7})", FeedReject::kWrongType, "type"},
      {R"({"type":"hb","seq":1,"seq":2,"ts":1})", FeedReject::kDuplicate, "seq"},
      {linkWith(state + R"(,"conflicts":{"total":1,"total":2})"), FeedReject::kDuplicate, "total"},
      {R"({"type":"hb","ts":1})", FeedReject::kMissing, "seq"},
      {R"({"type":"hb","seq":0,"ts":1})", FeedReject::kOutOfRange, "seq is 0"},
      {R"({"type":"hb","seq":18446744073709551615,"ts":1})", FeedReject::kOutOfRange, "1844"},
      {R"({"type":"hb","seq":1.0,"ts":1})", FeedReject::kWrongType, "seq"},
      {R"({"type":"hb","seq":1,"ts":-4})", FeedReject::kOutOfRange, "ts is -4"},
      {linkWith(""), FeedReject::kMissing, "state"},
      {linkWith(R"(,"state":"running")"), FeedReject::kBadText, "running"},
      {linkWith(state + R"(,"lag_ms":"3")"), FeedReject::kWrongType, "lag_ms"},
      {linkWith(state + R"(,"lag_ms":99999999999999)"), FeedReject::kOutOfRange, "lag_ms"},
      {linkWith(state + R"(,"lag_ms":-1e300)"), FeedReject::kOutOfRange, "lag_ms"},
      {linkWith(state + R"(,"gtid_gap":-1)"), FeedReject::kOutOfRange, "gtid_gap"},
      {linkWith(state + R"(,"channel":"a b")"), FeedReject::kBadText, "channel"},
      {linkWith(state + R"(,"conflicts":3)"), FeedReject::kWrongType, "conflicts"},
      {linkWith(state + R"(,"conflicts":{"unresolved":-1})"), FeedReject::kOutOfRange,
       "conflicts.unresolved"},
      {linkWith(state + R"(,"src_pos":")" + std::string(kMaxPosition + 1, 'a') + "\""),
       FeedReject::kOutOfRange, "src_pos"},
      {R"({"type":"link","seq":1,"source":"BJ","target":"sh","state":"RUNNING","ts":1})",
       FeedReject::kBadText, "BJ"},
      {R"({"type":"link","seq":1,"source":"sh","target":"sh","state":"RUNNING","ts":1})",
       FeedReject::kBadText, "sh"},
      {R"({"type":"hello","v":2,"agent":"a","dc":"d","boot":"b"})", FeedReject::kOutOfRange, "v"},
      {R"({"type":"hello","v":1,"agent":"a","dc":"d","boot":""})", FeedReject::kBadText, "boot"},
  };
  for (const Case& each : cases) {
    const FeedError error = rejected(each.line);
    EXPECT_EQ(error.reason, each.reason) << each.line << ": " << error.text;
    EXPECT_THAT(error.text, HasSubstr(each.says)) << each.line;
  }
}

TEST(FeedLine, EveryCutOfALineIsRefusedAndNothingElseHappens) {
  for (std::size_t size = 0; size < kLink.size(); ++size) {
    EXPECT_EQ(rejected(kLink.substr(0, size)).reason, FeedReject::kNotJson) << size;
  }
}

}  // namespace
}  // namespace meridian::partition
