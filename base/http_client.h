// HttpClient: many HTTP exchanges at once on an EventLoop (libcurl's multi interface).
//
// One exchange is one request and one reply; nothing is retried and no redirect is followed here:
// what a failure means is the caller's to say.
// Threads: everything on the loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"

namespace meridian {

struct HttpExchange {
  std::string method = "GET";
  std::string url;  // http:// or https://, nothing else
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::chrono::milliseconds timeout{5'000};  // for the whole exchange, from start()
  std::size_t max_reply_bytes = std::size_t{64} << 10;
  std::string connect_to = {};  // "ADDRESS:PORT" in place of the URL's host; SNI, the certificate's
                                // name and the Host header stay the URL's
  bool verify_peer = true;      // the certificate and its name
  std::string ca_file = {};     // PEM; empty: the system's
};

struct HttpAnswer {
  int status = 0;
  std::string body;
  std::chrono::milliseconds took{};
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  // https: the end of the peer certificate's validity, seconds since 1970.
  std::int64_t certificate_expires = 0;
};

class HttpClient {
 public:
  // kInvalid: the URL or a header; kUnavailable: connecting, TLS, time-out; kTooLarge: the reply.
  // The message says which and names host and port, never a header's value.
  using Done = std::function<void(Result<HttpAnswer>)>;
  // Ends the exchange when it goes; `done` is then never called.
  class Exchange {
   public:
    virtual ~Exchange() = default;
  };

  explicit HttpClient(EventLoop& loop);
  ~HttpClient();  // open exchanges end without a call; their handles become inert
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `done` is called exactly once unless the handle goes first, and never from inside start().
  [[nodiscard]] std::unique_ptr<Exchange> start(HttpExchange exchange, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace meridian
