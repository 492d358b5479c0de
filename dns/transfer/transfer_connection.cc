#include "dns/transfer/transfer_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/byte_writer.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kReadsATurn = 4;

std::string systemError(const char* what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

}  // namespace

TransferConnection::TransferConnection(EventLoop& loop, const IpEndpoint& server,
                                       std::span<const std::uint8_t> request,
                                       const TransferTimeouts& timeouts, OnMessage on_message,
                                       OnEnd on_end)
    : loop_(loop),
      timeouts_(timeouts),
      on_message_(std::move(on_message)),
      on_end_(std::move(on_end)) {
  outgoing_.resize(kLengthBytes + request.size());
  ByteWriter out(outgoing_);
  out.u16(static_cast<std::uint16_t>(request.size()));
  out.bytes(request);
  late_ = loop_.after(timeouts_.whole, [this] { end("it took too long as a whole"); });
  connect(server);
}

void TransferConnection::connect(const IpEndpoint& server) {
  const auto failLater = [this](std::string why) {
    idle_ = loop_.after(std::chrono::milliseconds(0), [this, why = std::move(why)] { end(why); });
  };
  const int family = server.address.isV4() ? AF_INET : AF_INET6;
  socket_ = Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_.get() < 0) return failLater(systemError("socket", errno));
  const int yes = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const SocketAddress to(server);
  if (::connect(socket_.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) {
    return failLater(systemError("connect", errno));
  }
  idle_ = loop_.after(timeouts_.connect, [this] { end("no connection in time"); });
  writable_ = loop_.onWritable(socket_.get(), [this] { write(); });
}

void TransferConnection::write() {
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return end(systemError("connect", failed));
  while (sent_ < outgoing_.size()) {
    const ssize_t wrote =
        ::send(socket_.get(), outgoing_.data() + sent_, outgoing_.size() - sent_, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote < 0) return end(systemError("send", errno));
    sent_ += static_cast<std::size_t>(wrote);
  }
  writable_.reset();
  readable_ = loop_.onReadable(socket_.get(), [this] { read(); });
  waitForMessage();
}

void TransferConnection::waitForMessage() {
  idle_ = loop_.after(timeouts_.idle, [this] { end("no message in time"); });
}

void TransferConnection::read() {
  std::array<std::uint8_t, kReadBytes> bytes{};
  for (int i = 0; i < kReadsATurn; ++i) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return end(systemError("receive", errno));
    if (got == 0) return end("the connection was closed");
    incoming_.insert(incoming_.end(), bytes.begin(), bytes.begin() + got);
    if (!takeMessages()) return end("");
  }
}

// False: no more are wanted.
bool TransferConnection::takeMessages() {
  std::size_t at = 0;
  bool more = true;
  while (more && incoming_.size() - at >= kLengthBytes) {
    const std::size_t size = std::size_t{incoming_[at]} << 8 | incoming_[at + 1];
    if (incoming_.size() - at - kLengthBytes < size) break;
    more = on_message_(std::span(incoming_).subspan(at + kLengthBytes, size));
    at += kLengthBytes + size;
  }
  incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(at));
  if (more && at != 0) waitForMessage();
  return more;
}

void TransferConnection::end(const std::string& failure) {
  writable_.reset();
  readable_.reset();
  idle_.reset();
  late_.reset();
  // `failure` is its caller's, and outlives this.
  const OnEnd on_end = std::move(on_end_);
  on_end(failure);
}

}  // namespace meridian::dns
