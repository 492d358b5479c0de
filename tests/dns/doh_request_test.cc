#include "dns/net/doh_request.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "tests/support/doh_client.h"

namespace meridian::dns {
namespace {

using test::Bytes;

TEST(Base64Url, ReadsWhatRfc4648Writes) {
  for (const auto& [text, bytes] :
       {std::pair{"", ""}, {"Zg", "f"}, {"Zm8", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg", "foob"}}) {
    EXPECT_EQ(decodeBase64Url(text), test::bytesOf(bytes)) << text;
  }
  EXPECT_EQ(decodeBase64Url("-_-_"), (Bytes{0xFB, 0xFF, 0xBF}));
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    EXPECT_EQ(decodeBase64Url(test::base64Url(bytes)), bytes);
  }
}

TEST(Base64Url, IsStrict) {
  for (const char* text :
       {"Zg==", "Zg=", "=", "Z", "Zm9vY", "Zh", "Zm9", "a+b/", "Zm 9v", "Zm9v\n", "Zm8.", "%5A"}) {
    EXPECT_FALSE(decodeBase64Url(text)) << text;
  }
  EXPECT_FALSE(decodeBase64Url(std::string_view("Zm\0v", 4)));
}

HttpStatus statusOf(const test::HttpFields& fields, std::size_t max_bytes = 1'000) {
  DohRequest request(max_bytes);
  for (const auto& [name, value] : fields) request.add(name, value);
  const auto refusal = request.refusal("/q");
  return refusal ? refusal->status : HttpStatus::kOk;
}

TEST(DohRequest, FieldsCountAsHttp2Has) {
  const test::HttpFields fields = {{":method", "GET"}, {":path", "/q?dns="}};
  constexpr std::size_t kSize = 7 + 3 + 32 + 5 + 7 + 32;
  EXPECT_EQ(statusOf(fields, kSize), HttpStatus::kOk);
  EXPECT_EQ(statusOf(fields, kSize - 1), HttpStatus::kFieldsTooLarge);
  DohRequest request(100);
  for (int i = 0; i < 100; ++i) request.add("", "");
  request.add(":path", "/q");
  EXPECT_EQ(request.refusal("/q")->status, HttpStatus::kFieldsTooLarge);
}

TEST(DohRequest, ThePathDecidesBeforeTheMethod) {
  EXPECT_EQ(statusOf({{":method", "PUT"}, {":path", "/other"}}), HttpStatus::kNotFound);
  EXPECT_EQ(statusOf({{":method", "PUT"}, {":path", "/q"}}), HttpStatus::kMethodNotAllowed);
  EXPECT_EQ(statusOf({{":method", "get"}, {":path", "/q?dns="}}), HttpStatus::kMethodNotAllowed);
  EXPECT_EQ(statusOf({{":method", "CONNECT"}}), HttpStatus::kNotFound);
  EXPECT_EQ(statusOf({}), HttpStatus::kNotFound);
}

TEST(DohRequest, TheVariableIsNamedInFull) {
  for (const char* path :
       {"/q", "/q?", "/q?dn=s", "/q?xdns=AA", "/q?dns", "/q?dns=A&dns=B", "/q?DNS=AA", "/q?&&"}) {
    EXPECT_EQ(statusOf({{":method", "GET"}, {":path", path}}), HttpStatus::kBadRequest) << path;
  }
  DohRequest request(1'000);
  request.add(":method", "HEAD");
  request.add(":path", "/q?&a=b?dns=&dns=Zm9v&");
  ASSERT_FALSE(request.refusal("/q"));
  EXPECT_TRUE(request.isHead());
  EXPECT_EQ(request.messageOfPath(), test::bytesOf("foo"));
}

}  // namespace
}  // namespace meridian::dns
