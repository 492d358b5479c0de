// Tables of listeners, and the TLS files of the DRC feed's.
#include "server/listener_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config.h"

namespace meridian::server {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kTlsTable =
    "[[dns.listeners]]\naddress = \"[::1]:853\"\ntransport = \"tls\"\n"
    "certificate_file = \"c.pem\"\nkey_file = \"/k.pem\"\n";

std::string problemsOf(const std::string& text) {
  const auto config = parseConfig(text, "m.toml");
  return config ? "" : config.error().text();
}

std::string tcpTable(const std::string& address) {
  return "[[dns.listeners]]\ntransport = \"tcp\"\naddress = \"" + address + "\"\n";
}

TEST(ListenerConfig, ListenersAreRead) {
  const auto config = parseConfig(std::string(kTlsTable) + tcpTable("192.0.2.1:53") +
                                      "proxy_from = [\"10.0.0.0/8\", \"2001:db8::1\"]\n",
                                  "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_THAT(config->dns_listeners, SizeIs(2));
  const ListenerConfig& tls = config->dns_listeners[0];
  EXPECT_EQ(tls.address.text(), "[::1]:853");
  ASSERT_TRUE(tls.tls);
  EXPECT_EQ(tls.tls->certificate, "/etc/c.pem");
  EXPECT_EQ(tls.tls->key, "/k.pem");
  EXPECT_TRUE(tls.tls->client_ca.empty());
  EXPECT_TRUE(tls.proxy_from.empty());
  const ListenerConfig& tcp = config->dns_listeners[1];
  EXPECT_FALSE(tcp.tls);
  EXPECT_TRUE(tcp.proxy_from.contains(IpAddress::parse("10.9.8.7").value()));
  EXPECT_TRUE(tcp.proxy_from.contains(IpAddress::parse("2001:db8::1").value()));
  EXPECT_FALSE(tcp.proxy_from.contains(IpAddress::parse("11.0.0.1").value()));
}

TEST(ListenerConfig, FilesAreForTlsAndNeededThere) {
  const std::string tls = "[[dns.listeners]]\naddress = \"127.0.0.1:853\"\ntransport = \"tls\"\n";
  EXPECT_EQ(problemsOf(tls + "certificate_file = \"c\"\n"),
            "m.toml:1:1: dns.listeners[0].key_file: is missing: the transport tls needs it\n");
  EXPECT_THAT(problemsOf(tls + "key_file = \"k\"\n"),
              HasSubstr("dns.listeners[0].certificate_file: is missing"));
  EXPECT_THAT(problemsOf(tcpTable("127.0.0.1:53") + "key_file = \"k\"\n"),
              HasSubstr("dns.listeners[0].key_file: k: is for the transports tls and https only"));
  EXPECT_THAT(problemsOf(tls + "certificate_file = \"\"\nkey_file = \"k\"\n"),
              HasSubstr("dns.listeners[0].certificate_file: must not be empty"));
}

TEST(ListenerConfig, HttpsHasThePathOfTheStandardOrItsOwn) {
  const std::string https =
      "[[dns.listeners]]\naddress = \"127.0.0.1:443\"\ntransport = \"https\"\n";
  const std::string files = "certificate_file = \"c\"\nkey_file = \"k\"\n";
  const auto config = parseConfig(https + files + kTlsTable, "m.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->dns_listeners[0].doh_path, "/dns-query");
  EXPECT_TRUE(config->dns_listeners[0].tls);
  EXPECT_EQ(config->dns_listeners[1].doh_path, "");
  const auto other = parseConfig(https + files + "path = \"/a/b~1\"\n", "m.toml");
  ASSERT_TRUE(other) << other.error().text();
  EXPECT_EQ(other->dns_listeners[0].doh_path, "/a/b~1");
  EXPECT_THAT(problemsOf(https + "key_file = \"k\"\n"),
              HasSubstr("certificate_file: is missing: the transport https needs it"));
  for (const std::string bad : {"", "dns", "/a?b", "/a b", "/a#", "/%41", "/\u00e4"}) {
    EXPECT_THAT(problemsOf(https + files + "path = \"" + bad + "\"\n"),
                HasSubstr("must begin with / and be a path"))
        << bad;
  }
  EXPECT_EQ(problemsOf(https + files + "path = \"/" + std::string(254, 'a') + "\"\n"), "");
  EXPECT_NE(problemsOf(https + files + "path = \"/" + std::string(255, 'a') + "\"\n"), "");
  EXPECT_THAT(problemsOf(std::string(kTlsTable) + "path = \"/x\"\n"),
              HasSubstr("dns.listeners[0].path: /x: is for the transport https only"));
}

TEST(ListenerConfig, AnAddressStandsOnce) {
  const auto both = [](const std::string& first, const std::string& second) {
    return problemsOf(tcpTable(first) + tcpTable(second));
  };
  EXPECT_THAT(both("127.0.0.1:53", "127.0.0.1:53"),
              HasSubstr("dns.listeners[1].address: 127.0.0.1:53: is listened on already"));
  EXPECT_THAT(both("[::1]:53", "[0:0::1]:53"), HasSubstr("is listened on already"));
  EXPECT_EQ(both("127.0.0.1:53", "127.0.0.1:54"), "");
  EXPECT_EQ(both("127.0.0.1:0", "127.0.0.1:0"), "");
  EXPECT_THAT(problemsOf("[dns]\nlisten = [\"127.0.0.1:53\"]\n" + tcpTable("127.0.0.1:53")),
              HasSubstr("dns.listeners[0].address: 127.0.0.1:53: is listened on already"));
  EXPECT_THAT(problemsOf(tcpTable("127.0.0.1:5300")), HasSubstr("already"))
      << "the default of dns.listen";
}

TEST(ListenerConfig, WrongValuesAreSaid) {
  EXPECT_THAT(problemsOf(tcpTable("127.0.0.1")), HasSubstr("dns.listeners[0].address: 127.0.0.1"));
  EXPECT_THAT(problemsOf(tcpTable("127.0.0.1:1") + "proxy_from = [\"10.0.0.1/8\"]\n"),
              HasSubstr("dns.listeners[0].proxy_from[0]: 10.0.0.1/8"));
  EXPECT_THAT(problemsOf(tcpTable("127.0.0.1:1") + "key = \"k\"\n"),
              HasSubstr("dns.listeners[0].key: is not known here"));
}

TEST(Config, TlsOfTheFeedIsRead) {
  const auto config = parseConfig(
      "[drc]\ntls_certificate_file = \"c.pem\"\ntls_key_file = \"/k.pem\"\n", "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(config->drc_tls);
  EXPECT_EQ(config->drc_tls->certificate, "/etc/c.pem");
  EXPECT_EQ(config->drc_tls->key, "/k.pem");
  EXPECT_TRUE(config->drc_tls->client_ca.empty());
  EXPECT_THAT(problemsOf("[drc]\ntls_key_file = \"k\"\n"), HasSubstr("go together"));
  EXPECT_THAT(problemsOf("[drc]\ntls_certificate_file = \"c\"\n"), HasSubstr("go together"));
  EXPECT_THAT(problemsOf("[drc]\ntls_client_ca_file = \"c\"\n"),
              HasSubstr("drc.tls_client_ca_file"));
}

}  // namespace
}  // namespace meridian::server
