// Answers from pools on the wire: which endpoints, with which scope (I10), never nothing (I3), and
// services without pools as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "dns/answer/answerer.h"
#include "partition/explain.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::ReadMessage;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr unsigned kPoolA = 1, kPoolCname = 5, kPoolTxt = 16, kPoolAaaa = 28, kPoolAny = 255;
constexpr std::size_t kPoolEndpoints = 8;
constexpr unsigned kPoolV4 = 1, kPoolV6 = 2;

constexpr const char* kPoolZoneText = R"($ORIGIN shop.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
target1 A 192.0.2.101
target2 A 192.0.2.102
)";

// Endpoints 0 to 3 at one, 4 and 5 at two; three has none.
std::string poolTopology(const std::string& zone_rules, const std::string& service_rules) {
  const auto endpoint = [](int number) {
    const std::string n = std::to_string(number);
    return R"({"id": "e)" + n + R"(", "weight": )" + std::to_string(1 + number % 3) +
           R"(, "records": ["A 192.0.2.)" + n + R"(", "AAAA 2001:db8::)" + n + R"("]})";
  };
  return R"({"format": 1,
 "datacenters": [{"id": "one", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "lat": -10, "lon": -10, "slot": 1},
                 {"id": "three", "lat": 12, "lon": 12, "slot": 2}],
 "zones": [{"id": "web", "kind": "stateless", "ezones": ["one", "two", "three"])" +
         zone_rules + R"(}],
 "services": [
  {"name": "www.shop.test", "zone": "web")" +
         service_rules + R"(, "endpoints": {
    "one": [)" +
         endpoint(0) + "," + endpoint(1) + "," + endpoint(2) + "," + endpoint(3) + R"(],
    "two": [)" +
         endpoint(4) + "," + endpoint(5) + R"(],
    "three": ["A 192.0.2.9", "AAAA 2001:db8::9"]}},
  {"name": "alias.shop.test", "zone": "web", "answer_count": 1, "endpoints": {
    "one": [{"id": "a", "records": ["CNAME target1.shop.test."]},
            {"id": "b", "records": ["CNAME target2.shop.test."]}],
    "two": ["A 192.0.2.8"],
    "three": ["A 192.0.2.9"]}},
  {"name": "plain.shop.test", "zone": "web", "endpoints": {
    "one": ["A 192.0.2.20", "A 192.0.2.21"], "two": ["A 192.0.2.22"], "three": ["A 192.0.2.23"]}}]})";
}

std::shared_ptr<const ServingState> servePools(const std::string& zone_rules,
                                               const std::string& service_rules,
                                               std::vector<bool> endpoints_down = {}) {
  test::DnsWorld world;
  world.zones = {kPoolZoneText};
  world.topology = poolTopology(zone_rules, service_rules);
  // Places of every size, some finer than the networks that stay together.
  world.networks =
      "20.0.0.0/8 at 10,10\n20.1.0.0/16 at -10,-10\n20.2.3.0/28 at -10,-10\n"
      "20.2.3.64/26 at 12,12\n10.0.0.0/8 at -10,-10\n"
      "2001:db8::/32 at 10,10\n2001:db8:5::/48 at -10,-10\n2001:db8:6:700::/64 at 12,12\n";
  world.settings.explain_from = IpPrefixList({test::must(IpPrefix::parse("127.0.0.0/8"))});
  endpoints_down.resize(kPoolEndpoints);
  world.endpoints_down = std::move(endpoints_down);
  return world.serve();
}

class PoolAnswers : public testing::Test {
 protected:
  ReadMessage ask(const ServingState& state, const Bytes& options, unsigned type = kPoolA,
                  const char* name = "www.shop.test", Transport transport = Transport::kUdp) {
    Bytes out(kMaxMessage);
    const test::QueryPacket packet = test::QueryPacket(name, type).with(test::optRecord(options));
    out.resize(
        answer(packet.bytes(), {test::address("127.0.0.1"), transport}, state, out, counters_));
    return test::readMessage(out);
  }
  static Bytes near(std::uint8_t network) {
    return test::subnetOption(kPoolV4, 24, {20, 77, network});
  }
  // The last bytes of all addresses.
  static std::multiset<int> lastBytes(const ReadMessage& read) {
    std::multiset<int> out;
    for (const auto& record : read.answers()) out.insert(record.rdata.back());
    return out;
  }

  AnswerCounters counters_;
};

TEST_F(PoolAnswers, AllThatAreUpAreOneRrset) {
  const auto state = servePools("", "", {false, true, false, false, false, false});
  const ReadMessage read = ask(*state, near(1));
  EXPECT_THAT(lastBytes(read), UnorderedElementsAre(0, 2, 3));
  EXPECT_EQ(read.scope(), 10) << "by place only: 20.64/10";
  for (const auto& record : read.answers()) EXPECT_EQ(record.ttl, 30U);
  EXPECT_THAT(lastBytes(ask(*state, near(1), kPoolAaaa)), UnorderedElementsAre(0, 2, 3));
  EXPECT_THAT(lastBytes(ask(*state, near(1), kPoolAny)), UnorderedElementsAre(0, 2, 3));
  EXPECT_EQ(ask(*state, near(1), kPoolTxt).answers().size(), 0U);
  EXPECT_EQ(counters_.service_answers.value(), 3U);
  EXPECT_EQ(counters_.client_subnet.value(), 3U);
}

TEST_F(PoolAnswers, ACountIsChosenByTheClientsNetwork) {
  const auto state = servePools("", R"(, "answer_count": 2)");
  std::set<std::multiset<int>> seen;
  for (std::uint8_t i = 0; i < 100; ++i) {
    const ReadMessage read = ask(*state, near(i));
    const auto got = lastBytes(read);
    EXPECT_EQ(got.size(), 2U);
    EXPECT_EQ(read.scope(), 24);
    EXPECT_EQ(got, lastBytes(ask(*state, near(i), kPoolAaaa))) << "the same endpoints";
    EXPECT_EQ(lastBytes(ask(*state, test::subnetOption(kPoolV4, 32, {20, 77, i, 9}))), got);
    seen.insert(got);
  }
  EXPECT_EQ(seen.size(), 6U) << "all pairs of four";
  // Two has two endpoints, three has no pool: everybody's answer.
  EXPECT_EQ(ask(*state, test::subnetOption(kPoolV4, 24, {20, 1, 1})).scope(), 16);
  EXPECT_EQ(ask(*state, test::subnetOption(kPoolV4, 32, {20, 2, 3, 70})).scope(), 26);
}

TEST_F(PoolAnswers, TooFewUpGoToTheNextSite) {
  const auto state = servePools("", R"(, "min_up_share": 6000)", {false, true, true, false});
  EXPECT_THAT(lastBytes(ask(*state, near(1))), UnorderedElementsAre(9)) << "three is nearest then";
  EXPECT_THAT(lastBytes(ask(*state, near(1), kPoolA, "plain.shop.test")),
              UnorderedElementsAre(20, 21));
}

TEST_F(PoolAnswers, AnAliasIsOneOfThePool) {
  std::set<std::string> seen;
  for (const bool down : {false, true}) {
    std::vector<bool> endpoints(kPoolEndpoints);
    endpoints[6] = down;
    const auto state = servePools("", "", endpoints);
    for (std::uint8_t i = 0; i < 40; ++i) {
      const ReadMessage read = ask(*state, near(i), kPoolA, "alias.shop.test");
      ASSERT_EQ(read.answers().size(), 2U);
      EXPECT_EQ(read.answers()[0].type, kPoolCname);
      const int target = read.answers()[1].rdata.back();
      EXPECT_TRUE(target == 102 || (target == 101 && !down)) << target;
      EXPECT_EQ(read.scope(), down ? 10 : 24);
      seen.insert(std::to_string(target));
    }
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(PoolAnswers, TheExplanationTellsTheSameStory) {
  const auto state = servePools("", R"(, "answer_count": 2, "min_up_share": 100)",
                                {false, false, true, false, true, true});
  const auto told = [&](const Bytes& options) {
    const ReadMessage read = ask(*state, options, kPoolTxt, "_explain.www.shop.test");
    EXPECT_EQ(read.answers().size(), 1U);
    const Bytes& rdata = read.answers().at(0).rdata;
    return std::string(rdata.begin(), rdata.end()) + " " + std::to_string(read.scope());
  };
  for (std::uint8_t i = 0; i < 40; ++i) {
    std::string names = "endpoints";
    const ReadMessage got = ask(*state, near(i));
    for (const auto& record : got.answers()) names += " e" + std::to_string(record.rdata.back());
    const std::string text = told(near(i));
    EXPECT_THAT(text, HasSubstr(names));
    EXPECT_THAT(text, HasSubstr("pool endpoints=4 candidates=3 answered=2 up-share=5714 min=100"));
    EXPECT_THAT(text, testing::EndsWith(" 24"));
  }
  const std::string far = told(test::subnetOption(kPoolV4, 24, {20, 1, 1}));
  EXPECT_THAT(far, HasSubstr("not two: too-few-up"));
}

// By the road of REST and meridianctl: records, scope and TTL are those of the answer.
TEST_F(PoolAnswers, AnExplainedQuestionIsTheAnswer) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto question = [](const ServingState& state) {
    return test::must(partition::parseServiceName(*state.map.topology, "www.shop.test"));
  };
  for (const char* zone :
       {"", R"(, "distance_slack_km": 500)", R"(, "weights": {"one": 1, "two": 2, "three": 3})"}) {
    for (int round = 0; round < 8; ++round) {
      std::vector<bool> down(kPoolEndpoints);
      for (std::size_t i = 0; i < down.size(); ++i) down[i] = random() % 3 == 0;
      const auto state = servePools(zone, R"(, "answer_count": 2)", down);
      const partition::ExplainState from{
          *state->map.topology, *state->map.table, *state->placements, *state->health,
          state->sources.get(), &state->load,      &state->decisions,  state->pools.get()};
      for (int i = 0; i < 40; ++i) {
        const std::uint8_t first = i % 8 == 7 ? 10 : 20;
        const auto second = static_cast<std::uint8_t>(random() % 4);
        const auto third = static_cast<std::uint8_t>(random() % 5);
        const ReadMessage read =
            ask(*state, test::subnetOption(kPoolV4, 24, {first, second, third}));
        const std::string text = std::to_string(first) + "." + std::to_string(second) + "." +
                                 std::to_string(third) + ".0/24";
        SCOPED_TRACE(text);
        const auto told = partition::explainQuestion(
            from, question(*state),
            {test::address("127.0.0.1"), test::must(IpPrefix::parse(text))});
        ASSERT_TRUE(told) << told.error().message;
        std::vector<std::string> wanted;
        for (const auto& record : read.answers()) {
          wanted.push_back("A 192.0.2." + std::to_string(record.rdata.back()));
          EXPECT_EQ(record.ttl, told->prepared ? 5U : 30U);
        }
        std::vector<std::string> got = told->records;
        std::erase_if(got, [](const std::string& each) { return !each.starts_with("A "); });
        EXPECT_EQ(got, wanted);
        EXPECT_EQ(told->scope, read.scope());
      }
    }
  }
}

// The first `length` bits of an address, as the option carries them.
Bytes poolSubnet(const Bytes& address, std::uint8_t length) {
  Bytes out(address.begin(), address.begin() + (length + 7) / 8);
  if (length % 8 != 0) out.back() = static_cast<std::uint8_t>(out.back() & (0xff00U >> length % 8));
  return out;
}

TEST_F(PoolAnswers, NoTwoAnswersWithOverlappingScopesDiffer) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const char* zone_rules : {"", R"(, "weights": {"one": 4000, "two": 4000, "three": 2000})",
                                 R"(, "distance_slack_km": 500)", R"(, "all_down": "nearest")"}) {
    std::vector<bool> down(kPoolEndpoints);
    for (std::size_t i = 0; i < down.size(); ++i) down[i] = random() % 3 == 0;
    const std::string service_rules = R"(, "answer_count": )" + std::to_string(1 + random() % 3) +
                                      R"(, "min_up_share": )" + std::to_string(random() % 10001);
    const auto state = servePools(zone_rules, service_rules, down);
    for (const unsigned family : {kPoolV4, kPoolV6}) {
      const std::size_t size = family == kPoolV4 ? 4 : 16;
      // Scope prefix (its length and bytes) → answer. A prefix must not lie in another one.
      std::map<std::pair<std::uint8_t, Bytes>, std::multiset<int>> seen;
      for (int i = 0; i < 4000; ++i) {
        Bytes address(size);
        for (auto& byte : address) byte = static_cast<std::uint8_t>(random() % 8);
        address[0] = family == kPoolV4 ? 20 : 0x20;
        if (family == kPoolV6) {
          address[1] = 0x01;
          address[2] = 0x0d;
          address[3] = 0xb8;
        }
        const auto bits = static_cast<std::uint8_t>(size * 8);
        const auto source = static_cast<std::uint8_t>(bits / 4U + random() % (bits * 3U / 4U + 1U));
        const Bytes given = poolSubnet(address, source);
        const ReadMessage read = ask(*state, test::subnetOption(family, source, given));
        ASSERT_GE(read.scope(), 0);
        Bytes padded = given;
        padded.resize(size);
        const auto length = static_cast<std::uint8_t>(read.scope());
        const auto got = lastBytes(read);
        const auto [known, fresh] = seen.try_emplace({length, poolSubnet(padded, length)}, got);
        ASSERT_EQ(known->second, got) << zone_rules << service_rules << " scope " << int{length};
        ASSERT_FALSE(got.empty()) << "never nothing (I3)";
      }
      for (const auto& [prefix, one] : seen) {
        for (std::uint8_t wider = 1; wider < prefix.first; ++wider) {
          const auto other = seen.find({wider, poolSubnet(prefix.second, wider)});
          ASSERT_TRUE(other == seen.end() || other->second == one)
              << zone_rules << service_rules << ": /" << int{prefix.first} << " inside /"
              << int{wider};
        }
      }
    }
  }
}

TEST_F(PoolAnswers, MoreThanADatagramHoldsIsTruncated) {
  test::DnsWorld world;
  world.zones = {kPoolZoneText};
  std::string endpoints;
  for (int i = 0; i < 64; ++i) {
    endpoints += std::string(i == 0 ? "" : ",") + R"({"id": "e)" + std::to_string(i) +
                 R"(", "records": ["AAAA 2001:db8::)" + std::to_string(i + 1) + R"("]})";
  }
  world.topology = R"({"format": 1, "datacenters": [{"id": "one", "lat": 1, "lon": 1, "slot": 0}],
   "zones": [{"id": "web", "kind": "stateless", "ezones": ["one"]}],
   "services": [{"name": "www.shop.test", "zone": "web", "endpoints": {"one": [)" +
                   endpoints + "]}}]}";
  const auto state = world.serve();
  const ReadMessage cut = ask(*state, {}, kPoolAaaa);
  EXPECT_EQ(cut.answers().size(), 0U);
  EXPECT_EQ(counters_.truncated.value(), 1U);
  const ReadMessage whole = ask(*state, {}, kPoolAaaa, "www.shop.test", Transport::kTcp);
  EXPECT_EQ(whole.answers().size(), 64U);
}

}  // namespace
}  // namespace meridian::dns
