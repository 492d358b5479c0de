// The runner over real HTTP, real programs and the real loop; the store is memory that outlives a
// "crash".
#include "partition/hooks/hook_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "partition/hooks/hook_codec.h"
#include "partition/hooks/signature.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_server.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using test::WebReply;
using test::WebRequest;
using ::testing::HasSubstr;
using Outcome = HookOutcome::Kind;

class HookRunnerTest : public ::testing::Test {
 protected:
  HookRunnerTest() { std::signal(SIGPIPE, SIG_IGN); }

  HookConfig web(const std::string& id, std::initializer_list<HookPhase> phases) const {
    HookConfig hook;
    hook.id = id;
    hook.url = "http://" + server_.address() + "/" + id;
    for (const HookPhase phase : phases) hook.phases.set(static_cast<std::size_t>(phase));
    return hook;
  }
  HookConfig program(const std::string& script, HookPhase phase) const {
    const std::string file = (folder_.path() / "hook.sh").string();
    std::ofstream(file) << "#!/bin/sh\n" << script;
    chmod(file.c_str(), 0700);
    HookConfig hook;
    hook.id = "script";
    hook.exec = {file};
    hook.phases.set(static_cast<std::size_t>(phase));
    return hook;
  }
  static HookCall call(HookPhase phase) {
    HookCall out;
    out.change_id = "c1";
    out.phase = phase;
    out.subject = "p1";
    out.budget = milliseconds(10'000);
    return out;
  }
  std::unique_ptr<OutboundHooks> runner(std::vector<HookConfig> hooks) {
    auto store = std::make_shared<test::MemoryStore>(disk_, HookOutbox::families());
    return std::make_unique<OutboundHooks>(loop_, clock_, std::move(hooks),
                                           HookOutbox::open(store).value());
  }
  HookOutcome outcomeOf(OutboundHooks& hooks, const HookCall& call) {
    std::optional<HookOutcome> got;
    hooks.run(call, [&](HookOutcome outcome) {
      got = std::move(outcome);
      loop_.stop();
    });
    EXPECT_FALSE(got) << "called from inside run()";
    loop_.run();
    return *got;
  }
  // Runs the loop until it holds; asked after each millisecond.
  template <class Condition>
  void runUntil(Condition condition) {
    const auto looking = loop_.every(milliseconds(1), [&] {
      if (condition()) loop_.stop();
    });
    loop_.run();
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> out;
    for (const WebRequest& request : server_.requests()) out.push_back(request.path);
    return out;
  }

  EventLoop loop_;
  SystemClock clock_;
  test::TempDir folder_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  std::function<std::optional<WebReply>(const WebRequest&)> reply_ = [](const WebRequest&) {
    return WebReply{};
  };
  test::WebServer server_{loop_, [this](const WebRequest& request) { return reply_(request); }};
};

TEST_F(HookRunnerTest, AsksInOrderWithASignedPayload) {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  std::ofstream(folder_.path() / "secret") << secret << "\n";
  HookConfig first = web("first", {HookPhase::kPreCheck});
  first.secret_files = {folder_.path() / "secret"};
  const auto hooks = runner(
      {first, web("second", {HookPhase::kPreCheck}), web("elsewhere", {HookPhase::kVerify})});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kPreCheck)).kind, Outcome::kAllowed);
  EXPECT_EQ(paths(), (std::vector<std::string>{"/first", "/second"}));
  const WebRequest& seen = server_.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, hookPayload(call(HookPhase::kPreCheck), "first", 1));
  EXPECT_EQ(seen.headers.at("webhook-id"), "c1:pre_check:first");
  EXPECT_TRUE(verifySignature({WebhookSecret::parse(secret).value()},
                              {seen.headers.at("webhook-id"), seen.headers.at("webhook-timestamp"),
                               seen.headers.at("webhook-signature")},
                              seen.body, clock_.wallNow()));
  EXPECT_FALSE(server_.requests().at(1).headers.contains("webhook-signature"));
  EXPECT_EQ(hooks->counters().at(0).allowed, 1U);
}

TEST_F(HookRunnerTest, AVetoIsShownWithItsWords) {
  reply_ = [](const WebRequest&) {
    return WebReply{200, R"({"decision":"veto","reason":"freeze","evidence":{"until":9}})", {}};
  };
  const auto hooks = runner({web("a", {HookPhase::kPreCheck}), web("b", {HookPhase::kPreCheck})});
  const HookOutcome outcome = outcomeOf(*hooks, call(HookPhase::kPreCheck));
  EXPECT_EQ(outcome.kind, Outcome::kVetoed);
  EXPECT_EQ(outcome.hook, "a");
  EXPECT_EQ(outcome.reason, "freeze");
  EXPECT_EQ(outcome.evidence, R"({"until":9})");
  EXPECT_EQ(paths(), std::vector<std::string>{"/a"});
  EXPECT_EQ(hooks->counters().at(0).vetoed, 1U);
}

TEST_F(HookRunnerTest, RetriesWithTheSameIdAndTheNextAttempt) {
  reply_ = [this](const WebRequest&) {
    return WebReply{server_.requests().size() < 2 ? 503 : 409, "", {}};
  };
  const auto hooks = runner({web("a", {HookPhase::kBlock})});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kBlock)).kind, Outcome::kAllowed);
  ASSERT_EQ(server_.requests().size(), 2U);
  EXPECT_EQ(server_.requests()[0].headers.at("webhook-id"),
            server_.requests()[1].headers.at("webhook-id"));
  EXPECT_THAT(server_.requests()[1].body, HasSubstr(R"("attempt":2)"));
  EXPECT_EQ(hooks->counters().at(0).errors, 1U);
}

TEST_F(HookRunnerTest, TheBudgetEndsAPhaseThatNobodyAnswers) {
  reply_ = [](const WebRequest&) { return std::nullopt; };
  const auto hooks = runner({web("a", {HookPhase::kBlock})});
  HookCall asked = call(HookPhase::kBlock);
  asked.budget = milliseconds(60);
  EXPECT_EQ(outcomeOf(*hooks, asked).kind, Outcome::kFailed);
}

TEST_F(HookRunnerTest, AfterARestartWhoAnsweredIsNotAskedAgain) {
  reply_ = [](const WebRequest& request) {
    return request.path == "/b" ? std::nullopt : std::optional(WebReply{});
  };
  const std::vector<HookConfig> config = {web("a", {HookPhase::kBlock}),
                                          web("b", {HookPhase::kBlock})};
  {
    const auto crashed = runner(config);
    crashed->run(call(HookPhase::kBlock), [](const HookOutcome&) { FAIL() << "b did not answer"; });
    runUntil([&] { return server_.requests().size() == 2; });
  }
  reply_ = [](const WebRequest&) { return WebReply{}; };
  const auto hooks = runner(config);
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kBlock)).kind, Outcome::kAllowed);
  EXPECT_EQ(paths(), (std::vector<std::string>{"/a", "/b", "/b"}));
  EXPECT_EQ(server_.requests()[1].headers.at("webhook-id"),
            server_.requests()[2].headers.at("webhook-id"));
}

TEST_F(HookRunnerTest, NothingIsSentThatCouldNotBeWritten) {
  disk_->fail_at = 0;
  const auto asking = runner({web("a", {HookPhase::kBlock})});
  HookCall asked = call(HookPhase::kBlock);
  asked.budget = milliseconds(100);  // no second attempt
  EXPECT_EQ(outcomeOf(*asking, asked).kind, Outcome::kFailed);
  disk_->fail_at = disk_->writes;
  const auto telling = runner({web("a", {HookPhase::kCommitted})});
  EXPECT_EQ(outcomeOf(*telling, call(HookPhase::kCommitted)).kind, Outcome::kFailed);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HookRunnerTest, WhoIsToldIsToldAlsoAfterARestart) {
  reply_ = [](const WebRequest&) { return std::nullopt; };
  const std::vector<HookConfig> config = {web("a", {HookPhase::kPostSuccess})};
  {
    const auto crashed = runner(config);
    EXPECT_EQ(outcomeOf(*crashed, call(HookPhase::kPostSuccess)).kind, Outcome::kAllowed);
    runUntil([&] { return server_.requests().size() == 1; });
    EXPECT_EQ(crashed->outbox().waiting().size(), 1U);
  }
  reply_ = [](const WebRequest&) { return WebReply{200, "thanks", {}}; };
  const auto hooks = runner(config);
  runUntil([&] { return hooks->outbox().waiting().empty(); });
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_TRUE(hooks->outbox().dead().empty());
}

TEST_F(HookRunnerTest, AnAsyncHookHoldsNoPhase) {
  reply_ = [](const WebRequest&) { return WebReply{200, R"({"decision":"veto"})", {}}; };
  HookConfig async = web("a", {HookPhase::kPreCheck});
  async.mode = HookConfig::Mode::kAsync;
  const auto hooks = runner({async});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kPreCheck)).kind, Outcome::kAllowed);
  runUntil([&] { return hooks->outbox().waiting().empty(); });
  EXPECT_TRUE(hooks->outbox().dead().empty());
}

TEST_F(HookRunnerTest, ADeadLetterCanBeSentAgain) {
  reply_ = [](const WebRequest&) { return WebReply{404, "no such place", {}}; };
  const auto hooks = runner({web("a", {HookPhase::kDrained})});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kDrained)).kind, Outcome::kAllowed);
  runUntil([&] { return !hooks->outbox().dead().empty(); });
  const auto& [id, letter] = *hooks->outbox().dead().begin();
  EXPECT_EQ(letter.last_error, "status 404: no such place");
  EXPECT_EQ(hooks->counters().at(0).dead_letters, 1U);
  reply_ = [](const WebRequest&) { return WebReply{}; };
  ASSERT_TRUE(hooks->requeue(id));
  runUntil([&] { return hooks->outbox().waiting().empty(); });
  EXPECT_TRUE(hooks->outbox().dead().empty());
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(HookRunnerTest, AMessageToAHookThatIsGoneBecomesADeadLetter) {
  runner({web("a", {HookPhase::kDrained})})->run(call(HookPhase::kDrained), [](HookOutcome) {});
  const auto hooks = runner({});
  runUntil([&] { return !hooks->outbox().dead().empty(); });
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HookRunnerTest, ACancelledPhaseDoesNotCallBack) {
  reply_ = [](const WebRequest&) { return std::nullopt; };
  const auto hooks = runner({web("a", {HookPhase::kBlock}), web("b", {HookPhase::kVerify})});
  HookCall asked = call(HookPhase::kBlock);
  asked.budget = milliseconds(50);
  hooks->run(asked, [](const HookOutcome&) { FAIL(); });
  hooks->cancel("c1", HookPhase::kBlock);
  hooks->cancel("c1", HookPhase::kBlock);
  hooks->cancel("other", HookPhase::kVerify);
  HookCall later = call(HookPhase::kVerify);
  later.budget = milliseconds(100);
  EXPECT_EQ(outcomeOf(*hooks, later).kind, Outcome::kFailed);
}

TEST_F(HookRunnerTest, ProgramsGetEnvironmentAndPayload) {
  const std::string out = (folder_.path() / "seen").string();
  const auto hooks = runner({program(
      "cat > " + out + "; echo \" $GEO_PHASE $GEO_SUBJECT\" >> " + out + "; echo careful; exit 10",
      HookPhase::kPreCheck)});
  HookCall asked = call(HookPhase::kPreCheck);
  asked.subject = "p1; touch /tmp/never";
  const HookOutcome outcome = outcomeOf(*hooks, asked);
  EXPECT_EQ(outcome.kind, Outcome::kAllowed);
  EXPECT_EQ(outcome.hook, "script");
  EXPECT_EQ(outcome.reason, "careful");
  std::ifstream file(out);
  const std::string seen((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(seen, hookPayload(asked, "script", 1) + " pre_check p1; touch /tmp/never\n");
}

TEST_F(HookRunnerTest, AProgramMayDefer) {
  const auto hooks = runner({program("exit 20", HookPhase::kPreCommit)});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kPreCommit)).kind, Outcome::kDeferred);
}

TEST_F(HookRunnerTest, AnUnreadableSecretSendsNothingUnsigned) {
  HookConfig hook = web("a", {HookPhase::kBlock});
  hook.secret_files = {folder_.path() / "absent"};
  const auto hooks = runner({hook});
  EXPECT_EQ(outcomeOf(*hooks, call(HookPhase::kBlock)).kind, Outcome::kFailed);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HookRunnerTest, AReplyOver64KiBIsRefused) {
  reply_ = [](const WebRequest&) { return WebReply{200, std::string(65537, ' '), {}}; };
  const auto hooks = runner({web("a", {HookPhase::kBlock})});
  const HookOutcome outcome = outcomeOf(*hooks, call(HookPhase::kBlock));
  EXPECT_EQ(outcome.kind, Outcome::kFailed);
  EXPECT_THAT(outcome.reason, HasSubstr("over 65536 bytes"));
  EXPECT_EQ(server_.requests().size(), 1U);
}

}  // namespace
}  // namespace meridian::partition
