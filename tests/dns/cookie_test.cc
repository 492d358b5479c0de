#include "dns/wire/cookie.h"

#include <gtest/gtest.h>

#include <string>

#include "base/digest.h"
#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;

Bytes unhex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

struct Answered {
  CookieStanding standing;
  std::string server;  // hex
};

class CookieTest : public testing::Test {
 protected:
  static CookieSecrets secrets(std::string_view text) {
    auto out = CookieSecrets::parse(text);
    EXPECT_TRUE(out) << out.error().message;
    return *out;
  }
  static Answered ask(const CookieSecrets& with, std::string_view client, std::string_view server,
                      std::string_view address, std::uint32_t now) {
    const Bytes client_bytes = unhex(client);
    const Bytes server_bytes = unhex(server);
    CookieReply reply{};
    const auto from = IpAddress::parse(address);
    const CookieStanding standing = with.answer({client_bytes, server_bytes}, *from, now, reply);
    const std::string text = hex(reply);
    EXPECT_EQ(text.substr(0, 16), client);
    return {standing, text.substr(16)};
  }
};

// RFC 9018, appendix A.
constexpr const char* kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";

TEST_F(CookieTest, RfcVectorOfANewCookie) {
  const auto got = ask(secrets(kSecret), "2464c4abcf10c957", "", "198.51.100.100", 1559731985);
  EXPECT_EQ(got.standing, CookieStanding::kNew);
  EXPECT_EQ(got.server, "010000005cf79f111f8130c3eee29480");
}

TEST_F(CookieTest, RfcVectorOfARenewal) {
  const auto got = ask(secrets(kSecret), "2464c4abcf10c957", "010000005cf79f111f8130c3eee29480",
                       "198.51.100.100", 1559734385);
  EXPECT_EQ(got.standing, CookieStanding::kGood);
  EXPECT_EQ(got.server, "010000005cf7a871d4a564a1442aca77") << "older than half an hour";
}

// The reserved bytes are hashed as they came, and zero in what is made.
TEST_F(CookieTest, RfcVectorOfReservedBytes) {
  const auto got = ask(secrets(kSecret), "fc93fc62807ddb86", "01abcdef5cf78f71a314227b6679ebf5",
                       "203.0.113.203", 1559728000);
  EXPECT_EQ(got.standing, CookieStanding::kGood);
}

TEST_F(CookieTest, RfcVectorOfIpv6AndARotatedSecret) {
  const auto both = secrets("445536bcd2513298075a5d379663c962\ndd3bdf9344b678b185a6f5cb60fca715\n");
  const auto got = ask(both, "22681ab97d52c298", "010000005cf7c57926556bd0934c72f8",
                       "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961);
  EXPECT_EQ(got.standing, CookieStanding::kGood);
  EXPECT_EQ(got.server, "010000005cf7c609a6bb79d16625507a");
}

TEST_F(CookieTest, AYoungCookieComesBackAsItIs) {
  const auto with = secrets(kSecret);
  const std::uint32_t then = 1'000'000;
  const std::string cookie = ask(with, "0011223344556677", "", "192.0.2.1", then).server;
  for (const std::uint32_t age : {0U, 1U, 1800U}) {
    const auto got = ask(with, "0011223344556677", cookie, "192.0.2.1", then + age);
    EXPECT_EQ(got.standing, CookieStanding::kGood) << age;
    EXPECT_EQ(got.server, cookie) << age;
  }
  EXPECT_NE(ask(with, "0011223344556677", cookie, "192.0.2.1", then + 1801).server, cookie);
}

TEST_F(CookieTest, IsGoodForAnHourAndForClocksFiveMinutesBehind) {
  const auto with = secrets(kSecret);
  for (const std::uint32_t then : {1'000'000U, 0xFFFFFF00U, 10U}) {  // beyond 2106, too
    const std::string cookie = ask(with, "0011223344556677", "", "192.0.2.1", then).server;
    const auto standingAt = [&](std::uint32_t now) {
      return ask(with, "0011223344556677", cookie, "192.0.2.1", now).standing;
    };
    EXPECT_EQ(standingAt(then + 3600), CookieStanding::kGood);
    EXPECT_EQ(standingAt(then + 3601), CookieStanding::kBad);
    EXPECT_EQ(standingAt(then - 300), CookieStanding::kGood);
    EXPECT_EQ(standingAt(then - 301), CookieStanding::kBad);
  }
}

TEST_F(CookieTest, AnythingElseIsBadAndGetsANewOne) {
  const auto with = secrets(kSecret);
  const std::uint32_t now = 1'000'000;
  const std::string cookie = ask(with, "0011223344556677", "", "192.0.2.1", now).server;
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    std::string forged = cookie;
    forged[i] = forged[i] == '0' ? '1' : '0';
    const auto got = ask(with, "0011223344556677", forged, "192.0.2.1", now);
    EXPECT_EQ(got.standing, CookieStanding::kBad) << i;
    EXPECT_EQ(got.server, cookie) << i;
  }
  const auto standing = [&](const char* client, const std::string& server, const char* address) {
    return ask(with, client, server, address, now).standing;
  };
  EXPECT_EQ(standing("1011223344556677", cookie, "192.0.2.1"), CookieStanding::kBad);
  EXPECT_EQ(standing("0011223344556677", cookie, "192.0.2.2"), CookieStanding::kBad);
  EXPECT_EQ(standing("0011223344556677", cookie, "::c000:201"), CookieStanding::kBad);
  EXPECT_EQ(standing("0011223344556677", cookie + "00", "192.0.2.1"), CookieStanding::kBad);
  EXPECT_EQ(standing("0011223344556677", cookie.substr(0, 16), "192.0.2.1"), CookieStanding::kBad);
}

TEST_F(CookieTest, ARotatedSecretStaysGoodWhileItIsListed) {
  const std::string old_line = std::string(32, 'a') + "\n";
  const std::string new_line = std::string(32, 'B') + "\n";
  const std::uint32_t now = 1'000'000;
  const std::string cookie =
      ask(secrets(old_line), "0011223344556677", "", "192.0.2.1", now).server;
  const auto prepared = secrets(old_line + new_line);
  EXPECT_EQ(ask(prepared, "0011223344556677", cookie, "192.0.2.1", now).server, cookie);
  const auto turned = secrets(new_line + old_line);
  const auto got = ask(turned, "0011223344556677", cookie, "192.0.2.1", now);
  EXPECT_EQ(got.standing, CookieStanding::kGood);
  EXPECT_NE(got.server, cookie);
  EXPECT_EQ(ask(prepared, "0011223344556677", got.server, "192.0.2.1", now).standing,
            CookieStanding::kGood)
      << "a server that has not turned yet";
  EXPECT_EQ(ask(secrets(new_line), "0011223344556677", cookie, "192.0.2.1", now).standing,
            CookieStanding::kBad);
}

TEST(CookieSecretsText, IsCheckedLineByLineAndNeverShown) {
  const std::string good(32, '7');
  EXPECT_EQ(CookieSecrets::parse("# comment\n\n" + good + "\r\n" + good)->size(), 2U);
  const auto errorOf = [](const std::string& text) {
    const auto secrets = CookieSecrets::parse(text);
    return secrets ? std::string("none") : secrets.error().message;
  };
  EXPECT_EQ(errorOf(""), "has no secret");
  EXPECT_EQ(errorOf("#\n\n"), "has no secret");
  EXPECT_EQ(errorOf(good + "\n" + good.substr(1)), "line 2: must be 32 hexadecimal digits");
  EXPECT_EQ(errorOf("\n" + good + "7"), "line 2: must be 32 hexadecimal digits");
  EXPECT_EQ(errorOf("g" + good.substr(1)), "line 1: must be 32 hexadecimal digits");
  std::string five;
  for (int i = 0; i < 5; ++i) five += good + "\n";
  EXPECT_EQ(errorOf(five), "line 5: at most 4 secrets");
  const auto random = CookieSecrets::random();
  ASSERT_TRUE(random);
  EXPECT_EQ(random->size(), 1U);
}

}  // namespace
}  // namespace meridian::dns
