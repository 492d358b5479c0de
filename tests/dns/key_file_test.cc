// Keys as the files of BIND's and ldns's tools; the samples were written by dnssec-keygen 9.18 and
// ldns-keygen 1.8.
#include "dns/sign/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "tests/support/fake_clock.h"

namespace meridian::dns {
namespace {

using testing::HasSubstr;

constexpr std::string_view kBindKey =
    "; This is a zone-signing key, keyid 28704, for example.org.\n"
    "; Created: 20261129172013 (Sun Nov 29 17:20:13 2026)\n"
    "example.org. 300 IN DNSKEY 256 3 15 dfqvQ23jxJtvWXPHjSCftVe6Fvq7GJuofLomWU42TZ0=\n";
constexpr std::string_view kBindPrivate =
    "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\n"
    "PrivateKey: GTJ/TWH3m4sLAxsiku+YfqWJ1okr0AmQjKj21rnvMwA=\nCreated: 20261129172013\n"
    "Publish: 20261130172013\nActivate: 20261130172013\nInactive: 20261229172013\n"
    "Delete: 20270128172013\n";
constexpr std::string_view kLdnsKey =
    "example.org.\tIN\tDNSKEY\t257 3 13 fML8bOhqqURptY0q4w2m/oWIfJDzl8qK/ZW8aiXP35O7uw24xGF9kjCB"
    "C2T28CfKZAH9z82oq1svhBJZ3AW5NA== ;{id = 10095 (ksk), size = 256b}\n";
constexpr std::string_view kLdnsPrivate =
    "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n"
    "PrivateKey: G+ex6PSilv8lHuHRUPQw/7a43zPpZTyVfusSBORs6Rk=\n";
constexpr std::string_view kLdnsDs =
    "example.org. IN DS 10095 13 2 "
    "54a19c7b004d597b8171003e5e1d34fc56cbe302973c06886828db3edf65675c";

std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t at = out.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) out.replace(at, from.size(), to);
  return out;
}

TEST(KeyFile, ReadsWhatDnssecKeygenWrites) {
  const auto read = readKeyFiles(kBindKey, kBindPrivate);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->owner.text(), "example.org.");
  EXPECT_EQ(read->key->tag(), 28704);
  EXPECT_EQ(read->key->algorithm(), SigningAlgorithm::kEd25519);
  EXPECT_FALSE(read->key->isEntryPoint());
  EXPECT_EQ(rfc3339(read->made.value()), "2026-11-29T17:20:13.000Z");
  EXPECT_EQ(rfc3339(read->inactive.value()), "2026-12-29T17:20:13.000Z");
  EXPECT_EQ(rfc3339(read->removed.value()), "2027-01-28T17:20:13.000Z");
  EXPECT_FALSE(read->revoked);
}

TEST(KeyFile, ReadsWhatLdnsKeygenWrites) {
  const auto read = readKeyFiles(kLdnsKey, kLdnsPrivate);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->key->tag(), 10095);
  EXPECT_TRUE(read->key->isEntryPoint());
  EXPECT_FALSE(read->made);
  EXPECT_EQ(dsText(read->owner, *read->key), kLdnsDs);
}

TEST(KeyFile, ReadsKeysInParts) {
  const std::string parts = with(kLdnsKey, "fML8bOhq", "fML8\tbOhq ");
  EXPECT_TRUE(readKeyFiles(with(parts, "\tIN\t", " in 3600\t"), kLdnsPrivate));
  EXPECT_TRUE(readKeyFiles(with(kLdnsKey, "\tIN\t", " "), with(kLdnsPrivate, "\n", "\r\n")));
}

// A scalar with a zero in front, as a number without leading zeros.
TEST(KeyFile, FillsShortScalarsUp) {
  std::vector<std::uint8_t> secret(32, 0x5a);
  secret[0] = 0;
  KeyRecord record;
  record.key = std::make_shared<const ZoneKey>(
      SigningKey::fromPrivate(SigningKeyKind::kEcdsaP256, secret).value(), true);
  const KeyFiles files = writeKeyFiles(Name::parse("a").value(), record);
  const std::string whole = base64(secret);
  const std::string cut = base64(std::span(secret).subspan(1));
  const auto read = readKeyFiles(files.record, with(files.secret, whole, cut));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->key->key().privateBytes(), secret);
}

TEST(KeyFile, ReadsWhatItWrites) {
  for (const SigningKeyKind kind : {SigningKeyKind::kEcdsaP256, SigningKeyKind::kEd25519}) {
    KeyRecord record;
    record.key = std::make_shared<const ZoneKey>(SigningKey::generate(kind).value(),
                                                 kind == SigningKeyKind::kEd25519);
    record.made = test::FakeClock().wallNow();
    const Name apex = Name::parse("shop.example").value();
    const KeyFiles files = writeKeyFiles(apex, record);
    EXPECT_TRUE(files.name.starts_with("Kshop.example.+01")) << files.name;
    const auto read = readKeyFiles(files.record, files.secret);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->key->dnskey(), record.key->dnskey());
    EXPECT_EQ(read->key->key().privateBytes(), record.key->key().privateBytes());
    EXPECT_EQ(read->owner, apex);
    EXPECT_EQ(read->made, record.made);
  }
}

TEST(KeyFile, RefusalsSayWhyAndNotTheSecret) {
  struct Refusal {
    std::string record, secret;
    const char* why;
    ErrorKind kind = ErrorKind::kInvalid;
  };
  const std::string key(kBindKey), hidden(kBindPrivate);
  const Refusal refusals[] = {
      {"", hidden, ".key file: has no record"},
      {key + key, hidden, "more than one record"},
      {with(key, "DNSKEY", "A"), hidden, "no DNSKEY record"},
      {with(key, "256 3 15", "256 3 (15"), hidden, "are no such numbers"},
      {with(key, "256", "0"), hidden, "flags 0 are not"},
      {with(key, "256", "384"), hidden, "is revoked", ErrorKind::kRefused},
      {with(key, "3 15", "2 15"), hidden, "protocol (3)"},
      {with(key, "3 15", "3 8"), hidden, "8 (RSASHA256) is none that", ErrorKind::kRefused},
      {with(key, "3 15", "3 200"), hidden, "algorithm 200 is none that", ErrorKind::kRefused},
      {with(key, "dfqv", "!fqv"), hidden, ".key file: the public key"},
      {with(key, "dfqv", "efqv"), hidden, "is not that of the DNSKEY record"},
      {with(key, "3 15", "3 13"), hidden, "of different algorithms"},
      {with(key, "example.org. 300", "a..b 300"), hidden, "the record's owner"},
      {std::string(kMaxKeyFileBytes + 1, ';'), hidden, ".key file: has more than",
       ErrorKind::kTooLarge},
      {std::string(600, '\n') + key, std::string(kMaxKeyFileBytes + 1, 'a'),
       ".private file: has more than", ErrorKind::kTooLarge},
      {key, with(hidden, "v1.3", "v2.0"), "Private-key-format is neither"},
      {key, with(hidden, "Private-key-format: v1.3\n", ""), "no line Private-key-format"},
      {key, with(hidden, "15 (", "16 ("), "16 (ED448) is none that", ErrorKind::kRefused},
      {key, with(hidden, "Algorithm: 15 (ED25519)\n", ""), "no line Algorithm"},
      {key, with(hidden, "PrivateKey: GTJ/", "PrivateKey: !"), "PrivateKey is no base64"},
      {key, with(hidden, "PrivateKey: GTJ/", "PrivateKey: "), "PrivateKey has not 32 bytes"},
      {key, hidden + "PrivateKey: AA==\n", "two lines PrivateKey"},
      {key, with(hidden, "Created: 2026", "Created: 2x26"), "Created is no time"},
      {key, with(hidden, "Delete: 202701", "Delete: 202713"), "Delete is no time"},
  };
  for (const Refusal& each : refusals) {
    const auto read = readKeyFiles(each.record, each.secret);
    ASSERT_FALSE(read) << each.why;
    EXPECT_THAT(read.error().message, HasSubstr(each.why));
    EXPECT_EQ(read.error().kind, each.kind) << each.why;
    EXPECT_THAT(read.error().message, testing::Not(HasSubstr("TWH3m4sL")));
  }
}

TEST(KeyFile, AKeyThatHadItsDayIsNotUsed) {
  const auto read = readKeyFiles(kBindKey, kBindPrivate);
  ASSERT_TRUE(read);
  EXPECT_TRUE(mayBeUsed(*read, *read->inactive - std::chrono::seconds(1)));
  const Status used = mayBeUsed(*read, *read->inactive);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(used.error().message, HasSubstr("Inactive in the .private file was 2026-12-29"));
}

}  // namespace
}  // namespace meridian::dns
