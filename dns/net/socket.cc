#include "dns/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/file.h"

namespace meridian::dns {
namespace {

// Room for bursts while a worker is not scheduled; the kernel caps it at net.core.rmem_max.
constexpr int kUdpBufferBytes = 4 << 20;
constexpr int kTcpBacklog = 1024;
constexpr const char* kFastOpenSetting = "/proc/sys/net/ipv4/tcp_fastopen";
constexpr int kFastOpenServers = 2;  // a bit of it

bool setOption(const Socket& socket, int level, int name, int value) {
  return setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

tl::unexpected<Error> failErrno(const IpEndpoint& endpoint, const char* what) {
  const int code = errno;
  return fail(ErrorKind::kIo, endpoint.text() + ": cannot " + what + ": " + std::strerror(code));
}

Result<Socket> bound(const IpEndpoint& endpoint, int type, bool reuse_port) {
  const int family = endpoint.address.isV4() ? AF_INET : AF_INET6;
  Socket socket(::socket(family, type | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failErrno(endpoint, "make a socket");
  if (family == AF_INET6 && !setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return failErrno(endpoint, "set IPV6_V6ONLY");
  }
  if (!setOption(socket, SOL_SOCKET, reuse_port ? SO_REUSEPORT : SO_REUSEADDR, 1)) {
    return failErrno(endpoint, "share the address");
  }
  const SocketAddress address(endpoint);
  if (::bind(socket.get(), address.get(), address.size) != 0) return failErrno(endpoint, "bind");
  return socket;
}

}  // namespace

Result<Socket> bindUdp(const IpEndpoint& endpoint) {
  auto socket = bound(endpoint, SOCK_DGRAM, true);
  if (!socket) return socket;
  const bool v4 = endpoint.address.isV4();
  // Larger buffers are a wish: the kernel may give less, and serving goes on.
  setOption(*socket, SOL_SOCKET, SO_RCVBUF, kUdpBufferBytes);
  setOption(*socket, SOL_SOCKET, SO_SNDBUF, kUdpBufferBytes);
  // Answers are never larger than udp_payload_max; a spoofed "fragmentation needed" must not make
  // them leave in fragments, which can be forged into; so path MTU discovery is left out.
  if (v4 && !setOption(*socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)) {
    return failErrno(endpoint, "set IP_MTU_DISCOVER");
  }
  if (isUnspecified(endpoint.address)) {
    const bool asked = v4 ? setOption(*socket, IPPROTO_IP, IP_PKTINFO, 1)
                          : setOption(*socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (!asked) return failErrno(endpoint, "ask for packet info");
  }
  return socket;
}

Result<Socket> listenTcp(const IpEndpoint& endpoint) {
  auto socket = bound(endpoint, SOCK_STREAM | SOCK_NONBLOCK, false);
  if (!socket) return socket;
  if (::listen(socket->get(), kTcpBacklog) != 0) return failErrno(endpoint, "listen");
  return socket;
}

Status allowFastOpen(const Socket& listener, int queue) {
  if (!setOption(listener, IPPROTO_TCP, TCP_FASTOPEN, queue)) {
    return fail(ErrorKind::kUnavailable, std::string("TCP_FASTOPEN: ") + std::strerror(errno));
  }
  // The option is taken whatever the system's setting is.
  const auto setting = readFile(kFastOpenSetting, 64);
  const int bits = setting ? std::atoi(setting->c_str()) : kFastOpenServers;
  if (queue == 0 || (bits & kFastOpenServers) != 0) return {};
  return fail(ErrorKind::kUnavailable, std::string(kFastOpenSetting) + " is " +
                                           std::to_string(bits) + ": without " +
                                           std::to_string(kFastOpenServers) + " for servers");
}

void sendAtOnce(const Socket& connection) {
  setOption(connection, IPPROTO_TCP, TCP_NODELAY, 1);
}

bool isUnspecified(const IpAddress& address) {
  return address.bits() == 0;
}

}  // namespace meridian::dns
