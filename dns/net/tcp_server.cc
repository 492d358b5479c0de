#include "dns/net/tcp_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "dns/net/doh_buffers.h"
#include "dns/wire/query_parser.h"
#include "dns/wire/response_writer.h"

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
  TcpServer& server;
  std::unique_ptr<TlsServer> tls;
  std::string doh_path;
  IpPrefixList proxies;
  TcpCounters& counters;
  std::unique_ptr<evconnlistener, ListenerFree> handle = {};
};

// A proxy's connection that has not told yet whom it is for. Its header is read to the byte: what
// comes behind it is TLS's, or the first query.
class TcpServer::Greeting {
 public:
  Greeting(TcpServer& server, Listener& listener, Socket socket, const IpAddress& peer)
      : server_(server), listener_(listener), socket_(std::move(socket)), peer_(peer) {
    readable_ = server.loop_.onReadable(socket_.get(), [this] { onReadable(); });
    late_ = server.loop_.after(server.limits_.handshake_timeout,
                               [this] { server_.refuse(*this, ProxyRefusal::kTimeout); });
  }

  Listener& listener() const { return listener_; }
  Socket takeSocket() {
    readable_.reset();
    return std::move(socket_);
  }

 private:
  void onReadable() {
    while (have_ < wanted_) {
      const ssize_t got = ::recv(socket_.get(), header_.data() + have_, wanted_ - have_, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return server_.refuse(*this, ProxyRefusal::kClosed);
      have_ += static_cast<std::size_t>(got);
      if (have_ != kProxyFixedBytes) continue;
      const auto size = proxyHeaderSize(std::span(header_).first<kProxyFixedBytes>());
      if (!size) return server_.refuse(*this, size.error());
      wanted_ = *size;
    }
    const auto client = parseProxyHeader(std::span(header_).first(wanted_));
    if (!client) return server_.refuse(*this, client.error());
    server_.introduce(*this, client->value_or(peer_));
  }

  TcpServer& server_;
  Listener& listener_;
  Socket socket_;
  IpAddress peer_;
  std::array<std::uint8_t, kMaxProxyHeader> header_{};
  std::size_t have_ = 0;
  std::size_t wanted_ = kProxyFixedBytes;
  std::unique_ptr<EventLoop::Timer> readable_;
  std::unique_ptr<EventLoop::Timer> late_;
};

class TcpServer::Connection {
 public:
  Connection(TcpServer& server, Listener& listener, Socket socket, const IpAddress& client)
      : server_(server),
        listener_(listener),
        id_(server.next_connection_++),
        client_(client),
        event_(server.newEvent(listener, socket)),
        handshaking_(listener.tls != nullptr) {
    const timeval write_timeout = toTimeval(server.limits_.write_timeout);
    bufferevent_set_timeouts(event_.get(), nullptr, &write_timeout);
    bufferevent_setcb(
        event_.get(),
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onReadable(); },
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onWritten(); },
        [](bufferevent*, short what, void* self) { static_cast<Connection*>(self)->onEvent(what); },
        this);
    if (bufferevent_enable(event_.get(), EV_READ | EV_WRITE) != 0) throw std::bad_alloc();
    if (handshaking_) {
      idle_ = server.loop_.after(server.limits_.handshake_timeout,
                                 [this] { failHandshake(TlsFailure::kTimeout); });
    } else {
      restartIdleTimer();
    }
  }
  ~Connection() {
    if (!listener_.tls || handshaking_) return;
    ssl_st* const session = bufferevent_openssl_get_ssl(event_.get());
    if (doh_ && evbuffer_get_length(output()) == 0) sayGoAway(*doh_, session);
    TlsServer::sayEnd(session);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Of all connections that ever were this one's alone.
  std::uint64_t id() const { return id_; }
  const IpAddress& client() const { return client_; }
  Transport transport() const { return listener_.tls ? Transport::kTls : Transport::kTcp; }
  // Client and local address, as far as they are known: behind a proxy the client's port is not.
  void nameEnds(TapRecord& record) const {
    record.client = {client_, 0};
    const evutil_socket_t descriptor = bufferevent_getfd(event_.get());
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        endpointOf(address).address == client_) {
      record.client = endpointOf(address);
    }
    size = sizeof address;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0)
      record.local = endpointOf(address);
  }
  DohSession* doh() const { return doh_.get(); }  // nullptr: plain messages, each with its length
  TcpCounters& counters() const { return listener_.counters; }
  evbuffer* input() const { return bufferevent_get_input(event_.get()); }
  evbuffer* output() const { return bufferevent_get_output(event_.get()); }
  // Messages whose answers come later.
  std::size_t& atDesk() { return at_desk_; }
  // The one that goes out, if any.
  std::optional<OutgoingTransfer>& transfer() { return transfer_; }
  bool mayWrite() const { return evbuffer_get_length(output()) < kMaxUnsentBytes; }

  void restartIdleTimer() {
    idle_ = server_.loop_.after(server_.limits_.idle_timeout, [this] {
      counters().timed_out.add();
      server_.drop(*this);
    });
  }
  bool isDone() const { return !transfer_ && at_desk_ == 0 && evbuffer_get_length(output()) == 0; }
  // No more queries from here on; the connection ends once its answers are sent.
  void finish() {
    finishing_ = true;
    bufferevent_disable(event_.get(), EV_READ);
    if (isDone()) return server_.drop(*this);
    bufferevent_enable(event_.get(), EV_WRITE);  // TLS stops both ways when the client closes one
  }

 private:
  void onReadable() {
    if (server_.answerAll(*this)) readWhileThereIsRoom();
  }
  // The output is empty: queries that waited for room go on, and a finishing connection may end.
  void onWritten() {
    if (!server_.answerAll(*this)) return;
    if (finishing_ && isDone()) return server_.drop(*this);
    readWhileThereIsRoom();
  }
  // What comes while answers wait to be taken stays in the kernel. (A high watermark would do that
  // for plain TCP only: where it stops TLS in the middle of a record, nothing wakes the rest.)
  void readWhileThereIsRoom() {
    if (finishing_ || mayWrite() == reading_) return;
    reading_ = mayWrite();
    if (reading_) {
      bufferevent_enable(event_.get(), EV_READ);
    } else {
      bufferevent_disable(event_.get(), EV_READ);
    }
  }

  void onEvent(short what) {
    if ((what & BEV_EVENT_CONNECTED) != 0) return onHandshakeDone();
    const bool late = (what & BEV_EVENT_TIMEOUT) != 0;
    if (handshaking_) {
      const unsigned long code = bufferevent_get_openssl_error(event_.get());
      return failHandshake(late ? TlsFailure::kTimeout : TlsServer::failureOf(code));
    }
    if (late) counters().timed_out.add();
    const bool closed_by_client = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0;
    if (!closed_by_client) return server_.drop(*this);
    if (server_.answerAll(*this)) finish();  // a half-closed client still gets its answers
  }
  void onHandshakeDone() {
    const ssl_st* const session = bufferevent_openssl_get_ssl(event_.get());
    // Who names another protocol gets TLS's alert; HTTP/2 must be named (RFC 9113 §3.2).
    if (!listener_.doh_path.empty()) {
      if (TlsServer::applicationOf(session).empty()) return failHandshake(TlsFailure::kApplication);
      startHttp();
    }
    handshaking_ = false;
    server_.handshakes_.done.add();
    if (TlsServer::isResumed(session)) server_.handshakes_.resumed.add();
    restartIdleTimer();
  }
  void failHandshake(TlsFailure why) {
    server_.handshakes_.failed[static_cast<std::size_t>(why)].add();
    server_.drop(*this);
  }
  void startHttp() {
    doh_ = std::make_unique<DohSession>(
        listener_.doh_path,
        [this](std::span<const std::uint8_t> message) {
          const Client client{client_, Transport::kHttps, coarseUnixTime()};
          const std::size_t size = server_.answerQuery(*this, message, client);
          return std::span<const std::uint8_t>(server_.response_).first(size);
        },
        server_.doh_);
  }

  TcpServer& server_;
  Listener& listener_;
  std::uint64_t id_;
  IpAddress client_;
  std::unique_ptr<bufferevent, BufferEventFree> event_;
  std::unique_ptr<DohSession> doh_;
  std::unique_ptr<EventLoop::Timer> idle_;
  std::optional<OutgoingTransfer> transfer_;
  std::size_t at_desk_ = 0;
  bool handshaking_;
  bool reading_ = true;
  bool finishing_ = false;
};

std::size_t TcpServer::AddressHash::operator()(const IpAddress& address) const noexcept {
  const U128 bits = address.bits();
  return static_cast<std::size_t>((bits ^ bits >> 64) * 0x9E3779B97F4A7C15ULL);
}

TcpServer::TcpServer(std::vector<TcpListener> listeners, const Published<ServingState>& state,
                     const TcpLimits& limits, RequestDesk* desk, QueryTap* tap)
    : limits_(limits), published_(state), desk_(desk), tap_(tap), response_(kMaxMessage) {
  for (TcpListener& each : listeners) {
    TcpCounters& counters = !each.tls ? tcp_ : each.doh_path.empty() ? tls_ : https_;
    auto listener = std::make_unique<Listener>(Listener{
        *this, std::move(each.tls), std::move(each.doh_path), std::move(each.proxies), counters});
    listener->handle.reset(evconnlistener_new(
        loop_.raw(),
        [](evconnlistener*, evutil_socket_t descriptor, sockaddr* address, int size, void* self) {
          sockaddr_storage peer{};
          std::memcpy(&peer, address, std::min(sizeof peer, static_cast<std::size_t>(size)));
          auto& accepting = *static_cast<Listener*>(self);
          accepting.server.accept(accepting, descriptor, endpointOf(peer).address);
        },
        listener.get(), LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, each.socket.get()));
    if (!listener->handle) throw std::runtime_error("libevent could not listen on a TCP socket");
    each.socket.release();  // closed by the listener
    evconnlistener_set_error_cb(listener->handle.get(), [](evconnlistener*, void* self) {
      auto& failed = *static_cast<Listener*>(self);
      failed.server.pauseAccepting(failed);
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
    close();
    observer_.reset();
  });
}

// Ends all connections. What libevent still has to call back for TLS holds them until the loop has
// turned once more, with nobody accepted.
void TcpServer::close() {
  resume_accepting_.reset();
  for (const auto& listener : listeners_) evconnlistener_disable(listener->handle.get());
  greetings_.clear();
  connections_.clear();
  event_base_loop(loop_.raw(), EVLOOP_NONBLOCK);
}

void TcpServer::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

// The waiting client keeps the listener readable: without a pause the loop would only turn.
void TcpServer::pauseAccepting(Listener& listener) {
  listener.counters.accept_failures.add();
  evconnlistener_disable(listener.handle.get());
  resume_accepting_ = loop_.after(kAcceptPause, [this] {
    for (const auto& paused : listeners_) evconnlistener_enable(paused->handle.get());
  });
}

void TcpServer::accept(Listener& listener, int descriptor, const IpAddress& peer) {
  Socket socket(descriptor);
  if (connections_.size() + greetings_.size() >= limits_.max_connections) {
    listener.counters.refused.add();
    return;
  }
  evutil_make_socket_nonblocking(descriptor);
  if (!listener.proxies.contains(peer)) return serve(listener, std::move(socket), peer);
  auto greeting = std::make_unique<Greeting>(*this, listener, std::move(socket), peer);
  const Greeting* key = greeting.get();
  greetings_.emplace(key, std::move(greeting));
}

void TcpServer::refuse(const Greeting& greeting, ProxyRefusal why) {
  proxies_.refused[static_cast<std::size_t>(why)].add();
  greetings_.erase(&greeting);
}

void TcpServer::introduce(Greeting& greeting, IpAddress client) {
  proxies_.taken.add();
  Listener& listener = greeting.listener();
  Socket socket = greeting.takeSocket();
  greetings_.erase(&greeting);
  serve(listener, std::move(socket), client);
}

void TcpServer::serve(Listener& listener, Socket socket, const IpAddress& client) {
  const auto known = per_client_.find(client);
  if (known != per_client_.end() && known->second >= limits_.max_per_client) {
    listener.counters.refused.add();
    return;
  }
  sendAtOnce(socket);
  auto connection = std::make_unique<Connection>(*this, listener, std::move(socket), client);
  const Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
  ++per_client_[client];
  listener.counters.accepted.add();
}

bufferevent* TcpServer::newEvent(const Listener& listener, Socket& socket) {
  bufferevent* const event =
      listener.tls
          ? bufferevent_openssl_socket_new(loop_.raw(), socket.get(), listener.tls->newSession(),
                                           BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
          : bufferevent_socket_new(loop_.raw(), socket.get(), BEV_OPT_CLOSE_ON_FREE);
  if (event == nullptr) throw std::bad_alloc();
  socket.release();
  return event;
}

void TcpServer::drop(Connection& connection) {
  const auto client = per_client_.find(connection.client());
  if (--client->second == 0) per_client_.erase(client);
  connections_.erase(&connection);
}

// Answers every complete query in the buffer, and goes on with a transfer, while there is room for
// answers. False: the connection is gone.
bool TcpServer::answerAll(Connection& connection) {
  if (DohSession* const doh = connection.doh()) return serveHttp(connection, *doh);
  bool answered = false;
  while (connection.mayWrite()) {
    const Progress progress = answerNext(connection);
    if (progress == Progress::kGone) {
      drop(connection);
      return false;
    }
    if (progress == Progress::kNone) break;
    answered = true;
  }
  if (answered) connection.restartIdleTimer();
  return true;
}

// As answerAll(). False also: the session is over, and the connection ends by itself.
bool TcpServer::serveHttp(Connection& connection, DohSession& session) {
  const std::uint64_t before = session.replies();
  if (!exchange(session, connection.input(), connection.output(), kMaxUnsentBytes)) {
    drop(connection);
    return false;
  }
  if (session.replies() != before) connection.restartIdleTimer();
  if (!session.ended()) return true;
  connection.finish();
  return false;
}

TcpServer::Progress TcpServer::answerNext(Connection& connection) {
  const auto made = [](bool done) { return done ? Progress::kMade : Progress::kGone; };
  evbuffer* input = connection.input();
  std::uint8_t prefix[kLengthBytes];
  if (evbuffer_copyout(input, prefix, sizeof prefix) == sizeof prefix) {
    const std::size_t size = static_cast<std::size_t>(prefix[0] << 8 | prefix[1]);
    if (size < kHeaderBytes) {
      connection.counters().malformed.add();
      return Progress::kGone;
    }
    if (evbuffer_get_length(input) >= kLengthBytes + size) {
      const std::uint8_t* bytes =
          evbuffer_pullup(input, static_cast<ev_ssize_t>(kLengthBytes + size));
      if (bytes == nullptr) return Progress::kGone;
      const bool waits = connection.transfer() && asksForTransfer({bytes + kLengthBytes, size});
      if (!waits) return made(answerOne(connection, size));
    }
  }
  return connection.transfer() ? made(transferNext(connection)) : Progress::kNone;
}

// False: no memory; this client goes, the others stay. REQUIRES: the message is in one piece.
bool TcpServer::answerOne(Connection& connection, std::size_t size) {
  evbuffer* input = connection.input();
  const std::span<const std::uint8_t> message(
      evbuffer_pullup(input, static_cast<ev_ssize_t>(kLengthBytes + size)) + kLengthBytes, size);
  const Client client{connection.client(), connection.transport(), coarseUnixTime()};
  std::size_t length = 0;
  if (asksForTransfer(message)) {
    connection.transfer().emplace(message, client, observer_->read(),
                                  connection.counters().transfers);
  } else if (desk_ != nullptr && RequestDesk::wants(message)) {
    length = toDesk(connection, message, client);
  } else {
    length = answerQuery(connection, message, client);
  }
  evbuffer_drain(input, kLengthBytes + size);
  return length == 0 || send(connection, length);
}

std::size_t TcpServer::answerQuery(const Connection& connection,
                                   std::span<const std::uint8_t> message, const Client& client) {
  const ServingState& state = observer_->read();
  AnswerCounters& counters = connection.counters().answers;
  const TapWish wish = tap_ == nullptr ? TapWish{} : tap_->next();
  if (!wish.any()) return answer(message, client, state, response_, counters);
  TapRecord record;
  record.wish = wish;
  record.transport = client.transport;
  record.asked_at = unixNanos();
  connection.nameEnds(record);
  record.query = message;
  AnswerFacts facts;
  const std::size_t size = answer(message, client, state, response_, counters, &facts);
  record.answered_at = unixNanos();
  record.response = std::span<const std::uint8_t>(response_).first(size);
  tap_->tell(record, facts, state);
  return size;
}

// False: the connection cannot go on.
bool TcpServer::transferNext(Connection& connection) {
  std::optional<OutgoingTransfer>& transfer = connection.transfer();
  const std::size_t length = transfer->next(response_, coarseUnixTime());
  if (transfer->done()) transfer.reset();
  return length != 0 && send(connection, length);
}

// The size of an answer that is made at once, into response_; 0: it comes later.
std::size_t TcpServer::toDesk(Connection& connection, std::span<const std::uint8_t> message,
                              const Client& client) {
  const auto reply = [this, to = &connection,
                      id = connection.id()](std::span<const std::uint8_t> response) {
    loop_.post([this, to, id, bytes = std::vector<std::uint8_t>(response.begin(), response.end())] {
      replyLater(to, id, bytes);
    });
  };
  if (desk_->take(message, client, reply)) {
    ++connection.atDesk();
    return 0;
  }
  Query query;
  parseQuery(message, 0, query);
  return writeRefusal(query, Rcode::kServFail, nullptr, response_);
}

// The connection may be gone, and another may be where it was.
void TcpServer::replyLater(const Connection* connection, std::uint64_t id,
                           std::span<const std::uint8_t> response) {
  const auto found = connections_.find(connection);
  if (found == connections_.end() || found->second->id() != id) return;
  --found->second->atDesk();
  std::copy(response.begin(), response.end(), response_.begin());
  if (!send(*found->second, response.size())) drop(*found->second);
}

// The first `length` bytes of response_. False: no memory.
bool TcpServer::send(Connection& connection, std::size_t length) {
  const std::uint8_t frame[kLengthBytes] = {static_cast<std::uint8_t>(length >> 8),
                                            static_cast<std::uint8_t>(length)};
  return evbuffer_add(connection.output(), frame, sizeof frame) == 0 &&
         evbuffer_add(connection.output(), response_.data(), length) == 0;
}

}  // namespace meridian::dns
