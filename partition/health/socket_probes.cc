// tcp: a connection is made, and closed. dns: one query over UDP. Both over a non-blocking socket
// that the loop watches.
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/socket.h"
#include "partition/health/dns_probe_message.h"
#include "partition/health/probe.h"

namespace meridian::partition {
namespace {

std::string errorText(int number) {
  return std::generic_category().message(number);
}

ProbeResult noSensor(std::string reason) {
  return {ProbeOutcome::kNoSensor, std::move(reason), {}};
}
// What both have: the socket, connected or about to be, and one result.
class SocketProbe : public Probe {
 public:
  SocketProbe(EventLoop& loop, const CheckConfig& check, int type, Done done)
      : loop_(loop),
        check_(check),
        done_(std::move(done)),
        socket_(::socket(check.target.address.isV4() ? AF_INET : AF_INET6,
                         type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

 protected:
  // 0, or the error; EINPROGRESS is one.
  int connect() const {
    if (socket_.get() < 0) return errno;
    const SocketAddress to(check_.target);
    return ::connect(socket_.get(), to.get(), to.size) == 0 ? 0 : errno;
  }
  bool hasSocket() const { return socket_.get() >= 0; }
  int pendingError() const {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }
  // Now, from the loop: the probe may go in it.
  void finish(ProbeResult result) {
    watch_.reset();
    const Done done = std::move(done_);
    done(std::move(result));
  }
  // The same when start() has not returned yet.
  void finishSoon(ProbeResult result) {
    watch_ = loop_.after(std::chrono::milliseconds(0),
                         [this, result = std::move(result)] { finish(result); });
  }
  // The socket itself could not be had: that says nothing about the target.
  ProbeResult refused(int error) const {
    if (!hasSocket()) return noSensor("no socket: " + errorText(error));
    return probedDown(errorText(error));
  }

  EventLoop& loop_;
  const CheckConfig& check_;
  Done done_;
  Socket socket_;
  std::unique_ptr<EventLoop::Timer> watch_;
};

class TcpProbe final : public SocketProbe {
 public:
  TcpProbe(EventLoop& loop, const CheckConfig& check, Done done)
      : SocketProbe(loop, check, SOCK_STREAM, std::move(done)) {}

  void start() {
    const int error = connect();
    if (error == 0) return finishSoon({ProbeOutcome::kUp, {}, {}});
    if (error != EINPROGRESS) return finishSoon(refused(error));
    watch_ = loop_.onWritable(socket_.get(), [this] {
      const int failed = pendingError();
      finish(failed == 0 ? ProbeResult{ProbeOutcome::kUp, {}, {}} : probedDown(errorText(failed)));
    });
  }
};

class DnsProbe final : public SocketProbe {
 public:
  DnsProbe(EventLoop& loop, const CheckConfig& check, Done done)
      : SocketProbe(loop, check, SOCK_DGRAM, std::move(done)) {}

  void start() {
    // Connected: the kernel takes datagrams of the target only, and hands out its ICMP errors.
    if (const int error = connect(); error != 0) return finishSoon(refused(error));
    std::uint16_t id = 0;
    if (::getrandom(&id, sizeof id, 0) != sizeof id) return finishSoon(noSensor("no random id"));
    query_ = dnsProbeQuery(check_.dns, id);
    if (::send(socket_.get(), query_.data(), query_.size(), MSG_NOSIGNAL) < 0) {
      return finishSoon(probedDown(errorText(errno)));
    }
    watch_ = loop_.onReadable(socket_.get(), [this] { receive(); });
  }

 private:
  void receive() {
    const ssize_t size = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) finish(probedDown(errorText(errno)));
      return;
    }
    const std::span reply(buffer_.data(), static_cast<std::size_t>(size));
    if (isDnsReplyTo(query_, reply)) finish(judgeDnsReply(check_.dns, query_, reply));
  }

  std::vector<std::uint8_t> query_;
  std::array<std::uint8_t, 4096> buffer_{};
};

}  // namespace

std::unique_ptr<Probe> startTcpProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done) {
  auto probe = std::make_unique<TcpProbe>(loop, check, std::move(done));
  probe->start();
  return probe;
}

std::unique_ptr<Probe> startDnsProbe(EventLoop& loop, const CheckConfig& check, Probe::Done done) {
  auto probe = std::make_unique<DnsProbe>(loop, check, std::move(done));
  probe->start();
  return probe;
}

}  // namespace meridian::partition
