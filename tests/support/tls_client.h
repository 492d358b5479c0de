// A TLS client with a socket of its own that reads line by line, for tests of TLS servers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/web_server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace meridian::test {

struct TlsClientOptions {
  std::string trusted_pem;              // the server's certificate or its authority's
  const WebCertificate* own = nullptr;  // shown to the server
  bool only_tls_1_1 = false;            // too old for anybody
};

class TlsClient {
 public:
  // Connects to 127.0.0.1 and shakes hands.
  TlsClient(std::uint16_t port, const TlsClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // False: the handshake failed. With TLS 1.3 a server's "no" to a certificate comes later.
  bool connected() const { return connected_; }
  std::string version() const;  // "TLSv1.3"
  std::string peerPem() const;  // the certificate that the server has shown
  bool send(const std::string& text);
  // The next line, or "closed".
  std::string line();

 private:
  int socket_ = -1;
  bool connected_ = false;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* session_ = nullptr;
  std::string read_;
};

}  // namespace meridian::test
