// HttpServer: libevent's evhttp as an owned object, with the bounds and manners that evhttp 2.1
// leaves out.
//
//   evhttp alone                                          here
//   refuses in HTML (413, 400 of its own)                 every refusal is JSON
//   closes while the client still sends: a reset that     lingers (RFC 9112 §9.6): reads and drops
//   can eat the 413                                       until the client is done
//   has no limit of connections                           stops accepting at max_connections
//   its time-out starts anew with each byte               a request arrives whole within
//                                                         idle_timeout, or the connection goes
//
// Bodies over max_body_bytes are refused as soon as their length is known (Content-Length, with or
// without Expect: 100-continue) or passed (chunked), so at most max_body_bytes are held.
// Threads: everything on the loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/ip.h"
#include "base/result.h"

namespace meridian::admin {

// Methods without a route of ours are all kOther: the router answers them with 405.
enum class HttpMethod : std::uint8_t { kGet, kPut, kPost, kDelete, kOther };
std::string_view httpMethodName(HttpMethod method);

struct HttpRequest {
  HttpMethod method = HttpMethod::kOther;
  bool head = false;  // HEAD: refused like any kOther, but its reply must have no body
  std::string path;   // as sent, still %-encoded; starts with '/'
  std::string query;  // as sent, without '?'
  std::string body;
  std::optional<std::string> authorization;  // header values; absent when not sent
  std::optional<std::string> if_none_match;
  std::optional<std::string> content_type;
  // Of Standard Webhooks (partition/hooks/signature.h).
  std::optional<std::string> webhook_id, webhook_timestamp, webhook_signature;
};

struct HttpReply {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// One request's way back. Shared, so that a handler may keep it and reply later; dropping the last
// reference without a reply sends a 500, so that no client waits for ever.
class Responder {
 public:
  virtual ~Responder() = default;
  // The first call replies, further ones do nothing. Does nothing when the client is gone or the
  // server stopped.
  virtual void send(HttpReply reply) = 0;
  // Called at most once, when the client closes its side before the reply. The reply may still be
  // sent: a client that only half-closed gets it.
  virtual void onHangUp(std::function<void()> task) = 0;
};

struct HttpServerOptions {
  IpEndpoint listen = {};
  std::size_t max_body_bytes = std::size_t{8} << 20;
  std::size_t max_header_bytes = std::size_t{16} << 10;  // request line and headers
  std::size_t max_connections = 256;
  std::chrono::milliseconds idle_timeout{60'000};
};

class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest request, std::shared_ptr<Responder> responder)>;

  // Listens at once; requests are handled while the loop runs. The loop must outlive the server.
  // kIo: the address cannot be bound.
  static Result<std::unique_ptr<HttpServer>> start(EventLoop& loop,
                                                   const HttpServerOptions& options,
                                                   Handler handler);
  // Open connections are closed; responders that are still held become inert.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the real port when port 0 was asked for.
  IpEndpoint bound() const;
  std::size_t connectionCount() const;

  struct State;  // of http_server.cc

 private:
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace meridian::admin
