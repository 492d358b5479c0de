// Zones on their way out, message by message. With real secondaries: tests/scenario/test_transfers.
#include "dns/transfer/outgoing_transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/zone/difference.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using testing::ElementsAre;

std::string zoneText(unsigned serial, const std::string& more) {
  return "$ORIGIN example.\n$TTL 60\n@ SOA ns a " + std::to_string(serial) +
         " 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n" + more;
}

// A serving state with the one zone, and a policy that admits 192.0.2.0/24, or the key.
std::shared_ptr<const ServingState> stateWith(LoadedZone zone) {
  auto settings = std::make_shared<AnswerSettings>();
  ZonePolicy policy;
  policy.name = Name::parse("example.")->lowered();
  policy.transfer_to = {{.from = IpPrefixList({*IpPrefix::parse("192.0.2.0/24")})},
                        {.key = test::tsigKey().name}};
  settings->zone_policies = std::make_shared<const ZonePolicies>(std::vector{policy});
  settings->tsig_keys = std::make_shared<const TsigKeys>(test::tsigKeys());
  auto state = std::make_shared<ServingState>();
  state->settings = settings;
  state->zones = std::make_shared<const ZoneSet>(std::vector{std::move(zone)});
  return state;
}
LoadedZone loaded(unsigned serial, const std::string& more = "") {
  return {test::must(parseZone(zoneText(serial, more), "test.zone")), "test.zone", {}};
}

Bytes request(unsigned type, std::optional<std::uint32_t> serial = {}) {
  Bytes out = test::QueryPacket("example", type).bytes();
  if (!serial) return out;
  out[9] = 1;  // NSCOUNT
  test::append(out, test::wireName("example"));
  test::put16(out, 6);
  test::put16(out, 1);
  test::put32(out, 0);
  Bytes rdata{0, 0};
  for (const std::uint32_t number : {*serial, 1U, 2U, 3U, 4U}) test::put32(rdata, number);
  test::put16(out, static_cast<unsigned>(rdata.size()));
  test::append(out, rdata);
  return out;
}

struct Sent {
  TransferOutcome outcome;
  std::vector<Bytes> messages;

  // Types of all answers.
  std::vector<unsigned> types() const {
    std::vector<unsigned> out;
    for (const Bytes& message : messages) {
      const test::ReadMessage read = test::readMessage(message);
      for (const test::ReadRecord& record : read.answers()) out.push_back(record.type);
    }
    return out;
  }
  unsigned rcode() const { return messages.front()[3] & 0xFU; }
};

Sent transfer(const ServingState& state, const Bytes& message, const char* from = "192.0.2.7") {
  TransferCounters counters;
  Client client{test::address(from), Transport::kTcp, test::kTsigNow};
  OutgoingTransfer out(message, client, state, counters);
  Sent sent{out.outcome(), {}};
  Bytes buffer(kMaxMessage);
  while (!out.done()) {
    const std::size_t size = out.next(buffer, test::kTsigNow);
    EXPECT_GT(size, 0U);
    if (size == 0) break;
    sent.messages.emplace_back(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return sent;
}

TEST(OutgoingTransfer, OnlyRequestsForZonesAreItsOwn) {
  EXPECT_TRUE(asksForTransfer(request(252)));
  EXPECT_TRUE(asksForTransfer(request(251)));
  EXPECT_FALSE(asksForTransfer(request(6)));
  for (std::size_t size = 0; size < request(252).size(); ++size) {
    Bytes cut = request(252);
    cut.resize(size);
    EXPECT_FALSE(asksForTransfer(cut));
  }
  Bytes response = request(252);
  response[2] |= 0x80U;
  EXPECT_FALSE(asksForTransfer(response));
}

TEST(OutgoingTransfer, BeginsAndEndsWithTheSoa) {
  const Sent sent = transfer(*stateWith(loaded(7)), request(252));
  EXPECT_EQ(sent.outcome, TransferOutcome::kAxfr);
  EXPECT_THAT(sent.types(), ElementsAre(6, 2, 1, 6));
  EXPECT_EQ(sent.messages.front()[2] & 0x84U, 0x84U);  // QR, AA
}

// RFC 5936 §3.4: the case of the zone, not that of the question.
TEST(OutgoingTransfer, NamesKeepTheirCase) {
  LoadedZone zone{test::must(parseZone(
                      "$ORIGIN eXample.\n$TTL 60\n@ SOA ns a 7 1 2 3 4\n@ NS ns\nWww A 192.0.2.1\n"
                      "mail.Example. A 192.0.2.2\nx.Example. A 192.0.2.2\ny.eXample. A 192.0.2.2\n",
                      "test.zone")),
                  "test.zone",
                  {}};
  const auto state = stateWith(std::move(zone));
  for (const char* asked : {"EXAMPLE", "eXample", "example"}) {
    const Sent sent = transfer(*state, test::QueryPacket(asked, 252).bytes());
    ASSERT_EQ(sent.outcome, TransferOutcome::kAxfr);
    std::vector<std::string> owners;
    const test::ReadMessage read = test::readMessage(sent.messages.front());
    for (const test::ReadRecord& record : read.answers()) owners.push_back(record.owner);
    EXPECT_THAT(owners, ElementsAre("eXample", "eXample", "Www.eXample", "mail.Example",
                                    "x.Example", "y.eXample", "eXample"))
        << asked;
  }
}

TEST(OutgoingTransfer, WhoIsNotAdmittedIsRefused) {
  const auto state = stateWith(loaded(7));
  const Sent refused = transfer(*state, request(252), "198.51.100.1");
  EXPECT_EQ(refused.outcome, TransferOutcome::kRefused);
  EXPECT_EQ(refused.rcode(), 5U);
  EXPECT_TRUE(refused.types().empty());
  const Sent with_key =
      transfer(*state, test::signedWith(test::tsigKey(), request(252)), "198.51.100.1");
  EXPECT_EQ(with_key.outcome, TransferOutcome::kAxfr);
  TsigKey forged = test::tsigKey();
  forged.secret[0] = 'x';
  const Sent bad = transfer(*state, test::signedWith(forged, request(252)));
  EXPECT_EQ(bad.outcome, TransferOutcome::kNotAuth);
  EXPECT_EQ(bad.rcode(), 9U);
}

TEST(OutgoingTransfer, EachMessageIsSigned) {
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += "h" + std::to_string(i) + " TXT " + std::string(60, 'x') + "\n";
  TsigRequester requester(test::tsigKey());
  const Bytes message = test::signedBy(requester, request(252));
  const Sent sent = transfer(*stateWith(loaded(7, many)), message);
  EXPECT_GT(sent.messages.size(), 4U);
  for (const Bytes& each : sent.messages) {
    const auto size = requester.check(each, test::kTsigNow);
    ASSERT_TRUE(size) << tsigFailureText(size.error());
    EXPECT_LT(*size, each.size());
  }
  EXPECT_TRUE(requester.complete());
  EXPECT_EQ(sent.types().size(), 1004U);
}

TEST(OutgoingTransfer, StepsLeadFromTheClientsSerial) {
  LoadedZone zone = loaded(9, "c TXT c\n");
  const auto step = [](const LoadedZone& a, const LoadedZone& b) {
    return differenceOf(*a.zone, *b.zone);
  };
  zone.history = std::make_shared<const ZoneHistory>(
      std::vector{step(loaded(7, "a TXT a\n"), loaded(8, "b TXT b\n")),
                  step(loaded(8, "b TXT b\n"), zone)},
      std::size_t{1} << 20);
  const auto state = stateWith(zone);
  const Sent one = transfer(*state, request(251, 8));
  EXPECT_EQ(one.outcome, TransferOutcome::kIxfr);
  EXPECT_THAT(one.types(), ElementsAre(6, 6, 16, 6, 16, 6));
  EXPECT_THAT(transfer(*state, request(251, 7)).types(),
              ElementsAre(6, 6, 16, 6, 16, 6, 16, 6, 16, 6));
  EXPECT_EQ(transfer(*state, request(251, 6)).outcome, TransferOutcome::kAxfr);
  for (const std::uint32_t serial : {9U, 10U}) {
    const Sent newest = transfer(*state, request(251, serial));
    EXPECT_EQ(newest.outcome, TransferOutcome::kUpToDate);
    EXPECT_THAT(newest.types(), ElementsAre(6));
  }
}

TEST(OutgoingTransfer, StepsLongerThanTheZoneAreNotSent) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += "h" + std::to_string(i) + " A 192.0.2.1\n";
  LoadedZone zone = loaded(8);
  zone.history = std::make_shared<const ZoneHistory>(
      std::vector{differenceOf(*loaded(7, many).zone, *zone.zone)}, std::size_t{1} << 20);
  EXPECT_EQ(transfer(*stateWith(zone), request(251, 7)).outcome, TransferOutcome::kAxfr);
}

TEST(OutgoingTransfer, WhatIsMalformedIsSaidSo) {
  const auto state = stateWith(loaded(7));
  const Sent without_soa = transfer(*state, request(251));
  EXPECT_EQ(without_soa.outcome, TransferOutcome::kMalformed);
  EXPECT_EQ(without_soa.rcode(), 1U);
  Bytes trailing = request(252);
  trailing.push_back(0);
  EXPECT_EQ(transfer(*state, trailing).rcode(), 1U);
  Bytes other = test::QueryPacket("other", 252).bytes();
  EXPECT_EQ(transfer(*state, other).rcode(), 9U);
}

// The largest RRset that a zone may have, of one record: it goes alone, and beside a signature not
// at all.
TEST(OutgoingTransfer, ARecordThatFitsBesideNoSignatureEndsTheTransfer) {
  std::string text = "big TYPE65400 \\# 65450 ";
  text.append(std::size_t{2} * 65450, '0');
  const auto state = stateWith(loaded(7, text + "\n"));
  EXPECT_THAT(transfer(*state, request(252)).types(), ElementsAre(6, 2, 1, 65400, 6));
  TransferCounters counters;
  const Client client{test::address("192.0.2.7"), Transport::kTcp, test::kTsigNow};
  OutgoingTransfer signed_one(test::signedWith(test::tsigKey(), request(252)), client, *state,
                              counters);
  Bytes buffer(kMaxMessage);
  EXPECT_GT(signed_one.next(buffer, test::kTsigNow), 0U);
  EXPECT_EQ(signed_one.next(buffer, test::kTsigNow), 0U);
  EXPECT_EQ(counters.finished.value(), 0U);
}

}  // namespace
}  // namespace meridian::dns
