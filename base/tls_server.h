// TlsServer: what a TLS server shows, from PEM files, and sessions on it (OpenSSL).
//
// TLS 1.2 and newer, no renegotiation, no early data (it could be replayed). With a CA file clients
// must have a certificate of it (mutual TLS). Files that change are read again by the next session;
// when the new ones cannot be used, the old stay and that is logged, once a change. Sessions are
// resumed where the policy says so (docs/decisions/0006-transports.md), by tickets whose keys are
// only in memory and go with the certificate: who resumes would not see a new one. Threads: one at
// a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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

struct TlsPolicy {
  // Spoken inside, by its ALPN name (RFC 7301), at most 255 bytes; empty: clients may name
  // anything. Clients that name others only are refused, those that name none are not.
  std::string application = {};
  // TLS 1.2 only with the ciphers that HTTP/2 allows (RFC 9113 §9.2.2).
  bool http2_ciphers = false;
  // A session may be resumed for at most so long; 0: never. Not together with client_ca.
  std::chrono::seconds resumption{0};
  // The peer's end counts as one also when only TCP says it: for protocols whose messages bring
  // their length, so that nobody who cuts the stream can make a shorter message of one.
  bool bare_end = false;
};

// Why a handshake failed, as far as others may want to count.
enum class TlsFailure : std::uint8_t {
  kUntrusted,    // the client has no certificate, or not one of the authority
  kNotTls,       // its first bytes are no TLS
  kVersion,      // below TLS 1.2
  kCipher,       // no common cipher or group
  kApplication,  // names protocols, and none that is spoken here
  kRefused,      // the client said why it goes: it does not trust the certificate, for one
  kClosed,       // the client went without a word
  kTimeout,      // not of OpenSSL: for those who measure time
  kProtocol      // anything else
};
inline constexpr std::size_t kTlsFailures = 9;
// As metrics name it, e.g. "not_tls".
std::string_view tlsFailureName(TlsFailure failure);

class TlsServer {
 public:
  // kNotFound, kInvalid: a file, by its name.
  static Result<std::unique_ptr<TlsServer>> open(TlsFiles files, TlsPolicy policy = {});
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // A session that is to accept a handshake; the caller's to free (SSL_free, or with the
  // bufferevent that takes it).
  ssl_st* newSession();

  // Of OpenSSL's error code; 0: the peer just went.
  static TlsFailure failureOf(unsigned long code);
  static std::string textOf(unsigned long code);
  // Whether a session whose handshake is done goes on from an earlier one.
  static bool isResumed(const ssl_st* session);
  // The protocol that was agreed on by its ALPN name; empty: the client named none.
  static std::string_view applicationOf(const ssl_st* session);
  // Sends last bytes, before sayEnd(), if that goes without waiting. False: it does not.
  static bool sayLast(ssl_st* session, std::span<const std::uint8_t> bytes);
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

  TlsServer(TlsFiles files, TlsPolicy policy)
      : files_(std::move(files)), policy_(std::move(policy)) {}
  Result<ContextPtr> load();
  void lookAtFiles();
  void changeTicketKeys();
  Stamps stamps() const;

  TlsFiles files_;
  TlsPolicy policy_;
  std::string offered_;  // policy_.application as ALPN writes it; what context_ points to
  ContextPtr context_;
  Stamps read_{};  // when context_ was made, or last failed to be
  std::chrono::steady_clock::time_point ticket_keys_made_;
};

}  // namespace meridian
