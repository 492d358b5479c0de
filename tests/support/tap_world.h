// A world whose answers are decided in every way there is, and records told of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dns/answer/answerer.h"
#include "dns/tap/query_tap.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::test {

inline constexpr const char* kTapZone = R"($ORIGIN shop.test.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
to CNAME order
)";

inline constexpr const char* kTapTopology = R"({"format": 1,
 "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 3},
                 {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 5}],
 "zones": [
  {"id": "sharded", "kind": "sharding",
   "placement": {"default_partition": "p1", "unknown_ttl": 7}, "partitions": [
    {"id": "p1", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
    {"id": "p2", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}]},
  {"id": "single", "kind": "global", "primary": "two", "replicas": ["one"]},
  {"id": "free", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [
  {"name": "order.shop.test", "zone": "sharded",
   "endpoints": {"one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"]}},
  {"name": "account.shop.test", "zone": "single",
   "endpoints": {"one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"]}},
  {"name": "via.shop.test", "zone": "sharded",
   "endpoints": {"one": ["CNAME ro.account.shop.test."], "two": ["CNAME ns.shop.test."]}},
  {"name": "www.shop.test", "zone": "free",
   "endpoints": {"one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"]}}]})";

struct TapWorld {
  TapWorld() {
    DnsWorld world;
    world.zones = {kTapZone};
    world.topology = kTapTopology;
    world.networks = "20.0.0.0/8 at 10,10\n21.0.0.0/8 at -10,-10\n127.0.0.0/8 at 10,10\n";
    world.settings.location_option_from = IpPrefixList({must(IpPrefix::parse("127.0.0.0/8"))});
    world.rev = 9;
    state = world.serve();
  }

  // Answers a query and tells `tap` of it; the record that then is in its ring, which stays there
  // until the next call.
  dns::TapRecord told(const Bytes& query, dns::TapWish wish = {true, true}) {
    dns::AnswerFacts facts;
    dns::AnswerCounters counters;
    response.resize(dns::kMaxMessage);
    const dns::Client client{address("127.0.0.1"), dns::Transport::kUdp, 1'000};
    response.resize(dns::answer(query, client, *state, response, counters, &facts));
    dns::TapRecord record;
    record.wish = wish;
    record.client = {client.address, 5353};
    record.local = {address("127.0.0.2"), 53};
    record.asked_at = 1'777'636'800'123'456'789;  // 2026-05-01T12:00:00.123456789Z
    record.answered_at = record.asked_at + 1'000;
    record.query = query;
    record.response = response;
    while (!tap.ring().front().empty()) tap.ring().pop();
    tap.tell(record, facts, *state);
    const auto bytes = tap.ring().front();
    return bytes.empty() ? dns::TapRecord{} : dns::decodeTapRecord(bytes);
  }

  std::shared_ptr<const dns::ServingState> state;
  dns::QueryTap tap{{1, 1}, 1};
  Bytes response;
};

}  // namespace meridian::test
