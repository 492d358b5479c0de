#include "tests/support/web_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <stdexcept>

namespace meridian::test {
namespace {

template <auto Free>
struct Delete {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Delete<Free>>;
using Key = Owned<EVP_PKEY, &EVP_PKEY_free>;
using Certificate = Owned<X509, &X509_free>;
using Memory = Owned<BIO, &BIO_free_all>;

std::string textOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string lower(const char* text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string methodName(evhttp_cmd_type type) {
  static const std::map<evhttp_cmd_type, std::string> kNames = {
      {EVHTTP_REQ_GET, "GET"}, {EVHTTP_REQ_POST, "POST"},     {EVHTTP_REQ_HEAD, "HEAD"},
      {EVHTTP_REQ_PUT, "PUT"}, {EVHTTP_REQ_DELETE, "DELETE"},
  };
  const auto found = kNames.find(type);
  return found == kNames.end() ? "?" : found->second;
}

}  // namespace

WebCertificate makeWebCertificate(const std::string& host, std::int64_t valid_seconds) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (key == nullptr || certificate == nullptr) throw std::bad_alloc();
  const std::time_t now = std::time(nullptr);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), now - 60);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), now + valid_seconds);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(host.data()),
                             static_cast<int>(host.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  const std::string names = "DNS:" + host;
  const Owned<X509_EXTENSION, &X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  X509_add_ext(certificate.get(), extension.get(), -1);
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0)
    throw std::runtime_error("X509_sign");

  const Memory key_text(BIO_new(BIO_s_mem()));
  const Memory certificate_text(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  return {textOf(key_text.get()), textOf(certificate_text.get()), now + valid_seconds};
}

struct WebServer::State {
  State(EventLoop& loop, Handler answer)
      : handler(std::move(answer)), http(evhttp_new(loop.raw())) {
    if (http == nullptr) throw std::bad_alloc();
    evhttp_set_gencb(
        http.get(),
        [](evhttp_request* request, void* self) { static_cast<State*>(self)->handle(request); },
        this);
  }

  void bind() {
    evhttp_bound_socket* bound = evhttp_bind_socket_with_handle(http.get(), "127.0.0.1", 0);
    if (bound == nullptr) throw std::runtime_error("no port for the test's web server");
    sockaddr_in local{};
    socklen_t size = sizeof local;
    getsockname(evhttp_bound_socket_get_fd(bound), reinterpret_cast<sockaddr*>(&local), &size);
    port = ntohs(local.sin_port);
  }
  void handle(evhttp_request* request);

  Handler handler;
  std::vector<WebRequest> requests;
  std::uint16_t port = 0;
  Owned<SSL_CTX, &SSL_CTX_free> tls;
  Owned<evhttp, &evhttp_free> http;  // before `tls`, which its connections use
};

void WebServer::State::handle(evhttp_request* request) {
  WebRequest seen{
      methodName(evhttp_request_get_command(request)), evhttp_request_get_uri(request), {}, {}, {}};
  const evkeyvalq* headers = evhttp_request_get_input_headers(request);
  for (const evkeyval* at = headers->tqh_first; at != nullptr; at = at->next.tqe_next)
    seen.headers[lower(at->key)] = at->value;
  evbuffer* body = evhttp_request_get_input_buffer(request);
  seen.body.resize(evbuffer_get_length(body));
  evbuffer_remove(body, seen.body.data(), seen.body.size());
  if (tls != nullptr) {
    SSL* session = bufferevent_openssl_get_ssl(
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
    const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    seen.server_name = name == nullptr ? "" : name;
  }
  requests.push_back(seen);
  const auto reply = handler(seen);
  if (!reply) return;  // the connection is closed with the server
  for (const auto& [name, value] : reply->headers)
    evhttp_add_header(evhttp_request_get_output_headers(request), name.c_str(), value.c_str());
  evbuffer* out = evhttp_request_get_output_buffer(request);
  evbuffer_add(out, reply->body.data(), reply->body.size());
  evhttp_send_reply(request, reply->status, "Test", nullptr);
}

WebServer::WebServer(EventLoop& loop, Handler handler)
    : state_(std::make_unique<State>(loop, std::move(handler))) {
  state_->bind();
}

WebServer::WebServer(EventLoop& loop, Handler handler, const WebCertificate& certificate)
    : state_(std::make_unique<State>(loop, std::move(handler))) {
  state_->tls.reset(SSL_CTX_new(TLS_server_method()));
  const Memory key_text(BIO_new_mem_buf(certificate.key_pem.data(), -1));
  const Memory certificate_text(BIO_new_mem_buf(certificate.certificate_pem.data(), -1));
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  const Certificate parsed(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  if (SSL_CTX_use_certificate(state_->tls.get(), parsed.get()) != 1 ||
      SSL_CTX_use_PrivateKey(state_->tls.get(), key.get()) != 1)
    throw std::runtime_error("the test's certificate");
  evhttp_set_bevcb(
      state_->http.get(),
      [](event_base* base, void* self) {
        SSL* session = SSL_new(static_cast<State*>(self)->tls.get());
        return bufferevent_openssl_socket_new(base, -1, session, BUFFEREVENT_SSL_ACCEPTING,
                                              BEV_OPT_CLOSE_ON_FREE);
      },
      state_.get());
  state_->bind();
}

WebServer::~WebServer() = default;
std::uint16_t WebServer::port() const {
  return state_->port;
}
const std::vector<WebRequest>& WebServer::requests() const {
  return state_->requests;
}

}  // namespace meridian::test
