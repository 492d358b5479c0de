// Probes against real servers on loopback.
#include "partition/health/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <map>

#include "tests/support/temp_dir.h"
#include "tests/support/web_server.h"

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::int64_t kDay = 86'400;

// A bound socket at a port of 127.0.0.1 that the kernel picked.
class LocalSocket {
 public:
  explicit LocalSocket(int type) : fd_(::socket(AF_INET, type | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(fd_, generic, size) != 0 || ::getsockname(fd_, generic, &size) != 0) {
      throw std::runtime_error("no socket");
    }
    port_ = ntohs(address.sin_port);
  }
  ~LocalSocket() { ::close(fd_); }
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;

  int fd() const { return fd_; }
  IpEndpoint endpoint() const { return {IpAddress::v4(0x7F000001), port_}; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

class ProberTest : public testing::Test {
 protected:
  // As meridiand does: the other end of a connection may hang up at any time.
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  static CheckConfig check(CheckKind kind, const IpEndpoint& target = {}) {
    CheckConfig out;
    out.id = "c";
    out.datacenter = "d";
    out.kind = kind;
    out.target = target;
    out.dns.name = "www.example";
    return out;
  }
  static CheckConfig webCheck(const test::WebServer& server, CheckKind kind = CheckKind::kHttp) {
    return check(kind, *IpEndpoint::parse(server.address()));
  }
  static CheckConfig program(const std::string& script) {
    CheckConfig out = check(CheckKind::kExec);
    out.command = {"/bin/sh", "-c", script};
    return out;
  }

  // Runs until the check said something.
  ProbeResult result(const CheckConfig& config) {
    const std::vector<CheckConfig> checks = {config};
    std::optional<ProbeResult> got;
    Prober prober(loop_, clock_, checks, 4, [&](std::size_t, ProbeResult each) {
      got = std::move(each);
      loop_.stop();
    });
    loop_.run();
    return *got;
  }
  void expectUp(const CheckConfig& config) {
    const ProbeResult got = result(config);
    EXPECT_EQ(got.outcome, ProbeOutcome::kUp) << got.reason;
    EXPECT_LE(got.took, config.timeout);
  }
  void expectDown(const CheckConfig& config, const std::string& why) {
    const ProbeResult got = result(config);
    EXPECT_EQ(got.outcome, ProbeOutcome::kDown);
    EXPECT_THAT(got.reason, HasSubstr(why));
  }

  SystemClock clock_;
  EventLoop loop_;
};

TEST_F(ProberTest, TcpConnects) {
  const LocalSocket open(SOCK_STREAM);
  ASSERT_EQ(::listen(open.fd(), 8), 0);
  expectUp(check(CheckKind::kTcp, open.endpoint()));
  const LocalSocket closed(SOCK_STREAM);  // bound, so that nobody else has it
  expectDown(check(CheckKind::kTcp, closed.endpoint()), "refused");
}

// A DNS server that answers each query by what `answer` makes of it.
class DnsPeer {
 public:
  using Answer = std::function<std::vector<std::uint8_t>(std::vector<std::uint8_t>)>;
  DnsPeer(EventLoop& loop, Answer answer)
      : answer_(std::move(answer)), watch_(loop.onReadable(socket_.fd(), [this] { serve(); })) {}
  IpEndpoint endpoint() const { return socket_.endpoint(); }

 private:
  void serve() {
    std::array<std::uint8_t, 512> buffer{};
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const peer = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(socket_.fd(), buffer.data(), buffer.size(), 0, peer, &size);
    ASSERT_GT(got, 0);
    const auto reply = answer_({buffer.begin(), buffer.begin() + got});
    ::sendto(socket_.fd(), reply.data(), reply.size(), 0, peer, size);
  }

  LocalSocket socket_{SOCK_DGRAM};
  Answer answer_;
  std::unique_ptr<EventLoop::Timer> watch_;
};

TEST_F(ProberTest, DnsAsksAndJudges) {
  DnsPeer peer(loop_, [](std::vector<std::uint8_t> query) {
    query[2] |= 0x84U;
    return query;
  });
  expectUp(check(CheckKind::kDns, peer.endpoint()));
  DnsPeer refusing(loop_, [](std::vector<std::uint8_t> query) {
    query[2] |= 0x80U;
    query[3] = 5;
    return query;
  });
  expectDown(check(CheckKind::kDns, refusing.endpoint()), "rcode REFUSED");
}

TEST_F(ProberTest, AReplyToAnotherQueryIsNoReply) {
  DnsPeer guesser(loop_, [](std::vector<std::uint8_t> query) {
    query[2] |= 0x84U;
    query[0] ^= 1U;
    return query;
  });
  CheckConfig config = check(CheckKind::kDns, guesser.endpoint());
  config.timeout = milliseconds(200);
  expectDown(config, "no result within 200 ms");
}

TEST_F(ProberTest, NobodyAtAnUdpPortIsDown) {
  IpEndpoint closed;
  {
    const LocalSocket gone(SOCK_DGRAM);
    closed = gone.endpoint();
  }
  expectDown(check(CheckKind::kDns, closed), "refused");
}

TEST_F(ProberTest, HttpJudgesStatusAndBodyAndSendsTheHost) {
  test::WebServer server(loop_, [](const test::WebRequest& request) {
    return request.path == "/health" ? test::WebReply{200, "all is fine", {}}
                                     : test::WebReply{503, "", {}};
  });
  CheckConfig config = webCheck(server);
  expectDown(config, "status 503, expected 200");
  config.http.path = "/health";
  config.http.host = "www.shop.example";
  config.http.body = "fine";
  expectUp(config);
  EXPECT_EQ(server.requests().back().headers.at("host"), "www.shop.example");
  config.http.body = "good";
  expectDown(config, "the body lacks the expected text");
  config.http.status = 204;
  expectDown(config, "status 200, expected 204");
}

TEST_F(ProberTest, HttpsChecksNameChainAndEndOfTheCertificate) {
  const auto certificate = test::makeWebCertificate("www.shop.example", 10 * kDay + 3600);
  test::WebServer server(
      loop_, [](const test::WebRequest&) { return test::WebReply{}; }, certificate);
  const test::TempDir folder;
  const std::filesystem::path authority = folder.path() / "ca.pem";
  std::ofstream(authority) << certificate.certificate_pem;

  CheckConfig config = webCheck(server, CheckKind::kHttps);
  config.http.host = "www.shop.example";
  expectDown(config, "certificate");  // signed by nobody known
  config.http.ca_file = authority;
  config.http.certificate_days = 10;
  expectUp(config);
  EXPECT_EQ(server.requests().back().server_name, "www.shop.example");
  config.http.certificate_days = 11;
  expectDown(config, "the certificate ends in 10 days, expected 11 or more");
  config.http.certificate_days = 0;
  config.http.host = "other.example";
  expectDown(config, "");
  config.http.verify_certificate = false;
  expectUp(config);
}

TEST_F(ProberTest, ExecGoesByTheExitCode) {
  expectUp(program("test \"$MERIDIAN_CHECK\" = c"));
  expectDown(program("echo no replica >&2; exit 3"), "exit code 3: no replica");
  CheckConfig slow = program("sleep 1000");
  slow.timeout = milliseconds(200);
  expectDown(slow, "no result within 200 ms");
  CheckConfig missing = program("");
  missing.command = {"/nonexistent/check"};
  const ProbeResult got = result(missing);
  EXPECT_EQ(got.outcome, ProbeOutcome::kNoSensor) << got.reason;
}

TEST_F(ProberTest, NoMoreThanTheBudgetRunAtATimeAndAllGetTheirTurn) {
  const LocalSocket silent(SOCK_DGRAM);
  std::vector<CheckConfig> checks(7, check(CheckKind::kDns, silent.endpoint()));
  for (CheckConfig& each : checks) each.timeout = milliseconds(50);
  std::map<std::size_t, int> seen;
  std::size_t most = 0;
  const Prober* running = nullptr;
  Prober prober(loop_, clock_, checks, 2, [&](std::size_t index, const ProbeResult&) {
    most = std::max(most, running->running() + 1);  // the one that reports has ended
    ++seen[index];
    if (seen.size() == checks.size()) loop_.stop();
  });
  running = &prober;
  loop_.run();
  EXPECT_EQ(most, 2U);
  for (const auto& [index, times] : seen) EXPECT_EQ(times, 1) << index;
}

TEST_F(ProberTest, EachCheckRunsAgainAtItsInterval) {
  const LocalSocket open(SOCK_STREAM);
  ASSERT_EQ(::listen(open.fd(), 64), 0);
  std::vector<CheckConfig> checks = {check(CheckKind::kTcp, open.endpoint()),
                                     check(CheckKind::kPushed)};
  checks[0].interval = milliseconds(100);
  checks[0].timeout = milliseconds(90);
  checks[0].jitter_percent = 20;
  int runs = 0;
  const MonotonicTime begun = clock_.monotonicNow();
  Prober prober(loop_, clock_, checks, 2, [&](std::size_t index, const ProbeResult&) {
    EXPECT_EQ(index, 0U) << "pushed checks are not run";
    if (++runs == 6) loop_.stop();
  });
  loop_.run();
  EXPECT_GE(clock_.monotonicNow() - begun, milliseconds(5 * 80));
}

TEST_F(ProberTest, GoingAwayInTheMiddleIsQuiet) {
  const LocalSocket silent(SOCK_DGRAM);
  const std::vector<CheckConfig> checks = {check(CheckKind::kDns, silent.endpoint()),
                                           program("sleep 1000")};
  {
    Prober prober(loop_, clock_, checks, 4,
                  [](std::size_t, const ProbeResult&) { ADD_FAILURE() << "nobody is there"; });
    const auto stop = loop_.after(milliseconds(50), [this] { loop_.stop(); });
    loop_.run();
    EXPECT_EQ(prober.running(), 2U);
  }
  const auto stop = loop_.after(milliseconds(10), [this] { loop_.stop(); });
  loop_.run();
}

}  // namespace
}  // namespace meridian::partition
