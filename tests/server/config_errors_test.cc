// What meridiand's configuration refuses, to the column, and what its paths are relative to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "server/config.h"

namespace meridian::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string configErrors(const std::string& text) {
  const auto config = parseConfig(text, "m.toml");
  return config ? "" : config.error().text();
}

TEST(ConfigErrors, PathsAreRelativeToTheFile) {
  const auto config = parseConfig(
      "[server]\nstate_dir = \"/srv/state\"\n"
      "[geo]\nnetworks = [\"n.txt\"]\n"
      "[[geo.databases]]\npath = \"a.mmdb\"\nlatitude = \"lat\"\n"
      "[[geo.fences]]\nid = \"f\"\npath = \"f.json\"\ncrs = \"GCJ02\"\nedge_model = \"geodesic\"\n"
      "[[geo.catalogues]]\nkind = \"city\"\npath = \"../c.ndjson\"\n",
      "etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->state_dir, "/srv/state");
  EXPECT_EQ(config->zones_dir, "etc/zones");
  EXPECT_THAT(config->networks, ElementsAre(std::filesystem::path("etc/n.txt")));
  ASSERT_THAT(config->databases, SizeIs(1));
  EXPECT_EQ(config->databases[0].path, "etc/a.mmdb");
  EXPECT_EQ(config->databases[0].schema.latitude, "lat");
  EXPECT_EQ(config->databases[0].schema.longitude, "");
  ASSERT_THAT(config->fences, SizeIs(1));
  EXPECT_EQ(config->fences[0].crs, geo::Crs::kGcj02);
  EXPECT_EQ(config->fences[0].edge_model, geo::EdgeModel::kGeodesic);
  ASSERT_THAT(config->catalogues, SizeIs(1));
  EXPECT_EQ(config->catalogues[0].kind, geo::CatalogueKind::kCity);
  EXPECT_EQ(config->catalogues[0].path, "etc/../c.ndjson");
}

TEST(ConfigErrors, WrongTypesAreSaidWhereTheyStand) {
  EXPECT_EQ(configErrors("[server]\nnode_id = 7\n"),
            "m.toml:2:11: server.node_id: 7: must be a string, is a whole number\n");
  EXPECT_EQ(configErrors("[dns]\n  udp_workers = \"two\"\n"),
            "m.toml:2:17: dns.udp_workers: two: must be a whole number, is a string\n");
  EXPECT_EQ(configErrors("[dns]\nlisten = \"127.0.0.1:53\"\n"),
            "m.toml:2:10: dns.listen: 127.0.0.1:53: must be an array, is a string\n");
  EXPECT_EQ(configErrors("[dns]\nlisten = [\"127.0.0.1:53\", 53]\n"),
            "m.toml:2:27: dns.listen[1]: 53: must be a string, is a whole number\n");
  EXPECT_EQ(configErrors("geo = 1\n"),
            "m.toml:1:7: geo: 1: must be an object, is a whole number\n");
  EXPECT_EQ(configErrors("geo.fences = [1]\n"),
            "m.toml:1:15: geo.fences[0]: 1: must be an object, is a whole number\n");
}

TEST(ConfigErrors, UnknownKeysAreErrorsWithTheNearestName) {
  EXPECT_EQ(configErrors("[dns]\nudp_worker = 1\n"),
            "m.toml:2:1: dns.udp_worker: is not known here; did you mean udp_workers?\n");
  EXPECT_EQ(configErrors("[topolgy]\n"),
            "m.toml:1:2: topolgy: is not known here; did you mean topology?\n");
  EXPECT_EQ(configErrors("[admin]\ncolour = \"red\"\n"),
            "m.toml:2:1: admin.colour: is not known here\n");
  EXPECT_EQ(configErrors("[[geo.databases]]\npath = \"p\"\ncitty = \"c\"\n"),
            "m.toml:3:1: geo.databases[0].citty: is not known here; did you mean city?\n");
}

TEST(ConfigErrors, ValuesOfTheRightTypeAreCheckedToo) {
  const std::string node_rule = "must be a-z, 0-9 and '-', starting with a letter or digit\n";
  EXPECT_EQ(configErrors("[server]\nnode_id = \"Node\"\n"),
            "m.toml:2:11: server.node_id: Node: " + node_rule);
  EXPECT_EQ(configErrors("[server]\nnode_id = \"\"\n"),
            "m.toml:2:11: server.node_id: " + node_rule);
  EXPECT_EQ(configErrors("[server]\nnode_id = \"" + std::string(63, 'a') + "\"\n"), "");
  EXPECT_THAT(configErrors("[server]\nnode_id = \"" + std::string(64, 'a') + "\"\n"),
              HasSubstr("is longer than 63 bytes"));
  EXPECT_EQ(configErrors("[dns]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1\"]\n"),
            "m.toml:2:26: dns.listen[1]: 127.0.0.1: \"127.0.0.1\" is not address:port\n");
  EXPECT_EQ(configErrors("[dns]\nexplain_from = [\"10.0.0.1/8\"]\n"),
            "m.toml:2:17: dns.explain_from[0]: 10.0.0.1/8: \"10.0.0.1/8\" has host bits set; did "
            "you mean 10.0.0.0/8?\n");
  EXPECT_THAT(configErrors("[admin]\nlisten = \"localhost:80\"\n"),
              StartsWith("m.toml:2:10: admin.listen: localhost:80: "));
  EXPECT_THAT(configErrors("[drc]\nlisten = \"\"\n"), StartsWith("m.toml:2:10: drc.listen: "));
  EXPECT_EQ(configErrors("[[geo.fences]]\nid = \"US\"\npath = \"p\"\n"),
            "m.toml:2:6: geo.fences[0].id: US: is no id: 1 to 48 of a-z, 0-9 and '-', starting "
            "with a letter or digit\n");
}

TEST(ConfigErrors, EveryPathSaysSomething) {
  EXPECT_EQ(configErrors("[server]\nstate_dir = \"\"\n"),
            "m.toml:2:13: server.state_dir: must not be empty\n");
  EXPECT_EQ(configErrors("[geo]\nnetworks = [\"a\", \"\"]\n"),
            "m.toml:2:18: geo.networks[1]: must not be empty\n");
  EXPECT_EQ(configErrors("[[geo.databases]]\npath = \"\"\n"),
            "m.toml:2:8: geo.databases[0].path: must not be empty\n");
}

TEST(ConfigErrors, AnArrayOfTablesHasAtMost64) {
  for (const char* array : {"databases", "fences", "catalogues"}) {
    std::string text;
    for (int i = 0; i < 65; ++i) text += "[[geo." + std::string(array) + "]]\n";
    EXPECT_EQ(configErrors(text), "m.toml:1:1: geo." + std::string(array) +
                                      ": has 65 elements; must have from 0 to 64\n");
  }
}

TEST(ConfigErrors, AllErrorsComeAtOnceInTheOrderOfTheSections) {
  EXPECT_EQ(configErrors("[server]\n"
                         "log_level = \"loud\"\n"
                         "[dns]\n"
                         "udp_payload_max = 100\n"
                         "tcp_max_connections = true\n"
                         "listn = []\n"
                         "[[geo.catalogues]]\n"
                         "kind = \"place\"\n"
                         "[admin]\n"
                         "idle_timeout_ms = 1\n"),
            "m.toml:2:13: server.log_level: loud: log level must be debug, info, warn or error\n"
            "m.toml:4:19: dns.udp_payload_max: 100: must be from 512 to 4096\n"
            "m.toml:5:23: dns.tcp_max_connections: true: must be a whole number, is true or "
            "false\n"
            "m.toml:6:1: dns.listn: is not known here; did you mean listen?\n"
            "m.toml:8:8: geo.catalogues[0].kind: place: must be one of poi, city\n"
            "m.toml:7:1: geo.catalogues[0].path: is missing\n"
            "m.toml:10:19: admin.idle_timeout_ms: 1: must be from 1000 to 600000\n");
}

TEST(ConfigErrors, WhatIsNoTomlIsSaidWithItsPlace) {
  EXPECT_THAT(configErrors("[dns]\nudp_workers = \n"), StartsWith("m.toml:2:"));
  EXPECT_THAT(configErrors("[dns]\nudp_workers = 1\nudp_workers = 2\n"), StartsWith("m.toml:3:"));
}

TEST(ConfigErrors, AFileThatCannotBeReadIsAnError) {
  const auto config = loadConfig("/nonexistent/m.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().text(), "/nonexistent/m.toml: cannot open: No such file or directory\n");
}

}  // namespace
}  // namespace meridian::server
