#include "dns/wire/freshness.h"

#include <gtest/gtest.h>

#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::QueryPacket;

Bytes recordOf(unsigned type, std::uint32_t ttl, const Bytes& rdata = {192, 0, 2, 1}) {
  Bytes out{0xC0, 0x0C};
  test::put16(out, type);
  test::put16(out, 1);
  test::put32(out, ttl);
  test::put16(out, static_cast<unsigned>(rdata.size()));
  test::append(out, rdata);
  return out;
}

Bytes soaOf(std::uint32_t ttl, std::uint32_t minimum) {
  Bytes rdata{0xC0, 0x0C, 0xC0, 0x0C};
  for (int i = 0; i < 4; ++i) test::put32(rdata, 7);
  test::put32(rdata, minimum);
  return recordOf(6, ttl, rdata);
}

struct Reply : QueryPacket {
  explicit Reply(unsigned rcode = 0) : QueryPacket("www.example") { flags = 0x8400 | rcode; }
  Reply& add(std::size_t section, const Bytes& record) {
    test::append(rest, record);
    ++counts[section];
    return *this;
  }
  std::uint32_t fresh() const { return freshSeconds(bytes()); }
};

TEST(Freshness, IsTheLeastOfTheAnswers) {
  Reply reply;
  reply.add(1, recordOf(1, 300)).add(1, recordOf(1, 60)).add(1, recordOf(1, 900));
  reply.add(2, recordOf(2, 5)).add(3, recordOf(1, 4)).with(test::optRecord());
  EXPECT_EQ(reply.fresh(), 60U);
  EXPECT_EQ(Reply().add(1, recordOf(1, 0x7FFFFFFF)).fresh(), 0x7FFFFFFFU);
  EXPECT_EQ(Reply().add(1, recordOf(1, 0x80000000)).fresh(), 0U) << "RFC 2181 §8";
}

TEST(Freshness, OfNothingIsTheSoas) {
  for (const unsigned rcode : {0U, 3U}) {
    EXPECT_EQ(Reply(rcode).add(2, soaOf(300, 60)).fresh(), 60U);
    EXPECT_EQ(Reply(rcode).add(2, soaOf(30, 60)).fresh(), 30U);
    EXPECT_EQ(Reply(rcode).add(1, recordOf(5, 20, {0})).add(2, soaOf(300, 60)).fresh(), 20U);
    EXPECT_EQ(Reply(rcode).add(1, recordOf(5, 99, {0})).add(2, soaOf(300, 60)).fresh(), 60U);
  }
}

TEST(Freshness, IsNoneForTheRest) {
  EXPECT_EQ(Reply().fresh(), 0U);
  EXPECT_EQ(Reply().add(2, recordOf(2, 300)).fresh(), 0U) << "a referral";
  EXPECT_EQ(Reply(3).add(1, recordOf(5, 20, {0})).fresh(), 0U) << "no SOA for the missing name";
  for (const unsigned rcode : {1U, 2U, 4U, 5U, 6U, 9U})
    EXPECT_EQ(Reply(rcode).add(1, recordOf(1, 300)).fresh(), 0U) << rcode;
  Reply cut;
  cut.flags |= 0x0200;
  EXPECT_EQ(cut.add(1, recordOf(1, 300)).fresh(), 0U);
}

TEST(Freshness, OfAnythingCutShortIsNone) {
  Bytes whole = Reply().add(1, recordOf(1, 300)).add(2, soaOf(300, 200)).bytes();
  EXPECT_EQ(freshSeconds(whole), 200U);
  while (!whole.empty()) {
    whole.pop_back();
    EXPECT_EQ(freshSeconds(whole), 0U) << whole.size();
  }
}

}  // namespace
}  // namespace meridian::dns
