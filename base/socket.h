// Sockets: closed when they go; and addresses as the system has them.
#pragma once

#include <sys/socket.h>

#include <utility>

#include "base/ip.h"
#include "base/result.h"

namespace meridian {

class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  // The bound address: tells the port when 0 was asked for.
  Result<IpEndpoint> localEndpoint() const;

 private:
  int descriptor_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  explicit SocketAddress(const IpEndpoint& endpoint);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

IpEndpoint endpointOf(const sockaddr_storage& address);

}  // namespace meridian
