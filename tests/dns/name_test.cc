#include "dns/wire/name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace meridian::dns {
namespace {

Name parsedName(std::string_view text) {
  const Result<Name> name = Name::parse(text);
  EXPECT_TRUE(name) << text;
  return name.value_or(Name());
}

std::string reasonFor(std::string_view text) {
  const Result<Name> name = Name::parse(text);
  return name ? "" : name.error().message;
}

TEST(Name, ParsesToWireForm) {
  const std::vector<std::uint8_t> wire{3, 'w', 'W', 'w', 1, 'x', 0};
  const Name name = parsedName("wWw.x.");
  EXPECT_TRUE(
      std::equal(wire.begin(), wire.end(), name.view().wire().begin(), name.view().wire().end()));
  EXPECT_EQ(name, parsedName("wWw.x"));
  EXPECT_TRUE(parsedName(".").view().isRoot());
  EXPECT_EQ(Name().text(), ".");
}

TEST(Name, EscapesStandForOneByte) {
  EXPECT_EQ(parsedName("a\\.b.c."), parsedName("a\\046b.c."));
  EXPECT_EQ(parsedName("a\\.b.c.").view().labelCount(), 2u);
  EXPECT_EQ(parsedName("\\000\\255.").view().size(), 4u);
  EXPECT_EQ(parsedName("\\065.").text(), "A.");
}

TEST(Name, TextIsParsedBackToTheSameName) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::vector<std::uint8_t> wire{2, static_cast<std::uint8_t>(byte), 'x', 0};
    const Result<Name> name = Name::fromWire(wire);
    ASSERT_TRUE(name);
    EXPECT_EQ(parsedName(name->text()), *name) << name->text();
  }
}

TEST(Name, RefusesWhatIsNoName) {
  EXPECT_EQ(reasonFor(""), "empty name");
  EXPECT_EQ(reasonFor("a..b"), "empty label");
  EXPECT_EQ(reasonFor(".a"), "empty label");
  EXPECT_EQ(reasonFor(".."), "empty label");
  EXPECT_EQ(reasonFor("a\\"), "escape without a character");
  EXPECT_EQ(reasonFor("a\\1"), "escape needs three digits");
  EXPECT_EQ(reasonFor("a\\25x"), "escape needs three digits");
  EXPECT_EQ(reasonFor("a\\256"), "escape over 255");
}

TEST(Name, KeepsTheBoundsOfLabelsAndNames) {
  const std::string label(63, 'a');
  EXPECT_EQ(reasonFor(label), "");
  EXPECT_EQ(reasonFor(label + "a"), "label over 63 bytes");
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_EQ(parsedName(three + std::string(61, 'b')).view().size(), 255u);
  EXPECT_EQ(reasonFor(three + std::string(62, 'b')), "name over 255 bytes");
  std::string ones;
  for (int i = 0; i < 127; ++i) ones += "a.";
  EXPECT_EQ(parsedName(ones).view().labelCount(), 127u);
  EXPECT_EQ(reasonFor(ones + "a."), "name over 255 bytes");
}

TEST(Name, FromWireTakesExactlyOneName) {
  using Wire = std::vector<std::uint8_t>;
  EXPECT_TRUE(Name::fromWire(Wire{0}));
  EXPECT_TRUE(Name::fromWire(Wire{1, 'a', 0}));
  EXPECT_FALSE(Name::fromWire(Wire{}));
  EXPECT_FALSE(Name::fromWire(Wire{1, 'a'}));
  EXPECT_FALSE(Name::fromWire(Wire{2, 'a'}));
  EXPECT_FALSE(Name::fromWire(Wire{1, 'a', 0, 0}));
  EXPECT_FALSE(Name::fromWire(Wire{0xc0, 0}));
  EXPECT_FALSE(Name::fromWire(Wire(256, 0)));
}

TEST(Name, LowersOnlyAsciiLetters) {
  EXPECT_EQ(parsedName("AZaz\\091\\064\\193.").lowered(), parsedName("azaz\\091\\064\\193."));
}

TEST(Name, IsWithinStopsAtLabelBorders) {
  EXPECT_TRUE(parsedName("a.b.c.").view().isWithin(parsedName("b.c.")));
  EXPECT_TRUE(parsedName("b.c.").view().isWithin(parsedName("b.c.")));
  EXPECT_TRUE(parsedName("b.c.").view().isWithin(Name()));
  EXPECT_FALSE(parsedName("c.").view().isWithin(parsedName("b.c.")));
  EXPECT_FALSE(parsedName("xb.c.").view().isWithin(parsedName("b.c.")));
  // The bytes of "b.c." end the first label here.
  EXPECT_FALSE(parsedName("a\\001b\\001c.").view().isWithin(parsedName("b.c.")));
}

TEST(Name, HashTellsNamesOfAllLengthsApart) {
  std::set<std::uint64_t> hashes;
  std::string text;
  for (int i = 0; i < 250; ++i) {
    text += i % 50 == 49 ? '.' : 'a';
    hashes.insert(hashName(parsedName(text + (text.back() == '.' ? "b" : ""))));
  }
  EXPECT_EQ(hashes.size(), 250u);
  EXPECT_EQ(hashName(parsedName("b.c.")), hashName(parsedName("a.b.c.").view().parent()));
}

TEST(Name, HashSpreadsOverTheLowBits) {
  constexpr int kNames = 1 << 14;
  std::vector<int> load(kNames);
  int worst = 0;
  for (int i = 0; i < kNames; ++i) {
    const std::uint64_t hash = hashName(parsedName("host" + std::to_string(i) + ".example.org."));
    worst = std::max(worst, ++load[hash & (kNames - 1)]);
  }
  EXPECT_LT(worst, 12) << "a random function stays below this but once in 10^5 tries";
}

}  // namespace
}  // namespace meridian::dns
