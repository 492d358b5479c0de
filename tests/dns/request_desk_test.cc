// NOTIFY and UPDATE on their way from those who receive messages to another thread, and back.
#include "dns/net/request_desk.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "dns/net/tcp_server.h"
#include "dns/net/udp_worker.h"
#include "tests/support/dns_sockets.h"
#include "tests/support/dns_world.h"
#include "tests/support/stream_rig.h"

namespace meridian::dns {
namespace {

using test::Bytes;

Bytes notice(unsigned id, unsigned opcode = 4) {
  test::QueryPacket packet("web.example", 6);
  packet.id = id;
  Bytes out = packet.bytes();
  out[2] = static_cast<std::uint8_t>(opcode << 3U);
  return out;
}

// The control thread: answers each message with itself, as a response; or holds it all.
class Control {
 public:
  Control() : thread_([this] { loop_.run(); }) {}
  ~Control() {
    loop_.stop();
    thread_.join();
  }
  RequestDesk& desk() { return desk_; }
  // The thread does nothing until `go` is given.
  void hold(std::shared_future<void> go) {
    loop_.post([go = std::move(go)] { go.wait(); });
  }

 private:
  EventLoop loop_;
  RequestDesk desk_{loop_, [](std::span<const std::uint8_t> message, const Client& client) {
                      std::vector<std::uint8_t> out(message.begin(), message.end());
                      out[2] = static_cast<std::uint8_t>(out[2] | 0x80U);
                      EXPECT_EQ(client.address.text(), "127.0.0.1");
                      return out;
                    }};
  std::thread thread_;
};

struct DeskRig {
  DeskRig() {
    std::vector<TcpListener> listeners(1);
    listeners[0].socket = test::must(listenTcp(test::loopbackEndpoint()));
    tcp_port = test::portOf(listeners[0].socket);
    tcp =
        std::make_unique<TcpServer>(std::move(listeners), published, TcpLimits{}, &control.desk());
    Socket socket = test::must(bindUdp(test::loopbackEndpoint()));
    udp_port = test::portOf(socket);
    udp = std::make_unique<UdpWorker>(std::move(socket), published, nullptr, &control.desk());
    tcp->start();
    udp->start();
  }

  Published<ServingState> published{test::streamState()};
  Control control;
  std::uint16_t tcp_port = 0;
  std::uint16_t udp_port = 0;
  std::unique_ptr<TcpServer> tcp;
  std::unique_ptr<UdpWorker> udp;
};

TEST(RequestDesk, WantsNotifyAndUpdateAndNothingElse) {
  for (unsigned opcode = 0; opcode < 16; ++opcode) {
    EXPECT_EQ(RequestDesk::wants(notice(1, opcode)), opcode == 4 || opcode == 5) << opcode;
  }
  Bytes response = notice(1);
  response[2] |= 0x80U;
  EXPECT_FALSE(RequestDesk::wants(response));
  Bytes cut = notice(1);
  cut.resize(11);
  EXPECT_FALSE(RequestDesk::wants(cut));
}

TEST(RequestDeskConcurrent, AnswersComeBackOverUdp) {
  const DeskRig rig;
  const Socket client = test::connected(SOCK_DGRAM, rig.udp_port);
  for (unsigned id = 1; id <= 50; ++id) {
    const Bytes message = notice(id, id % 2 == 0 ? 4 : 5);
    ASSERT_TRUE(test::sendAll(client, message));
    Bytes answer(512);
    const ssize_t got = ::recv(client.get(), answer.data(), answer.size(), 0);
    ASSERT_EQ(got, static_cast<ssize_t>(message.size()));
    EXPECT_EQ(answer[1], id);
    EXPECT_EQ(answer[2], message[2] | 0x80U);
  }
}

TEST(RequestDeskConcurrent, QueriesOfTheConnectionDoNotWaitForTheDesk) {
  DeskRig rig;
  std::promise<void> go;
  rig.control.hold(go.get_future().share());
  const Socket client = test::connected(SOCK_STREAM, rig.tcp_port);
  ASSERT_TRUE(test::sendAll(client, test::framed(notice(7))));
  ASSERT_TRUE(test::sendAll(client, test::framed(test::QueryPacket("web.example").bytes())));
  const auto first = test::receiveFrame(client);
  ASSERT_TRUE(first);
  EXPECT_NE((*first)[1], 7);
  // A client that has closed its side gets what is still to come.
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  go.set_value();
  const auto second = test::receiveFrame(client);
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)[1], 7);
  EXPECT_TRUE(test::closed(client));
}

TEST(RequestDeskConcurrent, AConnectionThatIsGoneGetsNothing) {
  DeskRig rig;
  std::promise<void> go;
  rig.control.hold(go.get_future().share());
  {
    const Socket client = test::connected(SOCK_STREAM, rig.tcp_port);
    ASSERT_TRUE(test::sendAll(client, test::framed(notice(7))));
    ASSERT_TRUE(test::becomes([&] { return rig.control.desk().taken(); }, 1));
    const linger at_once{1, 0};  // the server learns of it by a reset
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  const Socket next = test::connected(SOCK_STREAM, rig.tcp_port);
  ASSERT_TRUE(test::sendAll(next, test::framed(test::QueryPacket("web.example").bytes())));
  ASSERT_TRUE(test::receiveFrame(next));
  go.set_value();
  ASSERT_TRUE(test::sendAll(next, test::framed(notice(8))));
  const auto answer = test::receiveFrame(next);
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)[1], 8);
}

TEST(RequestDeskConcurrent, ThereIsABoundForThoseThatWait) {
  DeskRig rig;
  std::promise<void> go;
  rig.control.hold(go.get_future().share());
  const Client from{test::address("127.0.0.1")};
  std::atomic<std::size_t> answered{0};
  for (std::size_t i = 0; i < RequestDesk::kMaxWaiting; ++i) {
    ASSERT_TRUE(rig.control.desk().take(notice(1), from, [&](auto) { ++answered; }));
  }
  EXPECT_FALSE(rig.control.desk().take(notice(1), from, [](auto) {}));
  EXPECT_EQ(rig.control.desk().refused(), 1U);
  // Over a connection that is told.
  const Socket client = test::connected(SOCK_STREAM, rig.tcp_port);
  ASSERT_TRUE(test::sendAll(client, test::framed(notice(9))));
  const auto refused = test::receiveFrame(client);
  ASSERT_TRUE(refused);
  EXPECT_EQ((*refused)[3] & 0xF, 2);  // SERVFAIL
  go.set_value();
  EXPECT_TRUE(test::becomes([&] { return answered.load(); }, RequestDesk::kMaxWaiting));
  EXPECT_TRUE(rig.control.desk().take(notice(1), from, [](auto) {}));
}

}  // namespace
}  // namespace meridian::dns
