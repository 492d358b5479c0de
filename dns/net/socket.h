// Listening sockets: made, bound, and closed when they go.
#pragma once

#include <utility>

#include "base/ip.h"
#include "base/result.h"

struct sockaddr;
struct sockaddr_storage;

namespace meridian::dns {

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

// A UDP socket that shares its port with the other workers' (SO_REUSEPORT): the kernel spreads
// clients over them. Bound to the unspecified address it asks for packet info, so that answers
// leave from the address asked.
Result<Socket> bindUdp(const IpEndpoint& endpoint);
// A non-blocking listening TCP socket.
Result<Socket> listenTcp(const IpEndpoint& endpoint);
// Lets clients of a listening socket send their first bytes with the SYN (TCP fast open, RFC 7413).
// `queue`: so many may have done so without having shown yet that their address is theirs; 0: none.
// kUnavailable: the kernel does not take it, or is set (net.ipv4.tcp_fastopen) not to use it; the
// socket listens all the same.
Status allowFastOpen(const Socket& listener, int queue);

// Small segments do not wait for an acknowledgement of those before (no Nagle): answers are whole
// when they are written, and one behind a TLS ticket would wait for its delayed acknowledgement.
void sendAtOnce(const Socket& connection);

bool isUnspecified(const IpAddress& address);
IpEndpoint endpointOf(const sockaddr_storage& address);

}  // namespace meridian::dns
