#include "dns/tap/tap_thread.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "dns/net/udp_worker.h"
#include "tests/support/dns_sockets.h"
#include "tests/support/tap_world.h"
#include "tests/support/temp_dir.h"

namespace meridian::dns {
namespace {

using test::QueryPacket;
using test::TapWorld;

std::size_t linesIn(const std::filesystem::path& folder) {
  std::size_t lines = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(each.path());
    for (std::string line; std::getline(in, line); ++lines)
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  return lines;
}

TapSettings loggingTo(const std::filesystem::path& folder) {
  TapSettings settings;
  settings.log.emplace();
  settings.log->folder = folder;
  return settings;
}

TEST(TapThreadConcurrent, TellsAllThatSeveralThreadsPutIntoTheirRings) {
  constexpr int kThreads = 3;
  constexpr int kEach = 2'000;
  const test::TempDir folder;
  const SystemClock clock;
  TapThread tap(loggingTo(folder.path()), clock);
  std::vector<QueryTap*> taps;
  for (int i = 0; i < kThreads; ++i) taps.push_back(test::must(tap.makeTap()));
  tap.start();
  const TapWorld world;
  const test::Bytes query = QueryPacket("order.shop.test", 1).bytes();
  std::vector<std::thread> writers;
  for (QueryTap* const each : taps) {
    writers.emplace_back([each, &query, &world] {
      for (int i = 0; i < kEach; ++i) {
        TapRecord record;
        record.wish = each->next();
        record.query = query;
        each->tell(record, {}, *world.state);
      }
    });
  }
  for (std::thread& each : writers) each.join();
  tap.stop();
  EXPECT_EQ(tap.told() + tap.dropped(), std::uint64_t{kThreads} * kEach);
  EXPECT_GT(tap.told(), 0U);
  EXPECT_EQ(linesIn(folder.path()), tap.told());
  EXPECT_EQ(tap.log()->counters().lines.value(), tap.told());
}

TEST(TapThreadConcurrent, AWorkerTellsOfWhatItAnswers) {
  const TapWorld world;
  const Published<ServingState> published(world.state);
  QueryTap tap({1, 0}, 1);
  Socket socket = test::must(bindUdp(test::loopbackEndpoint()));
  const std::uint16_t port = test::portOf(socket);
  UdpWorker worker(std::move(socket), published, nullptr, nullptr, &tap);
  worker.start();
  const Socket client = test::connected(SOCK_DGRAM, port);
  const test::Bytes query = QueryPacket("order.shop.test", 1).bytes();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(test::sendAll(client, query));
    test::Bytes answer(4096);
    const ssize_t size = ::recv(client.get(), answer.data(), answer.size(), 0);
    ASSERT_GT(size, 0);
    answer.resize(static_cast<std::size_t>(size));
    const auto bytes = tap.ring().front();
    ASSERT_FALSE(bytes.empty()) << "what was answered was told before";
    const TapRecord record = decodeTapRecord(bytes);
    EXPECT_EQ(test::Bytes(record.response.begin(), record.response.end()), answer);
    EXPECT_EQ(record.client.port, test::portOf(client));
    EXPECT_EQ(record.local.port, port);
    EXPECT_EQ(record.ezone, "one");
    EXPECT_LE(record.asked_at, record.answered_at);
    tap.ring().pop();
  }
  worker.stop();
  EXPECT_EQ(tap.told(), 20U);
}

// Bound to no address of its own a worker asks the system where a query went to.
TEST(TapThreadConcurrent, AWorkerTellsWhereItWasAsked) {
  const TapWorld world;
  const Published<ServingState> published(world.state);
  for (const char* family : {"127.0.0.1", "::1"}) {
    const IpAddress asked = test::address(family);
    QueryTap tap({1, 0}, 1);
    const IpAddress any = asked.isV4() ? IpAddress() : IpAddress::v6(0);
    Socket socket = test::must(bindUdp({any, 0}));
    const IpEndpoint there{asked, test::portOf(socket)};
    UdpWorker worker(std::move(socket), published, nullptr, nullptr, &tap);
    worker.start();
    const SocketAddress address(there);
    const Socket client(::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval patience{test::kPatience.count(), 0};
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ASSERT_EQ(::connect(client.get(), address.get(), address.size), 0) << family;
    ASSERT_TRUE(test::sendAll(client, QueryPacket("order.shop.test", 1).bytes()));
    test::Bytes answer(4096);
    ASSERT_GT(::recv(client.get(), answer.data(), answer.size(), 0), 0);
    const auto bytes = tap.ring().front();
    ASSERT_FALSE(bytes.empty());
    EXPECT_EQ(decodeTapRecord(bytes).local.text(), there.text());
    worker.stop();
  }
}

}  // namespace
}  // namespace meridian::dns
