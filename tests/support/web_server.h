// A small HTTP(S) server on the test's own EventLoop, at a port of 127.0.0.1 that the kernel picks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"

namespace meridian::test {

struct WebRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string server_name;  // https: of the TLS handshake
};

struct WebReply {
  int status = 200;
  std::string body = {};
  std::map<std::string, std::string> headers = {};
};

// A key and a certificate that it signed itself, valid for `host` only.
struct WebCertificate {
  std::string key_pem;
  std::string certificate_pem;
  std::int64_t expires = 0;
};
WebCertificate makeWebCertificate(const std::string& host, std::int64_t valid_seconds);

class WebServer {
 public:
  // nullopt: the request is never answered.
  using Handler = std::function<std::optional<WebReply>(const WebRequest&)>;

  WebServer(EventLoop& loop, Handler handler);                                     // http
  WebServer(EventLoop& loop, Handler handler, const WebCertificate& certificate);  // https
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::uint16_t port() const;
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  const std::vector<WebRequest>& requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meridian::test
