// The query log: what its lines keep to themselves, and its files.
#include "dns/tap/query_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "dns/tap/log_line.h"
#include "dns/tap/private_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tap_world.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::QueryPacket;
using test::TapWorld;
using testing::HasSubstr;
using testing::Not;

constexpr SipKey kSalt{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr SipKey kOtherSalt{9};

std::string networkOf(const char* address, const SipKey& salt = kSalt) {
  return hashedNetwork(salt, test::address(address));
}

TEST(PrivateText, NetworksAreHashesOfSoManyBits) {
  EXPECT_EQ(networkOf("192.0.2.1").size(), 16U);
  EXPECT_EQ(networkOf("192.0.2.1"), networkOf("192.0.2.254"));
  EXPECT_NE(networkOf("192.0.2.1"), networkOf("192.0.3.1"));
  EXPECT_EQ(networkOf("2001:db8:0:100::"), networkOf("2001:db8:0:1ff:ffff::9"));
  EXPECT_NE(networkOf("2001:db8:0:100::"), networkOf("2001:db8:0:200::"));
  EXPECT_NE(networkOf("192.0.2.1"), networkOf("192.0.2.1", kOtherSalt));
  EXPECT_NE(networkOf("192.0.2.0"), networkOf("::c000:200")) << "another family";
}

std::string discreet(std::string_view name, std::string_view apex = "") {
  return discreetName(kSalt, NameView(test::wireName(name)), test::wireName(apex));
}

TEST(PrivateText, OrdinaryNamesStayAsTheyAre) {
  for (const char* name :
       {"order.shop.test", "snorth.shard.order.shop.test", "oslo.city.order.shop.test",
        "g.order.shop.test", "poi.order.shop.test", "key.test", "keys.a.test"})
    EXPECT_EQ(discreet(name), std::string(name) + ".");
  EXPECT_EQ(discreetName(kSalt, NameView(), {}), ".");
}

TEST(PrivateText, PlacesHaveFourCharactersAtMost) {
  EXPECT_EQ(discreet("u4xsud.g.order.shop.test"), "u4xs.g.order.shop.test.");
  EXPECT_EQ(discreet("u4.g.order.shop.test"), "u4.g.order.shop.test.");
}

TEST(PrivateText, PoisAndKeysAreHashes) {
  for (const char* kind : {"poi", "key"}) {
    const std::string tail = std::string(".") + kind + ".order.shop.test";
    const std::string hashed = discreet("museum-1" + tail);
    EXPECT_THAT(hashed, Not(HasSubstr("museum")));
    EXPECT_EQ(hashed.substr(16), tail + ".");
    EXPECT_NE(hashed, discreet("museum-2" + tail));
  }
}

TEST(PrivateText, AllThatStandsBeforeSuchALabelIsHidden) {
  const std::string deep = discreet("a.b.u4xsud.g.order.shop.test");
  EXPECT_THAT(deep, testing::EndsWith(".u4xs.g.order.shop.test."));
  EXPECT_EQ(deep.find('.'), 16U);
  // The last one decides, so that nothing hides behind a first one.
  EXPECT_THAT(discreet("museum-1.poi.secret.g.order.test"), Not(HasSubstr("museum")));
  EXPECT_THAT(discreet("museum-1.poi.secret.g.order.test"), Not(HasSubstr("secret")));
  EXPECT_THAT(discreet("museum-1.poi.mistyped.example"), Not(HasSubstr("museum")));
  EXPECT_THAT(discreet("_explain.museum-1.poi.order.shop.test"), Not(HasSubstr("museum")));
}

TEST(PrivateText, LabelsOfTheZonesOwnNameAreNoSuchLabels) {
  EXPECT_EQ(discreet("www.key.test", "key.test"), "www.key.test.");
  EXPECT_THAT(discreet("museum-1.poi.key.test", "key.test"), Not(HasSubstr("museum")));
  EXPECT_THAT(discreet("www.key.test", "other"), Not(HasSubstr("www")));
}

nlohmann::json lineOf(const test::Bytes& query) {
  TapWorld world;
  return nlohmann::json::parse(logLine(world.told(query), kSalt));
}

TEST(LogLine, SaysWhatWasAskedAndDecided) {
  const auto line = lineOf(QueryPacket("To.Shop.Test", 1)
                               .with(test::optRecord(test::subnetOption(1, 24, {21, 1, 1})))
                               .bytes());
  const nlohmann::json expected = {{"time", "2026-05-01T12:00:00.123Z"},
                                   {"transport", "udp"},
                                   {"client", networkOf("127.0.0.9")},
                                   {"client_subnet", networkOf("21.1.1.0")},
                                   {"name", "to.shop.test."},
                                   {"type", "A"},
                                   {"rcode", "NOERROR"},
                                   {"size", line.at("size")},
                                   {"rev", 9},
                                   {"service", "order.shop.test."},
                                   {"subject", "p2"},
                                   {"epoch", 5},
                                   {"ezone", "two"},
                                   {"place", "client-subnet"},
                                   {"scope", 8}};
  EXPECT_EQ(line, expected);
  EXPECT_GT(line.at("size"), 40);
}

TEST(LogLine, SaysWhatWentWrong) {
  EXPECT_EQ(lineOf(QueryPacket("x.shop.test", 64'000).bytes()).at("rcode"), "NXDOMAIN");
  EXPECT_EQ(lineOf(QueryPacket("x.shop.test", 64'000).bytes()).at("type"), "TYPE64000");
  EXPECT_EQ(lineOf(QueryPacket("example.net", 1).bytes()).at("rcode"), "REFUSED");
  const auto version =
      lineOf(QueryPacket("x.shop.test", 1).with(test::optRecord({}, 1232, 1U << 16U)).bytes());
  EXPECT_EQ(version.at("rcode"), "BADVERS");
  test::Bytes broken = QueryPacket("x.shop.test", 1).bytes();
  broken.pop_back();
  const auto malformed = lineOf(broken);
  EXPECT_EQ(malformed.at("rcode"), "FORMERR");
  EXPECT_FALSE(malformed.contains("name")) << "nobody knows what it would be";
}

class LogFiles : public testing::Test {
 protected:
  LogFiles() { settings_.folder = folder_.path() / "log"; }

  std::filesystem::path file(const char* day) const {
    return settings_.folder / ("queries-" + std::string(day) + ".jsonl");
  }
  static std::vector<nlohmann::json> linesOf(const std::filesystem::path& path) {
    std::vector<nlohmann::json> out;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }
  void add(QueryLog& log) { log.add(world_.told(QueryPacket("order.shop.test", 1).bytes())); }
  void touch(const char* name) const {
    std::filesystem::create_directories(settings_.folder);
    std::ofstream(settings_.folder / name) << "x";
  }
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& each : std::filesystem::directory_iterator(settings_.folder))
      out.insert(each.path().filename().string());
    return out;
  }

  test::TempDir folder_;
  test::FakeClock clock_;  // 2026-05-01T12:00:00Z
  QueryLogSettings settings_;
  TapWorld world_;
};

TEST_F(LogFiles, LinesAreWrittenTogetherAndSoon) {
  QueryLog log(settings_, clock_);
  add(log);
  add(log);
  EXPECT_FALSE(std::filesystem::exists(file("2026-05-01")));
  clock_.advance(QueryLog::kFlushEvery);
  log.turn();
  EXPECT_EQ(linesOf(file("2026-05-01")).size(), 2U);
  EXPECT_EQ(log.counters().lines.value(), 2U);
  struct stat found {};
  ASSERT_EQ(::stat(file("2026-05-01").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07137U, 0U) << "others may not look into it";
}

TEST_F(LogFiles, EachDayHasItsFileAndItsSalt) {
  QueryLog log(settings_, clock_);
  add(log);
  clock_.advance(hours(11));
  add(log);
  clock_.advance(hours(1));  // midnight
  add(log);
  log.flush();
  const auto first = linesOf(file("2026-05-01"));
  const auto second = linesOf(file("2026-05-02"));
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0].at("client"), first[1].at("client"));
  EXPECT_NE(first[0].at("client"), second[0].at("client"));
}

TEST_F(LogFiles, AnotherStartHasAnotherSaltAndGoesOnInTheFile) {
  for (int i = 0; i < 2; ++i) {
    QueryLog log(settings_, clock_);
    add(log);
  }
  const auto lines = linesOf(file("2026-05-01"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].at("client"), lines[1].at("client"));
}

TEST_F(LogFiles, OldFilesOfItsOwnAreDeletedAndNoOthers) {
  settings_.keep_days = 2;
  for (const char* name :
       {"queries-2026-04-28.jsonl", "queries-2026-04-29.jsonl", "queries-2026-04-30.jsonl",
        "queries-2026-02-30.jsonl", "queries-2026-04-28.jsonl.gz", "xqueries-2026-04-28.jsonl",
        "queries-2026-4-028.jsonl", "queries-+026-04-28.jsonl", "notes.txt"})
    touch(name);
  std::filesystem::create_directories(settings_.folder / "queries-2026-01-01.jsonl");
  QueryLog log(settings_, clock_);
  add(log);
  log.flush();
  const std::set<std::string> kept{"queries-2026-04-29.jsonl",  "queries-2026-04-30.jsonl",
                                   "queries-2026-05-01.jsonl",  "queries-2026-02-30.jsonl",
                                   "queries-2026-01-01.jsonl",  "queries-2026-04-28.jsonl.gz",
                                   "xqueries-2026-04-28.jsonl", "queries-2026-4-028.jsonl",
                                   "queries-+026-04-28.jsonl",  "notes.txt"};
  EXPECT_EQ(names(), kept);
  clock_.advance(hours(24));
  log.turn();
  EXPECT_FALSE(std::filesystem::exists(file("2026-04-29"))) << "without a query, too";
  EXPECT_TRUE(std::filesystem::exists(file("2026-04-30")));
}

TEST_F(LogFiles, WhatCannotBeWrittenIsCountedAndTriedAgain) {
  touch("here");
  settings_.folder = settings_.folder / "here";  // a file
  QueryLog log(settings_, clock_);
  for (int i = 0; i < 3; ++i) {
    add(log);
    clock_.advance(QueryLog::kFlushEvery);
    log.turn();
  }
  EXPECT_EQ(log.counters().failures.value(), 1U) << "not tried at once again";
  EXPECT_EQ(log.counters().lost.value(), 3U);
  std::filesystem::remove(settings_.folder);
  clock_.advance(QueryLog::kRetry);
  add(log);
  log.flush();
  EXPECT_EQ(linesOf(file("2026-05-01")).size(), 1U);
  EXPECT_EQ(log.counters().lines.value(), 1U);
}

TEST_F(LogFiles, OnlyAFileIsWritten) {
  std::filesystem::create_directories(settings_.folder);
  const auto elsewhere = folder_.path() / "elsewhere";
  std::filesystem::create_symlink(elsewhere, file("2026-05-01"));
  QueryLog log(settings_, clock_);
  add(log);
  log.flush();
  EXPECT_EQ(log.counters().failures.value(), 1U);
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
}

// The limit of a file's size stands for a disk that is full.
TEST_F(LogFiles, NoLineIsWrittenHalf) {
  QueryLog log(settings_, clock_);
  add(log);
  log.flush();
  const auto size = std::filesystem::file_size(file("2026-05-01"));
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit little { size + 10, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  add(log);
  log.flush();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(std::filesystem::file_size(file("2026-05-01")), size);
  EXPECT_EQ(log.counters().lost.value(), 1U);
  clock_.advance(QueryLog::kRetry);
  add(log);
  log.flush();
  EXPECT_EQ(linesOf(file("2026-05-01")).size(), 2U);
}

}  // namespace
}  // namespace meridian::dns
