// TlsServer: what a TLS server shows, from PEM files, and sessions on it (OpenSSL).
//
// TLS 1.2 and newer, no renegotiation, no resumption. With a CA file clients must have a
// certificate of it (mutual TLS). Files that change are read again by the next session; when the
// new ones cannot be used, the old stay and that is logged, once a change. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace meridian {

struct TlsFiles {
  std::filesystem::path certificate;  // the server's, then the chain to the authority
  std::filesystem::path key;          // of its first certificate, without a passphrase
  std::filesystem::path client_ca;    // authorities of clients' certificates; empty: none is asked
};

// Why a handshake failed, as far as others may want to count.
enum class TlsFailure : std::uint8_t {
  kUntrusted,  // the client has no certificate, or not one of the authority
  kProtocol    // anything else: no TLS, too old a version, no common cipher, closed
};

class TlsServer {
 public:
  // kNotFound, kInvalid: a file, by its name.
  static Result<std::unique_ptr<TlsServer>> open(TlsFiles files);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // A session that is to accept a handshake; the caller's to free (SSL_free, or with the
  // bufferevent that takes it).
  ssl_st* newSession();

  // Of OpenSSL's error code; 0: the peer just went.
  static TlsFailure failureOf(unsigned long code);
  static std::string textOf(unsigned long code);
  // Tells the peer that the session ends, as far as that goes without waiting.
  static void sayEnd(ssl_st* session);

 private:
  struct ContextFree {
    void operator()(ssl_ctx_st* context) const;
  };
  using ContextPtr = std::unique_ptr<ssl_ctx_st, ContextFree>;
  // What tells one content of a file from another without reading it.
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0, inode = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  using Stamps = std::array<Stamp, 3>;

  explicit TlsServer(TlsFiles files) : files_(std::move(files)) {}
  static Result<ContextPtr> load(const TlsFiles& files);
  Stamps stamps() const;

  TlsFiles files_;
  ContextPtr context_;
  Stamps read_{};  // when context_ was made, or last failed to be
};

}  // namespace meridian
