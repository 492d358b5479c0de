// A TLS client with a socket of its own that reads line by line, or so many bytes, for tests of TLS
// servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/web_server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace meridian::test {

struct TlsClientOptions {
  std::string trusted_pem;              // the server's certificate or its authority's
  const WebCertificate* own = nullptr;  // shown to the server
  bool only_tls_1_1 = false;            // too old for anybody
  bool only_tls_1_2 = false;
  std::string application = {};  // the protocol that it names (ALPN); empty: none
  std::string ticket = {};       // of an earlier session's ticket()
  std::string before = {};       // sent before the handshake, in the clear
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
  std::string version() const;      // "TLSv1.3"
  std::string peerPem() const;      // the certificate that the server has shown
  std::string application() const;  // that was agreed on; empty: none
  bool resumed() const;
  // What resumes the session. With TLS 1.3 it comes with the first bytes that are read.
  std::string ticket() const;
  bool send(const std::string& text);
  // Says that nothing more is sent; what comes is still read.
  void end();
  // The next line, or "closed".
  std::string line();
  // Exactly so many bytes; nullopt: the session ended before.
  std::optional<std::string> bytes(std::size_t count);

 private:
  bool readMore();

  int socket_ = -1;
  bool connected_ = false;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* session_ = nullptr;
  std::string read_;
};

}  // namespace meridian::test
