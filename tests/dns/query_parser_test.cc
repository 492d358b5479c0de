#include "dns/wire/query_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::optRecord;
using test::put16;
using test::QueryPacket;

constexpr std::uint16_t kLocationOptionCode = 65001;

struct Parsed {
  Bytes message;  // what query's views point into
  Query query;
  ParseOutcome outcome;

  explicit Parsed(Bytes bytes)
      : message(std::move(bytes)), outcome(parseQuery(message, kLocationOptionCode, query)) {}
  explicit Parsed(const QueryPacket& packet) : Parsed(packet.bytes()) {}
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
};

Bytes repeatedLabels(std::size_t count, std::size_t label, std::size_t last) {
  Bytes out;
  for (std::size_t i = 0; i < count + (last == 0 ? 0 : 1); ++i) {
    const std::size_t size = i < count ? label : last;
    out.push_back(static_cast<std::uint8_t>(size));
    out.insert(out.end(), size, 'x');
  }
  out.push_back(0);
  return out;
}

QueryPacket withName(const Bytes& name) {
  QueryPacket packet("");
  packet.question = name;
  put16(packet.question, 1);
  put16(packet.question, 1);
  return packet;
}

// A record as it stands in an additional or authority section.
Bytes record(const Bytes& owner, unsigned type, const Bytes& rdata) {
  Bytes out = owner;
  put16(out, type);
  put16(out, 1);
  test::put32(out, 0);
  put16(out, static_cast<unsigned>(rdata.size()));
  test::append(out, rdata);
  return out;
}

TEST(QueryParser, TakesAQueryApart) {
  QueryPacket packet("www.example", 28, 3);
  packet.flags = 0x0110;
  const Parsed parsed(packet);
  ASSERT_EQ(parsed.outcome, ParseOutcome::kOk);
  EXPECT_EQ(parsed.query.id, 0x1234);
  EXPECT_EQ(parsed.query.flags, 0x0110);
  EXPECT_EQ(parsed.query.name.text(), "www.example.");
  EXPECT_EQ(parsed.query.type, RrType::kAaaa);
  EXPECT_EQ(parsed.query.rr_class, 3);
  EXPECT_EQ(Bytes(parsed.query.question.begin(), parsed.query.question.end()), packet.question);
  EXPECT_FALSE(parsed.query.edns.present);
  EXPECT_EQ(parsed.query.edns.udp_payload, 512);
}

TEST(QueryParser, KeepsTheCaseAndLooksUpLowered) {
  const Parsed parsed(QueryPacket("wWw.eXaMpLe"));
  ASSERT_EQ(parsed.outcome, ParseOutcome::kOk);
  EXPECT_EQ(parsed.query.name.text(), "wWw.eXaMpLe.");
  EXPECT_EQ(parsed.query.lowered.text(), "www.example.");
  EXPECT_EQ(parsed.query.hash, hashName(Name::parse("www.example")->view()));
}

TEST(QueryParser, TakesTheRoot) {
  const Parsed parsed(QueryPacket("", 2));
  ASSERT_EQ(parsed.outcome, ParseOutcome::kOk);
  EXPECT_TRUE(parsed.query.name.isRoot());
}

TEST(QueryParser, IgnoresWhatIsTooShort) {
  const Bytes whole = QueryPacket("www.example").bytes();
  for (std::size_t size = 0; size < 12; ++size) {
    const Parsed parsed(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(parsed.outcome, ParseOutcome::kIgnore) << size;
  }
}

TEST(QueryParser, EveryCutAfterTheHeaderIsMalformed) {
  const Bytes whole = QueryPacket("www.example").with(optRecord(test::option(3, {}))).bytes();
  for (std::size_t size = 12; size < whole.size(); ++size) {
    const Parsed parsed(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(parsed.outcome, ParseOutcome::kFormErr) << size;
    EXPECT_EQ(parsed.query.id, 0x1234) << size;
  }
}

TEST(QueryParser, IgnoresResponsesWhateverElseTheyAre) {
  QueryPacket packet("www.example");
  packet.flags = 0x8180;
  EXPECT_EQ(Parsed(packet).outcome, ParseOutcome::kIgnore);
  packet.flags = 0x8000 | 5U << 11;
  packet.counts[0] = 0;
  EXPECT_EQ(Parsed(packet).outcome, ParseOutcome::kIgnore);
}

TEST(QueryParser, OtherOpcodesAreNotImplemented) {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    QueryPacket packet("www.example");
    packet.flags = opcode << 11;
    const Parsed parsed(packet);
    EXPECT_EQ(parsed.outcome, ParseOutcome::kNotImp) << opcode;
    EXPECT_EQ(parsed.query.flags, opcode << 11);
  }
}

TEST(QueryParser, WantsExactlyOneQuestion) {
  for (const unsigned count : {0U, 2U, 0xFFFFU}) {
    QueryPacket packet("www.example");
    packet.counts[0] = count;
    EXPECT_EQ(Parsed(packet).outcome, ParseOutcome::kFormErr) << count;
  }
  QueryPacket twice("www.example");
  twice.counts[0] = 2;
  twice.rest = twice.question;
  EXPECT_EQ(Parsed(twice).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, RefusesACompressedQuestion) {
  EXPECT_EQ(Parsed(withName({0xC0, 12})).outcome, ParseOutcome::kFormErr);
  EXPECT_EQ(Parsed(withName({1, 'a', 0xC0, 12})).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, LabelsHoldAtMost63Bytes) {
  EXPECT_EQ(Parsed(withName(repeatedLabels(1, 63, 0))).outcome, ParseOutcome::kOk);
  EXPECT_EQ(Parsed(withName(repeatedLabels(1, 64, 0))).outcome, ParseOutcome::kFormErr);
  EXPECT_EQ(Parsed(withName(repeatedLabels(1, 0x80, 0))).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, NamesHoldAtMost255Bytes) {
  const Bytes longest = repeatedLabels(3, 63, 61);
  ASSERT_EQ(longest.size(), 255U);
  const Parsed parsed(withName(longest));
  EXPECT_EQ(parsed.outcome, ParseOutcome::kOk);
  EXPECT_EQ(parsed.query.name.size(), 255U);
  EXPECT_EQ(Parsed(withName(repeatedLabels(3, 63, 62))).outcome, ParseOutcome::kFormErr);
  EXPECT_EQ(Parsed(withName(repeatedLabels(127, 1, 0))).outcome, ParseOutcome::kOk);
  EXPECT_EQ(Parsed(withName(repeatedLabels(128, 1, 0))).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, AQueryHasNoAnswers) {
  QueryPacket packet("www.example");
  packet.counts[1] = 1;
  packet.rest = record({0}, 1, {192, 0, 2, 1});
  const Parsed parsed(packet);
  EXPECT_EQ(parsed.outcome, ParseOutcome::kFormErr);
  EXPECT_EQ(parsed.query.question.size(), packet.question.size());  // can be echoed
}

TEST(QueryParser, OnlyIxfrHasAnAuthoritySection) {
  const Bytes soa = record({0xC0, 12}, 6, Bytes(22, 0));
  QueryPacket ixfr("example", 251);
  ixfr.counts[2] = 1;
  ixfr.rest = soa;
  EXPECT_EQ(Parsed(ixfr).outcome, ParseOutcome::kOk);
  ixfr.with(optRecord());
  const Parsed with_opt(ixfr);
  EXPECT_EQ(with_opt.outcome, ParseOutcome::kOk);
  EXPECT_TRUE(with_opt.query.edns.present);

  QueryPacket plain("example", 1);
  plain.counts[2] = 1;
  plain.rest = soa;
  EXPECT_EQ(Parsed(plain).outcome, ParseOutcome::kFormErr);

  QueryPacket cut("example", 251);
  cut.counts[2] = 1;
  cut.rest = Bytes(soa.begin(), soa.end() - 1);
  EXPECT_EQ(Parsed(cut).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, TrailingBytesAreMalformed) {
  QueryPacket packet("www.example");
  packet.rest = {0};
  EXPECT_EQ(Parsed(packet).outcome, ParseOutcome::kFormErr);
  QueryPacket with_opt("www.example");
  with_opt.with(optRecord()).rest.push_back(0);
  EXPECT_EQ(Parsed(with_opt).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, AtMostOneOpt) {
  EXPECT_EQ(Parsed(QueryPacket("a").with(optRecord())).outcome, ParseOutcome::kOk);
  EXPECT_EQ(Parsed(QueryPacket("a").with(optRecord()).with(optRecord())).outcome,
            ParseOutcome::kFormErr);
}

TEST(QueryParser, TheOwnerOfOptIsTheRoot) {
  Bytes owned = test::wireName("a");
  const Bytes opt = optRecord();
  owned.insert(owned.end(), opt.begin() + 1, opt.end());
  EXPECT_EQ(Parsed(QueryPacket("a").with(owned)).outcome, ParseOutcome::kFormErr);
  Bytes pointed{0xC0, 14};  // the question's root
  pointed.insert(pointed.end(), opt.begin() + 1, opt.end());
  EXPECT_EQ(Parsed(QueryPacket("a").with(pointed)).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, OtherAdditionalRecordsAreSkipped) {
  const Bytes tsig = record(test::wireName("key.example"), 250, Bytes(40, 7));
  const Parsed parsed(QueryPacket("a").with(optRecord({}, 4096)).with(tsig));
  ASSERT_EQ(parsed.outcome, ParseOutcome::kOk);
  EXPECT_EQ(parsed.query.edns.udp_payload, 4096);
  EXPECT_EQ(Parsed(QueryPacket("a").with(record({0xC0, 12}, 1, {1, 2, 3, 4}))).outcome,
            ParseOutcome::kOk);
  EXPECT_EQ(Parsed(QueryPacket("a").with(record({0x40, 1, 0}, 1, {}))).outcome,
            ParseOutcome::kFormErr);
}

TEST(QueryParser, CountsBeyondTheMessageAreMalformed) {
  QueryPacket packet("a");
  packet.counts[3] = 0xFFFF;
  EXPECT_EQ(Parsed(packet).outcome, ParseOutcome::kFormErr);
}

TEST(QueryParser, VersionsAboveZeroAreBad) {
  const Parsed parsed(QueryPacket("Www.example").with(optRecord({}, 1232, 0x00010000)));
  EXPECT_EQ(parsed.outcome, ParseOutcome::kBadVers);
  EXPECT_EQ(parsed.query.name.text(), "Www.example.");
  EXPECT_EQ(parsed.query.lowered.text(), "www.example.");
  EXPECT_EQ(parsed.query.hash, hashName(parsed.query.lowered.view()));
  EXPECT_TRUE(parsed.query.edns.present);
  EXPECT_EQ(parsed.query.edns.version, 1);
  EXPECT_EQ(Parsed(QueryPacket("a").with(optRecord({}, 1232, 0x00FF0000))).outcome,
            ParseOutcome::kBadVers);
  // Malformed beats the version: nothing of such an OPT can be trusted.
  EXPECT_EQ(Parsed(QueryPacket("a").with(optRecord({0, 3}, 1232, 0x00010000))).outcome,
            ParseOutcome::kFormErr);
}

}  // namespace
}  // namespace meridian::dns
