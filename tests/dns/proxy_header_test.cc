#include "dns/wire/proxy_header.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/proxy_packet.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::proxied;
using test::ProxyPacket;

std::string readHeader(const Bytes& bytes) {
  const auto client = parseProxyHeader(bytes);
  if (!client) return std::string(proxyRefusalName(client.error()));
  return *client ? (**client).text() : "peer";
}

TEST(ProxyHeader, NamesTheClient) {
  EXPECT_EQ(readHeader(proxied("198.51.100.7").bytes()), "198.51.100.7");
  EXPECT_EQ(readHeader(proxied("2001:db8:7::1").bytes()), "2001:db8:7::1");
  EXPECT_EQ(readHeader(proxied("::ffff:198.51.100.7").bytes()), "198.51.100.7") << "mapped";
  EXPECT_EQ(readHeader(proxied("::1:ffff:c633:6407").bytes()), "::1:ffff:c633:6407");
}

TEST(ProxyHeader, RecordsBehindTheAddressesAreSkipped) {
  for (const char* client : {"198.51.100.7", "2001:db8::1"}) {
    ProxyPacket packet = proxied(client);
    test::append(packet.body, {0x04, 0x00, 0x03, 'a', 'b', 'c', 0xEA});  // even one that is cut
    EXPECT_EQ(readHeader(packet.bytes()), client);
  }
}

TEST(ProxyHeader, LocalAndUnspecifiedMeanThePeer) {
  ProxyPacket local = proxied("198.51.100.7");
  local.version_and_command = 0x20;
  EXPECT_EQ(readHeader(local.bytes()), "peer");
  local.family = 0xFF;  // discarded, whatever it is
  local.body.clear();
  EXPECT_EQ(readHeader(local.bytes()), "peer");
  ProxyPacket unspecified = proxied("198.51.100.7");
  unspecified.family = 0;
  EXPECT_EQ(readHeader(unspecified.bytes()), "peer");
  unspecified.body.clear();
  EXPECT_EQ(readHeader(unspecified.bytes()), "peer");
}

TEST(ProxyHeader, OtherFamiliesVersionsAndCommandsAreRefused) {
  for (unsigned family = 1; family < 256; ++family) {
    ProxyPacket packet = proxied("198.51.100.7");
    packet.family = family;
    packet.body.resize(216);  // enough for any
    EXPECT_EQ(readHeader(packet.bytes()) == "family", family != 0x11 && family != 0x21) << family;
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    ProxyPacket packet = proxied("198.51.100.7");
    packet.version_and_command = byte;
    const std::string expected = byte >> 4 != 2 ? "version"
                                 : byte == 0x20 ? "peer"
                                 : byte == 0x21 ? "198.51.100.7"
                                                : "command";
    EXPECT_EQ(readHeader(packet.bytes()), expected) << byte;
  }
}

TEST(ProxyHeader, EachByteOfTheSignatureMatters) {
  const Bytes good = proxied("198.51.100.7").bytes();
  for (std::size_t i = 0; i < 12; ++i) {
    Bytes bad = good;
    bad[i] ^= 0x20;
    EXPECT_EQ(readHeader(bad), "signature") << i;
  }
  EXPECT_EQ(readHeader(test::bytesOf("PROXY TCP4 198.51.100.7 192.0.2.53 1 53\r\n")), "signature")
      << "version 1";
}

TEST(ProxyHeader, SizesMustFit) {
  for (const char* client : {"198.51.100.7", "2001:db8::1"}) {
    const ProxyPacket whole = proxied(client);
    for (std::size_t size = 0; size < whole.body.size(); ++size) {
      ProxyPacket shorter = whole;
      shorter.body.resize(size);
      EXPECT_EQ(readHeader(shorter.bytes()), "length") << size;
    }
    const Bytes bytes = whole.bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(readHeader(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
                "length");
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(readHeader(longer), "length") << "more than it says";
  }
  ProxyPacket largest = proxied("198.51.100.7");
  largest.body.resize(kMaxProxyHeader - kProxyFixedBytes);
  EXPECT_EQ(readHeader(largest.bytes()), "198.51.100.7");
  largest.body.push_back(0);
  EXPECT_EQ(readHeader(largest.bytes()), "length");
}

TEST(ProxyHeader, TheFixedPartTellsTheSize) {
  const Bytes bytes = proxied("2001:db8::1").bytes();
  const auto size = proxyHeaderSize(std::span(bytes).first<kProxyFixedBytes>());
  ASSERT_TRUE(size);
  EXPECT_EQ(*size, bytes.size());
}

TEST(ProxyHeader, EveryRefusalHasItsName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kProxyRefusals; ++i)
    names.insert(proxyRefusalName(static_cast<ProxyRefusal>(i)));
  EXPECT_EQ(names.size(), kProxyRefusals);
}

}  // namespace
}  // namespace meridian::dns
