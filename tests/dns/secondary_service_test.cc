// Zones that come from a primary, which is a few lines on the same loop. Of real ones:
// tests/scenario/test_secondary.
#include "dns/transfer/secondary_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "dns/zone/loader.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_sockets.h"
#include "tests/support/dns_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using testing::HasSubstr;

// Takes one question a connection, and answers it with frames.
class LoopPrimary {
 public:
  using Answer = std::function<std::vector<Bytes>(const Bytes& question)>;

  LoopPrimary(EventLoop& loop, Answer answer)
      : loop_(loop),
        answer_(std::move(answer)),
        listener_(test::must(listenTcp(*IpEndpoint::parse("127.0.0.1:0")))),
        accepting_(loop.onReadable(listener_.get(), [this] { accept(); })) {}

  IpEndpoint endpoint() const { return *listener_.localEndpoint(); }
  std::size_t questions() const { return questions_; }
  std::size_t mostAtATime() const { return most_; }

 private:
  struct Talk {
    Socket socket;
    std::unique_ptr<EventLoop::Timer> readable = {};
    bool asked = false;
  };

  void accept() {
    Socket socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.get() < 0) return;
    Talk& talk = talks_.emplace_back(Talk{std::move(socket)});
    talk.readable = loop_.onReadable(talk.socket.get(), [this, &talk] { read(talk); });
    most_ = std::max(most_, ++open_);
  }
  void read(Talk& talk) {
    const auto question = talk.asked ? std::nullopt : test::receiveFrame(talk.socket);
    if (!question) {
      talk.readable.reset();
      --open_;
      return;
    }
    talk.asked = true;
    ++questions_;
    for (const Bytes& each : answer_(*question)) {
      Bytes frame;
      test::put16(frame, static_cast<unsigned>(each.size()));
      test::append(frame, each);
      EXPECT_TRUE(test::sendAll(talk.socket, frame));
    }
  }

  EventLoop& loop_;
  Answer answer_;
  Socket listener_;
  std::list<Talk> talks_;
  std::size_t questions_ = 0, open_ = 0, most_ = 0;
  std::unique_ptr<EventLoop::Timer> accepting_;
};

// The zone of the question, as a whole, or its SOA.
std::vector<Bytes> wellAnswered(const Bytes& question, std::uint32_t serial) {
  const std::size_t end = question.size();
  Bytes out(question.begin(), question.begin() + static_cast<std::ptrdiff_t>(end));
  const bool is_soa = question[end - 3] == 6;
  out[2] = 0x84;
  out[7] = is_soa ? 1 : 3;
  const auto add = [&out](unsigned type, const Bytes& rdata) {
    test::put16(out, 0xC00C);
    test::put16(out, type);
    test::put16(out, 1);
    test::put32(out, 60);
    test::put16(out, static_cast<unsigned>(rdata.size()));
    test::append(out, rdata);
  };
  Bytes soa_rdata{0, 0};
  for (const std::uint32_t number : {serial, 3600U, 600U, 86400U, 60U}) {
    test::put32(soa_rdata, number);
  }
  add(6, soa_rdata);
  if (is_soa) return {out};
  add(2, test::wireName("ns.test"));
  add(6, soa_rdata);
  return {out};
}

class SecondaryServiceTest : public testing::Test {
 protected:
  SecondaryServiceTest() {
    limit_ = loop_.after(std::chrono::seconds(30), [this] {
      ADD_FAILURE() << "nothing happened for 30 s";
      loop_.stop();
    });
    limits_.timeouts = {std::chrono::milliseconds(5000), std::chrono::milliseconds(5000),
                        std::chrono::milliseconds(5000)};
  }

  static Name zoneNamed(int i) { return Name::parse("z" + std::to_string(i) + ".")->lowered(); }
  // Zones z0., z1., … of these primaries.
  void start(int zones, const std::vector<ZonePrimary>& primaries) {
    service_.reset();
    auto opened = ZoneService::open(
        std::make_shared<test::MemoryStore>(disk_, ZoneService::families()), clock_, folder_.path(),
        std::make_shared<const ZoneSet>(std::vector<LoadedZone>{}));
    ASSERT_TRUE(opened);
    zones_.emplace(std::move(*opened));
    std::vector<ZonePolicy> policies(static_cast<std::size_t>(zones));
    for (int i = 0; i < zones; ++i) {
      ZonePolicy& policy = policies[static_cast<std::size_t>(i)];
      policy.name = zoneNamed(i);
      policy.primaries = primaries;
      policy.allow_notify = {{.key = test::tsigKey().name}};
    }
    const auto shared = std::make_shared<const ZonePolicies>(std::move(policies));
    zones_->setPolicies(shared);
    ASSERT_TRUE(zones_->addSecondaries());
    zones_->onChange([](const auto&) -> Checked<std::function<void()>> { return [] {}; });
    service_.emplace(
        loop_, clock_, *zones_, shared, [] { return nullptr; }, limits_);
    service_->start();
  }
  void runUntil(const std::function<bool()>& done) {
    const auto look = loop_.every(std::chrono::milliseconds(1), [&] {
      if (done()) loop_.stop();
    });
    loop_.run();
  }
  SecondaryStatus status(int zone = 0) const { return *service_->statusOf(zoneNamed(zone)); }
  std::string failure() {
    runUntil([this] { return service_->counters().failed.value() != 0; });
    return status().last_error;
  }
  Rcode notified(const char* from, const TsigKey* key = nullptr) {
    return service_->notified(zoneNamed(0), {test::address(from), Transport::kUdp, 0}, key);
  }

  EventLoop loop_;
  test::FakeClock clock_;
  test::TempDir folder_;
  std::shared_ptr<test::MemoryDisk> disk_ = std::make_shared<test::MemoryDisk>();
  SecondaryLimits limits_;
  std::optional<ZoneService> zones_;
  std::optional<SecondaryService> service_;
  std::unique_ptr<EventLoop::Timer> limit_;
};

TEST_F(SecondaryServiceTest, AZoneComesAndIsAskedForBySoaFromThenOn) {
  std::uint32_t serial = 7;
  LoopPrimary primary(loop_, [&](const Bytes& question) { return wellAnswered(question, serial); });
  start(1, {{primary.endpoint()}});
  EXPECT_EQ(status().availability, Availability::kNeverLoaded);
  EXPECT_EQ(service_->count(Availability::kNeverLoaded), 1U);
  runUntil([&] { return service_->counters().axfr.value() == 1; });
  EXPECT_EQ(primary.questions(), 1U);
  EXPECT_EQ(zones_->zones()->at(zoneNamed(0))->zone->serial(), 7U);
  EXPECT_EQ(status().availability, Availability::kServed);
  EXPECT_EQ(status().refreshed, clock_.wallNow());
  EXPECT_EQ(status().expires, clock_.wallNow() + std::chrono::seconds(86400));
  EXPECT_GT(*status().next, clock_.wallNow() + std::chrono::seconds(3200));
  EXPECT_EQ(status().last_error, "");
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(notified("127.0.0.1"), Rcode::kNoError);
  runUntil([&] { return service_->counters().up_to_date.value() == 1; });
  EXPECT_EQ(primary.questions(), 2U);
  EXPECT_EQ(service_->oldestRefreshSeconds(), 0);
}

TEST_F(SecondaryServiceTest, NoticesAreTakenFromPrimariesAndWhomThePolicyAdmits) {
  start(1, {{*IpEndpoint::parse("192.0.2.1:53")}});
  EXPECT_EQ(notified("192.0.2.1"), Rcode::kNoError);
  EXPECT_EQ(notified("192.0.2.2"), Rcode::kRefused);
  const TsigKey key = test::tsigKey();
  EXPECT_EQ(notified("192.0.2.2", &key), Rcode::kNoError);
  EXPECT_EQ(
      service_->notified(zoneNamed(9), {test::address("192.0.2.1"), Transport::kUdp, 0}, nullptr),
      Rcode::kNotAuth);
  EXPECT_EQ(service_->counters().notices_taken.value(), 2U);
  EXPECT_EQ(service_->counters().notices_refused.value(), 1U);
  EXPECT_EQ(service_->counters().notices_unknown.value(), 1U);
  EXPECT_FALSE(service_->refresh(zoneNamed(9), true));
  EXPECT_FALSE(service_->statusOf(zoneNamed(9)));
}

TEST_F(SecondaryServiceTest, OnlySoManyAreAskedForAtATime) {
  LoopPrimary primary(loop_, [](const Bytes&) { return std::vector<Bytes>(); });
  limits_.max_transfers = 2;
  limits_.timeouts.idle = std::chrono::milliseconds(20);
  start(7, {{primary.endpoint()}});
  runUntil([&] { return service_->counters().failed.value() >= 7; });
  EXPECT_GE(primary.questions(), 7U);
  EXPECT_LE(primary.mostAtATime(), 3U);  // one may be closed that the primary has not looked at yet
}

TEST_F(SecondaryServiceTest, APrimaryThatSendsNothingIsLeft) {
  LoopPrimary primary(loop_, [](const Bytes&) { return std::vector<Bytes>(); });
  limits_.timeouts.idle = std::chrono::milliseconds(20);
  start(1, {{primary.endpoint()}});
  EXPECT_THAT(failure(), HasSubstr("no message in time"));
}

TEST_F(SecondaryServiceTest, APrimaryThatTakesForEverIsLeft) {
  LoopPrimary primary(loop_, [](const Bytes&) { return std::vector<Bytes>(); });
  limits_.timeouts.whole = std::chrono::milliseconds(20);
  start(1, {{primary.endpoint()}});
  EXPECT_THAT(failure(), HasSubstr("too long as a whole"));
}

TEST_F(SecondaryServiceTest, WhoDoesNotAnswerIsFollowedByTheNext) {
  LoopPrimary primary(loop_, [](const Bytes& question) { return wellAnswered(question, 7); });
  const IpEndpoint nobody = [] {
    const Socket gone = test::must(listenTcp(*IpEndpoint::parse("127.0.0.1:0")));
    return *gone.localEndpoint();
  }();
  start(1, {{nobody}, {nobody, test::tsigKey().name}, {primary.endpoint()}});
  runUntil([&] { return service_->counters().axfr.value() == 1; });
  EXPECT_EQ(service_->counters().failed.value(), 0U);
}

TEST_F(SecondaryServiceTest, AKeyWhoseSecretIsNotThereIsAFailure) {
  start(20, {{*IpEndpoint::parse("127.0.0.1:1"), test::tsigKey().name}});
  runUntil([&] { return service_->counters().failed.value() >= 20; });
  EXPECT_THAT(status().last_error, HasSubstr("secret of its key"));
}

TEST_F(SecondaryServiceTest, ARestartServesUntilExpiryAndNotAfterIt) {
  LoopPrimary primary(loop_, [](const Bytes& question) { return wellAnswered(question, 7); });
  start(1, {{primary.endpoint()}});
  runUntil([&] { return service_->counters().axfr.value() == 1; });
  const WallTime came = clock_.wallNow();
  clock_.advance(std::chrono::seconds(86399));
  start(1, {{primary.endpoint()}});
  EXPECT_EQ(status().availability, Availability::kServed);
  EXPECT_EQ(status().expires, came + std::chrono::seconds(86400));
  clock_.advance(std::chrono::seconds(1));
  start(1, {{primary.endpoint()}});
  EXPECT_EQ(status().availability, Availability::kExpired);
  EXPECT_EQ(service_->count(Availability::kExpired), 1U);
  EXPECT_EQ(zones_->zones()->find(zoneNamed(0)), nullptr);
  runUntil([&] { return service_->counters().up_to_date.value() == 1; });
  EXPECT_EQ(status().availability, Availability::kServed);
}

// One at a time, and the first one's primary is silent.
TEST_F(SecondaryServiceTest, AZoneThatGoesGivesItsTurnAwayAndMayComeAgain) {
  bool is_silent = true;
  LoopPrimary primary(loop_, [&](const Bytes& question) {
    const bool is_first = question[14] == '0';  // of the name "z0."
    return is_first && is_silent ? std::vector<Bytes>() : wellAnswered(question, 7);
  });
  limits_.max_transfers = 1;
  start(2, {{primary.endpoint()}});
  runUntil([&] { return primary.questions() == 1; });
  EXPECT_TRUE(status(0).under_way);
  EXPECT_EQ(status(1).availability, Availability::kNeverLoaded);
  service_->remove(zoneNamed(0));
  service_->remove(zoneNamed(0));
  EXPECT_EQ(service_->size(), 1U);
  EXPECT_FALSE(service_->statusOf(zoneNamed(0)));
  runUntil([&] { return service_->counters().axfr.value() == 1; });
  EXPECT_EQ(status(1).availability, Availability::kServed);
  is_silent = false;
  auto policy = std::make_shared<ZonePolicy>();
  policy->primaries = {{primary.endpoint()}};
  service_->add(zoneNamed(0), policy);
  runUntil([&] { return service_->counters().axfr.value() == 2; });
  EXPECT_EQ(status(0).availability, Availability::kServed);
}

TEST_F(SecondaryServiceTest, AZoneThatWaitsMayGo) {
  LoopPrimary primary(loop_, [](const Bytes& question) {
    return question[14] == '0' ? std::vector<Bytes>() : wellAnswered(question, 7);
  });
  limits_.max_transfers = 1;
  start(5, {{primary.endpoint()}});
  runUntil([&] { return primary.questions() == 1 && status(4).under_way; });
  for (const int i : {1, 2, 3, 0}) service_->remove(zoneNamed(i));
  runUntil([&] { return service_->counters().axfr.value() == 1; });
  EXPECT_EQ(status(4).availability, Availability::kServed);
  EXPECT_EQ(zones_->zones()->at(zoneNamed(1))->availability, Availability::kNeverLoaded);
}

}  // namespace
}  // namespace meridian::dns
