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
  session_ = SSL_new(context_);
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

bool TlsClient::send(const std::string& text) {
  return SSL_write(session_, text.data(), static_cast<int>(text.size())) ==
         static_cast<int>(text.size());
}

std::string TlsClient::line() {
  while (read_.find('\n') == std::string::npos) {
    char buffer[4096];
    const int size = SSL_read(session_, buffer, sizeof buffer);
    if (size <= 0) return "closed";
    read_.append(buffer, static_cast<std::size_t>(size));
  }
  const std::size_t end = read_.find('\n');
  std::string out = read_.substr(0, end);
  read_.erase(0, end + 1);
  return out;
}

}  // namespace meridian::test
