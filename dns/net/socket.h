// The sockets of a DNS server: made, bound, with the options they need.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/socket.h"

namespace meridian::dns {

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

}  // namespace meridian::dns
