// Tables of TSIG keys, and the files that their secrets are in.
#include "server/tsig_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/file.h"
#include "server/config.h"
#include "tests/support/temp_dir.h"

namespace meridian::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string keyTable(const std::string& name, const std::string& more = "") {
  return "[[tsig.keys]]\nname = \"" + name + "\"\nsecret_file = \"s\"\n" + more;
}
std::string tsigErrors(const std::string& text) {
  const auto config = parseConfig(text, "m.toml");
  return config ? "" : config.error().text();
}

TEST(TsigConfig, TablesAreRead) {
  const auto config =
      parseConfig(keyTable("Transfer.Example.") + keyTable("b", "algorithm = \"HMAC-SHA512\"\n"),
                  "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_THAT(config->tsig_keys, SizeIs(2));
  EXPECT_EQ(config->tsig_keys[0].name.text(), "transfer.example.");
  EXPECT_EQ(config->tsig_keys[0].algorithm, dns::TsigAlgorithm::kHmacSha256);
  EXPECT_EQ(config->tsig_keys[0].secret_file, "/etc/s");
  EXPECT_EQ(config->tsig_keys[1].algorithm, dns::TsigAlgorithm::kHmacSha512);
  EXPECT_TRUE(parseConfig("", "m.toml")->tsig_keys.empty());
}

TEST(TsigConfig, EachErrorIsSaidAtItsPlace) {
  EXPECT_THAT(tsigErrors(keyTable("a") + keyTable("A.")),
              HasSubstr("m.toml:5:8: tsig.keys[1].name: A.: is another key's already"));
  EXPECT_THAT(tsigErrors(keyTable(".")), HasSubstr("tsig.keys[0].name: .: must not be the root"));
  EXPECT_THAT(tsigErrors(keyTable("a..b")), HasSubstr("tsig.keys[0].name: a..b: empty label"));
  EXPECT_THAT(tsigErrors(keyTable("a", "algorithm = \"hmac-md5\"\n")),
              HasSubstr("tsig.keys[0].algorithm: hmac-md5: MD5 is broken: use hmac-sha256"));
  EXPECT_THAT(tsigErrors(keyTable("a", "secret = \"x\"\n")), HasSubstr("tsig.keys[0].secret"));
  EXPECT_THAT(tsigErrors("[tsig]\nkey = 1\n"), HasSubstr("tsig.key"));
  EXPECT_THAT(tsigErrors("[[tsig.keys]]\nname = \"a\"\nsecret_file = \"\"\n"),
              HasSubstr("tsig.keys[0].secret_file: must not be empty"));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += keyTable("k" + std::to_string(i));
  EXPECT_THAT(tsigErrors(many), HasSubstr("tsig.keys: has 1001"));
}

class TsigFilesTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text,
                              unsigned mode = 0600) {
    EXPECT_TRUE(writeFileAtomically(folder_.path() / name, text, mode));
    return folder_.path() / name;
  }
  static std::string secret(char c, std::size_t size = 32) {
    return base64(std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(c))) + "\n";
  }
  static TsigKeyConfig key(const std::string& name, const std::filesystem::path& file) {
    return {dns::Name::parse(name).value(), dns::TsigAlgorithm::kHmacSha256, file};
  }
  static std::string errorOf(TsigFiles files) {
    const auto looked = files.look();
    return looked ? "none" : looked.error().message;
  }

  const test::TempDir folder_;
};

TEST_F(TsigFilesTest, TellEachChangeOnce) {
  TsigFiles files({key("a", write("one", secret('1'))), key("b", write("two", secret('2')))});
  const auto first = files.look();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->size(), 2U);
  EXPECT_EQ((*first)->find(dns::Name::parse("b").value())->secret, std::string(32, '2'));
  ASSERT_TRUE(files.look());
  EXPECT_FALSE(*files.look());
  write("two", secret('3'));
  const auto second = files.look();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->find(dns::Name::parse("b").value())->secret, std::string(32, '3'));
  write("one", "nonsense\n");
  EXPECT_FALSE(files.look());
  EXPECT_TRUE(files.look()) << "said once";
  write("one", secret('1'));
  EXPECT_TRUE(*files.look());
}

TEST_F(TsigFilesTest, RefuseWhatIsNotASecretOfTheOwner) {
  const auto with = [&](const std::filesystem::path& file) {
    return errorOf(TsigFiles({key("a", file)}));
  };
  EXPECT_THAT(with(folder_.path() / "none"), HasSubstr("tsig key a."));
  EXPECT_THAT(with(write("open", secret('1'), 0640)), HasSubstr("chmod 600"));
  const std::string not_base64 = with(write("text", "?secret?\n"));
  EXPECT_THAT(not_base64, HasSubstr("is not base64"));
  EXPECT_THAT(not_base64, Not(HasSubstr("?secret?")));
  EXPECT_THAT(with(write("short", secret('1', 15))), HasSubstr("has 15 bytes; 16 to 512"));
  EXPECT_THAT(with(write("long", secret('1', 513))), HasSubstr("has 513 bytes; 16 to 512"));
  EXPECT_EQ(with(write("least", secret('1', 16))), "none");
  EXPECT_EQ(with(write("most", secret('1', 512))), "none");
}

}  // namespace
}  // namespace meridian::server
