// TcpServer when the system cannot accept: it waits, and takes the client later.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "dns/net/tcp_server.h"

namespace meridian::dns {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Far longer than anything here takes; only a failing test waits this long.
constexpr std::chrono::seconds kAcceptPatience{20};

bool reaches(const Counter& counter, std::uint64_t value) {
  const auto deadline = SteadyClock::now() + kAcceptPatience;
  while (counter.value() < value) {
    if (SteadyClock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(TcpServer, WaitsWhenThereAreNoDescriptorsLeft) {
  const Published<ServingState> state(std::make_shared<const ServingState>());
  std::vector<TcpListener> listeners;
  listeners.push_back({listenTcp(IpEndpoint::parse("127.0.0.1:0").value()).value()});
  const IpEndpoint bound = listeners.front().socket.localEndpoint().value();
  TcpServer server(std::move(listeners), state, TcpLimits{});
  server.start();

  const Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_GE(client.get(), 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};  // every number below it is taken
  const auto start = SteadyClock::now();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(bound.port);
  address.sin_addr.s_addr = htonl(bound.address.asV4());
  const int connected =
      ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool failed_twice = reaches(server.counters().accept_failures, 2);
  const auto took = SteadyClock::now() - start;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(connected, 0);
  EXPECT_TRUE(failed_twice);
  EXPECT_GE(took, std::chrono::milliseconds(90));  // the pause between both: it does not spin
  EXPECT_TRUE(reaches(server.counters().accepted, 1));
}

}  // namespace
}  // namespace meridian::dns
