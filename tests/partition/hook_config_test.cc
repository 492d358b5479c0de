#include "partition/hooks/hook_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

Checked<std::vector<HookConfig>> decode(const std::string& toml) {
  const auto root = parseToml(toml, "m.toml");
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", "m.toml", problems);
  auto hooks = decodeHooks(in, "/etc/meridian");
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return hooks;
}

std::string errorsOf(const std::string& toml) {
  const auto hooks = decode(toml);
  return hooks ? "" : hooks.error().text();
}

TEST(HookConfig, EverythingIsRead) {
  const auto hooks = decode(R"(
[[hooks]]
id = "dal"
url = "https://dal.example/hooks"
phases = ["block", "unblock"]
mode = "async"
on_error = "park"
timeout_ms = 700
max_attempts = 9
veto = false
secret_files = ["a.secret", "/b.secret"]
ca_file = "ca.pem"
[[hooks]]
id = "script"
exec = ["bin/hook", "--flag"]
phases = ["pre_check"]
)");
  ASSERT_TRUE(hooks) << hooks.error().text();
  ASSERT_EQ(hooks->size(), 2U);
  const HookConfig& dal = hooks->at(0);
  EXPECT_EQ(dal.url, "https://dal.example/hooks");
  EXPECT_TRUE(dal.in(HookPhase::kBlock));
  EXPECT_FALSE(dal.in(HookPhase::kVerify));
  EXPECT_EQ(dal.mode, HookConfig::Mode::kAsync);
  EXPECT_FALSE(dal.waitsIn(HookPhase::kBlock));
  EXPECT_EQ(dal.on_error, HookConfig::OnError::kPark);
  EXPECT_EQ(hookLimits(dal, HookPhase::kBlock).timeout, milliseconds(700));
  EXPECT_EQ(hookLimits(dal, HookPhase::kBlock).max_attempts, 9U);
  EXPECT_FALSE(dal.veto);
  EXPECT_EQ(dal.secret_files.at(0), "/etc/meridian/a.secret");
  EXPECT_EQ(dal.secret_files.at(1), "/b.secret");
  EXPECT_EQ(dal.ca_file, "/etc/meridian/ca.pem");
  const HookConfig& script = hooks->at(1);
  EXPECT_EQ(script.exec, (std::vector<std::string>{"/etc/meridian/bin/hook", "--flag"}));
  EXPECT_EQ(script.mode, HookConfig::Mode::kBlocking);
  EXPECT_EQ(script.on_error, HookConfig::OnError::kAbort);
  EXPECT_TRUE(script.veto);
  EXPECT_TRUE(script.waitsIn(HookPhase::kPreCheck));
}

TEST(HookConfig, LimitsFollowTheRole) {
  const HookConfig hook;
  EXPECT_EQ(hookLimits(hook, HookPhase::kPreCheck).timeout, milliseconds(2'000));
  EXPECT_EQ(hookLimits(hook, HookPhase::kPreCheck).max_attempts, 2U);
  EXPECT_EQ(hookLimits(hook, HookPhase::kBlock).timeout, milliseconds(5'000));
  EXPECT_EQ(hookLimits(hook, HookPhase::kBlock).max_attempts, 3U);
  EXPECT_EQ(hookLimits(hook, HookPhase::kCommitted).max_attempts, 8U);
  HookConfig async;
  async.mode = HookConfig::Mode::kAsync;
  EXPECT_EQ(hookLimits(async, HookPhase::kPreCheck).max_attempts, 8U);
}

TEST(HookConfig, ErrorsSayWhere) {
  EXPECT_THAT(errorsOf("[[hooks]]\n"), HasSubstr("hooks[0].id: is missing"));
  const std::string good = "[[hooks]]\nid = \"a\"\nphases = [\"block\"]\n";
  EXPECT_EQ(errorsOf(good + "url = \"http://h/\"\n"), "");
  EXPECT_THAT(errorsOf(good), HasSubstr("exactly one of url and exec"));
  EXPECT_THAT(errorsOf(good + "url = \"http://h/\"\nexec = [\"/x\"]\n"),
              HasSubstr("exactly one of url and exec"));
  EXPECT_THAT(errorsOf(good + "url = \"ftp://h/\"\n"), HasSubstr("m.toml:4:7: hooks[0].url"));
  EXPECT_THAT(errorsOf(good + "exec = []\n"), HasSubstr("hooks[0].exec"));
  EXPECT_THAT(errorsOf(good + "exec = [\"/x\"]\nca_file = \"f\"\n"),
              HasSubstr("are of hooks with a url"));
  EXPECT_THAT(errorsOf(good + "url = \"http://h/\"\nverry = 1\n"), HasSubstr("hooks[0].verry"));
  EXPECT_THAT(errorsOf(good + "url = \"http://h/\"\ntimeout_ms = 60001\n"),
              HasSubstr("hooks[0].timeout_ms: 60001"));
  EXPECT_THAT(errorsOf("[[hooks]]\nid = \"a\"\nphases = [\"blok\"]\nurl = \"http://h/\"\n"),
              HasSubstr("is not a phase"));
  const std::string one = good + "url = \"http://h/\"\n";
  EXPECT_THAT(errorsOf(one + "on_error = \"continue\"\n"),
              HasSubstr("hooks[0].on_error: continue: is not for phase block"));
  EXPECT_THAT(errorsOf(one + one), HasSubstr("hooks[1].id: a: another hook has this id"));
}

TEST(HookNames, PhasesAreNamedBothWays) {
  for (std::size_t i = 0; i < kHookPhases; ++i) {
    const auto phase = static_cast<HookPhase>(i);
    EXPECT_EQ(hookPhaseOf(hookPhaseName(phase)), phase);
  }
  EXPECT_EQ(hookPhaseOf("block "), std::nullopt);
  EXPECT_EQ(hookRole(HookPhase::kPreCommit), HookRole::kVeto);
  EXPECT_EQ(hookRole(HookPhase::kUnblock), HookRole::kAction);
  EXPECT_EQ(hookRole(HookPhase::kOnDetect), HookRole::kNotify);
  EXPECT_EQ(hookRole(HookPhase::kPostFailure), HookRole::kNotify);
}

TEST(HookDocumentation, NamesEveryKeyPhaseAndVariable) {
  const auto text =
      readFile(std::filesystem::path(MERIDIAN_SOURCE_DIR) / "docs/hooks.md", std::size_t{1} << 20);
  ASSERT_TRUE(text) << text.error().message;
  for (const std::string_view key : hookConfigKeys())
    EXPECT_THAT(*text, HasSubstr("| `" + std::string(key) + "` |"));
  for (std::size_t i = 0; i < kHookPhases; ++i) {
    EXPECT_THAT(*text,
                HasSubstr("| `" + std::string(hookPhaseName(static_cast<HookPhase>(i))) + "` |"));
  }
}

}  // namespace
}  // namespace meridian::partition
