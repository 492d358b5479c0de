#include "partition/hooks/signature.h"

#include <gtest/gtest.h>

namespace meridian::partition {
namespace {

// Made with node's crypto:
//   node -e 'const c = require("crypto"), k = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
//   "base64"); console.log("v1," + c.createHmac("sha256",
//   k).update("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." +
//   "{\"test\": 2432232314}").digest("base64"))'
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kTimestamp = "1614265330";
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const WallTime kNow{std::chrono::seconds(1614265330)};

std::vector<WebhookSecret> secrets() {
  return {WebhookSecret::parse(kSecret).value()};
}
std::vector<WebhookSecret> others() {
  return {WebhookSecret::parse("whsec_" + std::string(32, 'A')).value()};
}

TEST(HookSignature, IsThatOfAnIndependentImplementation) {
  EXPECT_EQ(secrets().front().sign(kId, 1614265330, kBody), kSignature);
  EXPECT_TRUE(verifySignature(secrets(), {kId, kTimestamp, kSignature}, kBody, kNow));
}

TEST(HookSignature, EachSecretSignsAndOneIsEnough) {
  std::vector<WebhookSecret> both = others();
  both.push_back(secrets().front());
  const std::string header = signatureHeader(both, kId, 1614265330, kBody);
  EXPECT_TRUE(header.ends_with(" " + std::string(kSignature)));
  for (const auto& known : {secrets(), others(), both})
    EXPECT_TRUE(verifySignature(known, {kId, kTimestamp, header}, kBody, kNow));
  EXPECT_FALSE(verifySignature(others(), {kId, kTimestamp, kSignature}, kBody, kNow));
  EXPECT_FALSE(verifySignature({}, {kId, kTimestamp, header}, kBody, kNow));
}

TEST(HookSignature, AnyChangeIsRefused) {
  const auto refused = [](std::string_view id, std::string_view timestamp,
                          std::string_view signature, std::string_view body) {
    const Status status = verifySignature(secrets(), {id, timestamp, signature}, body, kNow);
    return !status && status.error().kind == ErrorKind::kUnauthorized;
  };
  EXPECT_TRUE(refused("msg_other", kTimestamp, kSignature, kBody));
  EXPECT_TRUE(refused("", kTimestamp, kSignature, kBody));
  EXPECT_TRUE(refused(kId, "1614265331", kSignature, kBody));
  EXPECT_TRUE(refused(kId, "", kSignature, kBody));
  EXPECT_TRUE(refused(kId, "-1", kSignature, kBody));
  EXPECT_TRUE(refused(kId, "1614265330 ", kSignature, kBody));
  EXPECT_TRUE(refused(kId, "99999999999999999999", kSignature, kBody));
  EXPECT_TRUE(refused(kId, kTimestamp, "", kBody));
  EXPECT_TRUE(refused(kId, kTimestamp, kSignature.substr(3), kBody));
  EXPECT_TRUE(refused(kId, kTimestamp, "v2," + std::string(kSignature.substr(3)), kBody));
  EXPECT_TRUE(refused(kId, kTimestamp, kSignature, "{}"));
  for (std::size_t i = 0; i < kSignature.size(); ++i) {
    std::string changed(kSignature);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(refused(kId, kTimestamp, changed, kBody)) << i;
  }
  // After sixteen wrong ones nobody looks at more.
  std::string many;
  for (int i = 0; i < 16; ++i) many += "v1,x ";
  EXPECT_TRUE(refused(kId, kTimestamp, many + std::string(kSignature), kBody));
}

TEST(HookSignature, SkewIsBoundedToBothSides) {
  using std::chrono::seconds;
  const auto at = [](seconds offset) {
    return verifySignature(secrets(), {kId, kTimestamp, kSignature}, kBody, kNow + offset)
        .has_value();
  };
  EXPECT_TRUE(at(seconds(300)));
  EXPECT_TRUE(at(seconds(-300)));
  EXPECT_FALSE(at(seconds(301)));
  EXPECT_FALSE(at(seconds(-301)));
}

TEST(HookSignature, SecretsAreCheckedAndNotShown) {
  EXPECT_TRUE(WebhookSecret::parse("  " + std::string(kSecret) + "\n"));
  const std::string short_key = "whsec_" + std::string(28, 'A');
  const std::string long_key = "whsec_" + std::string(88, 'A');
  for (const std::string& text :
       {std::string(), std::string(kSecret.substr(6)), std::string("whsec_"),
        std::string("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"), short_key, long_key}) {
    const auto secret = WebhookSecret::parse(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().message.find("MfKQ"), std::string::npos);
  }
}

}  // namespace
}  // namespace meridian::partition
