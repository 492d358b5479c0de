#include "admin/drc_stream.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/digest.h"
#include "tests/support/fake_clock.h"

namespace meridian::admin {
namespace {

using testing::HasSubstr;

// A client with a socket of its own that reads line by line.
class Client {
 public:
  explicit Client(const IpEndpoint& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // The next line, or "closed".
  std::string line() {
    while (read_.find('\n') == std::string::npos) {
      char buffer[4096];
      const ssize_t size = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (size <= 0) return "closed";
      read_.append(buffer, static_cast<std::size_t>(size));
    }
    const std::size_t end = read_.find('\n');
    std::string out = read_.substr(0, end);
    read_.erase(0, end + 1);
    return out;
  }

 private:
  dns::Socket socket_;
  std::string read_;
};

class DrcStreamTest : public testing::Test {
 protected:
  void start(std::chrono::milliseconds idle = std::chrono::seconds(60), std::size_t max = 8) {
    std::string rows;
    for (const std::string role : {"agent", "viewer"}) {
      rows += std::string(rows.empty() ? "" : ",") + R"({"name":")" + role + R"(","role":")" +
              role + R"(","sha256":")" + hex(sha256("token-" + role)) + "\"}";
    }
    auto tokens = Authenticator::parse(R"({"format":1,"tokens":[)" + rows + "]}", "test");
    ASSERT_TRUE(tokens) << tokens.error().text();
    tokens_ = std::move(*tokens);
    auto started = DrcStream::start(loop_, clock_, intake_, tokens_,
                                    {*IpEndpoint::parse("127.0.0.1:0"), max, idle});
    ASSERT_TRUE(started) << started.error().message;
    stream_ = std::move(*started);
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    stream_.reset();
  }
  static std::string hello(const std::string& token, const std::string& agent = "agent") {
    return R"({"type":"hello","v":1,"agent":")" + agent + R"(","dc":"sh","boot":"b1","token":")" +
           token + "\"}\n";
  }
  std::string link(int seq) const {
    return R"({"type":"link","seq":)" + std::to_string(seq) +
           R"(,"source":"bj","target":"sh","state":"RUNNING","lag_ms":5,"ts":)" +
           std::to_string(clock_.wallNow().time_since_epoch().count()) + "}\n";
  }

  test::FakeClock clock_;
  EventLoop loop_;
  partition::LinkBook book_;
  partition::FeedIntake intake_{book_};
  Authenticator tokens_;
  std::unique_ptr<DrcStream> stream_;
  std::thread thread_;
};

TEST_F(DrcStreamTest, LinesAreAckedByTheLastSeqThatCounted) {
  start();
  Client agent(stream_->bound());
  agent.send(hello("token-agent"));
  EXPECT_EQ(agent.line(), R"({"seq":0,"type":"ack"})");
  agent.send(link(7));
  EXPECT_EQ(agent.line(), R"({"seq":7,"type":"ack"})");
  agent.send(link(7).substr(0, 20));
  agent.send(link(7).substr(20));
  EXPECT_THAT(agent.line(), HasSubstr("old_seq"));
  EXPECT_EQ(agent.line(), R"({"seq":7,"type":"ack"})");
  agent.send("{\"type\":\"bye\"}\n");
  EXPECT_EQ(agent.line(), R"({"seq":7,"type":"ack"})");
  EXPECT_EQ(agent.line(), "closed");
}

TEST_F(DrcStreamTest, NobodySpeaksWithoutATokenThatMayFeed) {
  start();
  for (const std::string& first :
       {link(1), hello("wrong"), hello("token-viewer"), std::string("junk\n"),
        std::string(partition::kMaxFeedLine + 2, 'x')}) {
    Client agent(stream_->bound());
    agent.send(first);
    EXPECT_THAT(agent.line(), HasSubstr("unauthorized")) << first.substr(0, 60);
    EXPECT_EQ(agent.line(), "closed");
  }
  Client other(stream_->bound());
  other.send(hello("token-agent", "somebody"));
  EXPECT_THAT(other.line(), HasSubstr("foreign"));
}

TEST_F(DrcStreamTest, ALineWithoutEndClosesAndLeavesNothing) {
  start();
  Client agent(stream_->bound());
  agent.send(hello("token-agent"));
  EXPECT_THAT(agent.line(), HasSubstr("ack"));
  agent.send(std::string(partition::kMaxFeedLine + 2, ' '));
  EXPECT_THAT(agent.line(), HasSubstr("too_long"));
  EXPECT_EQ(agent.line(), "closed");
}

TEST_F(DrcStreamTest, IdleAndSurplusConnectionsAreClosed) {
  start(std::chrono::milliseconds(200), 1);
  Client idle(stream_->bound());
  idle.send("{");  // bytes that complete nothing do not count
  Client surplus(stream_->bound());
  EXPECT_EQ(surplus.line(), "closed");
  EXPECT_EQ(idle.line(), "closed");
}

}  // namespace
}  // namespace meridian::admin
