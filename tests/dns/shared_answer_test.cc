// Answers of stateless zones that depend on the client's network: scopes (I10), stickiness, and
// the explanation that goes with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "dns/answer/answerer.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::ReadMessage;
using testing::HasSubstr;

constexpr unsigned kTypeA = 1, kTypeTxt = 16;
constexpr unsigned kIpv4 = 1, kIpv6 = 2;

constexpr const char* kSharedZone = R"($ORIGIN shop.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
)";

std::string sharedTopology(const std::string& rules) {
  return R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "lat": -10, "lon": -10, "slot": 1},
                 {"id": "three", "lat": 12, "lon": 12, "slot": 2}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["one", "two", "three"])" +
         rules + R"(}],
 "services": [{"name": "www.shop.test", "zone": "web", "endpoints": {
    "one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"], "three": ["A 192.0.2.3"]}}]})";
}

std::shared_ptr<const ServingState> serveShared(const std::string& rules) {
  test::DnsWorld world;
  world.zones = {kSharedZone};
  world.topology = sharedTopology(rules);
  // Places of every size, some finer than the networks that stay together.
  world.networks =
      "20.0.0.0/8 at 10,10\n20.1.0.0/16 at -10,-10\n20.2.3.0/28 at -10,-10\n"
      "20.2.3.64/26 at 12,12\n10.0.0.0/8 at -10,-10\n"
      "2001:db8::/32 at 10,10\n2001:db8:5::/48 at -10,-10\n2001:db8:6:700::/64 at 12,12\n";
  world.settings.explain_from = IpPrefixList({test::must(IpPrefix::parse("127.0.0.0/8"))});
  return world.serve();
}

class SharedAnswers : public testing::Test {
 protected:
  ReadMessage ask(const ServingState& state, const Bytes& options, unsigned type = kTypeA,
                  const char* name = "www.shop.test", const char* client = "127.0.0.1") {
    Bytes out(kMaxMessage);
    const test::QueryPacket packet = test::QueryPacket(name, type).with(test::optRecord(options));
    out.resize(
        answer(packet.bytes(), {test::address(client), Transport::kUdp}, state, out, counters_));
    return test::readMessage(out);
  }
  static std::string rdataOf(const ReadMessage& read) {
    return read.answers().size() == 1 ? std::to_string(read.answers()[0].rdata.back()) : "none";
  }

  AnswerCounters counters_;
};

// The first `length` bits of an address, as the option carries them.
Bytes subnetBytes(const Bytes& address, std::uint8_t length) {
  Bytes out(address.begin(), address.begin() + (length + 7) / 8);
  if (length % 8 != 0) out.back() = static_cast<std::uint8_t>(out.back() & (0xff00U >> length % 8));
  return out;
}

TEST_F(SharedAnswers, NoTwoAnswersWithOverlappingScopesDiffer) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const char* rules :
       {R"(, "weights": {"one": 4000, "two": 4000, "three": 2000})",
        R"(, "distance_slack_km": 500)",
        R"(, "distance_slack_km": 500, "weights": {"one": 1, "two": 1, "three": 1})"}) {
    const auto state = serveShared(rules);
    for (const unsigned family : {kIpv4, kIpv6}) {
      const std::size_t size = family == kIpv4 ? 4 : 16;
      // Scope prefix (its length and bytes) → answer. A prefix must not lie in another one.
      std::map<std::pair<std::uint8_t, Bytes>, std::string> seen;
      for (int i = 0; i < 6000; ++i) {
        Bytes address(size);
        for (auto& byte : address) byte = static_cast<std::uint8_t>(random() % 8);
        address[0] = family == kIpv4 ? 20 : 0x20;
        if (family == kIpv6) {
          address[1] = 0x01;
          address[2] = 0x0d;
          address[3] = 0xb8;
        }
        const auto bits = static_cast<std::uint8_t>(size * 8);
        const auto source = static_cast<std::uint8_t>(bits / 4U + random() % (bits * 3U / 4U + 1U));
        const Bytes given = subnetBytes(address, source);
        const ReadMessage read = ask(*state, test::subnetOption(family, source, given));
        const int scope = read.scope();
        ASSERT_GE(scope, 0);
        Bytes padded = given;
        padded.resize(size);
        const auto length = static_cast<std::uint8_t>(scope);
        const auto [known, fresh] =
            seen.try_emplace({length, subnetBytes(padded, length)}, rdataOf(read));
        ASSERT_EQ(known->second, rdataOf(read)) << rules << " scope " << scope;
        ASSERT_NE(known->second, "none");
      }
      for (const auto& [prefix, one] : seen) {
        for (std::uint8_t wider = 1; wider < prefix.first; ++wider) {
          const auto other = seen.find({wider, subnetBytes(prefix.second, wider)});
          ASSERT_TRUE(other == seen.end() || other->second == one)
              << rules << ": /" << int{prefix.first} << " inside /" << int{wider};
        }
      }
    }
  }
}

TEST_F(SharedAnswers, TheScopeIsNeverWiderThanTheNetworksThatStayTogether) {
  const auto state = serveShared(R"(, "distance_slack_km": 500)");
  const auto scope = [&](unsigned family, std::uint8_t source, const Bytes& address) {
    return ask(*state, test::subnetOption(family, source, address)).scope();
  };
  EXPECT_EQ(scope(kIpv4, 24, {20, 9, 9}), 24) << "one and three share this place";
  EXPECT_EQ(scope(kIpv4, 16, {20, 9}), 24) << "asks for more bits";
  EXPECT_EQ(scope(kIpv4, 24, {20, 1, 0}), 16) << "two alone answers here: by place only";
  EXPECT_EQ(scope(kIpv4, 32, {20, 2, 3, 65}), 26) << "a place finer than that";
  EXPECT_EQ(scope(kIpv6, 56, {0x20, 0x01, 0x0d, 0xb8, 0, 9, 0}), 56);
  EXPECT_EQ(scope(kIpv6, 64, {0x20, 0x01, 0x0d, 0xb8, 0, 6, 7, 0}), 64);
}

TEST_F(SharedAnswers, WithoutASubnetTheResolverIsTheClient) {
  const auto state = serveShared(R"(, "weights": {"one": 5000, "two": 5000, "three": 0})");
  std::map<std::string, int> counts;
  for (int i = 0; i < 200; ++i) {
    const std::string network = "20.9." + std::to_string(i) + ".";
    const auto from = [&](const char* host) {
      return rdataOf(ask(*state, {}, kTypeA, "www.shop.test", (network + host).c_str()));
    };
    EXPECT_EQ(from("1"), from("254"));
    ++counts[from("1")];
    // A private subnet leaves it to the resolver, but does not hold outside its own network.
    const ReadMessage read = ask(*state, test::subnetOption(kIpv4, 24, {192, 168, 1}), kTypeA,
                                 "www.shop.test", (network + "1").c_str());
    EXPECT_EQ(rdataOf(read), from("1"));
    EXPECT_EQ(read.scope(), 16);
  }
  EXPECT_GT(counts["1"], 60);
  EXPECT_GT(counts["2"], 60);
  EXPECT_EQ(counts.size(), 2U);
}

TEST_F(SharedAnswers, TheExplanationTellsTheSameStory) {
  const auto state = serveShared(R"(, "weights": {"one": 5000, "two": 4000, "three": 1000})");
  const std::map<std::string, std::string> ids{{"1", "one"}, {"2", "two"}, {"3", "three"}};
  for (std::uint8_t i = 0; i < 100; ++i) {
    const Bytes options = test::subnetOption(kIpv4, 24, {20, 77, i});
    const ReadMessage told = ask(*state, options, kTypeTxt, "_explain.www.shop.test");
    ASSERT_EQ(told.answers().size(), 1U);
    const Bytes& rdata = told.answers()[0].rdata;
    const std::string text(rdata.begin(), rdata.end());
    EXPECT_THAT(text, HasSubstr("choice=share among=usable"));
    EXPECT_THAT(text, HasSubstr("is " + ids.at(rdataOf(ask(*state, options))) + ": chosen"));
    EXPECT_THAT(text, HasSubstr("class=1 weight=4000"));
    EXPECT_THAT(text, HasSubstr("other-share"));
    EXPECT_THAT(text, HasSubstr("scope=24"));
    EXPECT_EQ(told.scope(), 24);
  }
}

}  // namespace
}  // namespace meridian::dns
