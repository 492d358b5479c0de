#include "base/tls_server.h"

#include <openssl/err.h>
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

}  // namespace

void TlsServer::ContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

std::string TlsServer::textOf(unsigned long code) {
  if (code == 0) return "closed by the peer";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : std::string(reason);
}

TlsFailure TlsServer::failureOf(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return TlsFailure::kProtocol;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TlsFailure::kUntrusted;
    default:
      return TlsFailure::kProtocol;
  }
}

void TlsServer::sayEnd(ssl_st* session) {
  // Its answer is not waited for.
  SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(session);
  ERR_clear_error();
}

Result<TlsServer::ContextPtr> TlsServer::load(const TlsFiles& files) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // Nobody is there to be asked for a passphrase.
  SSL_CTX_set_default_passwd_cb(raw, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
    return unusable(files.certificate, "a certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return unusable(files.key, "the certificate's key");
  }
  if (files.client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(raw, files.client_ca.c_str(), nullptr) != 1) {
    return unusable(files.client_ca, "an authority");
  }
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files.client_ca.c_str()));
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

Result<std::unique_ptr<TlsServer>> TlsServer::open(TlsFiles files) {
  std::unique_ptr<TlsServer> out(new TlsServer(std::move(files)));
  out->read_ = out->stamps();
  auto context = load(out->files_);
  if (!context) return tl::unexpected(context.error());
  out->context_ = std::move(*context);
  return out;
}

TlsServer::~TlsServer() = default;

ssl_st* TlsServer::newSession() {
  if (const Stamps now = stamps(); now != read_) {
    read_ = now;
    if (auto context = load(files_)) {
      context_ = std::move(*context);
      logInfo("tls_files_read_again", {{"certificate", files_.certificate.string()}});
    } else {
      logWarn("tls_files_unusable",
              {{"why", context.error().message}, {"next", "the old ones stay in use"}});
    }
  }
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr) throw std::bad_alloc();
  return session;
}

}  // namespace meridian
