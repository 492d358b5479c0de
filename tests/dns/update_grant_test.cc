#include "dns/update/update_grant.h"

#include <gtest/gtest.h>

#include "tests/support/update_records.h"

namespace meridian::dns {
namespace {

using Names = UpdateGrant::Names;

constexpr RrType kGrantA = RrType::kA, kGrantTxt = RrType::kTxt;

Name grantName(std::string_view text) {
  return Name::parse(text)->lowered();
}
UpdateGrant keyGrant(Names names, std::string_view name, std::vector<RrType> types = {}) {
  UpdateGrant out;
  out.key = grantName("key.example");
  out.names = names;
  out.name = grantName(name);
  out.types = std::move(types);
  return out;
}
IpPrefixList grantNetwork(std::string_view text) {
  return IpPrefixList({IpPrefix::parse(text).value()});
}

const Name kGrantKeyName = grantName("key.example");
const Updater kWithKey{test::address("192.0.2.1"), kGrantKeyName.view()};
const Updater kWithoutKey{test::address("192.0.2.1"), std::nullopt};

bool grantAllows(const UpdateGrant& grant, std::string_view owner, RrType type = kGrantA,
                 const Updater& updater = kWithKey) {
  return mayUpdate(std::span(&grant, 1), updater, grantName(owner), type);
}

TEST(UpdateGrant, IsForAKeyOrANetworkOrBoth) {
  UpdateGrant grant = keyGrant(Names::kBelow, "example");
  EXPECT_TRUE(grantAllows(grant, "www.example"));
  EXPECT_FALSE(grantAllows(grant, "www.example", kGrantA, kWithoutKey));
  const Name other = grantName("other.example");
  EXPECT_FALSE(grantAllows(grant, "www.example", kGrantA, {kWithKey.address, other.view()}));
  grant.networks = grantNetwork("192.0.2.0/24");
  EXPECT_TRUE(grantAllows(grant, "www.example"));
  EXPECT_FALSE(grantAllows(grant, "www.example", kGrantA, kWithoutKey))
      << "the key is asked for, too";
  grant.networks = grantNetwork("198.51.100.0/24");
  EXPECT_FALSE(grantAllows(grant, "www.example")) << "so is the network";
  grant.key.reset();
  EXPECT_FALSE(grantAllows(grant, "www.example"));
  grant.networks = grantNetwork("192.0.2.1");
  EXPECT_TRUE(grantAllows(grant, "www.example", kGrantA, kWithoutKey));
  grant.networks = {};
  EXPECT_FALSE(grantAllows(grant, "www.example")) << "nobody's";
}

TEST(UpdateGrant, CoversNames) {
  const struct {
    Names names;
    const char* name;
    const char* owner;
    bool allowed;
  } rows[] = {
      {Names::kExact, "www.example", "www.example", true},
      {Names::kExact, "www.example", "a.www.example", false},
      {Names::kExact, "www.example", "example", false},
      {Names::kBelow, "www.example", "www.example", true},
      {Names::kBelow, "www.example", "a.b.www.example", true},
      {Names::kBelow, "www.example", "awww.example", false},
      {Names::kBelow, "www.example", "example", false},
      {Names::kSelf, ".", "key.example", true},
      {Names::kSelf, ".", "a.key.example", false},
      {Names::kSelf, ".", "www.example", false},
      {Names::kPattern, "_acme-challenge.*", "_acme-challenge.www.example", true},
      {Names::kPattern, "_acme-challenge.*", "_acme-challenge.example", true},
      {Names::kPattern, "_acme-challenge.*", "_acme-challenge", false},
      {Names::kPattern, "_acme-challenge.*", "www.example", false},
      {Names::kPattern, "_acme-challenge.*", "a._acme-challenge.example", false},
      {Names::kPattern, "_acme-challenge.*.example", "_acme-challenge.www.example", true},
      {Names::kPattern, "_acme-challenge.*.example", "_acme-challenge.a.b.example", true},
      {Names::kPattern, "_acme-challenge.*.example", "_acme-challenge.example", false},
      {Names::kPattern, "_acme-challenge.*.example", "_acme-challenge.www.test", false},
      {Names::kPattern, "*.example", "www.example", true},
      {Names::kPattern, "*.example", "example", false},
      {Names::kPattern, "a.b.*", "a.b.c", true},
      {Names::kPattern, "a.b.*", "a.c.c", false},
      {Names::kPattern, "no.star", "no.star", false},
      {Names::kPattern, "_acme-challenge.*", ".", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(grantAllows(keyGrant(row.names, row.name), row.owner), row.allowed)
        << row.name << " to " << row.owner;
  }
  EXPECT_TRUE(grantAllows(keyGrant(Names::kExact, "www.example"), "WWW.example"));
}

TEST(UpdateGrant, CoversTypes) {
  const UpdateGrant txt = keyGrant(Names::kBelow, "example", {kGrantTxt});
  EXPECT_TRUE(grantAllows(txt, "a.example", kGrantTxt));
  EXPECT_FALSE(grantAllows(txt, "a.example", kGrantA));
  EXPECT_FALSE(grantAllows(txt, "a.example", RrType::kAny)) << "all types are more than one";
  EXPECT_TRUE(grantAllows(keyGrant(Names::kBelow, "example"), "a.example", RrType::kAny));
}

TEST(UpdateGrant, OneOfSeveralIsEnoughForEachRecord) {
  const UpdateGrant grants[] = {keyGrant(Names::kExact, "a.example", {kGrantA}),
                                keyGrant(Names::kExact, "b.example", {kGrantTxt})};
  Update update;
  update.updates = {test::addTo("A.example", 9, "A 192.0.2.1"), test::deleteRrset("b.example", 16)};
  EXPECT_EQ(firstForbidden(grants, kWithKey, update), nullptr);
  EXPECT_EQ(firstForbidden({}, kWithKey, update), &update.updates[0]);
  update.updates.push_back(test::deleteRrset("b.example", 1));
  EXPECT_EQ(firstForbidden(grants, kWithKey, update), &update.updates[2]);
  update.updates.clear();
  EXPECT_EQ(firstForbidden({}, kWithoutKey, update), nullptr) << "nothing is changed";
}

}  // namespace
}  // namespace meridian::dns
