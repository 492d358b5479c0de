#include "tests/support/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace meridian::test {
namespace {

X509* certificateOf(const std::string& pem) {
  BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* out = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  if (out == nullptr) throw std::runtime_error("the test's certificate");
  return out;
}

void showCertificate(SSL_CTX* context, const WebCertificate& own) {
  X509* certificate = certificateOf(own.certificate_pem);
  BIO* memory = BIO_new_mem_buf(own.key_pem.data(), static_cast<int>(own.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  const bool used = SSL_CTX_use_certificate(context, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!used) throw std::runtime_error("the test's own certificate");
}

void nameApplication(SSL* session, const std::string& name) {
  if (name.empty()) return;
  const std::string list = static_cast<char>(name.size()) + name;
  SSL_set_alpn_protos(session, reinterpret_cast<const unsigned char*>(list.data()),
                      static_cast<unsigned>(list.size()));
}

void useTicket(SSL* session, const std::string& ticket) {
  if (ticket.empty()) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(ticket.data());
  SSL_SESSION* earlier = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(ticket.size()));
  const bool used = earlier != nullptr && SSL_set_session(session, earlier) == 1;
  SSL_SESSION_free(earlier);
  if (!used) throw std::runtime_error("the test's ticket");
}

}  // namespace

TlsClient::TlsClient(std::uint16_t port, const TlsClientOptions& options)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)), context_(SSL_CTX_new(TLS_client_method())) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{20, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect");
  }
  X509* trusted = certificateOf(options.trusted_pem);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), trusted);
  X509_free(trusted);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  if (options.own != nullptr) showCertificate(context_, *options.own);
  if (options.only_tls_1_1) {
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context_, TLS1_1_VERSION);
  }
  if (options.only_tls_1_2) SSL_CTX_set_max_proto_version(context_, TLS1_2_VERSION);
  session_ = SSL_new(context_);
  nameApplication(session_, options.application);
  useTicket(session_, options.ticket);
  if (::send(socket_, options.before.data(), options.before.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(options.before.size())) {
    throw std::runtime_error("send");
  }
  SSL_set_fd(session_, socket_);
  connected_ = SSL_connect(session_) == 1;
}

TlsClient::~TlsClient() {
  SSL_free(session_);
  SSL_CTX_free(context_);
  ::close(socket_);
  ERR_clear_error();
}

std::string TlsClient::version() const {
  return SSL_get_version(session_);
}

std::string TlsClient::peerPem() const {
  X509* certificate = SSL_get1_peer_certificate(session_);
  if (certificate == nullptr) return "";
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate);
  X509_free(certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return out;
}

std::string TlsClient::application() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsClient::resumed() const {
  return SSL_session_reused(session_) == 1;
}

std::string TlsClient::ticket() const {
  SSL_SESSION* session = SSL_get1_session(session_);
  unsigned char* bytes = nullptr;
  const int size = i2d_SSL_SESSION(session, &bytes);
  SSL_SESSION_free(session);
  if (size <= 0) throw std::runtime_error("no ticket came");
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

void TlsClient::end() {
  SSL_shutdown(session_);
}

bool TlsClient::send(const std::string& text) {
  return SSL_write(session_, text.data(), static_cast<int>(text.size())) ==
         static_cast<int>(text.size());
}

bool TlsClient::readMore() {
  char buffer[4096];
  const int size = SSL_read(session_, buffer, sizeof buffer);
  if (size <= 0) return false;
  read_.append(buffer, static_cast<std::size_t>(size));
  return true;
}

std::string TlsClient::line() {
  while (read_.find('\n') == std::string::npos) {
    if (!readMore()) return "closed";
  }
  const std::size_t end = read_.find('\n');
  std::string out = read_.substr(0, end);
  read_.erase(0, end + 1);
  return out;
}

std::optional<std::string> TlsClient::bytes(std::size_t count) {
  while (read_.size() < count) {
    if (!readMore()) return std::nullopt;
  }
  std::string out = read_.substr(0, count);
  read_.erase(0, count);
  return out;
}

}  // namespace meridian::test
