#include "partition/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/sample_topology.h"

namespace meridian::partition {
namespace {

using testing::HasSubstr;

// The sample topology without its fence, so that anchors and rules decide.
std::string topologyText() {
  std::string text(test::kSampleTopology);
  const std::string fences = R"("fences": ["us-states/tx"],)";
  text.replace(text.find(fences), fences.size(), "");
  return text;
}

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override {
    auto decoded = decodeTopology(topologyText(), "test");
    ASSERT_TRUE(decoded) << decoded.error().text();
    topology_ = std::move(*decoded);
    auto overrides = geo::parseNetworks(
        "192.0.2.0/24 partition us-tx\n"
        "198.51.100.0/24 at 30.27,-97.74 country=US subdivision=\"Texas\" city=\"Aüstin\"\n",
        "networks.txt");
    ASSERT_TRUE(overrides) << overrides.error().text();
    auto evidence = geo::AddressEvidence::build({}, std::move(*overrides));
    ASSERT_TRUE(evidence) << evidence.error().message;
    sources_.addresses = std::make_shared<const geo::AddressEvidence>(std::move(*evidence));
    auto placements = buildPlacements(topology_, sources_);
    ASSERT_TRUE(placements) << placements.error().text();
    placements_ = std::move(*placements);
    health_ = allUp(topology_);
    table_.rev = 5;
    for (const Partition& each : topology_.partitions)
      add(SubjectKind::kPartition, each.id, each.home);
    for (const Zone& each : topology_.zones) {
      if (each.kind == ZoneKind::kGlobal) add(SubjectKind::kGlobalZone, each.id, each.primary);
    }
  }
  void add(SubjectKind kind, const std::string& subject, EZoneIx ezone) {
    Assignment row;
    row.kind = kind;
    row.subject = subject;
    row.ezone = ezone;
    row.epoch = nextEpoch(0, topology_.ezones[ezone.index()].slot);
    table_.assignments.push_back(row);
  }
  ExplainState state() const { return {topology_, table_, placements_, health_, &sources_}; }
  Result<Explanation> ask(std::string_view zone, const Place& place, bool read_write = true) const {
    return explain(state(), *topology_.findZone(zone), place, read_write);
  }

  Topology topology_;
  GeoSources sources_;
  PlacementSet placements_;
  SiteHealth health_;
  AssignmentTable table_;
};

TEST_F(ExplainTest, TellsTheSameStoryAsTheAnswer) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::size_t z = 0; z < topology_.zones.size(); ++z) {
    const ZoneIx zone(static_cast<std::uint16_t>(z));
    const ZoneDecisions decisions = decideZone(topology_, zone, *placements_[z], table_, health_);
    for (int i = 0; i < 2000; ++i) {
      const IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
      const auto said = explain(state(), zone, address, false);
      ASSERT_TRUE(said) << said.error().message;
      const Placement::AddressMatch match = placements_[z]->ofAddress(address);
      EXPECT_EQ(said->ezone, topology_.ezones[decisions.by_locus[match.locus.index()].index()].id)
          << address.text();
      EXPECT_EQ(said->scope, match.scope) << address.text();
    }
  }
}

TEST_F(ExplainTest, AnAddressShowsItsEvidence) {
  const auto overridden = ask("order", *IpAddress::parse("192.0.2.9"));
  ASSERT_TRUE(overridden) << overridden.error().message;
  EXPECT_EQ(overridden->partition, "us-tx");
  EXPECT_EQ(overridden->placed_by, "override");
  EXPECT_EQ(overridden->network, "192.0.2.0/24");
  EXPECT_THAT(overridden->source, HasSubstr("networks.txt:1"));
  EXPECT_EQ(overridden->ezone, "dal");
  EXPECT_EQ(overridden->rev, 5U);
  EXPECT_EQ(slotOf(overridden->epoch), 0);
  const auto by_rule = ask("order", *IpAddress::parse("198.51.100.1"));
  ASSERT_TRUE(by_rule);
  EXPECT_EQ(by_rule->placed_by, "rule");
  EXPECT_EQ(by_rule->location.subdivision, "Texas");
}

TEST_F(ExplainTest, EveryEZoneOfTheZoneHasAVerdict) {
  const auto said = ask("order", ByShard{"rest"});
  ASSERT_TRUE(said) << said.error().message;
  std::map<std::string, RejectedFor> verdicts;
  for (const auto& each : said->candidates) verdicts[each.ezone] = each.why;
  EXPECT_EQ(verdicts.at("iad"), RejectedFor::kChosen);
  EXPECT_EQ(verdicts.at("dal"), RejectedFor::kNotOwner);
  EXPECT_TRUE(verdicts.contains("fra"));
}

TEST_F(ExplainTest, ASubjectOnItsWaySaysSo) {
  const auto lines = [this] {
    std::string text;
    for (const std::string& line : explanationLines(*ask("order", ByShard{"rest"}))) {
      text += line + "\n";
    }
    return text;
  };
  EXPECT_THAT(lines(), testing::Not(testing::HasSubstr("change=")));
  Assignment& rest = table_.assignments[table_.find("rest").value().index()];
  rest.change_id = "c-17";
  rest.prepared = true;
  rest.write_state = WriteState::kBlocked;
  EXPECT_THAT(lines(), testing::HasSubstr("change=c-17 write=BLOCKED ttl<=5\n"));
}

TEST_F(ExplainTest, WhatDoesNotFitTheZoneIsRefused) {
  EXPECT_EQ(ask("order", Place{}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(ask("web", ByKey{"1"}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(ask("web", ByShard{"us-tx"}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(ask("order", ByShard{"mars"}).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(ask("account", Place{}, true)) << "the primary answers everybody";
  EXPECT_EQ(ask("account", Place{}, false).error().kind, ErrorKind::kInvalid);
}

TEST_F(ExplainTest, LinesFitTxtStringsAndStayUtf8) {
  sources_.addresses = nullptr;
  Explanation long_one;
  for (int i = 0; i < 200; ++i) long_one.place += "é";
  for (const std::string& line : explanationLines(long_one)) {
    EXPECT_LE(line.size(), 255U);
    EXPECT_NE(static_cast<unsigned char>(line.back()), 0xC3U) << "half a character";
  }
}

TEST_F(ExplainTest, LinesSayTheWholeDecision) {
  const auto said = ask("order", *IpAddress::parse("198.51.100.1"));
  ASSERT_TRUE(said);
  std::string text;
  for (const std::string& line : explanationLines(*said)) text += line + "\n";
  for (const char* part : {"zone=order kind=sharding", "place=address 198.51.100.1",
                           "scope=", "country=US", "city=Aüstin", "partition=us-tx placed-by=rule",
                           "rev=5", "is dal: chosen IN_SERVICE UP", "not iad: not-owner"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(ExplainTest, NamesOfServicesInAnyCase) {
  const auto parse = [this](std::string_view name) { return parseServiceName(topology_, name); };
  for (const char* name :
       {"order.shop.example", "ORDER.Shop.Example.", "_explain.order.shop.example"}) {
    const auto asked = parse(name);
    ASSERT_TRUE(asked) << name;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(asked->place));
  }
  EXPECT_EQ(std::get<ByShard>(parse("sUS-TX.shard.order.shop.example")->place).partition, "us-tx");
  EXPECT_EQ(std::get<ByGeohash>(parse("9v6.g.order.shop.example")->place).label, "9v6");
  EXPECT_EQ(std::get<ByKey>(parse("User-1.key.order.shop.example")->place).key, "user-1");
  // As NameView::text() writes them: a key is the bytes of its label.
  for (const auto& [name, key] : std::map<std::string, std::string>{{R"(a\@b)", "a@b"},
                                                                    {R"(a\.b)", "a.b"},
                                                                    {R"(a\032\\b)", R"(a \b)"},
                                                                    {R"(\195\164)", "ä"}}) {
    const auto asked = parse(name + ".key.order.shop.example");
    ASSERT_TRUE(asked) << name;
    EXPECT_EQ(std::get<ByKey>(asked->place).key, key);
  }
  EXPECT_FALSE(parse("ro.account.shop.example")->read_write);
  EXPECT_TRUE(parse("rw.account.shop.example")->read_write);
  for (const char* bad :
       {"x.order.shop.example", "a.b.g.order.shop.example", "us-tx.shard.order.shop.example",
        "rw.order.shop.example", R"(a\25.key.order.shop.example)",
        R"(a\256.key.order.shop.example)", R"(a\.key.order.shop.example)", ".g.order.shop.example",
        "9v6.g.www.shop.example"}) {
    ASSERT_FALSE(parse(bad)) << bad;
    EXPECT_EQ(parse(bad).error().kind, ErrorKind::kInvalid) << bad;
  }
  for (const char* other : {"", ".", "shop.example", "border.shop.example"}) {
    ASSERT_FALSE(parse(other)) << other;
    EXPECT_EQ(parse(other).error().kind, ErrorKind::kNotFound) << other;
  }
}

}  // namespace
}  // namespace meridian::partition
