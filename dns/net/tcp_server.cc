#include "dns/net/tcp_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "dns/answer/answerer.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kLengthBytes = 2;  // RFC 1035 §4.2.2
// A client that pipelines faster than it reads is made to wait at this much unsent answers.
constexpr std::size_t kMaxUnsentBytes = std::size_t{256} << 10;
// How long new clients wait in the kernel when the system has nothing left to accept one with.
constexpr std::chrono::milliseconds kAcceptPause{100};

timeval toTimeval(std::chrono::milliseconds duration) {
  return {duration.count() / 1000, duration.count() % 1000 * 1000};
}

struct BufferEventFree {
  void operator()(bufferevent* event) const { bufferevent_free(event); }
};
struct ListenerFree {
  void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
};

}  // namespace

struct TcpServer::Listener {
  std::unique_ptr<evconnlistener, ListenerFree> handle;
};

class TcpServer::Connection {
 public:
  Connection(TcpServer& server, int descriptor, const IpAddress& peer)
      : server_(server),
        peer_(peer),
        event_(bufferevent_socket_new(server.loop_.raw(), descriptor, BEV_OPT_CLOSE_ON_FREE)) {
    if (!event_) throw std::bad_alloc();
    const timeval write_timeout = toTimeval(server.limits_.write_timeout);
    bufferevent_set_timeouts(event_.get(), nullptr, &write_timeout);
    // A whole message and its length: input beyond that waits in the kernel.
    bufferevent_setwatermark(event_.get(), EV_READ, 0, kLengthBytes + kMaxMessage);
    bufferevent_setcb(
        event_.get(),
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onReadable(); },
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onWritten(); },
        [](bufferevent*, short what, void* self) { static_cast<Connection*>(self)->onEvent(what); },
        this);
    if (bufferevent_enable(event_.get(), EV_READ | EV_WRITE) != 0) throw std::bad_alloc();
    restartIdleTimer();
  }

  const IpAddress& peer() const { return peer_; }
  evbuffer* input() const { return bufferevent_get_input(event_.get()); }
  evbuffer* output() const { return bufferevent_get_output(event_.get()); }
  bool mayWrite() const { return evbuffer_get_length(output()) < kMaxUnsentBytes; }

  void restartIdleTimer() {
    idle_ = server_.loop_.after(server_.limits_.idle_timeout, [this] {
      server_.counters_.timed_out.add();
      server_.drop(*this);
    });
  }
  // No more queries from here on; the connection ends once its answers are sent.
  void finish() {
    finishing_ = true;
    bufferevent_disable(event_.get(), EV_READ);
    if (evbuffer_get_length(output()) == 0) server_.drop(*this);
  }

 private:
  void onReadable() { server_.answerAll(*this); }
  // The output is empty: queries that waited for room go on, and a finishing connection may end.
  void onWritten() {
    if (!server_.answerAll(*this)) return;
    if (finishing_ && evbuffer_get_length(output()) == 0) server_.drop(*this);
  }
  void onEvent(short what) {
    if ((what & BEV_EVENT_TIMEOUT) != 0) server_.counters_.timed_out.add();
    const bool closed_by_client = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0;
    if (!closed_by_client) return server_.drop(*this);
    if (server_.answerAll(*this)) finish();  // a half-closed client still gets its answers
  }

  TcpServer& server_;
  IpAddress peer_;
  std::unique_ptr<bufferevent, BufferEventFree> event_;
  std::unique_ptr<EventLoop::Timer> idle_;
  bool finishing_ = false;
};

std::size_t TcpServer::AddressHash::operator()(const IpAddress& address) const noexcept {
  const U128 bits = address.bits();
  return static_cast<std::size_t>((bits ^ bits >> 64) * 0x9E3779B97F4A7C15ULL);
}

TcpServer::TcpServer(std::vector<Socket> listeners, const Published<ServingState>& state,
                     const TcpLimits& limits)
    : limits_(limits), published_(state), response_(kMaxMessage) {
  for (Socket& socket : listeners) {
    auto listener = std::make_unique<Listener>();
    listener->handle.reset(evconnlistener_new(
        loop_.raw(),
        [](evconnlistener*, evutil_socket_t descriptor, sockaddr* address, int size, void* self) {
          sockaddr_storage peer{};
          std::memcpy(&peer, address, std::min(sizeof peer, static_cast<std::size_t>(size)));
          static_cast<TcpServer*>(self)->accept(descriptor, endpointOf(peer).address);
        },
        this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, socket.get()));
    if (!listener->handle) throw std::runtime_error("libevent could not listen on a TCP socket");
    socket.release();  // closed by the listener
    evconnlistener_set_error_cb(listener->handle.get(), [](evconnlistener* failed, void* self) {
      static_cast<TcpServer*>(self)->pauseAccepting(failed);
    });
    listeners_.push_back(std::move(listener));
  }
}

TcpServer::~TcpServer() {
  stop();
}

void TcpServer::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "tcp");
    observer_ = std::make_unique<Published<ServingState>::Observer>(published_);
    loop_.run();
    connections_.clear();
    observer_.reset();
  });
}

void TcpServer::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

// The waiting client keeps the listener readable: without a pause the loop would only turn.
void TcpServer::pauseAccepting(evconnlistener* listener) {
  counters_.accept_failures.add();
  evconnlistener_disable(listener);
  resume_accepting_ = loop_.after(kAcceptPause, [this] {
    for (const auto& paused : listeners_) evconnlistener_enable(paused->handle.get());
  });
}

void TcpServer::accept(int descriptor, const IpAddress& peer) {
  Socket socket(descriptor);
  const auto known = per_client_.find(peer);
  const std::size_t from_peer = known == per_client_.end() ? 0 : known->second;
  if (connections_.size() >= limits_.max_connections || from_peer >= limits_.max_per_client) {
    counters_.refused.add();
    return;
  }
  evutil_make_socket_nonblocking(descriptor);
  auto connection = std::make_unique<Connection>(*this, socket.release(), peer);
  const Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
  ++per_client_[peer];
  counters_.accepted.add();
}

void TcpServer::drop(Connection& connection) {
  const auto client = per_client_.find(connection.peer());
  if (--client->second == 0) per_client_.erase(client);
  connections_.erase(&connection);
}

// Answers every complete query in the buffer, while there is room for answers. False: the
// connection is gone.
bool TcpServer::answerAll(Connection& connection) {
  evbuffer* input = connection.input();
  bool answered = false;
  while (connection.mayWrite()) {
    std::uint8_t prefix[kLengthBytes];
    if (evbuffer_copyout(input, prefix, sizeof prefix) != sizeof prefix) break;
    const std::size_t size = static_cast<std::size_t>(prefix[0] << 8 | prefix[1]);
    if (size < kHeaderBytes) {
      counters_.malformed.add();
      drop(connection);
      return false;
    }
    if (evbuffer_get_length(input) < kLengthBytes + size) break;
    if (!answerOne(connection, size)) {
      drop(connection);
      return false;
    }
    answered = true;
  }
  if (answered) connection.restartIdleTimer();
  return true;
}

// False: no memory; this client goes, the others stay.
bool TcpServer::answerOne(Connection& connection, std::size_t size) {
  evbuffer* input = connection.input();
  const std::uint8_t* bytes = evbuffer_pullup(input, static_cast<ev_ssize_t>(kLengthBytes + size));
  if (bytes == nullptr) return false;
  const std::span<const std::uint8_t> message(bytes + kLengthBytes, size);
  const Client client{connection.peer(), Transport::kTcp, coarseUnixTime()};
  const std::size_t length =
      answer(message, client, observer_->read(), response_, counters_.answers);
  evbuffer_drain(input, kLengthBytes + size);
  if (length == 0) return true;
  const std::uint8_t frame[kLengthBytes] = {static_cast<std::uint8_t>(length >> 8),
                                            static_cast<std::uint8_t>(length)};
  return evbuffer_add(connection.output(), frame, sizeof frame) == 0 &&
         evbuffer_add(connection.output(), response_.data(), length) == 0;
}

}  // namespace meridian::dns
