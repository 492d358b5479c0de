#include "dns/update/update_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/update_records.h"

namespace meridian::dns {
namespace {

using test::addTo;
using test::Bytes;
using test::kClassAny;
using test::kClassIn;
using test::kClassNone;
using test::UpdatePacket;
using test::wireOf;
using testing::HasSubstr;

std::string updateRefusal(const Bytes& message) {
  const auto parsed = parseUpdate(message);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().rcode, Rcode::kFormErr);
  return parsed.error().reason;
}

// One update record of class IN with these bytes as RDATA.
Bytes updateWithRdata(unsigned type, const Bytes& rdata, unsigned rr_class = kClassIn) {
  return UpdatePacket("Example")
      .with(2, wireOf(test::updateRecord("www.example", type, rr_class, 9, rdata)))
      .bytes();
}

TEST(UpdateMessage, IsReadSectionBySection) {
  const auto opt = test::optRecord();
  const auto parsed =
      parseUpdate(UpdatePacket("Zone.Example")
                      .with(1, wireOf(test::nameIsInUse("a.zone.example")))
                      .with(1, wireOf(test::rrsetIs("b.zone.example", "A 192.0.2.1")))
                      .with(2, wireOf(addTo("C.zone.example", 77, "MX 10 mail.Example.")))
                      .with(2, wireOf(test::deleteName("d.zone.example")))
                      .with(3, wireOf(addTo("glue.zone.example", 1, "A 192.0.2.9")))
                      .with(3, opt)
                      .bytes());
  ASSERT_TRUE(parsed) << parsed.error().reason;
  EXPECT_EQ(parsed->zone.text(), "zone.example.");
  EXPECT_EQ(parsed->rr_class, kClassIn);
  ASSERT_EQ(parsed->prerequisites.size(), 2U);
  EXPECT_EQ(parsed->prerequisites[0].rr_class, kClassAny);
  EXPECT_EQ(parsed->prerequisites[0].type, RrType::kAny);
  EXPECT_EQ(parsed->prerequisites[1].rdata, (Bytes{192, 0, 2, 1}));
  ASSERT_EQ(parsed->updates.size(), 2U);
  EXPECT_EQ(parsed->updates[0].owner.text(), "C.zone.example.") << "case as it came";
  EXPECT_EQ(parsed->updates[0].ttl, 77U);
  EXPECT_EQ(parsed->updates[0].rdata, addTo("c", 0, "MX 10 mail.Example.").rdata);
  EXPECT_TRUE(parsed->updates[1].rdata.empty());
}

// RFC 3597 §4.
TEST(UpdateMessage, NamesOfKnownTypesAreUncompressed) {
  const auto rdataOf = [](unsigned type, const Bytes& rdata) {
    const auto parsed = parseUpdate(updateWithRdata(type, rdata));
    return parsed ? parsed->updates.at(0).rdata : Bytes{};
  };
  const Bytes target = test::wireName("a.Example");
  EXPECT_EQ(rdataOf(2, {1, 'a', 0xC0, 12}), target) << "NS";
  EXPECT_EQ(rdataOf(5, {1, 'a', 0xC0, 12}), target) << "CNAME";
  EXPECT_EQ(rdataOf(12, {1, 'a', 0xC0, 12}), target) << "PTR";
  Bytes mx{0, 10};
  test::append(mx, target);
  EXPECT_EQ(rdataOf(15, {0, 10, 1, 'a', 0xC0, 12}), mx);
  Bytes srv{0, 1, 0, 2, 0, 3};
  test::append(srv, target);
  EXPECT_EQ(rdataOf(33, {0, 1, 0, 2, 0, 3, 1, 'a', 0xC0, 12}), srv);
  Bytes soa = target;
  test::append(soa, target);
  test::append(soa, Bytes(20, 7));
  Bytes soa_sent{1, 'a', 0xC0, 12, 1, 'a', 0xC0, 12};
  test::append(soa_sent, Bytes(20, 7));
  EXPECT_EQ(rdataOf(6, soa_sent), soa);
  Bytes minfo = target;
  test::append(minfo, test::wireName("Example"));
  EXPECT_EQ(rdataOf(14, {1, 'a', 0xC0, 12, 0xC0, 12}), minfo);
  EXPECT_EQ(rdataOf(39, {1, 'a', 0xC0, 12}), Bytes{}) << "DNAME never is";
  EXPECT_EQ(rdataOf(65400, {1, 'a', 0xC0, 12}), (Bytes{1, 'a', 0xC0, 12})) << "unknown";
}

TEST(UpdateMessage, WhatIsNotAnUpdateOfOneZoneIsRefused) {
  EXPECT_EQ(updateRefusal(UpdatePacket("example").bytes()), "none");
  EXPECT_EQ(updateRefusal({}), "not an update request");
  UpdatePacket packet("example");
  packet.flags = 0;
  EXPECT_EQ(updateRefusal(packet.bytes()), "not an update request");
  packet.flags = 5 << 11 | 0x8000;
  EXPECT_EQ(updateRefusal(packet.bytes()), "not an update request");
  UpdatePacket none("example");
  none.counts[0] = 0;
  EXPECT_THAT(updateRefusal(none.bytes()), HasSubstr("not one zone"));
  UpdatePacket two("example");
  test::append(two.rest, two.zone);
  two.counts[0] = 2;
  EXPECT_THAT(updateRefusal(two.bytes()), HasSubstr("not one zone"));
  EXPECT_THAT(updateRefusal(UpdatePacket("example", 1).bytes()), HasSubstr("is not SOA"));
  EXPECT_EQ(parseUpdate(UpdatePacket("example", 6, 3).bytes())->rr_class, 3U)
      << "whose class it is is for the plan to say";
}

TEST(UpdateMessage, EachRecordMustBeWhole) {
  const Bytes whole = UpdatePacket("example")
                          .with(1, wireOf(test::rrsetIs("a.example", "A 192.0.2.1")))
                          .with(2, wireOf(addTo("b.example", 9, "TXT hello")))
                          .with(3, wireOf(addTo("c.example", 9, "A 192.0.2.1")))
                          .bytes();
  EXPECT_EQ(updateRefusal(whole), "none");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(
        updateRefusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
        "none")
        << size;
  }
  Bytes more = whole;
  more.push_back(0);
  EXPECT_EQ(updateRefusal(more), "bytes behind the last record");
  EXPECT_EQ(updateRefusal(UpdatePacket("example").with(2, {0xC0, 0xFF, 0, 1, 0, 1}).bytes()),
            "update 0: its owner cannot be read");
}

TEST(UpdateMessage, DataMustBeOfItsTypesForm) {
  const struct {
    unsigned type;
    Bytes rdata;
    bool good;
  } rows[] = {
      {1, {192, 0, 2, 1}, true},
      {1, {192, 0, 2}, false},
      {1, {192, 0, 2, 1, 9}, false},
      {1, {}, false},
      {28, Bytes(16, 1), true},
      {28, Bytes(15, 1), false},
      {2, test::wireName("ns.example"), true},
      {2, {3, 'n', 's'}, false},
      {2, {}, false},
      {2, {0xC0, 12, 0}, false},
      {5, {0xC0, 0xFF}, false},
      {15, {0}, false},
      {15, {0, 10}, false},
      {16, {1, 'a'}, true},
      {16, {2, 'a'}, false},
      {16, {}, false},
      {6, test::wireName("ns.example"), false},
      {33, {0, 1, 0, 2, 0}, false},
      {43, {0, 1}, false},
      {43, {0, 1, 8, 2, 1, 2, 3, 4}, true},
      {65400, {}, true},
      {65400, {1, 2, 3}, true},
  };
  for (const auto& row : rows) {
    const std::string refusal = updateRefusal(updateWithRdata(row.type, row.rdata));
    EXPECT_EQ(refusal == "none", row.good) << row.type << ' ' << hex(row.rdata);
    if (!row.good) {
      EXPECT_THAT(refusal, HasSubstr("update 0: www.example. "));
    }
  }
  EXPECT_EQ(updateRefusal(updateWithRdata(1, {}, kClassNone)), "none")
      << "asks, or deletes nothing";
  EXPECT_EQ(updateRefusal(updateWithRdata(1, {}, kClassAny)), "none");
  EXPECT_NE(updateRefusal(updateWithRdata(1, {1}, kClassNone)), "none");
}

TEST(UpdateMessage, ATtlOfMoreThan31BitsIsNone) {
  for (const auto& [sent, kept] :
       {std::pair{0x7FFFFFFFU, 0x7FFFFFFFU}, {0x80000000U, 0U}, {0xFFFFFFFFU, 0U}}) {
    const auto parsed = parseUpdate(
        UpdatePacket("example").with(2, wireOf(addTo("a.example", sent, "A 192.0.2.1"))).bytes());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->updates[0].ttl, kept);
  }
}

}  // namespace
}  // namespace meridian::dns
