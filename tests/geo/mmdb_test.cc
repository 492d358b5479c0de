// MMDB files: both schemas, walking, and files that are torn in every way.
#include "geo/mmdb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>
#include <random>

#include "tests/support/mmdb_writer.h"

namespace meridian::geo {
namespace {

using test::MmdbArray;
using test::MmdbMap;
using test::MmdbValue;
using test::MmdbWriter;
using test::TemporaryFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

MmdbValue text(const char* value) {
  return {std::string(value)};
}
MmdbValue named(const char* name) {
  return {MmdbMap{{"names", {MmdbMap{{"de", text("anders")}, {"en", text(name)}}}}}};
}

// As MaxMind's GeoLite2 City has it, shortened.
MmdbValue nested(double lat, double lon, const char* country, const char* state, const char* city) {
  return {MmdbMap{
      {"city", named(city)},
      {"country", {MmdbMap{{"geoname_id", {std::uint32_t{6252001}}}, {"iso_code", text(country)}}}},
      {"location",
       {MmdbMap{
           {"accuracy_radius", {std::uint16_t{20}}}, {"latitude", {lat}}, {"longitude", {lon}}}}},
      {"subdivisions", {MmdbArray{named(state), named("Second")}}},
      {"traits", {MmdbMap{{"is_anycast", {true}}}}},
  }};
}
// As DB-IP City Lite has it.
MmdbValue flat(float lat, float lon, const char* country, const char* state, const char* city) {
  return {MmdbMap{
      {"city", text(city)},
      {"country_code", text(country)},
      {"latitude", {lat}},
      {"longitude", {lon}},
      {"postcode", text("")},
      {"state1", text(state)},
      {"state2", text("")},
  }};
}

Result<std::shared_ptr<const Mmdb>> openBytes(const std::string& bytes,
                                              const MmdbSchema& schema = {}) {
  const TemporaryFile file(bytes);  // the mapping outlives the name
  return Mmdb::open({file.path(), schema, {}});
}
std::shared_ptr<const Mmdb> mustOpen(const MmdbWriter& writer, const MmdbSchema& schema = {}) {
  auto opened = openBytes(writer.bytes(), schema);
  if (!opened) throw std::runtime_error(opened.error().message);
  return *opened;
}
Mmdb::Found mustFind(const Mmdb& database, const char* address) {
  const auto found = database.lookup(IpAddress::parse(address).value());
  return found.value().value();
}
std::vector<std::string> walked(const Mmdb& database, IpFamily family) {
  std::vector<std::string> out;
  const Status done =
      database.walk(family, [&](U128 first, std::uint8_t length, Mmdb::RecordNumber number) {
        const IpAddress address = family == IpFamily::kV4
                                      ? IpAddress::v4(static_cast<std::uint32_t>(first))
                                      : IpAddress::v6(first);
        out.push_back(IpPrefix{address, length}.text() + " " + database.record(number)->city);
      });
  EXPECT_TRUE(done) << done.error().message;
  return out;
}

TEST(Mmdb, ReadsTheNestedSchema) {
  for (const std::uint16_t record_size :
       {std::uint16_t{24}, std::uint16_t{28}, std::uint16_t{32}}) {
    MmdbWriter writer(6, record_size);
    writer.insert("192.0.2.0/24", nested(30.27, -97.74, "US", "Texas", "Austin"));
    writer.insert("2001:db8::/32", nested(52.52, 13.4, "DE", "Land Berlin", "Berlin"));
    const auto database = mustOpen(writer);
    EXPECT_TRUE(database->hasV4());
    EXPECT_TRUE(database->hasV6());
    const auto austin = mustFind(*database, "192.0.2.77");
    EXPECT_EQ(austin.network.text(), "192.0.2.0/24");
    EXPECT_EQ(austin.location, (Location{GeoPoint{30.27, -97.74}, "US", "Texas", "Austin", 0}));
    const auto berlin = mustFind(*database, "2001:db8:1::1");
    EXPECT_EQ(berlin.network.text(), "2001:db8::/32");
    EXPECT_EQ(berlin.location.subdivision, "Land Berlin");
    EXPECT_FALSE(database->lookup(IpAddress::v4(0x01020304)).value().has_value());
  }
}

TEST(Mmdb, ReadsTheFlatSchema) {
  MmdbWriter writer(4);
  writer.insert("198.51.100.0/25", flat(-33.5F, 151.25F, "au", "New South Wales", "Sydney"));
  const auto database = mustOpen(writer);
  EXPECT_FALSE(database->hasV6());
  const auto sydney = mustFind(*database, "198.51.100.127");
  EXPECT_EQ(sydney.location,
            (Location{GeoPoint{-33.5, 151.25}, "AU", "New South Wales", "Sydney", 0}));
  EXPECT_FALSE(database->lookup(IpAddress::parse("198.51.100.128").value()).value().has_value());
  EXPECT_FALSE(database->lookup(IpAddress::parse("2001:db8::1").value()).value().has_value());
  EXPECT_THAT(database->description(), HasSubstr("Test, built 2023-11-14T22:13:20"));
}

TEST(Mmdb, FollowsConfiguredKeyPaths) {
  MmdbWriter writer(4);
  writer.insert("192.0.2.0/24",
                {MmdbMap{{"geo", {MmdbArray{text("x"), {MmdbMap{{"y", {1.5}}, {"x", {2.5F}}}}}}},
                         {"as", {MmdbMap{{"number", {std::uint32_t{64500}}}}}},
                         {"city", text("not asked for")},
                         {"place", {MmdbArray{{MmdbArray{text("no"), text("Here")}}}}}}});
  const auto database = mustOpen(writer, {.latitude = "geo.1.y",
                                          .longitude = "geo.1.x",
                                          .country = "",
                                          .subdivision = "",
                                          .city = "place.0.1",
                                          .asn = "as.number"});
  EXPECT_EQ(mustFind(*database, "192.0.2.1").location,
            (Location{GeoPoint{1.5, 2.5}, "", "", "Here", 64500}));
}

TEST(Mmdb, AnAsnDatabaseNeedsNoConfiguration) {
  MmdbWriter writer(4);
  writer.insert("192.0.2.0/24", {MmdbMap{{"autonomous_system_number", {std::uint32_t{4200000000}}},
                                         {"autonomous_system_organization", text("Example")}}});
  const auto found = mustFind(*mustOpen(writer), "192.0.2.1");
  EXPECT_EQ(found.location.asn, 4200000000U);
  EXPECT_FALSE(found.location.point.has_value());
}

TEST(Mmdb, RefusesUnusableKeyPaths) {
  MmdbWriter writer(4);
  writer.insert("192.0.2.0/24", flat(1, 2, "US", "Texas", "Austin"));
  for (const char* path : {".", "a..b", "a.", ".a", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"}) {
    MmdbSchema schema;
    schema.city = path;
    const auto opened = openBytes(writer.bytes(), schema);
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(opened.error().message, HasSubstr(path));
  }
  MmdbSchema twice;
  twice.city = "name";
  twice.subdivision = "name";
  EXPECT_THAT(openBytes(writer.bytes(), twice).error().message, HasSubstr("two fields"));
}

TEST(Mmdb, RefusesFieldsThatAreNoPlace) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<MmdbValue, const char*> cases[] = {
      {nested(90.5, 0, "US", "", ""), "latitude"},
      {nested(0, -180.5, "US", "", ""), "longitude"},
      {nested(nan, 0, "US", "", ""), "latitude"},
      {nested(0, 0, "USA", "", ""), "country"},
      {nested(0, 0, "U1", "", ""), "country"},
      {nested(0, 0, "US", "\xff\xfe", ""), "UTF-8"},
      {{MmdbMap{{"latitude", text("52.5")}}}, "floating-point"},
      {{MmdbMap{{"city", {std::uint32_t{7}}}}}, "no string"},
      {{MmdbMap{{"autonomous_system_number", {std::uint64_t{1} << 32}}}}, "32 bits"},
      {{MmdbMap{{"autonomous_system_number", text("AS1")}}}, "whole number"},
      {text("no map"), "no map"},
  };
  for (const auto& [record, reason] : cases) {
    MmdbWriter writer(4);
    writer.insert("192.0.2.0/24", record);
    const auto found = mustOpen(writer)->lookup(IpAddress::v4(0xc0000201));
    ASSERT_FALSE(found) << reason;
    EXPECT_EQ(found.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(found.error().message, HasSubstr(reason));
  }
}

TEST(Mmdb, WalksNetworksInAddressOrder) {
  MmdbWriter writer(4);
  writer.insert("10.0.0.0/8", flat(1, 1, "US", "", "wide"));
  writer.insert("10.64.0.0/10", flat(1, 1, "US", "", "inner"));
  writer.insert("255.255.255.255/32", flat(1, 1, "US", "", "last"));
  EXPECT_THAT(walked(*mustOpen(writer), IpFamily::kV4),
              ElementsAre("10.0.0.0/10 wide", "10.64.0.0/10 inner", "10.128.0.0/9 wide",
                          "255.255.255.255/32 last"));
  EXPECT_THAT(walked(*mustOpen(writer), IpFamily::kV6), ElementsAre());
}

TEST(Mmdb, WalksIpv4OfAVersion6TreeOnceAndLeavesItsAliasesOut) {
  MmdbWriter writer(6);
  writer.insert("192.0.2.0/24", flat(1, 1, "US", "", "four"));
  writer.insert("2000::/4", flat(1, 1, "US", "", "six"));
  for (const char* alias : {"::ffff:0:0/96", "2002::/16", "64:ff9b::/96", "2001::/32"}) {
    writer.alias(alias);
  }
  const auto database = mustOpen(writer);
  EXPECT_THAT(walked(*database, IpFamily::kV4), ElementsAre("192.0.2.0/24 four"));
  const std::vector<std::string> six = walked(*database, IpFamily::kV6);
  EXPECT_EQ(six.front(), "2000::/16 six");
  for (const std::string& line : six) EXPECT_THAT(line, HasSubstr(" six"));
  EXPECT_EQ(mustFind(*database, "2002:c000:201::").location.city, "four");
}

TEST(Mmdb, AVersion6TreeMayEndAboveItsIpv4Part) {
  MmdbWriter writer(6);
  writer.insert("::/8", flat(1, 1, "US", "", "all"));
  const auto database = mustOpen(writer);
  EXPECT_THAT(walked(*database, IpFamily::kV4), ElementsAre("0.0.0.0/0 all"));
  EXPECT_EQ(mustFind(*database, "192.0.2.1").network.text(), "0.0.0.0/0");
}

// --- bad files ---------------------------------------------------------------------------------

std::string soundFile() {
  MmdbWriter writer(6);
  writer.insert("192.0.2.0/24", nested(30.27, -97.74, "US", "Texas", "Austin"));
  writer.insert("198.51.100.0/24", flat(1, 1, "DE", "Berlin", "Berlin"));
  writer.insert("2001:db8::/33", nested(30.27, -97.74, "US", "Ohio", "Dublin"));
  writer.alias("::ffff:0:0/96");
  return writer.bytes();
}

// Uses everything of the file. Whatever comes back must be a value in range or an error.
void exercise(const std::string& bytes) {
  const auto database = openBytes(bytes);
  if (!database) {
    EXPECT_FALSE(database.error().message.empty());
    return;
  }
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    std::vector<Mmdb::RecordNumber> numbers;
    const Status done = (*database)->walk(
        family, [&](U128, std::uint8_t, Mmdb::RecordNumber number) { numbers.push_back(number); });
    if (!done) {
      EXPECT_EQ(done.error().kind, ErrorKind::kCorrupt);
    }
    for (const Mmdb::RecordNumber number : numbers) {
      const auto location = (*database)->record(number);
      if (!location) {
        EXPECT_EQ(location.error().kind, ErrorKind::kCorrupt);
      } else if (location->point) {
        EXPECT_LE(std::abs(location->point->lat), 90);
        EXPECT_LE(std::abs(location->point->lon), 180);
      }
    }
  }
  for (const char* address : {"192.0.2.1", "198.51.100.255", "2001:db8::1", "::ffff:192.0.2.1"}) {
    static_cast<void>((*database)->lookup(IpAddress::parse(address).value()).has_value());
  }
}

TEST(MmdbBadFiles, EveryTruncationIsRefusedOrBounded) {
  const std::string sound = soundFile();
  ASSERT_TRUE(openBytes(sound));
  for (std::size_t size = 0; size < sound.size(); ++size) exercise(sound.substr(0, size));
}

TEST(MmdbBadFiles, FlippedBytesNeverCrash) {
  const std::string sound = soundFile();
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string torn = sound;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      torn[random() % torn.size()] = static_cast<char>(random());
    }
    exercise(torn);
    if (HasFailure()) return;
  }
}

TEST(MmdbBadFiles, ForeignFilesAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("192.0.2.0/24 partition us-tx\n"), std::string(100'000, '\0'),
        std::string("\xab\xcd\xefMaxMind.com"), std::string("\xab\xcd\xefMaxMind.com\xe0")}) {
    const auto opened = openBytes(bytes);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("meridian-test-"));
  }
  EXPECT_EQ(Mmdb::open({"/nonexistent/x.mmdb", {}, {}}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(Mmdb::open({"/", {}, {}}).error().kind, ErrorKind::kIo);
}

TEST(MmdbBadFiles, ATreeLargerThanTheFileIsRefused) {
  MmdbWriter writer(4);
  writer.insert("192.0.2.0/24", flat(1, 1, "US", "", ""));
  for (const std::uint32_t nodes : {0U, 1000U, 0x4000'0000U, 0xffff'ffffU}) {
    const auto opened = openBytes(writer.bytes(nodes));
    ASSERT_FALSE(opened) << nodes;
    EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
  }
}

// A node whose both sides are itself: 2^32 paths.
TEST(MmdbBadFiles, ALoopInTheTreeIsRefused) {
  MmdbWriter writer(4, 24);
  writer.insert("192.0.2.0/24", flat(1, 1, "US", "", ""));
  std::string bytes = writer.bytes();
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = '\0';
  const auto opened = openBytes(bytes);
  ASSERT_TRUE(opened) << opened.error().message;
  const Status done = (*opened)->walk(IpFamily::kV4, [](U128, std::uint8_t, Mmdb::RecordNumber) {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kCorrupt);
  const auto found = (*opened)->lookup(IpAddress::v4(1));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace meridian::geo
