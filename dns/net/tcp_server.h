// TcpServer: DNS over TCP (RFC 7766), over TLS (RFC 7858) and over HTTPS (RFC 8484, as far as it is
// not dns/net/doh_session.h), on one thread: framing, pipelining, limits and time-outs, which are
// the same for all. Transfers of zones (RFC 5936, RFC 1995) go out over TCP and TLS, message by
// message, as the client takes them; other queries of the connection are answered meanwhile, a
// second transfer after the first.
//
// A connection ends when no complete query came for the idle time-out (bytes that complete nothing
// do not count), when the client does not take its answers, on a malformed frame, or when the
// client closed and has its answers; before its first query also when the handshake fails, or does
// not end in time. A proxy's connection begins with a PROXY header (dns/wire/proxy_header.h),
// which comes before TLS; without a good one, in time, it ends. The client that the header names
// is the client in all: for answers, and for what one client may have open. After stop() nobody is
// answered, and connections are closed. Threads: start() and stop() from the owner's
// thread; counters may be read by any.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "base/event_loop.h"
#include "base/published.h"
#include "base/tls_server.h"
#include "dns/answer/answer_counters.h"
#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/net/doh_session.h"
#include "dns/net/request_desk.h"
#include "dns/net/socket.h"
#include "dns/tap/query_tap.h"
#include "dns/transfer/outgoing_transfer.h"
#include "dns/wire/proxy_header.h"

struct bufferevent;
struct evconnlistener;

namespace meridian::dns {

// A listening socket, and what its connections begin with.
struct TcpListener {
  Socket socket;
  std::unique_ptr<TlsServer> tls = {};  // none: plain TCP
  std::string doh_path = {};            // over TLS: HTTP with this path; empty: plain messages
  IpPrefixList proxies = {};            // peers that are to send a PROXY header; others must not
};

struct TcpLimits {
  std::size_t max_connections = 1024;  // of all listeners together
  std::size_t max_per_client = 128;
  std::chrono::milliseconds idle_timeout{10'000};
  std::chrono::milliseconds write_timeout{5'000};
  std::chrono::milliseconds handshake_timeout{5'000};  // of TLS; and of a PROXY header
};

struct TcpCounters {
  AnswerCounters answers;
  TransferCounters transfers;
  Counter accepted;  // in TLS: before the handshake
  Counter refused;   // over a limit
  Counter timed_out;
  Counter malformed;
  Counter accept_failures;  // the system had no descriptor or memory for a connection
};

struct HandshakeCounters {
  Counter done;
  Counter resumed;                           // of these
  std::array<Counter, kTlsFailures> failed;  // by TlsFailure
};

struct ProxyCounters {
  Counter taken;
  std::array<Counter, kProxyRefusals> refused;  // by ProxyRefusal
};

class TcpServer {
 public:
  // `state`, `desk` and `tap` must outlive the server. Without a desk NOTIFY and UPDATE are
  // answered as not implemented; without a tap nobody is told of queries.
  TcpServer(std::vector<TcpListener> listeners, const Published<ServingState>& state,
            const TcpLimits& limits, RequestDesk* desk = nullptr, QueryTap* tap = nullptr);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  void start();
  void stop();
  const TcpCounters& counters() const { return tcp_; }  // of plain TCP
  const TcpCounters& tlsCounters() const { return tls_; }
  const TcpCounters& httpsCounters() const { return https_; }  // `malformed` is doh()'s
  const DohCounters& doh() const { return doh_; }
  // Of TLS, whatever is spoken inside.
  const HandshakeCounters& handshakes() const { return handshakes_; }
  const ProxyCounters& proxies() const { return proxies_; }

 private:
  struct Listener;
  class Greeting;
  class Connection;
  struct AddressHash {
    std::size_t operator()(const IpAddress& address) const noexcept;
  };

  void close();
  void pauseAccepting(Listener& listener);
  void accept(Listener& listener, int descriptor, const IpAddress& peer);
  void refuse(const Greeting& greeting, ProxyRefusal why);
  void introduce(Greeting& greeting, IpAddress client);
  void serve(Listener& listener, Socket socket, const IpAddress& client);
  // Takes the socket.
  bufferevent* newEvent(const Listener& listener, Socket& socket);
  void drop(Connection& connection);
  enum class Progress : std::uint8_t { kNone, kMade, kGone };
  bool answerAll(Connection& connection);
  Progress answerNext(Connection& connection);
  bool serveHttp(Connection& connection, DohSession& session);
  bool answerOne(Connection& connection, std::size_t size);
  // The size of the answer, in response_.
  std::size_t answerQuery(const Connection& connection, std::span<const std::uint8_t> message,
                          const Client& client);
  bool transferNext(Connection& connection);
  std::size_t toDesk(Connection& connection, std::span<const std::uint8_t> message,
                     const Client& client);
  void replyLater(const Connection* connection, std::uint64_t id,
                  std::span<const std::uint8_t> response);
  bool send(Connection& connection, std::size_t length);

  EventLoop loop_;
  TcpLimits limits_;
  TcpCounters tcp_;
  TcpCounters tls_;
  TcpCounters https_;
  DohCounters doh_;
  HandshakeCounters handshakes_;
  ProxyCounters proxies_;
  const Published<ServingState>& published_;
  RequestDesk* desk_;
  QueryTap* tap_;
  std::uint64_t next_connection_ = 0;
  std::unique_ptr<Published<ServingState>::Observer> observer_;  // belongs to the loop's thread
  std::vector<std::uint8_t> response_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<EventLoop::Timer> resume_accepting_;
  std::unordered_map<const Greeting*, std::unique_ptr<Greeting>> greetings_;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
  std::unordered_map<IpAddress, std::size_t, AddressHash> per_client_;
  std::thread thread_;
};

}  // namespace meridian::dns
