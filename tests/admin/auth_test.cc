#include "admin/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "tests/support/temp_dir.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

std::string documentOf(const std::string& rows) {
  return "{\"format\": 1, \"tokens\": [\n" + rows + "\n]}";
}
std::string rowOf(const std::string& name, const std::string& role, const std::string& token) {
  return R"({"name": ")" + name + R"(", "role": ")" + role + R"(", "sha256": ")" +
         hex(sha256(token)) + "\"}";
}

TEST(Authenticator, KnowsEachTokenByItsDigest) {
  const auto auth = Authenticator::parse(
      documentOf(rowOf("ann", "viewer", "token-a") + "," + rowOf("bob", "admin", "token-b")),
      "tokens.json");
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->size(), 2U);
  const auto ann = auth->authenticate("Bearer token-a");
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->name, "ann");
  EXPECT_EQ(ann->role, Role::kViewer);
  const auto bob = auth->authenticate("bEARER   token-b");
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->role, Role::kAdmin);
}

TEST(Authenticator, RefusesEverythingElseWithoutShowingIt) {
  const auto auth = Authenticator::parse(documentOf(rowOf("ann", "viewer", "token-a")), "t");
  ASSERT_TRUE(auth);
  const std::optional<std::string> headers[] = {std::nullopt,
                                                "",
                                                "Bearer",
                                                "Bearer ",
                                                "Bearer    ",
                                                "Bearer token-a ",
                                                "token-a",
                                                "Basic token-a",
                                                "Bearer secretly",
                                                "Bearer token-",
                                                "Bearer " + hex(sha256("token-a"))};
  for (const auto& header : headers) {
    const auto refused = auth->authenticate(header);
    ASSERT_FALSE(refused) << header.value_or("none");
    EXPECT_EQ(refused.error().kind, ErrorKind::kUnauthorized);
    EXPECT_THAT(refused.error().message, testing::Not(HasSubstr("secretly")));
  }
}

TEST(Roles, AgentsFeedAndNothingElse) {
  EXPECT_TRUE(mayUse(Role::kAgent, Role::kAgent));
  EXPECT_FALSE(mayUse(Role::kAgent, Role::kViewer));
  EXPECT_FALSE(mayUse(Role::kViewer, Role::kAgent));
  EXPECT_TRUE(mayUse(Role::kOperator, Role::kAgent));
  EXPECT_TRUE(mayUse(Role::kAdmin, Role::kAgent));
  EXPECT_TRUE(mayUse(Role::kAdmin, Role::kOperator));
  EXPECT_FALSE(mayUse(Role::kViewer, Role::kOperator));
}

TEST(Authenticator, ReportsEveryErrorOfTheFileWithItsPlace) {
  const std::string text =
      documentOf("{\"name\": \"ann\", \"role\": \"boss\", \"sha256\": \"12\"},\n" +
                 rowOf("ann", "viewer", "x") +
                 ",\n{\"name\": \"Bob!\", \"role\": \"admin\", \"colour\": \"red\"}");
  const auto auth = Authenticator::parse(text, "tokens.json");
  ASSERT_FALSE(auth);
  const std::string errors = auth.error().text();
  EXPECT_THAT(errors, HasSubstr("tokens.json:2:25: tokens[0].role: boss: "));
  EXPECT_THAT(errors, HasSubstr("tokens[0].sha256: 12: must be 64 lower-case hex digits"));
  EXPECT_THAT(errors, HasSubstr("tokens.json:3:10: tokens[1].name: ann: stands twice"));
  EXPECT_THAT(errors, HasSubstr("tokens[2].name: Bob!"));
  EXPECT_THAT(errors, HasSubstr("tokens[2].sha256"));
  EXPECT_THAT(errors, HasSubstr("tokens[2].colour"));
}

TEST(Authenticator, AFirstStartMakesAnAdminTokenThatOnlyItsOwnerCanRead) {
  const test::TempDir dir;
  const auto first = Authenticator::load(dir.path());
  ASSERT_TRUE(first) << first.error().text();
  struct stat info {};
  ASSERT_EQ(::stat((dir.path() / "admin.token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  std::string token = *readFile(dir.path() / "admin.token", 1000);
  ASSERT_EQ(token.size(), 65U);
  token.pop_back();
  EXPECT_THAT(*readFile(dir.path() / "tokens.json", 10'000), testing::Not(HasSubstr(token)));

  const auto again = Authenticator::load(dir.path());
  ASSERT_TRUE(again);
  const auto admin = again->authenticate("Bearer " + token);
  ASSERT_TRUE(admin) << "a restart must keep the token";
  EXPECT_EQ(admin->role, Role::kAdmin);
}

TEST(Authenticator, ABadFileRefusesTheStartAndMakesNoToken) {
  const test::TempDir dir;
  ASSERT_TRUE(writeFileAtomically(dir.path() / "tokens.json", "{\"format\": 1,\n oops}", 0600));
  const auto auth = Authenticator::load(dir.path());
  ASSERT_FALSE(auth);
  EXPECT_THAT(auth.error().text(), HasSubstr("tokens.json:2:"));
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "admin.token"));
}

}  // namespace
}  // namespace meridian::admin
