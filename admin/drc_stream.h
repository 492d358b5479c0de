// DrcStream: the DRC feed over long TCP connections (docs/api.md, "DRC feed").
//
// An agent connects, sends a hello with its token, then lines; it gets an ack after each batch that
// was read, and a reject for each line that was refused. With a certificate the stream is TLS
// (base/tls_server.h) and nothing else; without one it is for loopback, a private network, or
// behind a proxy. A connection ends after idle_timeout without a whole line, when its handshake
// fails or takes longer than handshake_timeout (both counted among refused lines), on a
// line above the feed's bound, on a first line that is no hello with a token that may feed, after a
// bye, and when the agent does not take its acks. Lines that are whole count even when the
// connection ends in the middle of the next. Threads: everything on the loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>

#include "admin/auth.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/tls_server.h"
#include "dns/net/socket.h"
#include "partition/drc/feed_intake.h"

struct bufferevent;
struct evconnlistener;

namespace meridian::admin {

struct DrcStreamOptions {
  IpEndpoint listen = {};
  std::size_t max_connections = 256;  // further ones are closed at once
  std::chrono::milliseconds idle_timeout{15'000};
  std::optional<TlsFiles> tls = {};
  std::chrono::milliseconds handshake_timeout{5'000};
};

class DrcStream {
 public:
  // Listens at once. All must outlive the stream. kIo: the address cannot be bound; kNotFound,
  // kInvalid: a file of `tls`.
  static Result<std::unique_ptr<DrcStream>> start(EventLoop& loop, const Clock& clock,
                                                  partition::FeedIntake& intake,
                                                  const Authenticator& authenticator,
                                                  const DrcStreamOptions& options);
  ~DrcStream();
  DrcStream(const DrcStream&) = delete;
  DrcStream& operator=(const DrcStream&) = delete;

  IpEndpoint bound() const { return bound_; }
  std::size_t connectionCount() const { return connections_.size(); }

 private:
  class Connection;
  struct ListenerFree {
    void operator()(evconnlistener* listener) const;
  };
  DrcStream(EventLoop& loop, const Clock& clock, partition::FeedIntake& intake,
            const Authenticator& authenticator, const DrcStreamOptions& options);
  Status listen();
  void accept(Socket socket);
  void drop(const Connection& connection);
  // Takes the socket.
  bufferevent* newEvent(Socket& socket);

  EventLoop& loop_;
  const Clock& clock_;
  partition::FeedIntake& intake_;
  const Authenticator& authenticator_;
  DrcStreamOptions options_;
  std::unique_ptr<TlsServer> tls_;  // nullptr: plain
  IpEndpoint bound_;
  std::unique_ptr<evconnlistener, ListenerFree> listener_;
  std::unique_ptr<EventLoop::Timer> resume_accepting_;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
};

}  // namespace meridian::admin
