// Notices of changed zones: sent, sent again, heard, refused; against a server that is a socket.
#include "dns/transfer/notifier.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "dns/zone/loader.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using test::Bytes;

// The other server: it has what was sent, and answers what it is told to.
class Heard {
 public:
  Heard() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress any(*IpEndpoint::parse("127.0.0.1:0"));
    EXPECT_EQ(::bind(socket_.get(), any.get(), any.size), 0);
  }

  IpEndpoint endpoint() const { return *socket_.localEndpoint(); }
  int descriptor() const { return socket_.get(); }
  Bytes receive() {
    Bytes out(4096);
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(socket_.get(), out.data(), out.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    EXPECT_GT(got, 0);
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    from_ = endpointOf(from);
    return out;
  }
  void send(const Bytes& message) {
    const SocketAddress to(from_);
    EXPECT_EQ(::sendto(socket_.get(), message.data(), message.size(), 0, to.get(), to.size),
              static_cast<ssize_t>(message.size()));
  }

 private:
  Socket socket_;
  IpEndpoint from_;
};

// Of a notice: its header as a response, and its question.
Bytes answerTo(const Bytes& notice, unsigned rcode) {
  Bytes out(notice.begin(), notice.begin() + 12 + 13);
  out[2] = 0xA4;
  out[3] = static_cast<std::uint8_t>(rcode);
  out[6] = out[7] = out[10] = out[11] = 0;
  return out;
}

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    watch_ = loop_.onReadable(peer_.descriptor(), [this] {
      received_.push_back(peer_.receive());
      if (on_notice_) on_notice_(received_.back());
    });
    limit_ = loop_.after(std::chrono::seconds(30), [this] {
      ADD_FAILURE() << "nothing happened for 30 s";
      loop_.stop();
    });
  }

  static std::shared_ptr<const Zone> zone(unsigned serial) {
    return test::must(parseZone("example. 60 SOA ns.example. a.example. " + std::to_string(serial) +
                                    " 1 2 3 4\nexample. 60 NS ns.example.\n",
                                "test"));
  }
  // Runs the loop until `done`, which is looked at every millisecond.
  void runUntil(const std::function<bool()>& done) {
    const auto look = loop_.every(milliseconds(1), [&] {
      if (done()) loop_.stop();
    });
    loop_.run();
  }
  std::vector<NotifyTarget> target(std::optional<Name> key = {}) const {
    return {{peer_.endpoint(), std::move(key)}};
  }

  EventLoop loop_;
  test::FakeClock clock_;
  Heard peer_;
  std::shared_ptr<const TsigKeys> keys_ = std::make_shared<const TsigKeys>(test::tsigKeys());
  Notifier notifier_{loop_, clock_, [this] { return keys_; }, milliseconds(20)};
  std::vector<Bytes> received_;
  std::function<void(const Bytes&)> on_notice_;
  std::unique_ptr<EventLoop::Timer> watch_, limit_;
};

TEST_F(NotifierTest, ANoticeHasTheSoaAndEndsWhenItWasHeard) {
  on_notice_ = [this](const Bytes& notice) { peer_.send(answerTo(notice, 0)); };
  notifier_.notify(zone(7), target());
  runUntil([this] { return notifier_.counters().heard.value() == 1; });
  ASSERT_EQ(received_.size(), 1U);
  const test::ReadMessage read = test::readMessage(received_[0]);
  EXPECT_EQ(read.flags, 0x2400U);  // NOTIFY, AA
  EXPECT_EQ(read.question, "example");
  ASSERT_EQ(read.answers().size(), 1U);
  EXPECT_EQ(read.answers()[0].type, 6U);
  EXPECT_EQ(notifier_.counters().sent.value(), 1U);
}

TEST_F(NotifierTest, ItIsSentAgainUntilItWasHeardWithAnIdOfItsOwn) {
  on_notice_ = [this](const Bytes& notice) {
    // An answer to another message, another question, no response: none counts.
    Bytes other = answerTo(notice, 0);
    other[0] = static_cast<std::uint8_t>(other[0] ^ 1U);
    peer_.send(other);
    Bytes asked = answerTo(notice, 0);
    asked[13] = 'x';
    peer_.send(asked);
    peer_.send(notice);
    peer_.send(Bytes{1, 2, 3});
    if (received_.size() == 3) peer_.send(answerTo(notice, 0));
  };
  notifier_.notify(zone(7), target());
  runUntil([this] { return notifier_.counters().heard.value() == 1; });
  ASSERT_EQ(received_.size(), 3U);
  EXPECT_NE(Bytes(received_[0].begin(), received_[0].begin() + 2),
            Bytes(received_[1].begin(), received_[1].begin() + 2));
}

TEST_F(NotifierTest, ItIsGivenUpInTheEnd) {
  notifier_.notify(zone(7), target());
  runUntil([this] { return notifier_.counters().given_up.value() == 1; });
  EXPECT_EQ(notifier_.counters().sent.value(), std::uint64_t{Notifier::kAttempts});
}

TEST_F(NotifierTest, ARefusalIsOneAndIsNotAskedAgain) {
  on_notice_ = [this](const Bytes& notice) { peer_.send(answerTo(notice, 5)); };
  notifier_.notify(zone(7), target());
  runUntil([this] { return notifier_.counters().refused.value() == 1; });
  EXPECT_EQ(received_.size(), 1U);
}

TEST_F(NotifierTest, SignedNoticesWantSignedAnswers) {
  const TsigKeys keys = test::tsigKeys();
  const auto now = static_cast<std::uint64_t>(unixMillis(clock_.wallNow()) / 1000);
  on_notice_ = [&](const Bytes& notice) {
    const TsigCheck check = checkTsig(notice, keys, now);
    EXPECT_EQ(check.outcome, TsigOutcome::kGood);
    Bytes answer = answerTo(notice, 0);
    const std::size_t size = answer.size();
    TsigResponder responder(check);
    answer.resize(size + responder.recordSize());
    EXPECT_EQ(responder.sign(answer, size, now), answer.size());
    peer_.send(answer);
  };
  notifier_.notify(zone(7), target(test::tsigKey().name));
  runUntil([this] { return notifier_.counters().heard.value() == 1; });
  on_notice_ = [this](const Bytes& notice) { peer_.send(answerTo(notice, 0)); };
  notifier_.notify(zone(8), target(test::tsigKey().name));
  runUntil([this] { return notifier_.counters().refused.value() == 1; });
}

TEST_F(NotifierTest, AZoneThatChangesAgainBeginsAnew) {
  notifier_.notify(zone(7), target());
  runUntil([this] { return received_.size() == 2; });
  notifier_.notify(zone(8), target());
  on_notice_ = [this](const Bytes& notice) {
    const test::ReadMessage read = test::readMessage(notice);
    const Bytes& soa = read.answers().at(0).rdata;
    if (soa.at(soa.size() - 17) == 8) peer_.send(answerTo(notice, 0));
  };
  runUntil([this] { return notifier_.counters().heard.value() == 1; });
  EXPECT_EQ(notifier_.counters().given_up.value(), 0U);
}

// More zones than may wait for an answer at a time: each gets its turn.
TEST_F(NotifierTest, ManyZonesTakeTheirTurns) {
  on_notice_ = [this](const Bytes& notice) {
    Bytes answer(notice.begin(), notice.begin() + 12 + 13 + 5);
    answer[2] = 0xA4;
    answer[6] = answer[7] = 0;
    peer_.send(answer);
  };
  for (unsigned i = 0; i < 3 * Notifier::kMaxInFlight; ++i) {
    const std::string name = "z" + std::to_string(1000 + i) + "." + "a.";
    const std::string apex = name + "example.";
    notifier_.notify(test::must(parseZone(apex + " 60 SOA " + apex + " " + apex + " 1 1 1 1 1\n" +
                                              apex + " 60 NS ns.example.\n",
                                          "test")),
                     target());
  }
  runUntil([this] {
    return notifier_.counters().heard.value() + notifier_.counters().given_up.value() ==
           3 * Notifier::kMaxInFlight;
  });
  EXPECT_EQ(notifier_.counters().given_up.value(), 0U);
}

}  // namespace
}  // namespace meridian::dns
