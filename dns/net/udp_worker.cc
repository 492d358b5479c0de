#include "dns/net/udp_worker.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/log.h"
#include "dns/wire/cut_response.h"

namespace meridian::dns {
namespace {

// As many as a busy resolver's socket holds when a worker wakes; more only adds latency to the
// first.
constexpr std::size_t kBatch = 32;
// Also the smallest buffer answer() takes; a query is never larger than a payload we announce.
constexpr std::size_t kPacketBytes = 4096;
// How often an idle worker looks whether it should stop.
constexpr std::chrono::milliseconds kReceiveTimeout{200};
constexpr std::size_t kControlBytes = 64;  // one packet-info message, v4 or v6

// An answer leaves by the route its address has, not by the interface the query came in on.
void clearInterface(msghdr& header) {
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level != IPPROTO_IP || message->cmsg_type != IP_PKTINFO) continue;
    auto* info = reinterpret_cast<in_pktinfo*>(CMSG_DATA(message));
    info->ipi_ifindex = 0;
  }
}

IpEndpoint localOf(msghdr& header, const IpEndpoint& bound) {
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
      in_pktinfo four{};
      std::memcpy(&four, CMSG_DATA(message), sizeof four);
      return {IpAddress::v4(ntohl(four.ipi_addr.s_addr)), bound.port};
    }
    if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo six{};
      std::memcpy(&six, CMSG_DATA(message), sizeof six);
      return {IpAddress::v6(std::span<const std::uint8_t, 16>(six.ipi6_addr.s6_addr)), bound.port};
    }
  }
  return bound;
}

}  // namespace

// All buffers of one batch, laid out once. A response is written beside its query, never over it:
// its views point in.
class UdpWorker::Batch {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel fills the buffers
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      in_vectors_[i] = {queries_[i].data(), kPacketBytes};
      out_vectors_[i] = {responses_[i].data(), 0};
      in_[i].msg_hdr.msg_iov = &in_vectors_[i];
      in_[i].msg_hdr.msg_iovlen = 1;
      in_[i].msg_hdr.msg_name = &peers_[i];
      in_[i].msg_hdr.msg_control = control_[i].data();
    }
  }

  int receive(int descriptor) {
    for (std::size_t i = 0; i < last_received_; ++i) prepare(i);
    const int got = recvmmsg(descriptor, in_.data(), kBatch, MSG_WAITFORONE, nullptr);
    last_received_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    return got;
  }

  std::span<const std::uint8_t> query(std::size_t i) const {
    return {queries_[i].data(), in_[i].msg_len};
  }
  // A query that did not fit the buffer was cut by the kernel; no honest query is that long.
  bool usable(std::size_t i) const {
    return (in_[i].msg_hdr.msg_flags & MSG_TRUNC) == 0 && endpointOf(peers_[i]).port != 0;
  }
  IpEndpoint peer(std::size_t i) const { return endpointOf(peers_[i]); }
  // Where query `i` was sent to: what packet info says, else the address that is bound.
  IpEndpoint local(std::size_t i, const IpEndpoint& bound) const {
    msghdr header = in_[i].msg_hdr;
    return localOf(header, bound);
  }
  std::span<std::uint8_t> response(std::size_t i) { return responses_[i]; }

  // Sends a response to query `i` later, from any thread, while the socket is open.
  RequestDesk::Reply laterReply(std::size_t i, int descriptor) const {
    const msghdr& received = in_[i].msg_hdr;
    return
        [descriptor, peer = peers_[i], peer_size = received.msg_namelen, control = control_[i],
         control_size = received.msg_controllen](std::span<const std::uint8_t> response) mutable {
          std::array<std::uint8_t, kPacketBytes> bytes{};
          if (response.size() > bytes.size()) return;
          std::copy(response.begin(), response.end(), bytes.begin());
          iovec vector{bytes.data(), response.size()};
          msghdr header{};
          header.msg_iov = &vector;
          header.msg_iovlen = 1;
          header.msg_name = &peer;
          header.msg_namelen = peer_size;
          if (control_size != 0) {
            header.msg_control = control.data();
            header.msg_controllen = control_size;
            clearInterface(header);
          }
          // Lost is lost, over UDP: who asked asks again.
          [[maybe_unused]] const ssize_t sent = sendmsg(descriptor, &header, MSG_DONTWAIT);
        };
  }

  // Lines response `i` up for sending.
  void queue(std::size_t i, std::size_t size) {
    msghdr& header = out_[queued_].msg_hdr;
    const msghdr& received = in_[i].msg_hdr;
    out_vectors_[queued_] = {responses_[i].data(), size};
    header = {};
    header.msg_iov = &out_vectors_[queued_];
    header.msg_iovlen = 1;
    header.msg_name = received.msg_name;
    header.msg_namelen = received.msg_namelen;
    if (received.msg_controllen != 0) {
      header.msg_control = received.msg_control;
      header.msg_controllen = received.msg_controllen;
      clearInterface(header);
    }
    ++queued_;
  }

  // Sends what was queued; returns how many answers the kernel refused.
  std::size_t send(int descriptor) {
    std::size_t sent = 0;
    std::size_t refused = 0;
    while (sent < queued_) {
      const int count = sendmmsg(descriptor, &out_[sent], static_cast<unsigned>(queued_ - sent), 0);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
      } else if (errno != EINTR) {
        ++sent;  // the first one cannot be sent; the others may
        ++refused;
      }
    }
    queued_ = 0;
    return refused;
  }

 private:
  void prepare(std::size_t i) {
    in_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    in_[i].msg_hdr.msg_controllen = kControlBytes;
  }

  std::array<std::array<std::uint8_t, kPacketBytes>, kBatch> queries_;
  std::array<std::array<std::uint8_t, kPacketBytes>, kBatch> responses_;
  std::array<sockaddr_storage, kBatch> peers_;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlBytes>, kBatch> control_;
  std::array<iovec, kBatch> in_vectors_;
  std::array<iovec, kBatch> out_vectors_;
  std::array<mmsghdr, kBatch> in_{};
  std::array<mmsghdr, kBatch> out_{};
  std::size_t last_received_ = kBatch;  // headers to prepare before the next receive; all at first
  std::size_t queued_ = 0;
};

UdpWorker::UdpWorker(Socket socket, const Published<ServingState>& state,
                     std::unique_ptr<RateLimiter> limiter, RequestDesk* desk, QueryTap* tap)
    : socket_(std::move(socket)),
      state_(state),
      limiter_(std::move(limiter)),
      desk_(desk),
      tap_(tap) {}

UdpWorker::~UdpWorker() {
  stop();
}

void UdpWorker::start() {
  const timeval timeout{0, std::chrono::microseconds(kReceiveTimeout).count()};
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (const auto bound = socket_.localEndpoint()) bound_ = *bound;
  thread_ = std::thread([this] { run(); });
}

void UdpWorker::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

std::size_t UdpWorker::answerLimited(std::span<const std::uint8_t> query, const Client& client,
                                     const ServingState& state, std::span<std::uint8_t> out,
                                     std::uint64_t now_ms, AnswerFacts& facts) {
  const std::size_t size = answer(query, client, state, out, counters_.answers, &facts);
  if (size == 0) return 0;
  switch (limiter_->judge(client.address, facts, now_ms)) {
    case RateVerdict::kSend:
      break;
    case RateVerdict::kCut:
      return cutResponse(out.first(size));
    case RateVerdict::kDrop:
      return 0;
  }
  return size;
}

std::size_t UdpWorker::answerTapped(Batch& batch, std::size_t i, const Client& client,
                                    const ServingState& state, std::uint64_t now_ms, TapWish wish) {
  TapRecord record;
  record.wish = wish;
  record.asked_at = unixNanos();
  record.client = batch.peer(i);
  record.local = batch.local(i, bound_);
  record.query = batch.query(i);
  AnswerFacts facts;
  const std::span<std::uint8_t> out = batch.response(i);
  const std::size_t size = limiter_ == nullptr
                               ? answer(record.query, client, state, out, counters_.answers, &facts)
                               : answerLimited(record.query, client, state, out, now_ms, facts);
  record.answered_at = unixNanos();
  record.response = out.first(size);
  tap_->tell(record, facts, state);
  return size;
}

std::size_t UdpWorker::answerOne(Batch& batch, std::size_t i, const Client& client,
                                 const ServingState& state, std::uint64_t now_ms) {
  if (tap_ != nullptr) {
    if (const TapWish wish = tap_->next(); wish.any())
      return answerTapped(batch, i, client, state, now_ms, wish);
  }
  const std::span<const std::uint8_t> query = batch.query(i);
  if (limiter_ == nullptr)
    return answer(query, client, state, batch.response(i), counters_.answers);
  AnswerFacts facts;
  return answerLimited(query, client, state, batch.response(i), now_ms, facts);
}

// What finds no place at the desk is lost, as it may be over UDP.
bool UdpWorker::takenToDesk(const Batch& batch, std::size_t i, const Client& client) const {
  if (desk_ == nullptr || !RequestDesk::wants(batch.query(i))) return false;
  desk_->take(batch.query(i), client, batch.laterReply(i, socket_.get()));
  return true;
}

void UdpWorker::run() {
  pthread_setname_np(pthread_self(), "udp");
  const auto batch = std::make_unique<Batch>();
  Published<ServingState>::Observer observer(state_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int got = batch->receive(socket_.get());
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR) counters_.receive_failures.add();
      continue;
    }
    counters_.batches.add();
    const ServingState& state = observer.read();
    const std::uint32_t now = coarseUnixTime();
    const std::uint64_t now_ms = limiter_ == nullptr ? 0 : coarseMonotonicMillis();
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      if (!batch->usable(i)) continue;
      const Client client{batch->peer(i).address, Transport::kUdp, now};
      if (takenToDesk(*batch, i, client)) continue;
      const std::size_t size = answerOne(*batch, i, client, state, now_ms);
      if (size != 0) batch->queue(i, size);
    }
    if (const std::size_t refused = batch->send(socket_.get()))
      counters_.send_failures.add(refused);
  }
}

}  // namespace meridian::dns
