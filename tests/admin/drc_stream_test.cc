#include "admin/drc_stream.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/digest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_client.h"

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
  Socket socket_;
  std::string read_;
};

class DrcStreamTest : public testing::Test {
 protected:
  // As in the server: an agent may hang up while something is written to it.
  DrcStreamTest() { std::signal(SIGPIPE, SIG_IGN); }

  void start(std::chrono::milliseconds idle = std::chrono::seconds(60), std::size_t max = 8) {
    start(DrcStreamOptions{*IpEndpoint::parse("127.0.0.1:0"), max, idle});
  }
  void start(const DrcStreamOptions& options) {
    std::string rows;
    for (const std::string role : {"agent", "viewer"}) {
      rows += std::string(rows.empty() ? "" : ",") + R"({"name":")" + role + R"(","role":")" +
              role + R"(","sha256":")" + hex(sha256("token-" + role)) + "\"}";
    }
    auto tokens = Authenticator::parse(R"({"format":1,"tokens":[)" + rows + "]}", "test");
    ASSERT_TRUE(tokens) << tokens.error().text();
    tokens_ = std::move(*tokens);
    auto started = DrcStream::start(loop_, clock_, intake_, tokens_, options);
    ASSERT_TRUE(started) << started.error().message;
    stream_ = std::move(*started);
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    stream_.reset();
  }
  // A stream whose files are in folder_.
  void startTls(bool mutual, std::chrono::milliseconds handshake = std::chrono::seconds(20)) {
    write("cert.pem", own_.certificate_pem);
    write("key.pem", own_.key_pem);
    write("ca.pem", agent_.certificate_pem);
    DrcStreamOptions options{*IpEndpoint::parse("127.0.0.1:0"), 8, std::chrono::seconds(60)};
    options.tls = TlsFiles{file("cert.pem"), file("key.pem"), mutual ? file("ca.pem") : ""};
    options.handshake_timeout = handshake;
    start(options);
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name) + ".new") << text;
    std::filesystem::rename(file(name) + ".new", file(name));
  }
  std::uint64_t count(partition::FeedOutcome outcome) {
    std::promise<std::uint64_t> counted;
    loop_.post([&] { counted.set_value(book_.count(outcome)); });
    return counted.get_future().get();
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
  const test::TempDir folder_;
  const test::WebCertificate own_ = test::makeWebCertificate("meridian.example", 3'600);
  const test::WebCertificate agent_ = test::makeWebCertificate("drc-sh-1.example", 3'600);
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

TEST_F(DrcStreamTest, TheSameLinesOverTls) {
  startTls(false);
  test::TlsClient agent(stream_->bound().port, {own_.certificate_pem});
  ASSERT_TRUE(agent.connected());
  EXPECT_EQ(agent.version(), "TLSv1.3");
  agent.send(hello("token-agent") + link(7));
  std::string reply = agent.line();
  if (reply == R"({"seq":0,"type":"ack"})") reply = agent.line();
  EXPECT_EQ(reply, R"({"seq":7,"type":"ack"})");
  // Many lines at once, more than the connection reads at a time.
  std::string many;
  for (int seq = 8; seq < 1'008; ++seq) many += link(seq);
  agent.send(many);
  while (reply != R"({"seq":1007,"type":"ack"})" && reply != "closed") reply = agent.line();
  EXPECT_EQ(reply, R"({"seq":1007,"type":"ack"})");
  agent.send("{\"type\":\"bye\"}\n");
  EXPECT_EQ(agent.line(), R"({"seq":1007,"type":"ack"})");
  EXPECT_EQ(agent.line(), "closed");
}

TEST_F(DrcStreamTest, WhoSpeaksNoTlsOrAnOldOneIsRefusedAndCounted) {
  startTls(false);
  {
    Client plain(stream_->bound());
    plain.send(hello("token-agent"));
    while (plain.line() != "closed") {
    }
    EXPECT_EQ(count(partition::FeedOutcome::kTlsFailed), 1U);
  }
  test::TlsClientOptions old{own_.certificate_pem};
  old.only_tls_1_1 = true;
  test::TlsClient ancient(stream_->bound().port, old);
  EXPECT_FALSE(ancient.connected());
  EXPECT_EQ(count(partition::FeedOutcome::kAccepted), 0U);
}

TEST_F(DrcStreamTest, AHandshakeThatDoesNotEndIsEnded) {
  startTls(false, std::chrono::milliseconds(100));
  Client silent(stream_->bound());
  EXPECT_EQ(silent.line(), "closed");
  EXPECT_EQ(count(partition::FeedOutcome::kTlsTimeout), 1U);
}

TEST_F(DrcStreamTest, WithAnAuthorityAgentsMustShowItsCertificate) {
  startTls(true);
  const std::uint16_t port = stream_->bound().port;
  {
    test::TlsClient nobody(port, {own_.certificate_pem});
    nobody.send(hello("token-agent"));
    EXPECT_EQ(nobody.line(), "closed");
    EXPECT_EQ(count(partition::FeedOutcome::kTlsUntrusted), 1U);
  }
  {
    test::TlsClient stranger(port, {own_.certificate_pem, &own_});
    stranger.send(hello("token-agent"));
    EXPECT_EQ(stranger.line(), "closed");
  }
  test::TlsClient agent(port, {own_.certificate_pem, &agent_});
  ASSERT_TRUE(agent.connected());
  agent.send(hello("token-agent"));
  EXPECT_EQ(agent.line(), R"({"seq":0,"type":"ack"})");
  test::TlsClient no_token(port, {own_.certificate_pem, &agent_});
  no_token.send(hello("wrong"));
  EXPECT_THAT(no_token.line(), HasSubstr("unauthorized")) << "a certificate is no token";
}

TEST_F(DrcStreamTest, ANewCertificateIsUsedByTheNextConnection) {
  startTls(false);
  const std::uint16_t port = stream_->bound().port;
  const auto shown = [&](const test::WebCertificate& trusted) {
    const test::TlsClient client(port, {trusted.certificate_pem});
    return client.connected() ? client.peerPem() : "";
  };
  EXPECT_EQ(shown(own_), own_.certificate_pem);
  write("cert.pem", "half a certif");
  EXPECT_EQ(shown(own_), own_.certificate_pem) << "what cannot be used changes nothing";
  write("key.pem", agent_.key_pem);
  write("cert.pem", agent_.certificate_pem);
  EXPECT_EQ(shown(agent_), agent_.certificate_pem);
}

TEST_F(DrcStreamTest, FilesThatCannotBeUsedAreRefusedByName) {
  write("cert.pem", own_.certificate_pem);
  write("key.pem", agent_.key_pem);
  DrcStreamOptions options{*IpEndpoint::parse("127.0.0.1:0"), 8, std::chrono::seconds(60)};
  const auto why = [&](const TlsFiles& files) {
    options.tls = files;
    const auto started = DrcStream::start(loop_, clock_, intake_, tokens_, options);
    return started ? "" : started.error().message;
  };
  EXPECT_THAT(why({file("cert.pem"), file("key.pem"), ""}), HasSubstr("key.pem"));
  EXPECT_THAT(why({file("none.pem"), file("key.pem"), ""}), HasSubstr("none.pem"));
  write("key.pem", own_.key_pem);
  EXPECT_THAT(why({file("cert.pem"), file("key.pem"), file("none.pem")}), HasSubstr("none.pem"));
  EXPECT_EQ(why({file("cert.pem"), file("key.pem"), file("cert.pem")}), "");
}

}  // namespace
}  // namespace meridian::admin
