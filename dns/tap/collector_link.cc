#include "dns/tap/collector_link.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace meridian::dns {
namespace {

// In one turn, so that a collector that is fast, or talks without end, does not keep the rings
// waiting.
constexpr int kReadsOfTurn = 4;
constexpr int kWritesOfTurn = 16;

bool mayComeLater(int code) {
  return code == EAGAIN || code == EINTR;
}

// 0, or what is wrong. EINPROGRESS: it is being made.
int connectTo(const DnstapSettings& collector, Socket& socket) {
  const bool local = !collector.socket.empty();
  const int family = local ? AF_UNIX : collector.address.address.isV4() ? AF_INET : AF_INET6;
  socket = Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return errno;
  int done = 0;
  if (local) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = std::min(collector.socket.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path, collector.socket.data(), size);
    done = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const SocketAddress address(collector.address);
    done = ::connect(socket.get(), address.get(), address.size);
  }
  return done == 0 ? 0 : errno;
}

}  // namespace

CollectorLink::CollectorLink(const DnstapSettings& collector, const Clock& clock)
    : collector_(collector),
      name_(collector.socket.empty() ? collector.address.text() : collector.socket),
      clock_(clock) {}

CollectorLink::~CollectorLink() {
  close();
}

bool CollectorLink::wantsToWrite() const {
  return connecting_ || (stream_ && !stream_->output().empty());
}

void CollectorLink::add(std::span<const std::uint8_t> message) {
  if (!stream_ || !stream_->add(message)) counters_.lost.add();
}

void CollectorLink::turn() {
  if (!stream_ && !finishing_ && clock_.monotonicNow() >= retry_at_) connect();
  if (stream_ && connecting_) onConnected();
  if (stream_ && !connecting_) receive();
  if (stream_ && !connecting_) send();
  if (stream_) bePatient();
}

void CollectorLink::connect() {
  stream_.emplace(kMaxPending);
  patience_ends_ = clock_.monotonicNow() + kPatience;
  const int code = connectTo(collector_, socket_);
  connecting_ = code == EINPROGRESS;
  if (code != 0 && !connecting_) leave(std::strerror(code));
}

void CollectorLink::onConnected() {
  pollfd wanted{socket_.get(), POLLOUT, 0};
  if (::poll(&wanted, 1, 0) <= 0) return;
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
  connecting_ = false;
  if (code != 0) leave(std::strerror(code));
}

void CollectorLink::receive() {
  std::array<std::uint8_t, FrameStream::kMaxControl> bytes{};
  for (int i = 0; i < kReadsOfTurn; ++i) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && mayComeLater(errno)) return;
    if (got < 0) return leave(std::strerror(errno));
    if (got == 0) return leave("it closed the connection");
    const bool greeting = stream_->state() == FrameStream::State::kGreeting;
    const Status taken = stream_->take(std::span(bytes).first(static_cast<std::size_t>(got)));
    if (!taken) return leave("it " + taken.error().message);
    if (stream_->state() == FrameStream::State::kEnded) return;
    if (!greeting || stream_->state() == FrameStream::State::kGreeting) continue;
    counters_.connected.add();
    up_.store(true, std::memory_order_relaxed);
    up_since_ = clock_.monotonicNow();
    failure_said_ = false;
    logInfo("dnstap_connected", {{"collector", name_}});
  }
}

void CollectorLink::send() {
  for (int i = 0; i < kWritesOfTurn; ++i) {
    const std::span<const std::uint8_t> output = stream_->output();
    if (output.empty()) return;
    const ssize_t sent = ::send(socket_.get(), output.data(), output.size(), MSG_NOSIGNAL);
    if (sent < 0 && mayComeLater(errno)) return;
    if (sent < 0) return leave(std::strerror(errno));
    counters_.written.add(stream_->sent(static_cast<std::size_t>(sent)));
    if (sent > 0 && up()) patience_ends_ = clock_.monotonicNow() + kPatience;
  }
}

// It has its patience anew with each byte it takes once it has greeted, and while nothing waits.
void CollectorLink::bePatient() {
  const MonotonicTime now = clock_.monotonicNow();
  const bool waiting = connecting_ || !up() || !stream_->output().empty();
  if (!waiting) patience_ends_ = now + kPatience;
  if (now >= patience_ends_) leave("it took or said nothing for too long");
}

void CollectorLink::leave(const std::string& why) {
  const MonotonicTime now = clock_.monotonicNow();
  // Who takes us and leaves again at once is not asked at once again and again.
  if (up() && now - up_since_ >= kLastRetry) retry_in_ = kFirstRetry;
  retry_at_ = now + retry_in_;
  retry_in_ = std::min(2 * retry_in_, kLastRetry);
  counters_.failures.add();
  if (!std::exchange(failure_said_, true) && !finishing_) {
    logWarn("dnstap_not_connected",
            {{"collector", name_},
             {"why", why},
             {"next", "it is tried again until it is there; what is told meanwhile is lost"}});
  }
  close();
}

void CollectorLink::close() {
  if (stream_) counters_.lost.add(stream_->pending());
  stream_.reset();
  socket_ = Socket();
  connecting_ = false;
  up_.store(false, std::memory_order_relaxed);
}

void CollectorLink::finish(MonotonicTime deadline) {
  finishing_ = true;
  while (stream_) {
    if (stream_->state() == FrameStream::State::kStreaming) stream_->end();
    turn();
    if (!stream_ || stream_->state() == FrameStream::State::kEnded) break;
    const auto left = deadline - clock_.monotonicNow();
    if (left.count() <= 0) break;
    pollfd wanted{socket_.get(), static_cast<short>(wantsToWrite() ? POLLIN | POLLOUT : POLLIN), 0};
    ::poll(&wanted, 1, static_cast<int>(left.count()));
  }
  close();
}

}  // namespace meridian::dns
