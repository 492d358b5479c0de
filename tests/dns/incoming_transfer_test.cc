// What primaries send, well and badly. With real ones: tests/scenario/test_secondary.
#include "dns/transfer/incoming_transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/zone/loader.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using TransferKind = IncomingTransfer::Kind;
using TransferProgress = IncomingTransfer::Progress;
using test::Bytes;
using testing::HasSubstr;

constexpr std::size_t kPlenty = 1 << 20;
constexpr std::uint16_t kId = 0x1234;

TransferQuestion questionOf(RrType type, std::uint32_t serial = 5) {
  return {Name::parse("example.")->lowered(), type, serial, kId};
}

Bytes recordBytes(const char* owner, unsigned type, const Bytes& rdata, unsigned rr_class = 1) {
  Bytes out = test::wireName(owner);
  test::put16(out, type);
  test::put16(out, rr_class);
  test::put32(out, 300);
  test::put16(out, static_cast<unsigned>(rdata.size()));
  test::append(out, rdata);
  return out;
}
Bytes soa(std::uint32_t serial, const char* owner = "example") {
  Bytes rdata{0, 0};
  for (const std::uint32_t number : {serial, 1U, 2U, 3U, 4U}) test::put32(rdata, number);
  return recordBytes(owner, 6, rdata);
}
Bytes address(const char* owner, std::uint8_t last) {
  return recordBytes(owner, 1, {192, 0, 2, last});
}
Bytes server() {
  return recordBytes("example", 2, test::wireName("ns.example"));
}

struct PrimaryAnswer {
  RrType type = RrType::kAxfr;
  std::vector<Bytes> records = {};
  unsigned flags = 0x8400;
  unsigned id = kId;
  bool with_question = true;

  Bytes bytes() const {
    Bytes out;
    test::put16(out, id);
    test::put16(out, flags);
    test::put16(out, with_question ? 1 : 0);
    test::put16(out, static_cast<unsigned>(records.size()));
    test::put32(out, 0);
    if (with_question) {
      test::append(out, test::wireName("EXAMPLE"));
      test::put16(out, static_cast<unsigned>(type));
      test::put16(out, 1);
    }
    for (const Bytes& each : records) test::append(out, each);
    return out;
  }
};

// Takes messages until the transfer is over.
TransferProgress takeAll(IncomingTransfer& transfer, const std::vector<Bytes>& messages) {
  TransferProgress progress = TransferProgress::kMore;
  for (const Bytes& each : messages) {
    if (progress != TransferProgress::kMore) break;
    progress = transfer.take(each, test::kTsigNow);
  }
  return progress;
}
std::string failureOf(RrType type, const std::vector<Bytes>& messages,
                      std::size_t max_bytes = kPlenty) {
  IncomingTransfer transfer(questionOf(type), std::nullopt, max_bytes);
  transfer.request(test::kTsigNow);
  EXPECT_EQ(takeAll(transfer, messages), TransferProgress::kFailed);
  return transfer.reason();
}

TEST(IncomingTransfer, AsksForWhatItWants) {
  IncomingTransfer axfr(questionOf(RrType::kAxfr), std::nullopt, kPlenty);
  EXPECT_EQ(axfr.request(test::kTsigNow), [] {
    test::QueryPacket packet("example", 252);
    packet.flags = 0;
    return packet.bytes();
  }());
  IncomingTransfer ixfr(questionOf(RrType::kIxfr, 0x01020304), std::nullopt, kPlenty);
  const test::ReadMessage read = test::readMessage(ixfr.request(test::kTsigNow));
  ASSERT_EQ(read.sections[1].size(), 1U);
  EXPECT_EQ(read.sections[1][0].type, 6U);
  const Bytes& rdata = read.sections[1][0].rdata;
  EXPECT_EQ(Bytes(rdata.begin() + 2, rdata.begin() + 6), (Bytes{1, 2, 3, 4}));
}

TEST(IncomingTransfer, AZoneMayComeInManyMessages) {
  IncomingTransfer transfer(questionOf(RrType::kAxfr), std::nullopt, kPlenty);
  const std::vector<Bytes> messages{
      PrimaryAnswer{.records = {soa(7)}}.bytes(), PrimaryAnswer{.records = {server()}}.bytes(),
      PrimaryAnswer{.records = {}, .with_question = false}.bytes(),
      PrimaryAnswer{.records = {address("ns.example", 1), soa(7)}, .with_question = false}.bytes()};
  for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
    ASSERT_EQ(transfer.take(messages[i], 0), TransferProgress::kMore) << transfer.reason();
  }
  ASSERT_EQ(transfer.take(messages.back(), 0), TransferProgress::kDone) << transfer.reason();
  EXPECT_EQ(transfer.kind(), TransferKind::kZone);
  EXPECT_EQ(transfer.serial(), 7U);
  EXPECT_EQ(transfer.zone().count(), 3U);
  EXPECT_TRUE(zoneOfRecords(transfer.zone(), "test"));
}

TEST(IncomingTransfer, StepsAreToldFromAZoneByTheSecondRecord) {
  IncomingTransfer steps(questionOf(RrType::kIxfr, 5), std::nullopt, kPlenty);
  const Bytes message = PrimaryAnswer{
      .type = RrType::kIxfr,
      .records = {soa(7), soa(5), address("a.example", 1), soa(6), address("b.example", 2), soa(6),
                  soa(7), address("c.example", 3),
                  soa(7)}}.bytes();
  ASSERT_EQ(steps.take(message, 0), TransferProgress::kDone) << steps.reason();
  ASSERT_EQ(steps.kind(), TransferKind::kSteps);
  ASSERT_EQ(steps.steps().size(), 2U);
  EXPECT_EQ(steps.steps()[0].from(), 5U);
  EXPECT_EQ(steps.steps()[0].to(), 6U);
  EXPECT_EQ(steps.steps()[0].removed.count(), 2U);
  EXPECT_EQ(steps.steps()[1].to(), 7U);
  EXPECT_EQ(steps.steps()[1].removed.count(), 1U);

  IncomingTransfer zone(questionOf(RrType::kIxfr, 5), std::nullopt, kPlenty);
  ASSERT_EQ(
      zone.take(PrimaryAnswer{.type = RrType::kIxfr, .records = {soa(7), server(), soa(7)}}.bytes(),
                0),
      TransferProgress::kDone);
  EXPECT_EQ(zone.kind(), TransferKind::kZone);
}

TEST(IncomingTransfer, TheSoaAloneSaysThatNothingIsNewer) {
  for (const std::uint32_t theirs : {5U, 4U}) {
    IncomingTransfer transfer(questionOf(RrType::kIxfr, 5), std::nullopt, kPlenty);
    ASSERT_EQ(
        transfer.take(PrimaryAnswer{.type = RrType::kIxfr, .records = {soa(theirs)}}.bytes(), 0),
        TransferProgress::kDone);
    EXPECT_EQ(transfer.kind(), TransferKind::kUpToDate);
  }
  IncomingTransfer newer(questionOf(RrType::kIxfr, 5), std::nullopt, kPlenty);
  EXPECT_EQ(newer.take(PrimaryAnswer{.type = RrType::kIxfr, .records = {soa(6)}}.bytes(), 0),
            TransferProgress::kMore);
}

TEST(IncomingTransfer, ASoaIsBelievedOfWhoIsAuthoritative) {
  IncomingTransfer transfer(questionOf(RrType::kSoa), std::nullopt, kPlenty);
  ASSERT_EQ(transfer.take(PrimaryAnswer{.type = RrType::kSoa, .records = {soa(9)}}.bytes(), 0),
            TransferProgress::kDone);
  EXPECT_EQ(transfer.kind(), TransferKind::kSerial);
  EXPECT_EQ(transfer.serial(), 9U);
  EXPECT_THAT(
      failureOf(
          RrType::kSoa,
          {PrimaryAnswer{.type = RrType::kSoa, .records = {soa(9)}, .flags = 0x8000}.bytes()}),
      HasSubstr("not authoritative"));
  EXPECT_THAT(failureOf(RrType::kSoa, {PrimaryAnswer{.type = RrType::kSoa}.bytes()}),
              HasSubstr("no SOA"));
}

TEST(IncomingTransfer, ARefusalIsToldFromAFailure) {
  for (const unsigned rcode : {1U, 4U, 5U, 9U}) {
    IncomingTransfer transfer(questionOf(RrType::kIxfr), std::nullopt, kPlenty);
    EXPECT_EQ(
        transfer.take(PrimaryAnswer{.flags = 0x8000 | rcode, .with_question = false}.bytes(), 0),
        TransferProgress::kFailed);
    EXPECT_TRUE(transfer.wasRefused()) << transfer.reason();
  }
  IncomingTransfer transfer(questionOf(RrType::kIxfr), std::nullopt, kPlenty);
  EXPECT_EQ(transfer.take(PrimaryAnswer{.id = 7}.bytes(), 0), TransferProgress::kFailed);
  EXPECT_FALSE(transfer.wasRefused());
}

TEST(IncomingTransfer, WhatIsNoAnswerIsNotTaken) {
  const auto failure = [](const PrimaryAnswer& answer) {
    return failureOf(RrType::kAxfr, {answer.bytes()});
  };
  EXPECT_THAT(failure({.id = 1}), HasSubstr("another id"));
  EXPECT_THAT(failure({.flags = 0}), HasSubstr("no response"));
  EXPECT_THAT(failure({.flags = 0xA000}), HasSubstr("no response"));
  EXPECT_THAT(failure({.flags = 0x8600}), HasSubstr("truncated"));
  EXPECT_THAT(failure({.type = RrType::kIxfr}), HasSubstr("another question"));
  EXPECT_THAT(failure({.with_question = false}), HasSubstr("not one question"));
  EXPECT_THAT(failureOf(RrType::kAxfr, {Bytes(11)}), HasSubstr("shorter than its header"));
}

TEST(IncomingTransfer, RecordsStandWhereTheyMay) {
  const auto failure = [](RrType type, std::vector<Bytes> records) {
    return failureOf(type, {PrimaryAnswer{.type = type, .records = std::move(records)}.bytes()});
  };
  const RrType axfr = RrType::kAxfr;
  const RrType ixfr = RrType::kIxfr;
  EXPECT_THAT(failure(axfr, {server()}), HasSubstr("first record is not the SOA"));
  EXPECT_THAT(failure(axfr, {soa(7), soa(7)}), HasSubstr("two SOA"));
  EXPECT_THAT(failure(axfr, {soa(7), server(), soa(8)}), HasSubstr("another serial"));
  EXPECT_THAT(failure(axfr, {soa(7), server(), soa(7), server()}), HasSubstr("behind the end"));
  EXPECT_THAT(failure(axfr, {soa(7), soa(7, "a.example")}), HasSubstr("SOA of another zone"));
  EXPECT_THAT(failure(axfr, {soa(7), recordBytes("example", 1, {192, 0, 2, 1}, 3)}),
              HasSubstr("no zone"));
  EXPECT_THAT(failure(axfr, {soa(7), recordBytes("example", 252, {})}), HasSubstr("no zone"));
  EXPECT_THAT(failure(axfr, {soa(7), recordBytes("example", 1, {192, 0, 2})}), HasSubstr("form"));
  EXPECT_THAT(failure(ixfr, {soa(7), soa(4)}), HasSubstr("two SOA"));
  EXPECT_THAT(failure(ixfr, {soa(7), soa(5), soa(5)}), HasSubstr("no newer serial"));
  EXPECT_THAT(failure(ixfr, {soa(7), soa(5), soa(6), soa(5)}), HasSubstr("does not begin where"));
  EXPECT_THAT(failure(ixfr, {soa(7), soa(5), soa(7), soa(8)}), HasSubstr("behind the last"));
  EXPECT_THAT(failure(ixfr, {soa(7), soa(5), soa(7), soa(7), soa(7)}), HasSubstr("behind the end"));
}

TEST(IncomingTransfer, IsBounded) {
  std::vector<Bytes> messages{PrimaryAnswer{.records = {soa(7), server()}}.bytes()};
  for (int i = 0; i < 100; ++i) {
    messages.push_back(
        PrimaryAnswer{.records = std::vector<Bytes>(100, address("n.example", 1))}.bytes());
  }
  EXPECT_THAT(failureOf(RrType::kAxfr, messages, 10'000), HasSubstr("more than 10000 bytes"));
  messages.assign(1, PrimaryAnswer{.records = {soa(7), server()}}.bytes());
  messages.resize(100, PrimaryAnswer{}.bytes());
  EXPECT_THAT(failureOf(RrType::kAxfr, messages), HasSubstr("without a record"));
}

TEST(IncomingTransfer, EachCutMessageIsRefusedOrWaitedFor) {
  const Bytes whole = PrimaryAnswer{
      .type = RrType::kIxfr,
      .records = {soa(7), soa(5), address("a.example", 1), soa(7),
                  soa(7)}}.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    IncomingTransfer transfer(questionOf(RrType::kIxfr), std::nullopt, kPlenty);
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(transfer.take(cut, 0), TransferProgress::kFailed) << size;
  }
}

// The primary's side of a signed exchange.
class SignedPrimary {
 public:
  explicit SignedPrimary(const Bytes& request)
      : check_(checkTsig(request, keys_, test::kTsigNow)), responder_(check_) {}

  Bytes sign(Bytes message) {
    const std::size_t size = message.size();
    message.resize(size + responder_.recordSize());
    message.resize(responder_.sign(message, size, test::kTsigNow));
    return message;
  }
  Bytes unsignedOne(Bytes message) {
    EXPECT_TRUE(responder_.leaveUnsigned(message));
    return message;
  }

 private:
  TsigKeys keys_ = test::tsigKeys();
  TsigCheck check_;
  TsigResponder responder_;
};

TEST(IncomingTransfer, TheLastSignatureVouchesForTheUnsignedBeforeIt) {
  IncomingTransfer transfer(questionOf(RrType::kAxfr), test::tsigKey(), kPlenty);
  SignedPrimary primary(transfer.request(test::kTsigNow));
  EXPECT_EQ(transfer.take(primary.sign(PrimaryAnswer{.records = {soa(7)}}.bytes()), test::kTsigNow),
            TransferProgress::kMore)
      << transfer.reason();
  EXPECT_EQ(transfer.take(primary.unsignedOne(PrimaryAnswer{.records = {server()}}.bytes()),
                          test::kTsigNow),
            TransferProgress::kMore);
  EXPECT_EQ(transfer.take(primary.sign(PrimaryAnswer{.records = {soa(7)}}.bytes()), test::kTsigNow),
            TransferProgress::kDone)
      << transfer.reason();
}

TEST(IncomingTransfer, WithoutTheSignatureNothingIsTaken) {
  const Bytes zone = PrimaryAnswer{.records = {soa(7), server(), soa(7)}}.bytes();
  IncomingTransfer plain(questionOf(RrType::kAxfr), test::tsigKey(), kPlenty);
  plain.request(test::kTsigNow);
  EXPECT_EQ(plain.take(zone, test::kTsigNow), TransferProgress::kFailed);

  IncomingTransfer ends(questionOf(RrType::kAxfr), test::tsigKey(), kPlenty);
  SignedPrimary primary(ends.request(test::kTsigNow));
  ASSERT_EQ(ends.take(primary.sign(PrimaryAnswer{.records = {soa(7)}}.bytes()), test::kTsigNow),
            TransferProgress::kMore);
  EXPECT_EQ(ends.take(PrimaryAnswer{.records = {server(), soa(7)}}.bytes(), test::kTsigNow),
            TransferProgress::kFailed);
  EXPECT_THAT(ends.reason(), HasSubstr("last message is not signed"));

  IncomingTransfer changed(questionOf(RrType::kAxfr), test::tsigKey(), kPlenty);
  SignedPrimary other(changed.request(test::kTsigNow));
  Bytes message = other.sign(zone);
  message[40] ^= 1U;
  EXPECT_EQ(changed.take(message, test::kTsigNow), TransferProgress::kFailed);

  // A refusal that nobody signed is no reason to ask otherwise.
  IncomingTransfer refused(questionOf(RrType::kIxfr), test::tsigKey(), kPlenty);
  refused.request(test::kTsigNow);
  EXPECT_EQ(refused.take(PrimaryAnswer{.flags = 0x8005}.bytes(), test::kTsigNow),
            TransferProgress::kFailed);
  EXPECT_FALSE(refused.wasRefused());
  EXPECT_THAT(refused.reason(), HasSubstr("REFUSED"));
}

}  // namespace
}  // namespace meridian::dns
