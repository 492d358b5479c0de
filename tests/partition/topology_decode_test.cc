// decodeTopology: the whole of a good document, and every rule of docs/topology.md with the place
// it reports.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "partition/model.h"
#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

// One part of the sample replaced by something wrong, and the whole report that must come of it.
TEST(DecodeTopology, AGlobalZoneMayBoundTheLagOfItsReads) {
  std::string text(test::kSampleTopology);
  const auto plain = decodeTopology(text, "t.json");
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ(plain->zones[1].read_max_lag_ms, std::nullopt);
  const std::string replicas = R"("replicas": ["dal"])";
  text.replace(text.find(replicas), replicas.size(),
               replicas + R"(, "read_max_lag_ms": 5000, "read_fallback": "least_stale")");
  const auto bounded = decodeTopology(text, "t.json");
  ASSERT_TRUE(bounded) << bounded.error().text();
  EXPECT_EQ(bounded->zones[1].read_max_lag_ms, 5'000);
  EXPECT_EQ(bounded->zones[1].read_fallback, ReadFallback::kLeastStale);
}

struct WrongCase {
  std::string_view name, part, with, report;
};

class DecodeTopologyError : public testing::TestWithParam<WrongCase> {};

TEST_P(DecodeTopologyError, IsReportedWithItsPlace) {
  std::string text(test::kSampleTopology);
  const std::size_t at = text.find(GetParam().part);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().part.size(), GetParam().with);
  const Checked<Topology> decoded = decodeTopology(text, "t.json");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().text(), GetParam().report);
}

constexpr WrongCase kWrongCases[] = {
    {"NotJson", R"("format": 1,)", R"("format": 1 1,)",
     "t.json:2:15: is not JSON: syntax error while parsing object - unexpected number literal; "
     "expected '}'\n"},
    {"Format", R"("format": 1,)", R"("format": 2,)",
     "t.json:2:13: format: 2: must be from 1 to 1\n"},
    {"NoFormat", R"("format": 1,)", "", "t.json:1:1: format: is missing\n"},
    {"UnknownKey", R"("format": 1,)", R"("format": 1, "servces": [],)",
     "t.json:2:16: servces: is not known here; did you mean services?\n"},
    {"RootIsNoObject", test::kSampleTopology, "[]", "t.json:1:1: must be an object, is an array\n"},
    {"DuplicateKey", R"("format": 1,)", R"("format": 1, "format": 1,)",
     "t.json:2:16: format: stands twice in this object\n"},
    {"DatacenterIsNoObject", R"("ezones": [)", R"("ezones": [3, )",
     "t.json:8:14: ezones[0]: 3: must be an object, is a whole number\n"},
    {"BadId", R"({"id": "dal-b")", R"({"id": "Dal_b")",
     "t.json:9:12: ezones[0].id: Dal_b: is no id: 1 to 48 of a-z, 0-9 and '-', starting with a "
     "letter or digit\n"},
    {"DuplicateDatacenter", R"({"id": "iad", "region")", R"({"id": "dal", "region")",
     "t.json:5:12: datacenters[1].id: dal: is the id of datacenters[0] already\nt.json:14:51: "
     "zones[0].partitions[0].allowed[0]: iad: names no eZone\nt.json:18:31: "
     "zones[0].partitions[1].home: iad: names no eZone\nt.json:18:57: "
     "zones[0].partitions[1].allowed[1]: iad: names no eZone\nt.json:22:52: zones[1].primary: iad: "
     "names no eZone\nt.json:29:8: services[0].endpoints.iad: names no eZone\nt.json:33:20: "
     "services[1].endpoints.iad: names no eZone\n"},
    {"DuplicateEZone", R"({"id": "dal-b")", R"({"id": "iad")",
     "t.json:9:12: ezones[0].id: iad: is the id of datacenters[1] already\n"},
    {"Latitude", R"("lat": 50.03)", R"("lat": 90.5)",
     "t.json:6:42: datacenters[2].lat: 90.5: must be from -90 to 90\n"},
    {"LongitudeMissing", R"("lon": 8.57, )", "", "t.json:6:5: datacenters[2].lon: is missing\n"},
    {"Capacity", R"("capacity_units": 1000)", R"("capacity_units": 0)",
     "t.json:4:101: datacenters[0].capacity_units: 0: must be above 0\n"},
    {"AdminState", R"("DRAINING")", R"("draining")",
     "t.json:6:88: datacenters[2].admin_state: draining: must be one of IN_SERVICE, DRAINING, "
     "OUT_OF_SERVICE\n"},
    {"SlotRange", R"("slot": 7)", R"("slot": 64)",
     "t.json:9:42: ezones[0].slot: 64: must be from 0 to 63\n"},
    {"SlotTaken", R"("slot": 7)", R"("slot": 2)",
     "t.json:9:42: ezones[0].slot: 2: is the slot of datacenters[2] already\n"},
    {"DatacenterWithoutEZone", R"(, "slot": 2)", "",
     "t.json:6:5: datacenters[2].slot: is missing, and no entry of ezones is in this "
     "datacenter\nt.json:18:64: zones[0].partitions[1].allowed[2]: fra: names no "
     "eZone\nt.json:23:51: zones[2].ezones[0]: fra: names no eZone\nt.json:30:8: "
     "services[0].endpoints.fra: names no eZone\nt.json:35:20: services[2].endpoints.fra: names no "
     "eZone\n"},
    {"EZoneInUnknownDatacenter", R"("dc": "dal")", R"("dc": "dax")",
     "t.json:9:27: ezones[0].dc: dax: names no datacenter; did you mean dal?\n"},
    {"ZoneIsNoObject", R"("zones": [)", R"("zones": ["x", )",
     "t.json:11:13: zones[0]: x: must be an object, is a string\n"},
    {"PartitionIsNoObject", R"("partitions": [)", R"("partitions": [1, )",
     "t.json:13:21: zones[0].partitions[0]: 1: must be an object, is a whole number\nt.json:27:19: "
     "services[0].endpoints: has nothing for eZone dal-b, which zone order may use\n"},
    {"ZoneKind", R"("kind": "global")", R"("kind": "globl")",
     "t.json:22:31: zones[1].kind: globl: must be one of sharding, global, stateless\n"},
    {"DuplicateZone", R"({"id": "web")", R"({"id": "account")",
     "t.json:23:12: zones[2].id: account: is the id of zones[1] already\nt.json:34:42: "
     "services[2].zone: web: names no zone\n"},
    {"DuplicatePartition", R"({"id": "rest")", R"({"id": "us-tx")",
     "t.json:18:15: zones[0].partitions[1].id: us-tx: is the id of zones[0].partitions[0] "
     "already\nt.json:20:41: zones[0].placement.default_partition: rest: names no partition of "
     "this zone\n"},
    {"PartitionNamedAsGlobalZone", R"({"id": "account", "kind")", R"({"id": "us-tx", "kind")",
     "t.json:22:12: zones[1].id: us-tx: is the id of zones[0].partitions[0] already\nt.json:32:47: "
     "services[1].zone: account: names no zone\n"},
    {"HomeUnknown", R"("home": "dal")", R"("home": "dall")",
     "t.json:14:32: zones[0].partitions[0].home: dall: names no eZone; did you mean dal?\n"},
    {"HomeNotAllowed", R"("allowed": ["iad", "dal"])", R"("allowed": ["iad"])",
     "t.json:14:32: zones[0].partitions[0].home: dal: is not among the allowed eZones\n"},
    {"AllowedTwice", R"("allowed": ["iad", "dal"])", R"("allowed": ["dal", "iad", "dal"])",
     "t.json:14:65: zones[0].partitions[0].allowed[2]: dal: stands twice in this list\n"},
    {"AllowedUnknown", R"("allowed": ["iad", "dal"])", R"("allowed": ["dal", "tokyo"])",
     "t.json:14:58: zones[0].partitions[0].allowed[1]: tokyo: names no eZone\n"},
    {"AllowedOfNumbers", R"("allowed": ["iad", "dal"])", R"("allowed": ["dal", 1])",
     "t.json:14:58: zones[0].partitions[0].allowed[1]: 1: must be a string, is a whole number\n"},
    {"Weight", R"("weight_units": 2.5)", R"("weight_units": -1)",
     "t.json:14:82: zones[0].partitions[0].weight_units: -1: must be above 0\n"},
    {"FenceForm", R"("us-states/tx")", R"("us-states")",
     "t.json:15:20: zones[0].partitions[0].fences[0]: us-states: must be "
     "FENCE-FILE-ID/FEATURE-ID\n"},
    {"FenceTwice", R"("us-states/tx")", R"("us-states/tx", "us-states/tx")",
     "t.json:15:36: zones[0].partitions[0].fences[1]: us-states/tx: is used twice in this zone\n"},
    {"RuleCountry", R"("country": "US")", R"("country": "us")",
     "t.json:16:31: zones[0].partitions[0].rules[0].country: us: must be two capital letters (ISO "
     "3166-1)\n"},
    {"RuleAsn", R"("asn": 64500)", R"("asn": 4294967296)",
     "t.json:16:70: zones[0].partitions[0].rules[1].asn: 4294967296: must be from 1 to "
     "4294967295\n"},
    {"RuleEmpty", R"({"asn": 64500})", R"({})",
     "t.json:16:62: zones[0].partitions[0].rules[1]: needs a country, subdivision or asn\n"},
    {"AnchorUnknownKey", R"("lat": 31, "lon": -99.0)", R"("lat": 31, "lon": -99.0, "lng": 1)",
     "t.json:17:47: zones[0].partitions[0].anchors[0].lng: is not known here\n"},
    {"DefaultPartition", R"("default_partition": "rest")", R"("default_partition": "us-txx")",
     "t.json:20:41: zones[0].placement.default_partition: us-txx: names no partition of this zone; "
     "did you mean us-tx?\n"},
    {"DefaultPartitionMissing", R"("default_partition": "rest", )", "",
     "t.json:20:19: zones[0].placement.default_partition: is missing\n"},
    {"Snap", R"("fence_snap_km": 25)", R"("fence_snap_km": 500.5)",
     "t.json:20:66: zones[0].placement.fence_snap_km: 500.5: must be from 0 to 500\n"},
    {"UnknownTtl", R"("unknown_ttl": 9)", R"("unknown_ttl": 1.5)",
     "t.json:20:85: zones[0].placement.unknown_ttl: 1.5: must be a whole number, is a number\n"},
    {"MinInService", R"("min_in_service": 2)", R"("min_in_service": 4)",
     "t.json:21:24: zones[0].min_in_service: 4: is more than the 3 eZones of this zone\n"},
    {"PrimaryMissing", R"("primary": "iad", )", "", "t.json:22:5: zones[1].primary: is missing\n"},
    {"PrimaryIsReplica", R"("replicas": ["dal"])", R"("replicas": ["dal", "iad"])",
     "t.json:22:71: zones[1].replicas: iad is the primary\n"},
    {"ReadLag", R"("replicas": ["dal"])", R"("replicas": ["dal"], "read_max_lag_ms": 0)",
     "t.json:22:99: zones[1].read_max_lag_ms: 0: must be from 1 to 3600000\n"},
    {"ReadFallbackWithoutLag", R"("replicas": ["dal"])",
     R"("replicas": ["dal"], "read_fallback": "primary")",
     "t.json:22:97: zones[1].read_fallback: primary: means nothing without read_max_lag_ms\n"},
    {"ReadFallbackUnknown", R"("replicas": ["dal"])",
     R"("replicas": ["dal"], "read_max_lag_ms": 1, "read_fallback": "none")",
     "t.json:22:119: zones[1].read_fallback: none: must be one of primary, least_stale\n"},
    {"StatelessWithoutEZones", R"("ezones": ["fra", "dal"])", R"("ezones": [])",
     "t.json:23:50: zones[2].ezones: has 0 elements; must have from 1 to 64\n"},
    {"StatelessWithPrimary", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "primary": "dal")",
     "t.json:23:66: zones[2].primary: is not known here\n"},
    {"WeightOfNoMember", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "weights": {"fra": 1, "dal": 2, "iad": 3})",
     "t.json:23:98: zones[2].weights.iad: is not known here\n"},
    {"WeightMissing", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "weights": {"fra": 1})",
     "t.json:23:77: zones[2].weights.dal: is missing\n"},
    {"WeightRange", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "weights": {"fra": 10001, "dal": 1})",
     "t.json:23:85: zones[2].weights.fra: 10001: must be from 0 to 10000\n"},
    {"WeightsAllZero", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "weights": {"fra": 0, "dal": 0})",
     "t.json:23:77: zones[2].weights: gives no eZone more than 0\n"},
    {"DistanceSlack", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "distance_slack_km": -1)",
     "t.json:23:87: zones[2].distance_slack_km: -1: must be from 0 to 20100\n"},
    {"AllDownUnknown", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "all_down": "refuse")",
     "t.json:23:78: zones[2].all_down: refuse: must be one of as-if-up, nearest, fallback, "
     "last-good\n"},
    {"FallbackMissing", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "all_down": "fallback")",
     "t.json:23:5: zones[2].fallback: is missing\n"},
    {"FallbackUnasked", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "fallback": "iad")",
     "t.json:23:78: zones[2].fallback: iad: means nothing unless all_down is \"fallback\"\n"},
    {"FallbackUncovered", R"("ezones": ["fra", "dal"])",
     R"("ezones": ["fra", "dal"], "all_down": "fallback", "fallback": "iad")",
     "t.json:35:19: services[2].endpoints: has nothing for eZone iad, which zone web may use\n"},
    {"ServiceIsNoObject", R"("services": [)", R"("services": [null, )",
     "t.json:25:16: services[0]: must be an object, is null\n"},
    {"ServiceZone", R"("zone": "web")", R"("zone": "webb")",
     "t.json:34:42: services[2].zone: webb: names no zone; did you mean web?\n"},
    {"ServiceName", R"("www.shop.example")", R"("www..example")",
     "t.json:34:14: services[2].name: www..example: has an empty label\n"},
    {"ServiceNameByte", R"("www.shop.example")", R"("www shop.example")",
     "t.json:34:14: services[2].name: www shop.example: holds a byte other than letters, digits, "
     "'-', '_' and '.'\n"},
    {"ServiceNameTwice", R"("www.shop.example")", R"("Order.Shop.Example.")",
     "t.json:34:14: services[2].name: Order.Shop.Example.: is the name of services[0] already\n"},
    {"ServiceTtl", R"("ttl": 60)", R"("ttl": 86401)",
     "t.json:26:60: services[0].ttl: 86401: must be from 0 to 86400\n"},
    {"EndpointOfUnknownEZone", R"("fra": ["A 192.0.2.3"])", R"("fra": ["A 192.0.2.3"], "fre": [])",
     "t.json:30:32: services[0].endpoints.fre: names no eZone; did you mean fra?\n"},
    {"EndpointEmpty", R"("fra": ["A 192.0.2.3"])", R"("fra": [])",
     "t.json:30:15: services[0].endpoints.fra: needs at least one record\n"},
    {"EndpointOfNumbers", R"("fra": ["A 192.0.2.3"])", R"("fra": [3])",
     "t.json:30:16: services[0].endpoints.fra[0]: 3: must be a string, is a whole number\n"},
    {"EndpointBlank", R"("fra": ["A 192.0.2.3"])", R"("fra": [""])",
     "t.json:30:16: services[0].endpoints.fra[0]: must have 1 to 4096 bytes\n"},
    {"EndpointNoArray", R"("fra": ["A 192.0.2.3"])", R"("fra": "A 192.0.2.3")",
     "t.json:30:15: services[0].endpoints.fra: A 192.0.2.3: must be an array, is a string\n"},
    {"CoverOfAllowed", R"(,
       "fra": ["A 192.0.2.3"])",
     "",
     "t.json:27:19: services[0].endpoints: has nothing for eZone fra, which zone order may use\n"},
    {"CoverOfReplica", R"(, "dal": ["A 192.0.2.11"])", "",
     "t.json:33:19: services[1].endpoints: has nothing for eZone dal, which zone account may "
     "use\n"},
    {"CoverOfMember", R"(, "dal": ["A 192.0.2.21"])", "",
     "t.json:35:19: services[2].endpoints: has nothing for eZone dal, which zone web may use\n"},
    {"NoEndpoints", R"(,
     "endpoints": {"iad": ["A 192.0.2.12"], "dal": ["A 192.0.2.11"]})",
     "", "t.json:32:5: services[1].endpoints: is missing\n"},
};

INSTANTIATE_TEST_SUITE_P(Rules, DecodeTopologyError, testing::ValuesIn(kWrongCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(DecodeTopology, ReportsEveryErrorAtOnce) {
  const Checked<Topology> decoded = decodeTopology(
      "{\"format\": 1, \"datacenters\": [],\n \"zones\": {},\n \"services\": [{\"name\": 1}]}",
      "t.json");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().text(),
            "t.json:1:30: datacenters: has 0 elements; must have from 1 to 254\n"
            "t.json:2:11: zones: must be an array, is an object\n"
            "t.json:3:24: services[0].name: 1: must be a string, is a whole number\n"
            "t.json:3:15: services[0].zone: is missing\n"
            "t.json:3:15: services[0].endpoints: is missing\n");
}

TEST(DecodeTopology, RefusesATextThatIsTooLarge) {
  const std::string text(kMaxTopologyBytes + 1, ' ');
  const Checked<Topology> decoded = decodeTopology(text, "t.json");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().text(), "t.json: has 16777217 bytes; may have 16777216\n");
}

TEST(DecodeTopology, AnEntryOfEZonesMayStandForTheDefaultOne) {
  std::string text(test::kSampleTopology);
  const std::string_view part = R"(, "slot": 2, "admin_state")";
  text.replace(text.find(part), part.size(), R"(, "admin_state")");
  const std::string_view entry = R"({"id": "dal-b", "dc": "dal", "slot": 7})";
  text.replace(text.find(entry), entry.size(), R"({"id": "fra", "dc": "fra", "slot": 7})");
  const Checked<Topology> decoded = decodeTopology(text, "t.json");
  ASSERT_TRUE(decoded) << decoded.error().text();
  ASSERT_EQ(decoded->ezones.size(), 3U);
  EXPECT_EQ(decoded->ezones[2].id, "fra");
  EXPECT_EQ(decoded->dcOf(EZoneIx(2)).id, "fra");
}

TEST(DecodeTopology, ReadsEveryMemberOfAGoodDocument) {
  const Checked<Topology> decoded = decodeTopology(test::kSampleTopology, "t.json");
  ASSERT_TRUE(decoded) << decoded.error().text();
  const Topology& topology = *decoded;
  EXPECT_EQ(topology.document, test::kSampleTopology);

  ASSERT_EQ(topology.datacenters.size(), 3U);
  EXPECT_EQ(topology.datacenters[0].id, "dal");
  EXPECT_EQ(topology.datacenters[0].region, "us-central");
  EXPECT_EQ(topology.datacenters[0].point, (geo::GeoPoint{32.78, -96.80}));
  EXPECT_EQ(topology.datacenters[0].capacity_units, 1000);
  EXPECT_EQ(topology.datacenters[1].capacity_units, std::nullopt);
  EXPECT_EQ(topology.datacenters[2].admin_state, AdminState::kDraining);

  ASSERT_EQ(topology.ezones.size(), 4U);
  EXPECT_EQ(topology.ezones[3].id, "dal-b");
  EXPECT_EQ(topology.ezones[3].slot, 7);
  EXPECT_EQ(topology.dcOf(EZoneIx(3)).id, "dal");

  ASSERT_EQ(topology.zones.size(), 3U);
  const Zone& order = topology.zones[0];
  EXPECT_EQ(order.kind, ZoneKind::kSharding);
  EXPECT_EQ(order.first_partition, PartitionIx(0));
  EXPECT_EQ(order.partition_count, 2U);
  EXPECT_EQ(order.placement.default_partition, PartitionIx(1));
  EXPECT_EQ(order.placement.fence_snap_km, 25);
  EXPECT_EQ(order.placement.unknown_ttl, 9U);
  EXPECT_EQ(order.ezones, (std::vector{EZoneIx(0), EZoneIx(1), EZoneIx(2)}));
  EXPECT_EQ(topology.zones[1].primary, EZoneIx(1));
  EXPECT_EQ(topology.zones[1].ezones, (std::vector{EZoneIx(1), EZoneIx(0)}));
  EXPECT_EQ(topology.zones[2].ezones, (std::vector{EZoneIx(2), EZoneIx(0)}));

  const Partition& texas = topology.partitions[0];
  EXPECT_EQ(texas.home, EZoneIx(0));
  EXPECT_EQ(texas.allowed, (std::vector{EZoneIx(0), EZoneIx(1)}));
  EXPECT_EQ(texas.weight_units, 2.5);
  ASSERT_EQ(texas.fences.size(), 1U);
  EXPECT_EQ(texas.fences[0].id, "us-states/tx");
  ASSERT_EQ(texas.rules.size(), 2U);
  EXPECT_EQ(texas.rules[0].country, "US");
  EXPECT_EQ(texas.rules[0].subdivision, "Texas");
  EXPECT_EQ(texas.rules[1].asn, 64500U);
  EXPECT_EQ(texas.anchors, (std::vector<geo::GeoPoint>{{31.0, -99.0}}));

  ASSERT_EQ(topology.services.size(), 3U);
  EXPECT_EQ(topology.services[0].name, "order.shop.example");
  EXPECT_EQ(topology.services[0].ttl, 60U);
  EXPECT_EQ(topology.services[1].ttl, 30U);
  ASSERT_EQ(topology.services[0].endpoints.size(), 3U);
  EXPECT_EQ(topology.services[0].endpoints[0].ezone, EZoneIx(0));
  EXPECT_EQ(topology.services[0].endpoints[0].records[1].text, "AAAA 2001:db8::1");
}

TEST(DecodeTopology, ReadsTheRulesOfAStatelessZone) {
  const auto rules = [](const std::string& more) {
    std::string text(test::kSampleTopology);
    constexpr std::string_view kPart = R"("ezones": ["fra", "dal"])";
    text.replace(text.find(kPart), kPart.size(), std::string(kPart) + more);
    const Checked<Topology> decoded = decodeTopology(text, "t.json");
    EXPECT_TRUE(decoded) << decoded.error().text();
    return decoded ? decoded->zones[2].stateless : StatelessRules();
  };
  const StatelessRules none = rules("");
  EXPECT_TRUE(none.weights.empty());
  EXPECT_EQ(none.distance_slack_km, std::nullopt);
  EXPECT_EQ(none.all_down, AllDown::kAsIfUp);
  const StatelessRules some =
      rules(R"(, "weights": {"dal": 100, "fra": 9900}, "distance_slack_km": 0.5)");
  EXPECT_EQ(some.weights, (std::vector<std::uint16_t>{9900, 100}));
  EXPECT_EQ(some.distance_slack_km, 0.5);
  EXPECT_EQ(rules(R"(, "all_down": "nearest")").all_down, AllDown::kNearest);
  EXPECT_EQ(rules(R"(, "all_down": "last-good")").all_down, AllDown::kLastGood);
  EXPECT_EQ(rules(R"(, "all_down": "fallback", "fallback": "dal")").fallback, EZoneIx(0));
}

// One random edit of a text: what a slip of the hand or a torn upload does.
void mutate(std::string& text, std::mt19937& random) {
  constexpr std::string_view kBytes = "{}[],:\"\\ \n0919.-eE+tfnulaz\x01\xff";
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  if (text.empty()) return;
  const std::size_t at = below(text.size());
  switch (below(5)) {
    case 0:
      text[at] = kBytes[below(kBytes.size())];
      break;
    case 1:
      text.insert(at, 1, kBytes[below(kBytes.size())]);
      break;
    case 2:
      text.erase(at, 1 + below(20));
      break;
    case 3:
      text.insert(below(text.size()), text.substr(at, 1 + below(60)));
      break;
    default:
      text.resize(at);
  }
}

TEST(DecodeTopology, MutatedTextsAreDecodedOrRefusedWithAPlace) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text(test::kSampleTopology);
    for (int edits = 1 + round % 4; edits > 0; --edits) mutate(text, random);
    const Checked<Topology> decoded = decodeTopology(text, "t.json");
    if (decoded) {
      EXPECT_EQ(decoded->document, text);
      continue;
    }
    ++refused;
    ASSERT_FALSE(decoded.error().empty()) << text;
    for (const Diagnostic& problem : decoded.error().entries()) {
      EXPECT_GT(problem.place.line, 0U) << problem.text() << "\n" << text;
      EXPECT_FALSE(problem.reason.empty()) << problem.text();
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(DecodeTopology, ReadsTheLargestZoneWithAHundredServices) {
  std::string text = R"({"format": 1, "datacenters": [)";
  std::string endpoints;
  for (int i = 0; i < 64; ++i) {
    const std::string id = "dc" + std::to_string(i);
    const std::string comma = i == 0 ? "" : ", ";
    text +=
        comma + R"({"id": ")" + id + R"(", "lat": 1, "lon": 2, "slot": )" + std::to_string(i) + "}";
    endpoints += comma + "\"" + id + R"(": ["A 192.0.2.1", "AAAA 2001:db8::1"])";
  }
  text += R"(], "zones": [{"id": "z", "kind": "sharding", "partitions": [)";
  for (int i = 0; i < 4096; ++i) {
    text += std::string(i == 0 ? "" : ", ") + R"({"id": "p)" + std::to_string(i) +
            R"(", "home": "dc)" + std::to_string(i % 64) +
            R"(", "anchors": [{"lat": 3, "lon": 4}]})";
  }
  text += R"(], "placement": {"default_partition": "p4095"}}], "services": [)";
  for (int i = 0; i < 100; ++i) {
    text += std::string(i == 0 ? "" : ", ") + R"({"name": "s)" + std::to_string(i) +
            R"(.example", "zone": "z", "endpoints": {)" + endpoints + "}}";
  }
  text += "]}";
  const Checked<Topology> decoded = decodeTopology(text, "t.json");
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(decoded->partitions.size(), 4096U);
  EXPECT_EQ(decoded->partitions[4095].home, EZoneIx(63));
  EXPECT_EQ(decoded->partitions[0].allowed.size(), 64U);
  EXPECT_EQ(decoded->services.size(), 100U);
  EXPECT_EQ(decoded->zones[0].placement.default_partition, PartitionIx(4095));
}

}  // namespace
}  // namespace meridian::partition
