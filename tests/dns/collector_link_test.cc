// The connection to a collector, played from both ends by one thread: nothing here ever waits.
#include "dns/tap/collector_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/support/dns_message.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using test::Bytes;

// As the format has them: an escape, a length, a type, and a content type.
Bytes readerSays(unsigned type, std::string_view content_type) {
  Bytes body;
  test::put32(body, type);
  if (!content_type.empty()) {
    test::put32(body, 1);
    test::put32(body, static_cast<std::uint32_t>(content_type.size()));
    test::append(body, test::bytesOf(content_type));
  }
  Bytes out;
  test::put32(out, 0);
  test::put32(out, static_cast<std::uint32_t>(body.size()));
  test::append(out, body);
  return out;
}
const Bytes kAccepted = readerSays(1, FrameStream::kContentType);
const Bytes kFinished = readerSays(5, "");

class Collecting : public testing::Test {
 protected:
  Collecting() {
    settings_.socket = (folder_.path() / "tap.sock").string();
    message_ = Bytes(1000, 'm');
  }

  void listen() {
    listener_ = Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, settings_.socket.data(), settings_.socket.size());
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ASSERT_EQ(::listen(listener_.get(), 4), 0);
  }
  void accept() {
    peer_ = Socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ASSERT_GE(peer_.get(), 0);
  }
  void say(const Bytes& bytes) const {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All that came since.
  Bytes heard() const {
    Bytes out(1 << 20);
    std::size_t size = 0;
    while (size < out.size()) {
      const ssize_t got = ::recv(peer_.get(), out.data() + size, out.size() - size, 0);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
    out.resize(size);
    return out;
  }
  void connect(CollectorLink& link) {
    listen();
    link.turn();
    accept();
    say(kAccepted);
    link.turn();
    ASSERT_TRUE(link.up());
    heard();
  }

  test::SocketDir folder_;
  test::FakeClock clock_;
  DnstapSettings settings_;
  Bytes message_;
  Socket listener_;
  Socket peer_;
};

TEST_F(Collecting, WhereNobodyListensMessagesAreLostAndItIsTriedAgainAtGrowingDistances) {
  CollectorLink link(settings_, clock_);
  std::uint64_t tries = 0;
  milliseconds distance = CollectorLink::kFirstRetry;
  for (int i = 0; i < 10; ++i) {
    link.turn();
    EXPECT_EQ(link.counters().failures.value(), ++tries);
    link.add(message_);
    EXPECT_EQ(link.counters().lost.value(), tries);
    clock_.advance(distance - milliseconds(1));
    link.turn();
    EXPECT_EQ(link.counters().failures.value(), tries) << "not yet";
    clock_.advance(milliseconds(1));
    distance = std::min(2 * distance, CollectorLink::kLastRetry);
  }
  connect(link);
  EXPECT_EQ(link.counters().connected.value(), 1U);
}

TEST_F(Collecting, MessagesArriveAlsoThoseThatCameBeforeItWasTaken) {
  CollectorLink link(settings_, clock_);
  listen();
  link.turn();
  accept();
  link.add(message_);
  link.turn();
  EXPECT_EQ(heard(), readerSays(4, FrameStream::kContentType));
  say(kAccepted);
  link.turn();
  Bytes expected = readerSays(2, FrameStream::kContentType);
  test::put32(expected, 1000);
  test::append(expected, message_);
  EXPECT_EQ(heard(), expected);
  EXPECT_EQ(link.counters().written.value(), 1U);
  EXPECT_EQ(link.counters().lost.value(), 0U);
}

TEST_F(Collecting, WhoSaysNothingIsLeftAfterAWhile) {
  CollectorLink link(settings_, clock_);
  listen();
  link.turn();
  link.add(message_);
  clock_.advance(CollectorLink::kPatience - milliseconds(1));
  link.turn();
  EXPECT_EQ(link.counters().failures.value(), 0U);
  clock_.advance(milliseconds(1));
  link.turn();
  EXPECT_EQ(link.counters().failures.value(), 1U);
  EXPECT_EQ(link.counters().lost.value(), 1U);
  EXPECT_EQ(link.descriptor(), -1);
}

TEST_F(Collecting, WhoTakesNothingIsLeftAndCostsNoMoreThanSoMuchMemory) {
  CollectorLink link(settings_, clock_);
  connect(link);
  const std::uint64_t count = 2 * CollectorLink::kMaxPending / message_.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    link.add(message_);
    if (i % 100 == 0) link.turn();
  }
  EXPECT_GT(link.counters().lost.value(), count / 4);
  EXPECT_TRUE(link.up());
  clock_.advance(CollectorLink::kPatience);
  link.turn();
  EXPECT_FALSE(link.up());
  EXPECT_EQ(link.counters().written.value() + link.counters().lost.value(), count);
}

TEST_F(Collecting, WhoHasNothingToTakeIsNotLeft) {
  CollectorLink link(settings_, clock_);
  connect(link);
  for (int i = 0; i < 5; ++i) {
    clock_.advance(CollectorLink::kPatience);
    link.turn();
  }
  EXPECT_TRUE(link.up());
}

TEST_F(Collecting, WhoTalksNonsenseIsLeft) {
  for (const Bytes& nonsense : {test::bytesOf("HTTP/1.1 400 Bad Request\r\n\r\n"), kFinished,
                                readerSays(1, "protobuf:other"), Bytes(100'000, 0)}) {
    CollectorLink link(settings_, clock_);
    ::unlink(settings_.socket.c_str());
    listen();
    link.turn();
    accept();
    say(nonsense);
    link.turn();
    EXPECT_EQ(link.counters().failures.value(), 1U);
    EXPECT_EQ(link.descriptor(), -1);
  }
}

TEST_F(Collecting, WhoTalksOutOfTurnIsLeft) {
  CollectorLink link(settings_, clock_);
  connect(link);
  say(kAccepted);
  link.turn();
  EXPECT_FALSE(link.up());
}

TEST_F(Collecting, AfterALossItComesBack) {
  CollectorLink link(settings_, clock_);
  connect(link);
  peer_ = Socket();
  link.turn();
  EXPECT_FALSE(link.up());
  clock_.advance(CollectorLink::kFirstRetry);
  link.turn();
  accept();
  say(kAccepted);
  link.turn();
  EXPECT_TRUE(link.up());
  EXPECT_EQ(link.counters().connected.value(), 2U);
}

// It is not asked ten times a second for ever.
TEST_F(Collecting, WhoTakesUsAndLeavesAtOnceIsAskedAtGrowingDistances) {
  CollectorLink link(settings_, clock_);
  connect(link);
  milliseconds distance = CollectorLink::kFirstRetry;
  for (int i = 0; i < 6; ++i) {
    peer_ = Socket();
    link.turn();
    clock_.advance(distance - milliseconds(1));
    link.turn();
    ASSERT_EQ(link.descriptor(), -1) << i;
    clock_.advance(milliseconds(1));
    link.turn();
    accept();
    say(kAccepted);
    link.turn();
    ASSERT_TRUE(link.up());
    distance = std::min(2 * distance, CollectorLink::kLastRetry);
  }
}

TEST_F(Collecting, TheEndIsSaidAndWaitedFor) {
  CollectorLink link(settings_, clock_);
  connect(link);
  link.add(message_);
  say(kFinished);  // it is read when STOP was said
  link.finish(clock_.monotonicNow());
  Bytes expected;
  test::put32(expected, 1000);
  test::append(expected, message_);
  test::append(expected, readerSays(3, ""));
  EXPECT_EQ(heard(), expected);
  EXPECT_EQ(link.counters().written.value(), 1U);
  EXPECT_EQ(link.descriptor(), -1);
}

TEST_F(Collecting, WhoDoesNotAnswerTheEndDoesNotHoldIt) {
  const SystemClock clock;
  CollectorLink link(settings_, clock);
  connect(link);
  link.add(message_);
  const MonotonicTime begun = clock.monotonicNow();
  link.finish(begun + milliseconds(50));
  EXPECT_LT(clock.monotonicNow() - begun, std::chrono::seconds(10));
  EXPECT_EQ(link.descriptor(), -1);
  EXPECT_EQ(link.counters().written.value(), 1U);
}

}  // namespace
}  // namespace meridian::dns
