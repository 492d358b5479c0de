#include "dns/wire/response_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "dns/wire/query_parser.h"
#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::put16;
using test::put32;
using test::QueryPacket;
using test::ReadMessage;

// An RRset as a zone renders it, and the bytes it points into.
struct Rrset {
  Bytes bytes;
  RrsetView view;

  Rrset(RrType type, const std::vector<Bytes>& rdatas, std::uint32_t ttl = 300) {
    for (const Bytes& rdata : rdatas) {
      put16(bytes, kQnamePointer);
      put16(bytes, static_cast<unsigned>(type));
      put16(bytes, 1);
      put32(bytes, ttl);
      put16(bytes, static_cast<unsigned>(rdata.size()));
      test::append(bytes, rdata);
    }
    view = {type, static_cast<std::uint16_t>(rdatas.size()), ttl, bytes};
  }
  Rrset(const Rrset&) = delete;
  Rrset& operator=(const Rrset&) = delete;
};

// A writer for one query, over a buffer of its own.
struct Writing {
  Bytes message;
  Query query;
  Bytes buffer = Bytes(kMaxMessage, 0xEE);
  std::optional<OptReply> opt;
  std::optional<ResponseWriter> out;

  explicit Writing(const QueryPacket& packet, std::size_t limit = kMaxMessage,
                   std::optional<OptReply> reply = std::nullopt)
      : message(packet.bytes()), opt(reply) {
    EXPECT_EQ(parseQuery(message, 65001, query), ParseOutcome::kOk);
    out.emplace(query, buffer, limit, opt ? &*opt : nullptr);
  }
  explicit Writing(std::string_view name, std::size_t limit = kMaxMessage,
                   std::optional<OptReply> reply = std::nullopt)
      : Writing(QueryPacket(name), limit, reply) {}

  Bytes finish() {
    return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(out->finish())};
  }
  ReadMessage read() { return test::readMessage(finish()); }
};

Name named(std::string_view text) {
  return Name::parse(text).value();
}

const Bytes kOne{192, 0, 2, 1};
const Bytes kTwo{192, 0, 2, 2};
const Bytes kThree{192, 0, 2, 3};

TEST(ResponseWriter, EchoesWhatIsTheClients) {
  QueryPacket packet("wWw.example", 28);
  packet.flags = 0x0110;  // RD, CD
  Writing echo(packet);
  echo.out->setAuthoritative(true);
  echo.out->setRcode(Rcode::kNxDomain);
  const ReadMessage read = echo.read();
  EXPECT_EQ(read.id, 0x1234U);
  EXPECT_EQ(read.flags, 0x8000U | 0x0400U | 0x0110U | 3U);
  EXPECT_EQ(read.question, "wWw.example");
  EXPECT_FALSE(read.has_opt);
}

TEST(ResponseWriter, TheClientsOtherFlagsDoNotComeBack) {
  QueryPacket packet("www.example");
  packet.flags = 0x07EF;  // AA, TC, RD, RA, Z, AD, and an rcode
  EXPECT_EQ(Writing(packet).read().flags, 0x8100U);
}

TEST(ResponseWriter, ARefusalEchoesTheOpcode) {
  QueryPacket packet("www.example");
  packet.flags = 0x2110;  // NOTIFY
  const Bytes message = packet.bytes();
  Query query;
  ASSERT_EQ(parseQuery(message, 65001, query), ParseOutcome::kNotImp);
  Bytes buffer(512);
  buffer.resize(writeRefusal(query, Rcode::kNotImp, nullptr, buffer));
  const ReadMessage read = test::readMessage(buffer);
  EXPECT_EQ(read.flags, 0x8000U | 0x2110U | 4U);
  EXPECT_EQ(buffer.size(), 12U);  // the question was never read
  EXPECT_EQ(buffer[5], 0);
}

TEST(ResponseWriter, ARefusalCarriesQuestionAndOpt) {
  QueryPacket packet("www.example");
  packet.with(test::optRecord({}, 1232, 0x00010000));
  const Bytes message = packet.bytes();
  Query query;
  ASSERT_EQ(parseQuery(message, 65001, query), ParseOutcome::kBadVers);
  Bytes buffer(512);
  const OptReply reply;
  buffer.resize(writeRefusal(query, Rcode::kBadVers, &reply, buffer));
  const ReadMessage read = test::readMessage(buffer);
  EXPECT_EQ(read.question, "www.example");
  EXPECT_EQ(read.flags & 0xF, 0U);
  EXPECT_EQ(read.rcode, 16U);
}

TEST(ResponseWriter, RecordsInTheirSections) {
  const Rrset a(RrType::kA, {kOne, kTwo});
  const Rrset txt(RrType::kTxt, {{1, 'x'}}, 7);
  Writing writing("www.example");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, a.view, kHeaderBytes));
  ASSERT_TRUE(writing.out->add(Section::kAuthority, txt.view, writing.out->suffixOffset(9)));
  ASSERT_TRUE(writing.out->add(Section::kAdditional, a.view, writing.out->suffixOffset(1)));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.sections[0].size(), 2U);
  EXPECT_EQ(read.sections[0][1].owner, "www.example");
  EXPECT_EQ(read.sections[0][1].rdata, kTwo);
  ASSERT_EQ(read.sections[1].size(), 1U);
  EXPECT_EQ(read.sections[1][0].owner, "example");
  EXPECT_EQ(read.sections[1][0].ttl, 7U);
  ASSERT_EQ(read.sections[2].size(), 2U);
  EXPECT_EQ(read.sections[2][0].owner, "");
}

TEST(ResponseWriter, EveryRecordOfAnRrsetGetsTheOwner) {
  const Rrset mixed(RrType::kTxt, {{1, 'x'}, {3, 'a', 'b', 'c'}, Bytes(1, 0), {2, 'y', 'z'}});
  Writing writing("deep.www.example");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, mixed.view, writing.out->suffixOffset(13)));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 4U);
  for (const auto& record : read.answers()) EXPECT_EQ(record.owner, "www.example");
  EXPECT_EQ(read.answers()[3].rdata, (Bytes{2, 'y', 'z'}));
}

TEST(ResponseWriter, AnRrsetGoesInWholeOrNotAtAll) {
  const Rrset three(RrType::kA, {kOne, kTwo, kThree});
  const std::size_t body = 12 + test::wireName("www.example").size() + 4;
  const std::size_t full = body + three.bytes.size();
  for (std::size_t limit = body; limit < full; ++limit) {
    Writing writing("www.example", limit);
    EXPECT_FALSE(writing.out->add(Section::kAnswer, three.view, kHeaderBytes)) << limit;
    EXPECT_FALSE(writing.out->add(Section::kAnswer, three.view, named("www.example"))) << limit;
    EXPECT_FALSE(writing.out->add(Section::kAnswer, three.view, named("x.example"))) << limit;
    const Bytes message = writing.finish();
    EXPECT_EQ(message.size(), body) << limit;
    EXPECT_TRUE(test::readMessage(message).answers().empty()) << limit;
  }
  Writing exact("www.example", full);
  EXPECT_TRUE(exact.out->add(Section::kAnswer, three.view, kHeaderBytes));
  EXPECT_EQ(exact.finish().size(), full);
}

TEST(ResponseWriter, AfterWhatDidNotFitSmallerThingsDo) {
  const Rrset large(RrType::kTxt, {Bytes(600, 1)});
  const Rrset small(RrType::kA, {kOne});
  Writing writing("www.example", 512);
  EXPECT_FALSE(writing.out->add(Section::kAnswer, large.view, kHeaderBytes));
  EXPECT_TRUE(writing.out->add(Section::kAnswer, small.view, kHeaderBytes));
  EXPECT_EQ(writing.read().answers().size(), 1U);
}

TEST(ResponseWriter, TruncationTakesEverythingBack) {
  const Rrset a(RrType::kA, {kOne});
  OptReply reply;
  Writing writing("www.example", 512, reply);
  for (const Section section : {Section::kAnswer, Section::kAuthority, Section::kAdditional}) {
    ASSERT_TRUE(writing.out->add(section, a.view, kHeaderBytes));
  }
  EXPECT_FALSE(writing.out->truncated());
  writing.out->truncate();
  EXPECT_TRUE(writing.out->truncated());
  const ReadMessage read = writing.read();
  EXPECT_TRUE(read.truncated());
  for (const auto& section : read.sections) EXPECT_TRUE(section.empty());
  EXPECT_TRUE(read.has_opt);
  EXPECT_EQ(read.question, "www.example");
}

TEST(ResponseWriter, RoomForOptIsKept) {
  const Bytes nsid(200, 'n');
  OptReply reply;
  reply.nsid = nsid;
  const Rrset a(RrType::kA, {kOne});
  Writing writing("www.example", 512, reply);
  std::size_t added = 0;
  while (writing.out->add(Section::kAnswer, a.view, kHeaderBytes)) ++added;
  const Bytes message = writing.finish();
  EXPECT_LE(message.size(), 512U);
  EXPECT_GT(message.size() + a.bytes.size(), 512U);
  const ReadMessage read = test::readMessage(message);
  EXPECT_EQ(read.answers().size(), added);
  ASSERT_NE(read.findOption(3), nullptr);
  EXPECT_EQ(*read.findOption(3), nsid);
}

TEST(ResponseWriter, TheLimitIsNeverAboveTheBuffer) {
  Writing writing("www.example");
  Bytes small(512);
  ResponseWriter out(writing.query, small, kMaxMessage, nullptr);
  const Rrset large(RrType::kTxt, {Bytes(500, 1)});
  EXPECT_FALSE(out.add(Section::kAnswer, large.view, kHeaderBytes));
}

TEST(ResponseWriter, OwnersByNameShareTheQuestionsTail) {
  const Rrset two(RrType::kA, {kOne, kTwo});
  Writing writing("www.example.org");
  ASSERT_TRUE(writing.out->add(Section::kAdditional, two.view, named("ns.example.org")));
  const Bytes message = writing.finish();
  const ReadMessage read = test::readMessage(message);
  ASSERT_EQ(read.sections[2].size(), 2U);
  EXPECT_EQ(read.sections[2][0].owner, "ns.example.org");
  EXPECT_EQ(read.sections[2][1].owner, "ns.example.org");
  EXPECT_EQ(read.sections[2][1].rdata, kTwo);
  // "ns" and a pointer once, a pointer to that the second time.
  EXPECT_EQ(message.size(), 12U + 17 + 4 + (3 + 2 + 14) + 16);
}

TEST(ResponseWriter, TheQuestionsOwnNameAndItsSuffixesArePointers) {
  const Rrset one(RrType::kA, {kOne});
  Writing writing("www.example.org");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, one.view, named("www.example.org")));
  ASSERT_TRUE(writing.out->add(Section::kAnswer, one.view, named("example.org")));
  const Bytes message = writing.finish();
  EXPECT_EQ(message.size(), 12U + 17 + 4 + 2 * one.bytes.size());
  EXPECT_EQ(test::readMessage(message).answers()[1].owner, "example.org");
}

TEST(ResponseWriter, ATailInAnotherCaseIsWrittenOut) {
  const Rrset two(RrType::kA, {kOne, kTwo});
  Writing writing("www.EXAMPLE.org");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, two.view, named("ns.example.org")));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 2U);
  EXPECT_EQ(read.answers()[0].owner, "ns.example.org");  // the zone's case, not the question's
  EXPECT_EQ(read.answers()[1].owner, "ns.example.org");
}

TEST(ResponseWriter, OwnersWithoutACommonTail) {
  const Rrset two(RrType::kA, {kOne, kTwo});
  Writing writing("www.example.org");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, two.view, named("ns.example.net")));
  ASSERT_TRUE(writing.out->add(Section::kAnswer, two.view, named(".")));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 4U);
  EXPECT_EQ(read.answers()[1].owner, "ns.example.net");
  EXPECT_EQ(read.answers()[2].owner, "");
  EXPECT_EQ(read.answers()[3].owner, "");
}

TEST(ResponseWriter, LastRdataIsTheFirstRecordsOfTheLastRrset) {
  const Rrset cname(RrType::kCname, {test::wireName("target.example")});
  const std::pair<std::string, const char*> owners[] = {
      {"www.example", "www.example"}, {"example", "example"}, {"other.test", "other.test"}};
  for (const auto& [owner, shown] : owners) {
    Writing writing("www.example");
    ASSERT_TRUE(writing.out->add(Section::kAnswer, cname.view, named(owner)));
    const std::size_t at = writing.out->lastRdataOffset();
    const ReadMessage read = writing.read();
    EXPECT_EQ(read.answers()[0].owner, shown);
    EXPECT_EQ(read.answers()[0].rdata_at, at);
    EXPECT_EQ(read.answers()[0].target, "target.example");
  }
}

TEST(ResponseWriter, ACnameWithAPointerToItsTail) {
  const Rrset a(RrType::kA, {kOne, kTwo});
  Writing writing("x.g.order.example");
  const Bytes labels{3, 's', 'p', '1', 5, 's', 'h', 'a', 'r', 'd'};
  const std::uint16_t target =
      writing.out->addCname(kHeaderBytes, 3600, labels,
                            writing.out->suffixOffset(test::wireName("order.example").size()));
  ASSERT_NE(target, 0);
  ASSERT_TRUE(writing.out->add(Section::kAnswer, a.view, target));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 3U);
  EXPECT_EQ(read.answers()[0].owner, "x.g.order.example");
  EXPECT_EQ(read.answers()[0].ttl, 3600U);
  EXPECT_EQ(read.answers()[0].target, "sp1.shard.order.example");
  EXPECT_EQ(read.answers()[0].rdata.size(), labels.size() + 2);
  EXPECT_EQ(read.answers()[1].owner, "sp1.shard.order.example");
  EXPECT_EQ(read.answers()[2].owner, "sp1.shard.order.example");
}

TEST(ResponseWriter, ACnameWithAWholeTarget) {
  Writing writing("www.example");
  const Name target = named("other.test");
  EXPECT_EQ(writing.out->addCname(kHeaderBytes, 60, target.view()), 12U + 17 + 12);
  EXPECT_EQ(writing.read().answers()[0].target, "other.test");
}

TEST(ResponseWriter, ACnameThatDoesNotFitIsLeftOut) {
  const Name target = named("other.test");
  const std::size_t full = 12 + 17 + 12 + target.view().size();
  for (std::size_t limit = 12 + 17; limit < full; ++limit) {
    Writing writing("www.example", limit);
    EXPECT_EQ(writing.out->addCname(kHeaderBytes, 60, target.view()), 0) << limit;
    EXPECT_TRUE(writing.read().answers().empty());
  }
  EXPECT_NE(Writing("www.example", full).out->addCname(kHeaderBytes, 60, target.view()), 0);
}

// Pointers have 14 bits: owners beyond are written out (RFC 1035 §4.1.4).
TEST(ResponseWriter, OwnersBeyondThePointersReach) {
  const Rrset filler(RrType::kTxt, {Bytes(16'400, 1)});
  const Rrset two(RrType::kA, {kOne, kTwo});
  Writing writing("x.g.order.example");
  ASSERT_TRUE(writing.out->add(Section::kAnswer, filler.view, kHeaderBytes));
  const Bytes labels{3, 's', 'p', '1'};
  const std::uint16_t tail = writing.out->suffixOffset(test::wireName("order.example").size());
  const std::uint16_t target = writing.out->addCname(kHeaderBytes, 60, labels, tail);
  ASSERT_GT(target, 0x3FFF);
  ASSERT_TRUE(writing.out->add(Section::kAnswer, two.view, target));  // ends in a pointer
  const Name whole = named("whole.test");
  const std::uint16_t second = writing.out->addCname(target, 60, whole.view());
  ASSERT_NE(second, 0);
  ASSERT_TRUE(writing.out->add(Section::kAnswer, two.view, second));  // ends in the root
  ASSERT_TRUE(writing.out->add(Section::kAdditional, two.view, named("ns.example")));
  const std::size_t last = writing.out->lastRdataOffset();
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 7U);
  EXPECT_EQ(read.answers()[2].owner, "sp1.order.example");
  EXPECT_EQ(read.answers()[3].owner, "sp1.order.example");
  EXPECT_EQ(read.answers()[4].owner, "sp1.order.example");
  EXPECT_EQ(read.answers()[4].target, "whole.test");
  EXPECT_EQ(read.answers()[5].owner, "whole.test");
  EXPECT_EQ(read.answers()[6].owner, "whole.test");
  ASSERT_EQ(read.sections[2].size(), 2U);
  EXPECT_EQ(read.sections[2][1].owner, "ns.example");
  EXPECT_EQ(read.sections[2][0].rdata_at, last);
}

TEST(ResponseWriter, AFarRrsetGoesInWholeOrNotAtAll) {
  const Rrset filler(RrType::kTxt, {Bytes(16'400, 1)});
  const Rrset two(RrType::kA, {kOne, kTwo});
  const Name target = named("whole.test");
  const std::size_t before =
      12 + 17 + filler.bytes.size() + kRenderedFixedBytes + target.view().size();
  const std::size_t one_record = target.view().size() + two.bytes.size() / 2 - 2;
  for (const std::size_t room : {std::size_t{0}, one_record, 2 * one_record - 1, 2 * one_record}) {
    Writing writing("www.example", before + room);
    ASSERT_TRUE(writing.out->add(Section::kAnswer, filler.view, kHeaderBytes));
    const std::uint16_t owner = writing.out->addCname(kHeaderBytes, 60, target.view());
    ASSERT_NE(owner, 0);
    const bool fits = room == 2 * one_record;
    EXPECT_EQ(writing.out->add(Section::kAnswer, two.view, owner), fits) << room;
    EXPECT_EQ(writing.read().answers().size(), fits ? 4U : 2U) << room;
  }
}

TEST(ResponseWriter, TxtStringsHoldAtMost255Bytes) {
  Writing writing("id.server");
  const std::string strings[] = {"one", std::string(255, 'a'), std::string(256, 'b'), ""};
  ASSERT_TRUE(writing.out->addTxt(strings, RrClass::kCh, 5));
  const ReadMessage read = writing.read();
  ASSERT_EQ(read.answers().size(), 1U);
  const auto& record = read.answers()[0];
  EXPECT_EQ(record.rr_class, 3U);
  EXPECT_EQ(record.type, 16U);
  EXPECT_EQ(record.ttl, 5U);
  Bytes expected =
      test::bytesOf("\3one\xFF" + std::string(255, 'a') + "\xFF" + std::string(255, 'b'));
  expected.push_back(0);
  EXPECT_EQ(record.rdata, expected);
}

TEST(ResponseWriter, TxtThatDoesNotFitIsLeftOut) {
  Writing writing("id.server", 100);
  const std::string strings[] = {std::string(100, 'a')};
  EXPECT_FALSE(writing.out->addTxt(strings, RrClass::kCh, 0));
  const std::vector<std::string> beyond_any(300, std::string(255, 'a'));
  EXPECT_FALSE(Writing("id.server").out->addTxt(beyond_any, RrClass::kCh, 0));
  EXPECT_TRUE(writing.read().answers().empty());
}

}  // namespace
}  // namespace meridian::dns
