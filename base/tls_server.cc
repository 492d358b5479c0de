#include "base/tls_server.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <new>
#include <utility>

#include "base/log.h"

namespace meridian {
namespace {

// What OpenSSL says of the call that failed just now; its queue is empty afterwards.
std::string lastTlsError() {
  std::string text = TlsServer::textOf(ERR_peek_last_error());
  ERR_clear_error();
  return text;
}

tl::unexpected<Error> unusable(const std::filesystem::path& file, std::string_view as) {
  return fail(ErrorKind::kInvalid,
              file.string() + ": cannot be used as " + std::string(as) + ": " + lastTlsError());
}

// OpenSSL's name, authentication and encryption keys of tickets.
constexpr std::size_t kTicketKeyBytes = 80;
// A resolver opens one connection at a time; each session brings the ticket for the next one.
constexpr std::size_t kTickets = 1;
constexpr const char* kHttp2Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// RFC 7301 §3.2: of what the client names, what is spoken here, or the alert.
int chooseApplication(SSL*, const unsigned char** out, unsigned char* out_size,
                      const unsigned char* named, unsigned named_size, void* offered) {
  const auto& ours = *static_cast<const std::string*>(offered);
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), named, named_size);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

std::string_view tlsFailureName(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kUntrusted:
      return "untrusted";
    case TlsFailure::kNotTls:
      return "not_tls";
    case TlsFailure::kVersion:
      return "version";
    case TlsFailure::kCipher:
      return "cipher";
    case TlsFailure::kApplication:
      return "application";
    case TlsFailure::kRefused:
      return "refused";
    case TlsFailure::kClosed:
      return "closed";
    case TlsFailure::kTimeout:
      return "timeout";
    case TlsFailure::kProtocol:
      break;
  }
  return "protocol";
}

void TlsServer::ContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

std::string TlsServer::textOf(unsigned long code) {
  if (code == 0) return "closed by the peer";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : std::string(reason);
}

TlsFailure TlsServer::failureOf(unsigned long code) {
  if (code == 0) return TlsFailure::kClosed;
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return TlsFailure::kProtocol;
  const int reason = ERR_GET_REASON(code);
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TlsFailure::kUntrusted;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsFailure::kNotTls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return TlsFailure::kVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
      return TlsFailure::kCipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return TlsFailure::kApplication;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsFailure::kClosed;
    default:
      // Alerts of the peer have reasons of their own.
      return reason > SSL_AD_REASON_OFFSET ? TlsFailure::kRefused : TlsFailure::kProtocol;
  }
}

bool TlsServer::isResumed(const ssl_st* session) {
  return SSL_session_reused(session) == 1;
}

std::string_view TlsServer::applicationOf(const ssl_st* session) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsServer::sayLast(ssl_st* session, std::span<const std::uint8_t> bytes) {
  std::size_t written = 0;
  const bool sent = SSL_write_ex(session, bytes.data(), bytes.size(), &written) == 1;
  ERR_clear_error();
  return sent && written == bytes.size();
}

void TlsServer::sayEnd(ssl_st* session) {
  // Its answer is not waited for.
  SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(session);
  ERR_clear_error();
}

Result<TlsServer::ContextPtr> TlsServer::load() {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);  // most sessions wait most of the time
  if (policy_.http2_ciphers && SSL_CTX_set_cipher_list(raw, kHttp2Ciphers) != 1) {
    return fail(ErrorKind::kInvalid, "OpenSSL has no cipher for HTTP/2: " + lastTlsError());
  }
  if (policy_.resumption.count() == 0) {
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  } else {
    SSL_CTX_set_timeout(raw, policy_.resumption.count());
    SSL_CTX_set_num_tickets(raw, kTickets);
  }
  if (policy_.bare_end) SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!offered_.empty()) SSL_CTX_set_alpn_select_cb(raw, &chooseApplication, &offered_);
  // Nobody is there to be asked for a passphrase.
  SSL_CTX_set_default_passwd_cb(raw, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(raw, files_.certificate.c_str()) != 1) {
    return unusable(files_.certificate, "a certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files_.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return unusable(files_.key, "the certificate's key");
  }
  if (files_.client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(raw, files_.client_ca.c_str(), nullptr) != 1) {
    return unusable(files_.client_ca, "an authority");
  }
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files_.client_ca.c_str()));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

TlsServer::Stamps TlsServer::stamps() const {
  Stamps out{};
  const std::array<const std::filesystem::path*, 3> files = {&files_.certificate, &files_.key,
                                                             &files_.client_ca};
  for (std::size_t i = 0; i < files.size(); ++i) {
    struct stat info {};
    if (files[i]->empty() || ::stat(files[i]->c_str(), &info) != 0) continue;
    out[i] = {std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec,
              static_cast<std::uint64_t>(info.st_size), std::uint64_t{info.st_ino}};
  }
  return out;
}

Result<std::unique_ptr<TlsServer>> TlsServer::open(TlsFiles files, TlsPolicy policy) {
  std::unique_ptr<TlsServer> out(new TlsServer(std::move(files), std::move(policy)));
  const std::string& application = out->policy_.application;
  if (!application.empty()) out->offered_ = static_cast<char>(application.size()) + application;
  out->read_ = out->stamps();
  auto context = out->load();
  if (!context) return tl::unexpected(context.error());
  out->context_ = std::move(*context);
  out->ticket_keys_made_ = std::chrono::steady_clock::now();
  return out;
}

TlsServer::~TlsServer() = default;

void TlsServer::lookAtFiles() {
  const Stamps now = stamps();
  if (now == read_) return;
  read_ = now;
  if (auto context = load()) {
    context_ = std::move(*context);
    ticket_keys_made_ = std::chrono::steady_clock::now();
    logInfo("tls_files_read_again", {{"certificate", files_.certificate.string()}});
  } else {
    logWarn("tls_files_unusable",
            {{"why", context.error().message}, {"next", "the old ones stay in use"}});
  }
}

// Tickets by the old keys are worth nothing from here on: who finds a key can read what it
// protected for as long only.
void TlsServer::changeTicketKeys() {
  const auto now = std::chrono::steady_clock::now();
  if (policy_.resumption.count() == 0 || now - ticket_keys_made_ < policy_.resumption) return;
  std::array<unsigned char, kTicketKeyBytes> keys{};
  if (RAND_bytes(keys.data(), static_cast<int>(keys.size())) != 1) throw std::bad_alloc();
  SSL_CTX_set_tlsext_ticket_keys(context_.get(), keys.data(), keys.size());
  ticket_keys_made_ = now;
}

ssl_st* TlsServer::newSession() {
  lookAtFiles();
  changeTicketKeys();
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr) throw std::bad_alloc();
  return session;
}

}  // namespace meridian
