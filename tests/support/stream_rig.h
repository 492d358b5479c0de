// A TcpServer with a plain, a TLS and an HTTPS listener, and a world whose answers tell where the
// client is.
//
//   198.51.100.0/24  site one, 192.0.2.1      203.0.113.0/24  site two, 192.0.2.2
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dns/net/tcp_server.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_sockets.h"
#include "tests/support/dns_world.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_client.h"

namespace meridian::test {

inline constexpr const char* kClientOfOne = "198.51.100.7";
inline constexpr const char* kClientOfTwo = "203.0.113.7";

inline std::shared_ptr<const dns::ServingState> streamState() {
  DnsWorld world;
  std::string zone =
      "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"
      "ns A 192.0.2.53\n";
  for (int i = 0; i < 200; ++i)
    zone += "big TXT \"" + std::to_string(i) + std::string(240, 'x') + "\"\n";
  world.zones = {zone};
  world.topology = R"({"format": 1,
    "datacenters": [{"id": "one", "region": "r", "lat": 10, "lon": 10, "slot": 0},
                    {"id": "two", "region": "r", "lat": -10, "lon": -10, "slot": 1}],
    "zones": [{"id": "free", "kind": "stateless", "ezones": ["one", "two"]}],
    "services": [{"name": "web.example", "zone": "free",
                  "endpoints": {"one": ["A 192.0.2.1"], "two": ["A 192.0.2.2"]}}]})";
  world.networks = "198.51.100.0/24 at 10,10\n203.0.113.0/24 at -10,-10\n";
  world.settings.tcp_keepalive = 77;
  return world.serve();
}

struct StreamRig {
  Published<dns::ServingState> published{streamState()};
  TempDir folder;
  WebCertificate own = makeWebCertificate("meridian.example", 3'600);
  std::uint16_t tcp_port = 0, tls_port = 0, https_port = 0;
  std::unique_ptr<dns::TcpServer> server;

  explicit StreamRig(const dns::TcpLimits& limits = {},
                     const std::vector<std::string>& proxies = {},
                     const TlsPolicy& policy = {.application = "dot",
                                                .resumption = std::chrono::hours(1),
                                                .bare_end = true}) {
    // As in the server: a client may hang up while something is written to it.
    std::signal(SIGPIPE, SIG_IGN);
    show(own);
    std::vector<IpPrefix> networks;
    for (const std::string& each : proxies) networks.push_back(must(IpPrefix::parse(each)));
    std::vector<dns::TcpListener> listeners(3);
    for (dns::TcpListener& each : listeners) {
      each.socket = must(dns::listenTcp(loopbackEndpoint()));
      each.proxies = IpPrefixList(networks);
    }
    listeners[1].tls = must(TlsServer::open({file("cert.pem"), file("key.pem"), {}}, policy));
    TlsPolicy http = policy;
    http.application = "h2";
    http.http2_ciphers = true;
    listeners[2].tls = must(TlsServer::open({file("cert.pem"), file("key.pem"), {}}, http));
    listeners[2].doh_path = "/dns-query";
    https_port = portOf(listeners[2].socket);
    tcp_port = portOf(listeners[0].socket);
    tls_port = portOf(listeners[1].socket);
    server = std::make_unique<dns::TcpServer>(std::move(listeners), published, limits);
    server->start();
  }

  std::filesystem::path file(const std::string& name) const { return folder.path() / name; }
  // From the next handshake on.
  void show(const WebCertificate& certificate) const {
    write("key.pem", certificate.key_pem);
    write("cert.pem", certificate.certificate_pem);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name).string() + ".new") << text;
    std::filesystem::rename(file(name).string() + ".new", file(name));
  }

  Socket connectTcp(std::uint8_t from = 1) const { return connected(SOCK_STREAM, tcp_port, from); }
  // A plain socket to the TLS port.
  Socket connectBare() const { return connected(SOCK_STREAM, tls_port); }
  std::unique_ptr<TlsClient> connectTls(TlsClientOptions options = {}) const {
    if (options.trusted_pem.empty()) options.trusted_pem = own.certificate_pem;
    return std::make_unique<TlsClient>(tls_port, options);
  }
  std::unique_ptr<TlsClient> connectHttps(TlsClientOptions options = {},
                                          const std::string& application = "h2") const {
    if (options.trusted_pem.empty()) options.trusted_pem = own.certificate_pem;
    options.application = application;
    return std::make_unique<TlsClient>(https_port, options);
  }
  std::uint64_t failed(TlsFailure why) const {
    return server->handshakes().failed[static_cast<std::size_t>(why)].value();
  }
  std::uint64_t refused(dns::ProxyRefusal why) const {
    return server->proxies().refused[static_cast<std::size_t>(why)].value();
  }
};

// Waits for a counter of another thread; false: it did not get there.
template <class Value>
bool becomes(Value value, std::uint64_t wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (value() < wanted) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return value() == wanted;
}

inline std::string textOf(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

// The next framed message; nullopt: the session ended.
inline std::optional<Bytes> receiveFrame(TlsClient& client) {
  const auto head = client.bytes(2);
  if (!head) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>((*head)[i]); };
  const auto body = client.bytes(static_cast<std::size_t>(byte(0) << 8 | byte(1)));
  return body ? std::optional(bytesOf(*body)) : std::nullopt;
}

// The site whose address is in the answer, "one" or "two"; empty: no such answer.
inline std::string siteIn(const std::optional<Bytes>& answer) {
  if (!answer) return "";
  const ReadMessage read = readMessage(*answer);
  if (read.answers().size() != 1) return "";
  const Bytes& rdata = read.answers()[0].rdata;
  return rdata == Bytes{192, 0, 2, 1} ? "one" : rdata == Bytes{192, 0, 2, 2} ? "two" : "";
}

inline Bytes webQuery(unsigned id = 1) {
  QueryPacket packet("web.example");
  packet.id = id;
  return packet.bytes();
}

inline std::string askSite(const Socket& socket) {
  return sendAll(socket, framed(webQuery())) ? siteIn(receiveFrame(socket)) : "";
}
inline std::string askSite(TlsClient& client) {
  return client.send(textOf(framed(webQuery()))) ? siteIn(receiveFrame(client)) : "";
}

}  // namespace meridian::test
