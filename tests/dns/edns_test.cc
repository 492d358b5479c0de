#include "dns/wire/edns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::option;
using test::subnetValue;

constexpr std::uint16_t kLocationOption = 65001;

struct Opt {
  Bytes record;  // what edns' views point into
  Edns edns;
  bool good;
  std::size_t left;

  explicit Opt(const Bytes& options, unsigned payload = 1232, std::uint32_t ttl = 0)
      : record(test::optRecord(options, payload, ttl)) {
    ByteReader in(record);
    in.skip(3);  // owner and type
    good = readOpt(in, kLocationOption, edns);
    left = in.remaining();
  }
  Opt(const Opt&) = delete;
  Opt& operator=(const Opt&) = delete;
};

bool takesSubnet(const Bytes& value) {
  return Opt(option(8, value)).good;
}

TEST(Edns, PlainOpt) {
  const Opt opt({}, 1400, 0x00028000);
  ASSERT_TRUE(opt.good);
  EXPECT_TRUE(opt.edns.present);
  EXPECT_EQ(opt.edns.udp_payload, 1400);
  EXPECT_EQ(opt.edns.version, 2);
  EXPECT_TRUE(opt.edns.dnssec_ok);
  EXPECT_FALSE(opt.edns.nsid_asked);
  EXPECT_FALSE(opt.edns.subnet.present);
  EXPECT_TRUE(opt.edns.location_option.empty());
  EXPECT_EQ(opt.left, 0U);
}

TEST(Edns, PayloadsBelow512Mean512) {
  for (const unsigned payload : {0U, 1U, 511U, 512U}) {
    EXPECT_EQ(Opt({}, payload).edns.udp_payload, 512) << payload;
  }
  EXPECT_EQ(Opt({}, 513).edns.udp_payload, 513);
  EXPECT_EQ(Opt({}, 65535).edns.udp_payload, 65535);
}

TEST(Edns, OnlyTheDoBitIsDo) {
  EXPECT_FALSE(Opt({}, 1232, 0x00007FFF).edns.dnssec_ok);
  EXPECT_TRUE(Opt({}, 1232, 0x00008000).edns.dnssec_ok);
}

TEST(Edns, SubnetOfIpv4) {
  const Opt opt(option(8, subnetValue(1, 20, 0, {198, 51, 0x60})));
  ASSERT_TRUE(opt.good);
  const ClientSubnet& subnet = opt.edns.subnet;
  EXPECT_TRUE(subnet.present);
  EXPECT_TRUE(subnet.has_address);
  EXPECT_EQ(subnet.family, 1);
  EXPECT_EQ(subnet.source_length, 20);
  EXPECT_EQ(subnet.address.text(), "198.51.96.0");
  EXPECT_EQ(Bytes(subnet.address_bytes.begin(), subnet.address_bytes.end()),
            (Bytes{198, 51, 0x60}));
}

TEST(Edns, SubnetOfIpv6) {
  const Opt opt(option(8, subnetValue(2, 36, 0, {0x20, 0x01, 0x0d, 0xb8, 0x70})));
  ASSERT_TRUE(opt.good);
  EXPECT_EQ(opt.edns.subnet.family, 2);
  EXPECT_EQ(opt.edns.subnet.address.text(), "2001:db8:7000::");
  EXPECT_TRUE(takesSubnet(subnetValue(2, 128, 0, Bytes(16, 0xFF))));
}

TEST(Edns, SubnetWithoutAddress) {
  for (const unsigned family : {0U, 1U, 2U}) {
    const Opt opt(option(8, subnetValue(family, 0, 0, {})));
    ASSERT_TRUE(opt.good) << family;
    EXPECT_TRUE(opt.edns.subnet.present);
    EXPECT_FALSE(opt.edns.subnet.has_address);
    EXPECT_EQ(opt.edns.subnet.family, family);
    EXPECT_TRUE(opt.edns.subnet.address_bytes.empty());
  }
}

TEST(Edns, UnknownFamiliesAreMalformed) {
  EXPECT_FALSE(takesSubnet(subnetValue(3, 0, 0, {})));
  EXPECT_FALSE(takesSubnet(subnetValue(3, 8, 0, {1})));
  EXPECT_FALSE(takesSubnet(subnetValue(0xFFFF, 0, 0, {})));
  EXPECT_FALSE(takesSubnet(subnetValue(0, 8, 0, {1})));
}

TEST(Edns, SourceLengthsBeyondTheFamilyAreMalformed) {
  EXPECT_TRUE(takesSubnet(subnetValue(1, 32, 0, {1, 2, 3, 4})));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 33, 0, {1, 2, 3, 4, 0})));
  EXPECT_FALSE(takesSubnet(subnetValue(2, 129, 0, Bytes(17, 0))));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 255, 0, Bytes(32, 0))));
}

TEST(Edns, TheAddressHasAsManyOctetsAsTheSourceLengthNeeds) {
  EXPECT_FALSE(takesSubnet(subnetValue(1, 24, 0, {192, 0})));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 24, 0, {192, 0, 2, 0})));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 0, 0, {0})));
  EXPECT_TRUE(takesSubnet(subnetValue(1, 17, 0, {192, 0, 0x80})));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 17, 0, {192, 0})));
}

TEST(Edns, BitsAfterTheSourceLengthAreMalformed) {
  for (std::uint8_t length = 1; length < 8; ++length) {
    const auto last_kept = static_cast<std::uint8_t>(1U << (8 - length));
    EXPECT_TRUE(takesSubnet(subnetValue(1, length, 0, {last_kept}))) << int{length};
    EXPECT_FALSE(takesSubnet(subnetValue(1, length, 0, {static_cast<std::uint8_t>(last_kept / 2)})))
        << int{length};
  }
  EXPECT_TRUE(takesSubnet(subnetValue(1, 8, 0, {0xFF})));
}

TEST(Edns, AScopeInAQueryIsMalformed) {
  EXPECT_FALSE(takesSubnet(subnetValue(1, 24, 1, {192, 0, 2})));
  EXPECT_FALSE(takesSubnet(subnetValue(1, 0, 24, {})));
}

TEST(Edns, SubnetsShorterThanTheirHeadAreMalformed) {
  EXPECT_FALSE(takesSubnet({}));
  EXPECT_FALSE(takesSubnet({0}));
  EXPECT_FALSE(takesSubnet({0, 1, 0}));
}

TEST(Edns, OfTwoTheFirstCounts) {
  Bytes options = test::subnetOption(1, 8, {10});
  test::append(options, test::subnetOption(1, 8, {20}));
  test::append(options, option(kLocationOption, test::bytesOf("u09")));
  test::append(options, option(kLocationOption, test::bytesOf("9q8")));
  const Opt opt(options);
  ASSERT_TRUE(opt.good);
  EXPECT_EQ(opt.edns.subnet.address.text(), "10.0.0.0");
  const auto location = opt.edns.location_option;
  EXPECT_EQ(Bytes(location.begin(), location.end()), test::bytesOf("u09"));
}

TEST(Edns, NsidAndUnknownOptions) {
  Bytes options = option(65002, {1, 2, 3});
  test::append(options, option(10, Bytes(8, 1)));
  test::append(options, option(3, {}));
  const Opt opt(options);
  ASSERT_TRUE(opt.good);
  EXPECT_TRUE(opt.edns.nsid_asked);
  EXPECT_TRUE(opt.edns.location_option.empty());
}

TEST(Edns, CookiesHaveTheLengthsOfTheRfc) {
  const auto takes = [](std::size_t size) { return Opt(option(10, Bytes(size, 1))).good; };
  for (std::size_t size = 0; size <= 50; ++size) {
    EXPECT_EQ(takes(size), size == 8 || (size >= 16 && size <= 40)) << size;
  }
  Bytes value = test::bytesOf("clientco");
  test::append(value, test::bytesOf("servercookie0123"));
  Bytes options = option(10, value);
  test::append(options, option(10, Bytes(8, 1)));
  const Opt opt(options);
  ASSERT_TRUE(opt.good);
  EXPECT_EQ(asText(opt.edns.cookie.client), "clientco");
  EXPECT_EQ(asText(opt.edns.cookie.server), "servercookie0123");
  EXPECT_FALSE(Opt({}).edns.cookie.present());
}

TEST(Edns, KeepaliveIsAskedForWithOrWithoutATimeOut) {
  EXPECT_FALSE(Opt({}).edns.keepalive_asked);
  EXPECT_TRUE(Opt(option(11, {})).edns.keepalive_asked);
  EXPECT_TRUE(Opt(option(11, {0, 100})).edns.keepalive_asked);
}

TEST(Edns, PaddingIsAskedForByAnOptionOfAnySize) {
  EXPECT_FALSE(Opt({}).edns.padding_asked);
  EXPECT_TRUE(Opt(option(12, {})).edns.padding_asked);
  EXPECT_TRUE(Opt(option(12, Bytes(400, 0x55))).edns.padding_asked);
}

TEST(Edns, OptionsThatAreCutAreMalformed) {
  const Bytes whole = option(65002, {1, 2, 3});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(Opt(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).good)
        << size;
  }
}

TEST(Edns, AnOptThatIsCutIsMalformed) {
  const Bytes whole = test::optRecord(option(3, {}));
  for (std::size_t size = 3; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ByteReader in(cut);
    in.skip(3);
    Edns edns;
    EXPECT_FALSE(readOpt(in, kLocationOption, edns)) << size;
  }
}

// The record, as written, in a message of its own.
test::ReadMessage written(const OptReply& reply, Rcode rcode = Rcode::kNoError) {
  Bytes buffer(512);
  ByteWriter out(buffer);
  writeOpt(out, reply, rcode);
  EXPECT_EQ(out.position(), optSize(reply));
  Bytes message(12, 0);
  message[11] = 1;
  test::append(message, Bytes(out.written().begin(), out.written().end()));
  return test::readMessage(message);
}

TEST(Edns, WritesThePlainReply) {
  OptReply reply;
  const auto plain = written(reply);
  EXPECT_TRUE(plain.has_opt);
  EXPECT_EQ(plain.opt_payload, 1232U);
  EXPECT_FALSE(plain.dnssec_ok);
  EXPECT_TRUE(plain.options.empty());
  reply.dnssec_ok = true;
  reply.udp_payload = 4096;
  EXPECT_TRUE(written(reply).dnssec_ok);
  EXPECT_EQ(written(reply).opt_payload, 4096U);
}

TEST(Edns, WritesTheHighBitsOfTheRcode) {
  OptReply reply;
  EXPECT_EQ(written(reply, Rcode::kBadVers).rcode, 16U);
  EXPECT_EQ(written(reply, static_cast<Rcode>(0xABC)).rcode, 0xAB0U)
      << "the low four bits stand in the header";
  EXPECT_EQ(written(reply, Rcode::kNxDomain).rcode, 0U);
}

TEST(Edns, EchoesTheSubnetWithTheScope) {
  const Opt asked(option(8, subnetValue(1, 20, 0, {198, 51, 0x60})));
  const Bytes nsid = test::bytesOf("node rev=7");
  OptReply reply;
  reply.subnet = &asked.edns.subnet;
  reply.scope_length = 17;
  reply.nsid = nsid;
  const auto read = written(reply);
  ASSERT_EQ(read.options.size(), 2U);
  EXPECT_EQ(*read.findOption(8), subnetValue(1, 20, 17, {198, 51, 0x60}));
  EXPECT_EQ(*read.findOption(3), nsid);
}

TEST(Edns, WritesCookieKeepaliveAndExtendedError) {
  const Bytes cookie(24, 0xC0);
  OptReply reply;
  reply.cookie = cookie;
  reply.keepalive = 300;
  reply.extended = ExtendedError::kProhibited;
  const auto read = written(reply);
  ASSERT_EQ(read.options.size(), 3U);
  EXPECT_EQ(*read.findOption(10), cookie);
  EXPECT_EQ(*read.findOption(11), (Bytes{1, 44}));
  EXPECT_EQ(*read.findOption(15), (Bytes{0, 18}));
}

// A message of `size` bytes whose OPT has a keepalive option, padded within `room`.
Bytes paddedMessage(std::size_t size, std::size_t room) {
  constexpr std::size_t kOptBytes = 17;
  Bytes buffer(room, 0xEE);
  std::fill_n(buffer.begin(), size - kOptBytes, std::uint8_t{0});
  OptReply reply;
  reply.keepalive = 300;
  ByteWriter out(std::span<std::uint8_t>(buffer).subspan(size - kOptBytes));
  writeOpt(out, reply, Rcode::kNoError);
  EXPECT_EQ(out.position(), kOptBytes);
  buffer.resize(addPadding(buffer, size, size - kOptBytes));
  return buffer;
}

TEST(Edns, PaddingFillsBlocks) {
  for (std::size_t size = 29; size <= std::size_t{2} * 468; ++size) {
    Bytes message = paddedMessage(size, kMaxMessage);
    EXPECT_EQ(message.size() % 468, 0U) << size;
    EXPECT_GE(message.size(), size + 4) << size;
    EXPECT_LT(message.size(), size + 4 + 468) << size;
    // What stands before OPT is no message in this test, but for OPT itself.
    message.erase(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size - 17 - 12));
    message[11] = 1;
    const test::ReadMessage read = test::readMessage(message);
    ASSERT_EQ(read.options.size(), 2U) << size;
    EXPECT_EQ(read.options[0].code, 11U);
    EXPECT_EQ(read.options[1].code, 12U) << "the last option";
    EXPECT_THAT(read.options[1].value, testing::Each(0)) << size;
  }
}

TEST(Edns, PaddingKeepsWithinTheRoom) {
  EXPECT_EQ(paddedMessage(65'516, kMaxMessage).size(), 65'520U);
  for (std::size_t size = 65'517; size <= 65'531; ++size)
    EXPECT_EQ(paddedMessage(size, kMaxMessage).size(), kMaxMessage) << size;
  for (std::size_t size = 65'532; size <= 65'535; ++size)
    EXPECT_EQ(paddedMessage(size, kMaxMessage).size(), size) << "no room for the option";
}

TEST(Edns, EchoesASubnetWithoutAddress) {
  const Opt asked(option(8, subnetValue(0, 0, 0, {})));
  OptReply reply;
  reply.subnet = &asked.edns.subnet;
  EXPECT_EQ(*written(reply).findOption(8), subnetValue(0, 0, 0, {}));
}

}  // namespace
}  // namespace meridian::dns
