#include "base/socket.h"

#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>

namespace meridian {

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<IpEndpoint> Socket::localEndpoint() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail(ErrorKind::kIo, std::string("getsockname: ") + std::strerror(errno));
  }
  return endpointOf(address);
}

SocketAddress::SocketAddress(const IpEndpoint& endpoint) {
  if (endpoint.address.isV4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    four.sin_addr.s_addr = htonl(endpoint.address.asV4());
    std::memcpy(&storage, &four, sizeof four);
    size = sizeof four;
    return;
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(endpoint.port);
  for (unsigned i = 0; i < 16; ++i) {
    six.sin6_addr.s6_addr[i] = static_cast<std::uint8_t>(endpoint.address.bits() >> (120 - 8 * i));
  }
  std::memcpy(&storage, &six, sizeof six);
  size = sizeof six;
}

IpEndpoint endpointOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address, sizeof six);
    return {IpAddress::v6(std::span<const std::uint8_t, 16>(six.sin6_addr.s6_addr)),
            ntohs(six.sin6_port)};
  }
  sockaddr_in four{};
  std::memcpy(&four, &address, sizeof four);
  return {IpAddress::v4(ntohl(four.sin_addr.s_addr)), ntohs(four.sin_port)};
}

}  // namespace meridian
