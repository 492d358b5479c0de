#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "dns/net/socket.h"
#include "dns/net/tcp_server.h"
#include "dns/net/udp_worker.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_sockets.h"
#include "tests/support/dns_world.h"

namespace meridian::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::Bytes;
using test::closed;
using test::connected;
using test::framed;
using test::kPatience;
using test::loopbackEndpoint;
using test::portOf;
using test::QueryPacket;
using test::ReadMessage;
using test::receiveFrame;
using test::sendAll;

constexpr const char* kNetTopology = R"({"format": 1,
 "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                 {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
 "zones": [{"id": "single", "kind": "global", "primary": "one", "replicas": ["two"]}],
 "services": [{"name": "account.example", "zone": "single",
               "endpoints": {"one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"]}}]})";

std::string zoneText() {
  std::string text = R"($ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.53
)";
  for (int i = 0; i < 200; ++i)
    text += "big TXT \"" + std::to_string(i) + std::string(240, 'x') + "\"\n";
  return text;
}

// States that differ as successive tables do: in the identity, and in who owns what.
class States {
 public:
  States() {
    test::DnsWorld world;
    world.zones = {zoneText()};
    world.topology = kNetTopology;
    world.settings.node_id = "unit";
    for (std::uint16_t owner = 0; owner < 2; ++owner) {
      world.moved = {{"single", partition::EZoneIx(owner)}};
      by_owner_[owner] = world.serve();
    }
  }
  // Odd revisions are site one's, even ones site two's.
  std::shared_ptr<const ServingState> at(partition::Rev rev) const {
    auto state = std::make_shared<ServingState>(*by_owner_[(rev + 1) % 2]);
    state->identity = identityOf(*state->settings, rev);
    return state;
  }

 private:
  std::shared_ptr<const ServingState> by_owner_[2];
};

const States& states() {
  static const States kStates;
  return kStates;
}

Bytes nsidQuery(unsigned id) {
  QueryPacket packet("account.example");
  packet.id = id;
  return packet.with(test::optRecord(test::option(3, {}))).bytes();
}

// The revision an answer was made from; nullopt: identity and address are not of one state.
std::optional<partition::Rev> revIn(const ReadMessage& read) {
  const Bytes* nsid = read.findOption(3);
  if (nsid == nullptr || read.answers().size() != 1) return std::nullopt;
  const std::string text(nsid->begin(), nsid->end());
  const auto at = text.find("rev=");
  if (at == std::string::npos) return std::nullopt;
  const partition::Rev rev = std::stoull(text.substr(at + 4));
  const std::uint8_t host = rev % 2 == 1 ? 1 : 2;
  if (read.answers()[0].rdata != Bytes{192, 0, 2, host}) return std::nullopt;
  return rev;
}

void sendDatagram(const Socket& socket, const Bytes& message) {
  EXPECT_EQ(::send(socket.get(), message.data(), message.size(), 0),
            static_cast<ssize_t>(message.size()));
}

// Empty: none came.
Bytes receiveDatagram(const Socket& socket) {
  Bytes out(4096);
  const ssize_t got = ::recv(socket.get(), out.data(), out.size(), 0);
  out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return out;
}

std::optional<partition::Rev> revOfNextAnswer(const Socket& socket) {
  const Bytes answer = receiveDatagram(socket);
  return answer.empty() ? std::nullopt : revIn(test::readMessage(answer));
}

// Workers that share one port.
class UdpWorkers {
 public:
  UdpWorkers(std::size_t count, const Published<ServingState>& state) {
    for (std::size_t i = 0; i < count; ++i) {
      Socket socket = test::must(bindUdp(loopbackEndpoint(port_)));
      port_ = portOf(socket);
      workers_.push_back(std::make_unique<UdpWorker>(std::move(socket), state));
    }
    for (const auto& worker : workers_) worker->start();
  }
  std::uint16_t port() const { return port_; }
  const std::vector<std::unique_ptr<UdpWorker>>& all() const { return workers_; }
  void stop() {
    for (const auto& worker : workers_) worker->stop();
  }

 private:
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<UdpWorker>> workers_;
};

// Asks from several sockets, one query on the way at a time, until told to stop.
class UdpLoad {
 public:
  explicit UdpLoad(std::uint16_t port) : thread_([this, port] { run(port); }) {}
  ~UdpLoad() { stop(); }
  UdpLoad(const UdpLoad&) = delete;
  UdpLoad& operator=(const UdpLoad&) = delete;

  void stop() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  // Good after stop().
  std::size_t asked() const { return asked_; }
  std::size_t answered() const { return answered_; }
  std::size_t wentBack() const { return went_back_; }

 private:
  void run(std::uint16_t port) {
    std::vector<Socket> sockets;
    for (int i = 0; i < 8; ++i) sockets.push_back(connected(SOCK_DGRAM, port));
    std::vector<partition::Rev> seen(sockets.size(), 0);
    while (!stopping_.load()) {
      for (const Socket& socket : sockets) sendDatagram(socket, nsidQuery(7));
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        const auto rev = revOfNextAnswer(sockets[i]);
        ++asked_;
        if (!rev) continue;
        ++answered_;
        if (*rev < seen[i]) ++went_back_;
        seen[i] = *rev;
      }
    }
  }

  std::atomic<bool> stopping_{false};
  std::size_t asked_ = 0, answered_ = 0, went_back_ = 0;
  std::thread thread_;
};

TEST(UdpWorkerConcurrent, NextQueryOfEveryWorkerSeesWhatWasPublished) {
  constexpr partition::Rev kRevisions = 40;
  Published<ServingState> published(states().at(1));
  UdpWorkers workers(4, published);
  std::vector<Socket> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(connected(SOCK_DGRAM, workers.port()));
  UdpLoad load(workers.port());

  for (partition::Rev rev = 1; rev <= kRevisions; ++rev) {
    published.publish(states().at(rev));
    for (const Socket& client : clients) sendDatagram(client, nsidQuery(9));
    for (const Socket& client : clients) {
      EXPECT_EQ(revOfNextAnswer(client), std::optional(rev));
    }
  }
  load.stop();
  workers.stop();

  EXPECT_GT(load.asked(), 0U);
  EXPECT_EQ(load.answered(), load.asked());
  EXPECT_EQ(load.wentBack(), 0U);
  std::size_t received = 0;
  for (const auto& worker : workers.all()) {
    EXPECT_GT(worker->counters().answers.received.value(), 0U);
    EXPECT_EQ(worker->counters().send_failures.value(), 0U);
    received += worker->counters().answers.received.value();
  }
  EXPECT_EQ(received, load.asked() + kRevisions * clients.size());
}

TEST(UdpWorkerConcurrent, PacketsThatGetNoAnswerDoNotDisturb) {
  Published<ServingState> published(states().at(1));
  UdpWorkers workers(1, published);
  const Socket client = connected(SOCK_DGRAM, workers.port());
  QueryPacket response("account.example");
  response.flags = 0x8000;
  const Bytes silent[] = {{}, {1, 2, 3}, response.bytes(), Bytes(5000, 0)};
  for (const Bytes& message : silent) sendDatagram(client, message);
  sendDatagram(client, nsidQuery(0x4321));
  const Bytes answer = receiveDatagram(client);  // the first that comes
  EXPECT_EQ(test::readMessage(answer).id, 0x4321U);
  workers.stop();
  const AnswerCounters& answers = workers.all()[0]->counters().answers;
  EXPECT_EQ(answers.ignored.value(), 3U);
  EXPECT_EQ(answers.received.value(), 4U);  // the cut one is no query
}

TEST(SocketBinding, SaysWhatIsWrong) {
  const Socket taken = test::must(listenTcp(loopbackEndpoint()));
  const auto again = listenTcp(loopbackEndpoint(portOf(taken)));
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, testing::HasSubstr("cannot bind"));
  EXPECT_FALSE(bindUdp({test::address("192.0.2.1"), 0}));  // not an address of this machine
}

TEST(SocketBinding, FastOpenIsAskedForAndItsLackIsSaid) {
  const Socket socket = test::must(listenTcp(loopbackEndpoint()));
  int setting = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_fastopen") >> setting;
  const Status allowed = allowFastOpen(socket, 17);
  EXPECT_EQ(allowed.has_value(), (setting & 2) != 0);
  EXPECT_THAT(allowed ? "tcp_fastopen is good" : allowed.error().message,
              testing::HasSubstr("tcp_fastopen is "));
  int queue = 0;
  socklen_t size = sizeof queue;
  ASSERT_EQ(getsockopt(socket.get(), IPPROTO_TCP, TCP_FASTOPEN, &queue, &size), 0);
  EXPECT_EQ(queue, 17) << "ready for when the system is";
  EXPECT_TRUE(allowFastOpen(socket, 0));
  const Status refused = allowFastOpen(connected(SOCK_STREAM, portOf(socket)), 1);
  ASSERT_FALSE(refused) << "not listening";
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
}

struct TcpRig {
  Published<ServingState> published{states().at(1)};
  std::uint16_t port = 0;
  std::unique_ptr<TcpServer> server;

  explicit TcpRig(const TcpLimits& limits = {}) {
    std::vector<TcpListener> listeners;
    listeners.push_back({test::must(listenTcp(loopbackEndpoint()))});
    port = portOf(listeners[0].socket);
    server = std::make_unique<TcpServer>(std::move(listeners), published, limits);
    server->start();
  }
  Socket connect(std::uint8_t from = 1) const { return connected(SOCK_STREAM, port, from); }
  const TcpCounters& counters() const { return server->counters(); }
};

std::optional<partition::Rev> askTcp(const Socket& socket, unsigned id = 1) {
  if (!sendAll(socket, framed(nsidQuery(id)))) return std::nullopt;
  const auto answer = receiveFrame(socket);
  return answer ? revIn(test::readMessage(*answer)) : std::nullopt;
}

TEST(TcpServerConcurrent, PipelinedQueriesInOddSegments) {
  constexpr unsigned kQueries = 120;
  const TcpRig rig;
  const Socket client = rig.connect();
  const int now = 1;
  ASSERT_EQ(setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &now, sizeof now), 0);
  Bytes stream;
  for (unsigned id = 0; id < kQueries; ++id) test::append(stream, framed(nsidQuery(id)));
  const unsigned seed = 20'240'611;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (std::span<const std::uint8_t> left = stream; !left.empty();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 97, left.size());
    ASSERT_TRUE(sendAll(client, left.first(size)));
    left = left.subspan(size);
  }
  for (unsigned id = 0; id < kQueries; ++id) {
    const auto answer = receiveFrame(client);
    ASSERT_TRUE(answer) << id;
    const ReadMessage read = test::readMessage(*answer);
    EXPECT_EQ(read.id, id);
    EXPECT_EQ(revIn(read), std::optional<partition::Rev>(1));
  }
  EXPECT_EQ(rig.counters().answers.received.value(), kQueries);
}

TEST(TcpServerConcurrent, AHalfClosedClientGetsItsAnswers) {
  const TcpRig rig;
  const Socket client = rig.connect();
  Bytes stream;
  for (unsigned id = 0; id < 50; ++id) test::append(stream, framed(nsidQuery(id)));
  ASSERT_TRUE(sendAll(client, stream));
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  for (unsigned id = 0; id < 50; ++id) {
    const auto answer = receiveFrame(client);
    ASSERT_TRUE(answer) << id;
    EXPECT_EQ(test::readMessage(*answer).id, id);
  }
  EXPECT_TRUE(closed(client));
}

TEST(TcpServerConcurrent, AHalfClosedClientGetsMoreThanMayWaitUnsent) {
  constexpr unsigned kQueries = 100;  // some 50 KB each: several times what may wait
  const TcpRig rig;
  const Socket client = rig.connect();
  Bytes stream;
  for (unsigned id = 0; id < kQueries; ++id) {
    QueryPacket packet("big.example", 16);
    packet.id = id;
    test::append(stream, framed(packet.bytes()));
  }
  ASSERT_TRUE(sendAll(client, stream));
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  for (unsigned id = 0; id < kQueries; ++id) {
    const auto answer = receiveFrame(client);
    ASSERT_TRUE(answer) << id;
    ASSERT_GT(answer->size(), 50'000U);
    EXPECT_EQ((*answer)[1], id);
  }
  EXPECT_TRUE(closed(client));
}

TEST(TcpServerConcurrent, IdleConnectionsEndThoughBytesDribble) {
  TcpLimits limits;
  limits.idle_timeout = milliseconds(300);
  const TcpRig rig(limits);
  const Socket client = rig.connect();
  const std::uint8_t head[2] = {0xFF, 0xFF};  // of a message that never gets whole
  ASSERT_TRUE(sendAll(client, head));
  const auto deadline = steady_clock::now() + kPatience;
  bool ended = false;
  std::size_t dribbled = 0;
  while (!ended && steady_clock::now() < deadline) {
    pollfd waiting{client.get(), POLLIN, 0};
    const std::uint8_t byte = 0;
    if (::poll(&waiting, 1, 20) > 0) {
      ended = closed(client);
    } else if (sendAll(client, {&byte, 1})) {
      ++dribbled;
    }
  }
  EXPECT_TRUE(ended);
  EXPECT_GT(dribbled, 0U);
  EXPECT_EQ(rig.counters().timed_out.value(), 1U);
  EXPECT_EQ(askTcp(rig.connect()), std::optional<partition::Rev>(1));
}

TEST(TcpServerConcurrent, AClientThatTakesNoAnswersIsLeft) {
  TcpLimits limits;
  limits.write_timeout = milliseconds(200);
  const TcpRig rig(limits);
  const Socket client = rig.connect();
  const Bytes query = framed(QueryPacket("big.example", 16).bytes());
  Bytes stream;
  for (int i = 0; i < 2000; ++i) test::append(stream, query);  // 100 MB of answers
  ASSERT_TRUE(sendAll(client, stream));
  const auto deadline = steady_clock::now() + kPatience;
  while (rig.counters().timed_out.value() == 0 && steady_clock::now() < deadline) {
    ::poll(nullptr, 0, 5);
  }
  EXPECT_EQ(rig.counters().timed_out.value(), 1U);
  std::size_t answers = 0;
  while (receiveFrame(client)) ++answers;
  EXPECT_LT(answers, 2000U);
}

TEST(TcpServerConcurrent, AClientHasItsLimit) {
  TcpLimits limits;
  limits.max_per_client = 2;
  const TcpRig rig(limits);
  const Socket first = rig.connect();
  const Socket second = rig.connect();
  EXPECT_TRUE(askTcp(first));
  EXPECT_TRUE(askTcp(second));
  EXPECT_TRUE(closed(rig.connect()));
  EXPECT_EQ(rig.counters().refused.value(), 1U);
  EXPECT_TRUE(askTcp(rig.connect(2)));  // another client
  ASSERT_EQ(::shutdown(first.get(), SHUT_WR), 0);
  ASSERT_TRUE(closed(first));  // the server has let it go
  EXPECT_TRUE(askTcp(rig.connect()));
  EXPECT_TRUE(askTcp(second));
  EXPECT_EQ(rig.counters().accepted.value(), 4U);
}

TEST(TcpServerConcurrent, TheServerHasItsLimit) {
  TcpLimits limits;
  limits.max_connections = 2;
  const TcpRig rig(limits);
  const Socket first = rig.connect(1);
  const Socket second = rig.connect(2);
  EXPECT_TRUE(askTcp(first));
  EXPECT_TRUE(askTcp(second));
  EXPECT_TRUE(closed(rig.connect(3)));
  EXPECT_EQ(rig.counters().refused.value(), 1U);
}

TEST(TcpServerConcurrent, LengthsBelowAHeaderAreMalformed) {
  const TcpRig rig;
  const Socket other = rig.connect();
  for (std::uint8_t length = 0; length < 12; ++length) {
    const Socket client = rig.connect();
    const std::uint8_t head[2] = {0, length};
    ASSERT_TRUE(sendAll(client, head));
    EXPECT_TRUE(closed(client)) << int{length};
  }
  EXPECT_EQ(rig.counters().malformed.value(), 12U);
  EXPECT_TRUE(askTcp(other));
}

TEST(TcpServerConcurrent, AMessageOfEveryLengthIsTaken) {
  const TcpRig rig;
  const Socket client = rig.connect();
  Bytes largest = nsidQuery(5);
  largest.resize(kMaxMessage);  // trailing bytes: malformed, but answered
  ASSERT_TRUE(sendAll(client, framed(largest)));
  const auto answer = receiveFrame(client);
  ASSERT_TRUE(answer);
  EXPECT_EQ(test::readMessage(*answer).rcode, 1U);
  EXPECT_TRUE(askTcp(client));
}

TEST(TcpServerConcurrent, AnswersAreNeverOlderThanWhatWasPublished) {
  constexpr partition::Rev kRevisions = 100;
  TcpRig rig;
  std::atomic<partition::Rev> current{1};
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> wrong{0};
  std::atomic<std::size_t> asked{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      const Socket socket = rig.connect();
      do {
        const partition::Rev at_least = current.load();
        const auto rev = askTcp(socket);
        if (!rev || *rev < at_least) wrong.fetch_add(1);
        asked.fetch_add(1);
      } while (!stopping.load());
    });
  }
  for (partition::Rev rev = 2; rev <= kRevisions; ++rev) {
    const std::size_t before = asked.load();
    rig.published.publish(states().at(rev));
    current.store(rev);
    // Not faster than somebody asks; a client that fails does not stop asking.
    while (asked.load() == before) std::this_thread::yield();
  }
  stopping.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_GE(asked.load(), kRevisions - 1);
  EXPECT_EQ(askTcp(rig.connect()), std::optional(kRevisions));
}

TEST(TcpServerConcurrent, ItsEndEndsOpenConnections) {
  TcpRig rig;
  const Socket client = rig.connect();
  EXPECT_TRUE(askTcp(client));
  rig.server->stop();
  EXPECT_EQ(rig.counters().answers.received.value(), 1U);
  rig.server.reset();
  EXPECT_TRUE(closed(client));
}

}  // namespace
}  // namespace meridian::dns
