// Differences of zones: made, applied, stored; histories of them.
#include "dns/zone/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>
#include <string>

#include "dns/zone/loader.h"
#include "dns/zone/serial.h"
#include "dns/zone/zone_history.h"
#include "dns/zone/zone_text.h"

namespace meridian::dns {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::shared_ptr<const Zone> parsed(const std::string& text) {
  auto zone = parseZone(text, "test.zone");
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : nullptr;
}
std::shared_ptr<const Zone> zoneAt(unsigned serial, const std::string& more) {
  return parsed("$ORIGIN example.\n$TTL 300\n@ SOA ns admin " + std::to_string(serial) +
                " 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n" + more);
}
std::span<const std::uint8_t> bytesOf(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::vector<std::string> textsOf(const RecordList& list) {
  std::vector<std::string> out;
  for (RecordCursor at(list); !at.atEnd();) out.push_back(recordText(at.next()).value());
  return out;
}
std::shared_ptr<const ZoneDifference> step(unsigned from, unsigned to,
                                           const std::string& more = "") {
  return differenceOf(*zoneAt(from, ""), *zoneAt(to, more));
}

TEST(Serial, ComparesRoundTheCircle) {
  EXPECT_TRUE(isNewerSerial(2, 1));
  EXPECT_FALSE(isNewerSerial(1, 2));
  EXPECT_FALSE(isNewerSerial(7, 7));
  EXPECT_TRUE(isNewerSerial(0, 0xffff'ffff));
  EXPECT_TRUE(isNewerSerial(0x7fff'ffff, 0));
  EXPECT_FALSE(isNewerSerial(0x8000'0000, 0));  // RFC 1982 §3.2: not defined
  EXPECT_FALSE(isNewerSerial(0, 0x8000'0000));
}

TEST(Difference, SaysWhatWentAndWhatCame) {
  const auto before = zoneAt(7, "www A 192.0.2.7\nwww A 192.0.2.8\nold TXT gone\nsame TXT same\n");
  const auto after = zoneAt(8, "www A 192.0.2.8\nwww A 192.0.2.9\nnew TXT here\nsame TXT same\n");
  const auto difference = differenceOf(*before, *after);
  ASSERT_NE(difference, nullptr);
  EXPECT_EQ(difference->from(), 7U);
  EXPECT_EQ(difference->to(), 8U);
  EXPECT_EQ(textsOf(difference->removed).front(),
            "example.\t300\tIN\tSOA\tns.example. admin.example. 7 1 2 3 4");
  EXPECT_THAT(textsOf(difference->removed),
              UnorderedElementsAre("example.\t300\tIN\tSOA\tns.example. admin.example. 7 1 2 3 4",
                                   "www.example.\t300\tIN\tA\t192.0.2.7",
                                   "old.example.\t300\tIN\tTXT\t\"gone\""));
  EXPECT_THAT(textsOf(difference->added),
              UnorderedElementsAre("example.\t300\tIN\tSOA\tns.example. admin.example. 8 1 2 3 4",
                                   "www.example.\t300\tIN\tA\t192.0.2.9",
                                   "new.example.\t300\tIN\tTXT\t\"here\""));
}

TEST(Difference, ATtlIsPartOfARecord) {
  const auto difference =
      differenceOf(*zoneAt(1, "www 60 A 192.0.2.7\n"), *zoneAt(2, "www 30 A 192.0.2.7\n"));
  EXPECT_EQ(textsOf(difference->removed).back(), "www.example.\t60\tIN\tA\t192.0.2.7");
  EXPECT_EQ(textsOf(difference->added).back(), "www.example.\t30\tIN\tA\t192.0.2.7");
}

TEST(Difference, OfEqualZonesIsNone) {
  const std::string records = "www A 192.0.2.7\nsub NS ns.sub\nns.sub A 192.0.2.3\n";
  EXPECT_EQ(differenceOf(*zoneAt(7, records), *zoneAt(7, records)), nullptr);
  // The case of an owner is no content; another order of records neither.
  EXPECT_EQ(differenceOf(*zoneAt(7, "www A 192.0.2.7\nb TXT x\n"),
                         *zoneAt(7, "b TXT x\nWWW A 192.0.2.7\n")),
            nullptr);
  // The serial alone is one.
  const auto soa = differenceOf(*zoneAt(7, records), *zoneAt(8, records));
  ASSERT_NE(soa, nullptr);
  EXPECT_EQ(soa->removed.count() + soa->added.count(), 2U);
}

TEST(Difference, SeesGlueBelowACut) {
  const auto difference = differenceOf(*zoneAt(1, "sub NS ns.sub\nns.sub A 192.0.2.3\n"),
                                       *zoneAt(2, "sub NS ns.sub\nns.sub A 192.0.2.4\n"));
  EXPECT_EQ(textsOf(difference->added).back(), "ns.sub.example.\t300\tIN\tA\t192.0.2.4");
}

// RRSIGs of several types, and NSEC3, which no lookup finds.
TEST(Difference, SeesWhatSigningMakes) {
  const std::string key = "@ DNSKEY 257 3 13 AAAA\n@ NSEC3PARAM 1 0 0 -\n";
  const std::string rest = " 13 2 60 20370101000000 20200101000000 1 example. ";
  const auto chain = [&](const char* types) {
    return "3msev9usmd4br9s97v51r2tdvmr9iqo1 NSEC3 1 1 0 - 3msev9usmd4br9s97v51r2tdvmr9iqo1 " +
           std::string(types) + "\n3msev9usmd4br9s97v51r2tdvmr9iqo1 RRSIG NSEC3" + rest + "AAAA\n";
  };
  const auto before =
      zoneAt(1, key + chain("A") + "@ RRSIG SOA" + rest + "AAAA\n@ RRSIG NS" + rest + "AAAA\n");
  const auto after =
      zoneAt(2, key + chain("TXT") + "@ RRSIG SOA" + rest + "BBBB\n@ RRSIG NS" + rest + "AAAA\n");
  const auto difference = differenceOf(*before, *after);
  EXPECT_EQ(difference->removed.count(), 3U)
      << testing::PrintToString(textsOf(difference->removed));
  EXPECT_EQ(difference->added.count(), 3U) << testing::PrintToString(textsOf(difference->added));
  const auto made = apply(*before, *difference, "test");
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(differenceOf(**made, *after), nullptr);
  EXPECT_EQ((*made)->recordCount(), after->recordCount());
}

TEST(Difference, IsRefusedWhereItDoesNotFit) {
  const auto change = differenceOf(*zoneAt(1, "a TXT x\n"), *zoneAt(2, "b TXT y\n"));
  const auto missing = apply(*zoneAt(1, ""), *change, "xfr");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("a.example. TXT: is to be removed"));
  const auto double_add = apply(*zoneAt(1, "a TXT x\nb TXT y\n"), *change, "xfr");
  ASSERT_FALSE(double_add);
  EXPECT_THAT(double_add.error().text(), HasSubstr("b.example. TXT: is to be added, and is there"));
  const auto other_serial = apply(*zoneAt(3, "a TXT x\n"), *change, "xfr");
  ASSERT_FALSE(other_serial);
  EXPECT_THAT(other_serial.error().text(), HasSubstr("example. SOA: is to be removed"));
}

TEST(Difference, StoredBytesAreReadStrictly) {
  const std::string stored = encode(*step(1, 2, "a TXT x\n"));
  const auto again = decodeDifference(bytesOf(stored));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(encode(*again), stored);
  for (std::size_t cut = 0; cut < stored.size(); ++cut) {
    EXPECT_FALSE(decodeDifference(bytesOf(stored.substr(0, cut)))) << "of " << cut << " bytes";
  }
  EXPECT_FALSE(decodeDifference(bytesOf(stored + "x")));
}

// A zone of random records over few names, so that most are in both of two.
std::shared_ptr<const Zone> randomZone(std::mt19937_64& random, unsigned serial) {
  std::string text;
  std::set<std::string> aliases;
  for (int i = 0; i < 40; ++i) {
    const std::string owner =
        std::string(1, static_cast<char>('a' + random() % 6)) + (random() % 3 == 0 ? ".b" : "");
    const std::string ttl = random() % 8 == 0 ? " 60 " : " ";
    switch (random() % 4) {
      case 0:
        text += owner + ttl + "A 192.0.2." + std::to_string(random() % 8) + "\n";
        break;
      case 1:
        text += owner + ttl + "TXT t" + std::to_string(random() % 8) + "\n";
        break;
      case 2:
        text += owner + ttl + "MX 10 " + (random() % 2 == 0 ? "mail" : "MAIL") + "\n";
        break;
      default:
        text += "alias" + std::to_string(random() % 4) + "x" + std::to_string(i) +
                (random() % 2 == 0 ? " CNAME a\n" : " CNAME b\n");
    }
  }
  return zoneAt(serial, text);
}

TEST(DifferenceProperty, AppliedToTheOldItMakesTheNew) {
  const auto seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    const auto before = randomZone(random, 1);
    const auto after = randomZone(random, 2);
    const auto difference = differenceOf(*before, *after);
    const auto made = apply(*before, *difference, "test");
    ASSERT_TRUE(made) << made.error().text() << "seed " << seed;
    ASSERT_EQ(differenceOf(**made, *after), nullptr) << "seed " << seed;
    ASSERT_EQ((*made)->recordCount(), after->recordCount()) << "seed " << seed;
    const auto back = apply(*after, {difference->added, difference->removed}, "test");
    ASSERT_TRUE(back) << back.error().text() << "seed " << seed;
    ASSERT_EQ(differenceOf(**back, *before), nullptr) << "seed " << seed;
  }
}

TEST(ZoneText, LoadedAgainIsTheSameZone) {
  const std::filesystem::path folder = MERIDIAN_SOURCE_DIR "/tests/scenario/corner_zones";
  std::size_t zones = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const auto zone = loadZone(file.path());
    if (!zone) continue;  // some are there to be refused
    const auto text = zoneText(**zone, 1 << 24);
    ASSERT_TRUE(text) << file.path() << ": " << text.error().message;
    const auto again = parseZone(*text, file.path());
    ASSERT_TRUE(again) << again.error().text();
    const auto difference = differenceOf(**zone, **again);
    EXPECT_EQ(difference, nullptr)
        << file.path() << testing::PrintToString(textsOf(difference->removed)) << " and "
        << testing::PrintToString(textsOf(difference->added));
    ++zones;
  }
  EXPECT_GE(zones, 8U);
}

TEST(ZoneText, HasABound) {
  const auto text = zoneText(*zoneAt(1, ""), 60);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kTooLarge);
}

TEST(ZoneHistory, LeadsFromASerialToTheLast) {
  const ZoneHistory history({step(1, 2), step(2, 3), step(3, 5)}, 1 << 20);
  EXPECT_EQ(history.since(1)->size(), 3U);
  EXPECT_EQ(history.since(3)->size(), 1U);
  EXPECT_EQ(history.since(3)->front()->to(), 5U);
  EXPECT_FALSE(history.since(5));
  EXPECT_FALSE(history.since(4));
}

TEST(ZoneHistory, EndsWhereStepsDoNotLeadOn) {
  const ZoneHistory broken({step(1, 2), step(3, 4)}, 1 << 20);
  EXPECT_FALSE(broken.since(1));
  EXPECT_TRUE(broken.since(3));
  EXPECT_EQ(ZoneHistory({step(1, 2)}, 1 << 20).with(step(7, 8), 1 << 20).steps().size(), 1U);
}

TEST(ZoneHistory, ForgetsTheOldestBeyondItsBounds) {
  const std::size_t bytes = step(1, 2)->bytes();
  const ZoneHistory two =
      ZoneHistory({step(1, 2), step(2, 3)}, 2 * bytes).with(step(3, 4), 2 * bytes);
  EXPECT_FALSE(two.since(1));
  EXPECT_EQ(two.since(2)->size(), 2U);
  EXPECT_TRUE(ZoneHistory({step(1, 2)}, bytes - 1).steps().empty());
}

}  // namespace
}  // namespace meridian::dns
