// $INCLUDE and $GENERATE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "dns/zone/difference.h"
#include "dns/zone/loader.h"
#include "dns/zone/zone_generate.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using testing::HasSubstr;

const std::string kDirectiveHead = "$ORIGIN example.\n$TTL 60\n@ SOA ns a 1 1 1 1 1\n@ NS ns\n";

std::shared_ptr<const Zone> parsedZone(const std::string& more) {
  auto zone = parseZone(kDirectiveHead + more, "f");
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : nullptr;
}
std::string refusalOf(const std::string& more) {
  const auto zone = parseZone(kDirectiveHead + more, "f");
  return zone ? "" : zone.error().text();
}

TEST(Generate, WordsAreBindsOwn) {
  const auto text = [](const char* word, std::uint32_t number) {
    return generatedText(word, number).value_or("refused");
  };
  EXPECT_EQ(text("host$", 7), "host7");
  EXPECT_EQ(text("$$-\\$-$", 7), "$-$-7");
  EXPECT_EQ(text("a\\.b$", 1), "a\\.b1");
  EXPECT_EQ(text("${10}", 7), "17");
  EXPECT_EQ(text("${-7}", 7), "0");
  EXPECT_EQ(text("${0,4}", 7), "0007");
  EXPECT_EQ(text("${0,3,x}", 0xAB), "0ab");
  EXPECT_EQ(text("${0,1,X}", 0xAB), "AB");
  EXPECT_EQ(text("${0,0,o}", 8), "10");
  // As BIND's "named-checkzone -D" writes them.
  EXPECT_EQ(text("${0,0,n}", 0xAB), "b.a");
  EXPECT_EQ(text("${0,7,n}", 0xAB), "b.a.0.0");
  EXPECT_EQ(text("${0,1,N}", 0xA), "A");
  for (const char* bad :
       {"${", "${x}", "${0,y}", "${0,1,q}", "${0,256}", "${-8}", "${0,1,dd}", "${2147483647}"}) {
    EXPECT_EQ(text(bad, 7), "refused") << bad;
  }
}

TEST(Generate, RangesHaveBounds) {
  EXPECT_EQ(parseGenerateRange("3-9/2")->count(), 4U);
  EXPECT_EQ(parseGenerateRange("0-0")->count(), 1U);
  EXPECT_TRUE(parseGenerateRange("0-999999"));
  EXPECT_EQ(parseGenerateRange("0-1000000").error().kind, ErrorKind::kTooLarge);
  EXPECT_TRUE(parseGenerateRange("0-2147483647/2148"));
  for (const char* bad :
       {"", "1", "1-", "-1", "2-1", "1-2/", "1-2/0", "1-2/x", "1-2147483648", "a-b"}) {
    EXPECT_FALSE(parseGenerateRange(bad)) << bad;
  }
}

TEST(Generate, MakesTheEntriesThatItStandsFor) {
  const auto generated = parsedZone(
      "$GENERATE 1-3 host${0,2} 30 IN A 192.0.2.$\n$GENERATE 0-4/2 $ TXT \"number $\" x\n");
  const auto written = parsedZone(
      "host01 30 A 192.0.2.1\nhost02 30 A 192.0.2.2\nhost03 30 A 192.0.2.3\n"
      "0 TXT \"number 0\" x\n2 TXT \"number 2\" x\n4 TXT \"number 4\" x\n");
  EXPECT_EQ(differenceOf(*generated, *written), nullptr);
}

TEST(Generate, TheFirstErrorIsTheOnlyOne) {
  EXPECT_EQ(refusalOf("$GENERATE 1-9000 a$ A 192.0.2.${300}\n"),
            "f:5:1: a1.example. A: 192.0.2.301: not an IPv4 address\n");
  EXPECT_THAT(refusalOf("$GENERATE 1-2 a$ A\n"), HasSubstr("needs a range, an owner"));
  EXPECT_THAT(refusalOf("$GENERATE 2-1 a$ A 192.0.2.1\n"),
              HasSubstr("f:5:11: $GENERATE: 2-1: must be"));
}

class IncludeTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  test::TempDir folder_;
};

TEST_F(IncludeTest, OriginAndOwnerAreTheOldOnesBehindIt) {
  write("parts/hosts.inc", "a A 192.0.2.1\n$ORIGIN deep\nb A 192.0.2.2\n$INCLUDE more.inc\n");
  write("parts/more.inc", "c A 192.0.2.3\n");
  const auto zone = loadZone(
      write("example.zone", kDirectiveHead + "www A 192.0.2.9\n$INCLUDE parts/hosts.inc sub\n"
                                             "  TXT behind\n$INCLUDE \"parts/more.inc\"\n"));
  ASSERT_TRUE(zone) << zone.error().text();
  const auto written = parsedZone(
      "www A 192.0.2.9\nwww TXT behind\na.sub A 192.0.2.1\nb.deep.sub A 192.0.2.2\n"
      "c.deep.sub A 192.0.2.3\nc A 192.0.2.3\n");
  EXPECT_EQ(differenceOf(**zone, *written), nullptr);
}

TEST_F(IncludeTest, AnIncludedSoaIsTheApex) {
  write("soa.inc", "example. 60 SOA ns a 1 1 1 1 1\n");
  EXPECT_TRUE(
      loadZone(write("example.zone", "$TTL 60\n$INCLUDE soa.inc\n@ NS ns\nns A 192.0.2.1\n")));
}

TEST_F(IncludeTest, ErrorsHaveTheFileThatTheyAreIn) {
  write("hosts.inc", "a A 192.0.2.1\nb A nonsense\n");
  const auto zone =
      loadZone(write("example.zone", kDirectiveHead + "$INCLUDE hosts.inc\n$INCLUDE gone.inc\n"
                                                      "$INCLUDE\n$INCLUDE a b c\nx A nonsense\n"));
  ASSERT_FALSE(zone);
  const std::string errors = zone.error().text();
  EXPECT_THAT(errors, HasSubstr("hosts.inc:2:3: b.example. A: nonsense: not an IPv4 address"));
  EXPECT_THAT(errors, HasSubstr("example.zone:6:1: $INCLUDE: gone.inc: "));
  EXPECT_THAT(errors, HasSubstr("example.zone:7:1: $INCLUDE: needs a file"));
  EXPECT_THAT(errors, HasSubstr("example.zone:8:1: $INCLUDE: needs a file"));
  EXPECT_THAT(errors, HasSubstr("example.zone:9:3: x.example. A: nonsense: "));
}

TEST_F(IncludeTest, AFileThatIncludesItselfEnds) {
  const auto zone = loadZone(write("example.zone", kDirectiveHead + "$INCLUDE example.zone\n"));
  ASSERT_FALSE(zone);
  EXPECT_THAT(zone.error().text(), HasSubstr("more than 8 files"));
}

TEST_F(IncludeTest, ATextThatCameFromNoFileReadsNone) {
  EXPECT_THAT(refusalOf("$INCLUDE /etc/hostname\n"),
              HasSubstr("refused: this text comes from no file"));
}

}  // namespace
}  // namespace meridian::dns
