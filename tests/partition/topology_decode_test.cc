// decodeTopology: the whole of a good document, and every rule of docs/topology.md with the place
// it reports.
#include <gtest/gtest.h>

#include "partition/model.h"
#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

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

}  // namespace
}  // namespace meridian::partition
