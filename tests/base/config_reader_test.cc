// ObjectReader: rules, fallbacks, and all errors of an object at once.
#include "base/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Document {
 public:
  explicit Document(std::string_view text) : root_(parseJson(text, "d").value()) {}
  ObjectReader reader(std::string path = "") {
    return ObjectReader(root_, std::move(path), "d", problems_);
  }
  std::string errors() const { return problems_.text(); }

 private:
  ConfigNode root_;
  Diagnostics problems_;
};

TEST(ConfigReader, ReadsValuesAndFallbacks) {
  Document document(R"({"s": "x", "i": -3, "n": 2, "b": false, "l": ["p", "q"], "o": {"k": 1}})");
  ObjectReader in = document.reader();
  EXPECT_EQ(in.string("s", {.required = true}), "x");
  EXPECT_EQ(in.string("absent", {.fallback = "f"}), "f");
  EXPECT_EQ(in.integer("i", {.min = -3, .max = -3}), -3);
  EXPECT_EQ(in.integer("absent2", {.fallback = 9}), 9);
  EXPECT_EQ(in.number("n"), 2.0);
  EXPECT_FALSE(in.boolean("b", true));
  EXPECT_TRUE(in.boolean("absent3", true));
  EXPECT_THAT(in.strings("l"), ElementsAre("p", "q"));
  EXPECT_NE(in.object("o"), nullptr);
  EXPECT_EQ(in.object("absent4"), nullptr);
  in.finish();
  EXPECT_EQ(document.errors(), "");
}

TEST(ConfigReader, ReportsEverythingThatIsWrong) {
  Document document(
      "{\"s\": 1,\n"
      " \"id\": \"Up\",\n"
      " \"mode\": \"z\",\n"
      " \"i\": 11, \"j\": 1.5,\n"
      " \"n\": \"x\",\n"
      " \"b\": 0,\n"
      " \"l\": [\"a\", 2],\n"
      " \"o\": []}");
  ObjectReader in = document.reader("zones[0]");
  EXPECT_EQ(in.string("s", {.fallback = "f"}), "f");
  in.string("id", {.id = true});
  in.string("mode", {.one_of = {"x", "y"}});
  in.string("gone", {.required = true});
  EXPECT_EQ(in.integer("i", {.min = 0, .max = 10, .fallback = 5}), 5);
  in.integer("j");
  in.number("n");
  in.boolean("b", false);
  in.strings("l");
  EXPECT_EQ(in.object("o"), nullptr);
  in.finish();
  EXPECT_EQ(document.errors(),
            "d:1:7: zones[0].s: 1: must be a string, is a whole number\n"
            "d:2:8: zones[0].id: Up: is no id: 1 to 48 of a-z, 0-9 and '-', starting with a letter "
            "or digit\n"
            "d:3:10: zones[0].mode: z: must be one of x, y\n"
            "d:1:1: zones[0].gone: is missing\n"
            "d:4:7: zones[0].i: 11: must be from 0 to 10\n"
            "d:4:16: zones[0].j: 1.5: must be a whole number, is a number\n"
            "d:5:7: zones[0].n: x: must be a number, is a string\n"
            "d:6:7: zones[0].b: 0: must be true or false, is a whole number\n"
            "d:7:13: zones[0].l[1]: 2: must be a string, is a whole number\n"
            "d:8:7: zones[0].o: must be an object, is an array\n");
}

TEST(ConfigReader, UnknownMembersAreErrorsWithTheNearestName) {
  Document document("{\"listne\": 1, \"zzz\": 2, \"listen\": 3, \"skip\": 4}");
  ObjectReader in = document.reader();
  in.integer("listen");
  in.ignore("skip");
  in.finish();
  EXPECT_EQ(document.errors(),
            "d:1:2: listne: is not known here; did you mean listen?\n"
            "d:1:15: zzz: is not known here\n");
}

TEST(ConfigReader, BoundsArraysAndStrings) {
  Document document(R"({"l": [1, 2, 3], "s": "12345"})");
  ObjectReader in = document.reader();
  EXPECT_EQ(in.array("l", {.max = 2}), nullptr);
  in.string("s", {.max_bytes = 4});
  EXPECT_THAT(document.errors(), HasSubstr("l: has 3 elements; must have from 0 to 2"));
  EXPECT_THAT(document.errors(), HasSubstr("s: 12345: is longer than 4 bytes"));
}

TEST(ConfigReader, WhatIsNoObjectIsReportedOnce) {
  Document document("[1]");
  ObjectReader in = document.reader("zones[2]");
  in.string("id", {.required = true});
  in.finish();
  EXPECT_EQ(document.errors(), "d:1:1: zones[2]: must be an object, is an array\n");
}

TEST(ConfigReader, OwnErrorsStandAtTheMember) {
  Document document("{\n \"a\": \"v\"}");
  ObjectReader in = document.reader("p");
  in.error("a", "is unknown");
  in.error("b", "is needed too");
  EXPECT_EQ(document.errors(), "d:2:7: p.a: v: is unknown\nd:1:1: p.b: is needed too\n");
}

TEST(ConfigReader, IdsAreNarrow) {
  for (const char* good : {"a", "0", "us-tx", "a-"}) EXPECT_TRUE(isId(good)) << good;
  for (const char* bad : {"", "-a", "A", "a_b", "a.b", "a b", "ä"}) EXPECT_FALSE(isId(bad)) << bad;
  EXPECT_TRUE(isId(std::string(48, 'a')));
  EXPECT_FALSE(isId(std::string(49, 'a')));
}

}  // namespace
}  // namespace meridian
