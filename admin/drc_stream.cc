#include "admin/drc_stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <event2/util.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

#include "admin/json.h"
#include "base/log.h"

namespace meridian::admin {
namespace {

using Json = nlohmann::json;
using partition::FeedTime;
using partition::kMaxFeedLine;

constexpr std::size_t kMaxUnsentBytes = std::size_t{64} << 10;
// For want of descriptors or memory: the waiting client keeps the listener readable.
constexpr std::chrono::milliseconds kAcceptPause{100};

struct BufferEventFree {
  void operator()(bufferevent* event) const { bufferevent_free(event); }
};
struct TextFree {
  void operator()(char* text) const { std::free(text); }
};

}  // namespace

void DrcStream::ListenerFree::operator()(evconnlistener* listener) const {
  evconnlistener_free(listener);
}

class DrcStream::Connection {
 public:
  Connection(DrcStream& server, Socket socket)
      : server_(server), event_(server.newEvent(socket)), handshaking_(server.tls_ != nullptr) {
    // One whole line and its newline: input beyond that waits in the kernel.
    bufferevent_setwatermark(event_.get(), EV_READ, 0, kMaxFeedLine + 2);
    bufferevent_setcb(
        event_.get(),
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onReadable(); },
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->onWritten(); },
        [](bufferevent*, short what, void* self) { static_cast<Connection*>(self)->onEvent(what); },
        this);
    if (bufferevent_enable(event_.get(), EV_READ | EV_WRITE) != 0) throw std::bad_alloc();
    if (handshaking_) {
      idle_ = server_.loop_.after(server_.options_.handshake_timeout, [this] {
        refuseHandshake(partition::FeedOutcome::kTlsTimeout, "the TLS handshake took too long");
      });
    } else {
      restartIdleTimer();
    }
  }
  ~Connection() {
    ssl_st* const session = server_.tls_ ? bufferevent_openssl_get_ssl(event_.get()) : nullptr;
    if (session != nullptr && !handshaking_) TlsServer::sayEnd(session);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  void onEvent(short what) {
    if ((what & BEV_EVENT_CONNECTED) != 0) {
      handshaking_ = false;
      return restartIdleTimer();
    }
    // Closed or broken: whole lines before it were read already.
    if (!handshaking_) return server_.drop(*this);
    const unsigned long code = bufferevent_get_openssl_error(event_.get());
    const bool untrusted = TlsServer::failureOf(code) == TlsFailure::kUntrusted;
    refuseHandshake(
        untrusted ? partition::FeedOutcome::kTlsUntrusted : partition::FeedOutcome::kTlsFailed,
        "TLS handshake: " + TlsServer::textOf(code));
  }
  void refuseHandshake(partition::FeedOutcome outcome, std::string why) {
    server_.intake_.refuse(outcome, std::move(why),
                           {server_.clock_.monotonicNow(), server_.clock_.wallNow()});
    server_.drop(*this);
  }

  void onReadable() {
    if (finishing_) return;
    const FeedTime now{server_.clock_.monotonicNow(), server_.clock_.wallNow()};
    evbuffer* input = bufferevent_get_input(event_.get());
    bool any = false;
    std::size_t size = 0;
    while (!finishing_) {
      const std::unique_ptr<char, TextFree> line(evbuffer_readln(input, &size, EVBUFFER_EOL_LF));
      if (!line) break;
      any = true;
      take({line.get(), size}, now);
    }
    if (!finishing_ && evbuffer_get_length(input) > kMaxFeedLine) {
      const auto result = stream_ ? stream_->tooLong(now) : refusedHello("no hello line", now);
      send({{"type", "reject"}, {"reason", result.reason}, {"text", result.text}});
      finishing_ = true;
    }
    if (any) restartIdleTimer();
    if (any && stream_) send({{"type", "ack"}, {"seq", stream_->ackSeq()}});
    if (evbuffer_get_length(bufferevent_get_output(event_.get())) > kMaxUnsentBytes) {
      return server_.drop(*this);
    }
    if (finishing_) finish();
  }

  void take(std::string_view line, const FeedTime& now) {
    if (!stream_) {
      const auto refused = greet(line, now);
      if (refused) {
        send({{"type", "reject"}, {"reason", refused->reason}, {"text", refused->text}});
        finishing_ = true;
        return;
      }
    }
    const partition::FeedLineResult result = stream_->line(line, now);
    if (result.bye) finishing_ = true;
    if (result.accepted) return;
    send({{"type", "reject"}, {"reason", result.reason}, {"text", result.text}});
  }

  // Who may speak here, by the first line's token; why nobody may, otherwise.
  std::optional<partition::FeedLineResult> greet(std::string_view line, const FeedTime& now) {
    const auto decoded = partition::decodeFeedLine(line);
    const auto* hello = decoded ? std::get_if<partition::HelloLine>(&*decoded) : nullptr;
    if (hello == nullptr) return refusedHello("the first line must be a hello with a token", now);
    const auto caller = server_.authenticator_.authenticate("Bearer " + hello->token);
    if (!caller) return refusedHello(caller.error().message, now);
    if (!mayUse(caller->role, Role::kAgent)) {
      return refusedHello(caller->name + " has the role " + std::string(roleName(caller->role)) +
                              ", which may not feed",
                          now);
    }
    stream_.emplace(server_.intake_, caller->role == Role::kAgent ? caller->name : std::string());
    return std::nullopt;
  }

  partition::FeedLineResult refusedHello(std::string why, const FeedTime& now) {
    return server_.intake_.refuse(partition::FeedOutcome::kUnauthorized, std::move(why), now);
  }

  void send(const Json& line) {
    const std::string text = dumpJson(line) + "\n";
    if (bufferevent_write(event_.get(), text.data(), text.size()) != 0) throw std::bad_alloc();
  }

  // Nothing more is read; the connection ends once the last words are sent, or by the idle timer.
  void finish() {
    finishing_ = true;
    bufferevent_disable(event_.get(), EV_READ);
    if (evbuffer_get_length(bufferevent_get_output(event_.get())) == 0) server_.drop(*this);
  }
  void onWritten() {
    if (finishing_) server_.drop(*this);
  }
  void restartIdleTimer() {
    idle_ = server_.loop_.after(server_.options_.idle_timeout, [this] { server_.drop(*this); });
  }

  DrcStream& server_;
  std::unique_ptr<bufferevent, BufferEventFree> event_;
  std::unique_ptr<EventLoop::Timer> idle_;
  std::optional<partition::FeedStream> stream_;  // after a good hello
  bool handshaking_ = false;
  bool finishing_ = false;
};

bufferevent* DrcStream::newEvent(Socket& socket) {
  bufferevent* const event =
      tls_ ? bufferevent_openssl_socket_new(loop_.raw(), socket.get(), tls_->newSession(),
                                            BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
           : bufferevent_socket_new(loop_.raw(), socket.get(), BEV_OPT_CLOSE_ON_FREE);
  if (event == nullptr) throw std::bad_alloc();
  socket.release();
  return event;
}

DrcStream::DrcStream(EventLoop& loop, const Clock& clock, partition::FeedIntake& intake,
                     const Authenticator& authenticator, const DrcStreamOptions& options)
    : loop_(loop),
      clock_(clock),
      intake_(intake),
      authenticator_(authenticator),
      options_(options) {}

DrcStream::~DrcStream() = default;

Result<std::unique_ptr<DrcStream>> DrcStream::start(EventLoop& loop, const Clock& clock,
                                                    partition::FeedIntake& intake,
                                                    const Authenticator& authenticator,
                                                    const DrcStreamOptions& options) {
  std::unique_ptr<DrcStream> out(new DrcStream(loop, clock, intake, authenticator, options));
  if (options.tls) {
    auto tls = TlsServer::open(*options.tls);
    if (!tls) return tl::unexpected(tls.error());
    out->tls_ = std::move(*tls);
  }
  if (Status listening = out->listen(); !listening) return tl::unexpected(listening.error());
  return out;
}

Status DrcStream::listen() {
  auto socket = dns::listenTcp(options_.listen);
  if (!socket) return tl::unexpected(socket.error());
  const auto local = socket->localEndpoint();
  if (!local) return tl::unexpected(local.error());
  bound_ = *local;
  listener_.reset(evconnlistener_new(
      loop_.raw(),
      [](evconnlistener*, evutil_socket_t descriptor, sockaddr*, int, void* self) {
        static_cast<DrcStream*>(self)->accept(Socket(descriptor));
      },
      this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, socket->get()));
  if (!listener_) return fail(ErrorKind::kIo, "libevent could not listen on a TCP socket");
  socket->release();  // closed by the listener
  evconnlistener_set_error_cb(listener_.get(), [](evconnlistener* listener, void* self) {
    auto* server = static_cast<DrcStream*>(self);
    evconnlistener_disable(listener);
    server->resume_accepting_ = server->loop_.after(
        kAcceptPause, [server] { evconnlistener_enable(server->listener_.get()); });
  });
  return {};
}

void DrcStream::accept(Socket socket) {
  if (connections_.size() >= options_.max_connections) {
    logWarn("drc_stream_full", {{"connections", std::to_string(connections_.size())}});
    return;
  }
  evutil_make_socket_nonblocking(socket.get());
  auto connection = std::make_unique<Connection>(*this, std::move(socket));
  const Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void DrcStream::drop(const Connection& connection) {
  connections_.erase(&connection);
}

}  // namespace meridian::admin
