#include "tests/fuzz/fixed_state.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "dns/zone/loader.h"
#include "geo/network_list.h"
#include "server/world.h"

namespace meridian::fuzz {
namespace {

constexpr const char* kRecords = R"($ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
alias CNAME www
loop1 CNAME loop2
loop2 CNAME loop1
out CNAME www.elsewhere.test.
old DNAME new
host.new AAAA 2001:db8::1
grow DNAME a.long.tail.of.labels.that.grows.with.every.use.grow
*.wild TXT "synthesised"
a.b.c.ent TXT "deep"
child NS ns.child
ns.child A 192.0.2.99
mail MX 10 www
)";

constexpr const char* kTopology = R"({"format": 1,
 "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [
  {"id": "sharded", "kind": "sharding", "placement": {"default_partition": "p1"}, "partitions": [
    {"id": "p1", "home": "one", "anchors": [{"lat": 10, "lon": 10}]},
    {"id": "p2", "home": "two", "anchors": [{"lat": -10, "lon": -10}]}]},
  {"id": "single", "kind": "global", "primary": "one", "replicas": ["two"]},
  {"id": "free", "kind": "stateless", "ezones": ["one", "two"]}],
 "services": [
  {"name": "order.example", "zone": "sharded", "endpoints": {"one": ["A 192.0.2.10"], "two": ["A 192.0.2.20", "TXT two"]}},
  {"name": "account.example", "zone": "single", "endpoints": {"one": ["A 192.0.2.11"], "two": ["A 192.0.2.21"]}},
  {"name": "web.example", "zone": "free", "endpoints": {"one": ["CNAME www.example."], "two": ["A 192.0.2.22"]}},
  {"name": "pool.example", "zone": "free", "answer_count": 2, "endpoints": {
    "one": [{"id": "a", "records": ["A 192.0.2.30"]}, {"id": "b", "weight": 5, "records": ["A 192.0.2.31"]},
            {"id": "c", "records": ["A 192.0.2.32"]}], "two": ["A 192.0.2.33"]}}]})";

constexpr const char* kNetworks = "198.51.100.0/24 at 10,10\n2001:db8::/32 partition p2\n";

template <class T, class E>
T valueOf(tl::expected<T, E> result) {
  if (result) return std::move(*result);
  std::fputs("the fixed state does not load\n", stderr);
  std::abort();
}

std::shared_ptr<const dns::ServingState> make() {
  server::World world;
  world.config = valueOf(
      server::parseConfig("[dns]\nlocation_option_from = [\"127.0.0.0/8\"]\n", "fuzz.toml"));
  auto sources = std::make_shared<partition::GeoSources>();
  sources->addresses = std::make_shared<const geo::AddressEvidence>(
      valueOf(geo::AddressEvidence::build({}, valueOf(geo::parseNetworks(kNetworks, "networks")))));
  world.sources = std::move(sources);
  world.zones = std::make_shared<const dns::ZoneSet>(std::vector<dns::LoadedZone>{
      {valueOf(dns::parseZone(kRecords, "example.zone")), "example.zone", {}}});
  world.topology = std::make_shared<const partition::Topology>(
      valueOf(partition::decodeTopology(kTopology, "topology.json")));
  return valueOf(server::stateOf(world));
}

}  // namespace

const dns::ServingState& fixedState() {
  static const std::shared_ptr<const dns::ServingState> kState = make();
  return *kState;
}

}  // namespace meridian::fuzz
