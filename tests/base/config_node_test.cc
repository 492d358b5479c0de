// The config tree: values and their places, from TOML and from JSON.
#include "base/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string placeOf(const ConfigNode* node) {
  return node == nullptr ? "none" : std::to_string(node->line) + ":" + std::to_string(node->column);
}
ConfigNode json(std::string_view text) {
  auto parsed = parseJson(text, "x.json");
  if (!parsed) throw std::runtime_error(parsed.error().text());
  return *parsed;
}
ConfigNode toml(std::string_view text) {
  auto parsed = parseToml(text, "x.toml");
  if (!parsed) throw std::runtime_error(parsed.error().text());
  return *parsed;
}
std::string jsonError(std::string_view text) {
  const auto parsed = parseJson(text, "x.json");
  return parsed ? "none" : parsed.error().text();
}
std::string tomlError(std::string_view text) {
  const auto parsed = parseToml(text, "x.toml");
  return parsed ? "none" : parsed.error().text();
}
const ConfigNode& element(const ConfigNode& array, std::size_t index) {
  return std::get<ConfigNode::Array>(array.value).at(index);
}

constexpr std::string_view kJson = R"({
  "a": 1,
  "b" :-2.5 , "c":"x\ny",
  "d": [true, null, {"e": 7},
        "last"],
  "big": 18446744073709551615
}
)";

TEST(ConfigNode, EveryJsonValueKnowsItsPlace) {
  const ConfigNode root = json(kJson);
  EXPECT_EQ(placeOf(&root), "1:1");
  EXPECT_EQ(placeOf(root.find("a")), "2:8");
  EXPECT_EQ(placeOf(root.find("b")), "3:8");
  EXPECT_EQ(placeOf(root.find("c")), "3:19");
  const ConfigNode& d = *root.find("d");
  EXPECT_EQ(placeOf(&d), "4:8");
  EXPECT_EQ(placeOf(&element(d, 0)), "4:9");
  EXPECT_EQ(placeOf(&element(d, 1)), "4:15");
  EXPECT_EQ(placeOf(&element(d, 2)), "4:21");
  EXPECT_EQ(placeOf(element(d, 2).find("e")), "4:27");
  EXPECT_EQ(placeOf(&element(d, 3)), "5:9");
  const auto& members = std::get<ConfigNode::Object>(root.value);
  ASSERT_EQ(members.size(), 5U);
  EXPECT_EQ(members[1].key, "b");
  EXPECT_EQ(members[1].line, 3U);
  EXPECT_EQ(members[1].column, 3U);
  EXPECT_EQ(members[4].column, 3U);
}

TEST(ConfigNode, JsonValuesKeepTheirTypes) {
  const ConfigNode root = json(kJson);
  EXPECT_EQ(std::get<std::int64_t>(root.find("a")->value), 1);
  EXPECT_EQ(std::get<double>(root.find("b")->value), -2.5);
  EXPECT_EQ(std::get<std::string>(root.find("c")->value), "x\ny");
  EXPECT_EQ(std::get<bool>(element(*root.find("d"), 0).value), true);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(element(*root.find("d"), 1).value));
  // Larger than a signed integer: a number all the same, never a wrapped one.
  EXPECT_EQ(std::get<double>(root.find("big")->value), 18446744073709551615.0);
  EXPECT_EQ(root.find("absent"), nullptr);
  EXPECT_EQ(root.find("a")->find("x"), nullptr);
}

TEST(ConfigNode, NumbersAtEveryDelimiterKeepTheirPlaces) {
  const ConfigNode root = json("[1,22 ,333\n,4444\n]");
  EXPECT_EQ(placeOf(&element(root, 0)), "1:2");
  EXPECT_EQ(placeOf(&element(root, 1)), "1:4");
  EXPECT_EQ(placeOf(&element(root, 2)), "1:8");
  EXPECT_EQ(placeOf(&element(root, 3)), "2:2");
  const ConfigNode nested = json("{\"a\":[1],\"b\":{\"c\":2},\"d\":3}");
  EXPECT_EQ(placeOf(nested.find("b")), "1:14");
  EXPECT_EQ(placeOf(nested.find("b")->find("c")), "1:19");
  EXPECT_EQ(placeOf(nested.find("d")), "1:26");
}

TEST(ConfigNode, AKeyTwiceIsAnErrorInJson) {
  EXPECT_EQ(jsonError("{\"a\": 1,\n \"a\": 2}"), "x.json:2:2: a: stands twice in this object\n");
  EXPECT_EQ(jsonError("[{\"a\": 1}, {\"a\": 2}]"), "none");
}

TEST(ConfigNode, JsonErrorsHaveAPlace) {
  EXPECT_THAT(jsonError("{\"a\": 1,\n \"b\": }"), StartsWith("x.json:2:7: is not JSON: "));
  EXPECT_THAT(jsonError(""), StartsWith("x.json:1:1: is not JSON"));
  EXPECT_THAT(jsonError("{} x"), HasSubstr("is not JSON"));
  EXPECT_THAT(jsonError("{\"a\": \"\xff\"}"), HasSubstr("is not JSON"));
  EXPECT_THAT(jsonError("{\"a\": nan}"), HasSubstr("is not JSON"));
  EXPECT_THAT(jsonError("1e999"), HasSubstr("is not JSON"));
}

TEST(ConfigNode, JsonDepthIsBounded) {
  const std::string open(ConfigNode::kMaxDepth, '[');
  const std::string close(ConfigNode::kMaxDepth, ']');
  EXPECT_EQ(jsonError(open + close), "none");
  EXPECT_THAT(jsonError("[" + open + close + "]"),
              HasSubstr("x.json:1:65: is nested deeper than 64"));
  EXPECT_THAT(jsonError(std::string(1'000'000, '[')), HasSubstr("is nested deeper than 64"));
}

constexpr std::string_view kToml = R"(zeta = 1
[server]
id = "a"  # comment
ratio = 2.5
on = true
list = ["x",
  "y"]
[[geo.fences]]
path = "p"
)";

TEST(ConfigNode, EveryTomlValueKnowsItsPlace) {
  const ConfigNode root = toml(kToml);
  EXPECT_EQ(placeOf(root.find("zeta")), "1:8");
  const ConfigNode& server = *root.find("server");
  EXPECT_EQ(server.line, 2U);
  EXPECT_EQ(placeOf(server.find("id")), "3:6");
  EXPECT_EQ(placeOf(server.find("ratio")), "4:9");
  EXPECT_EQ(placeOf(&element(*server.find("list"), 1)), "7:3");
  const ConfigNode& fences = *root.find("geo")->find("fences");
  EXPECT_EQ(placeOf(element(fences, 0).find("path")), "9:8");
  const auto& members = std::get<ConfigNode::Object>(server.value);
  EXPECT_EQ(members[0].key, "id");  // in the order of the file
  EXPECT_EQ(members[1].key, "ratio");
  EXPECT_EQ(members[1].line, 4U);
  EXPECT_EQ(members[1].column, 1U);
}

TEST(ConfigNode, TomlErrorsHaveAPlace) {
  EXPECT_THAT(tomlError("a = 1\nb = \n"), StartsWith("x.toml:2:"));
  EXPECT_THAT(tomlError("a = 1\na = 2\n"), StartsWith("x.toml:2:"));
  EXPECT_THAT(tomlError("a = 1\nb = 2026-05-01\n"),
              HasSubstr("x.toml:2:5: dates and times are not used"));
  EXPECT_THAT(tomlError("a = " + std::string(100'000, '[')), StartsWith("x.toml:1:"));
}

TEST(ConfigNode, NamesTypesAndShowsScalars) {
  const ConfigNode root = json(R"([null, true, 7, 2.5, "s", [], {}])");
  const char* const names[] = {"null",     "true or false", "a whole number", "a number",
                               "a string", "an array",      "an object"};
  const char* const shown[] = {"", "true", "7", "2.5", "s", "", ""};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(element(root, i).typeName(), names[i]);
    EXPECT_EQ(element(root, i).shownValue(), shown[i]);
  }
}

}  // namespace
}  // namespace meridian
