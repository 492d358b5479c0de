// Clients' sockets on loopback and DNS frames, for tests of the servers in dns/net.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "dns/net/socket.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::test {

// No wait of a test is longer than this; none is expected to come near.
inline constexpr std::chrono::seconds kPatience{20};

inline sockaddr_in loopback(std::uint16_t port, std::uint8_t last = 1) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(0x7F000000U | last);
  return out;
}

// A connected socket of a client; reads give up after kPatience.
inline Socket connected(int type, std::uint16_t port, std::uint8_t from = 1) {
  Socket socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval patience{kPatience.count(), 0};
  EXPECT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  const sockaddr_in own = loopback(0, from);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  const sockaddr_in peer = loopback(port);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer), 0);
  return socket;
}

inline std::uint16_t portOf(const Socket& socket) {
  return must(socket.localEndpoint()).port;
}

inline IpEndpoint loopbackEndpoint(std::uint16_t port = 0) {
  return {address("127.0.0.1"), port};
}

inline Bytes framed(const Bytes& message) {
  Bytes out;
  put16(out, static_cast<unsigned>(message.size()));
  append(out, message);
  return out;
}

// False: the peer is gone.
inline bool sendAll(const Socket& socket, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

inline bool receiveAll(const Socket& socket, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    const ssize_t got = ::recv(socket.get(), into.data(), into.size(), 0);
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

// The next framed message; nullopt: the connection ended.
inline std::optional<Bytes> receiveFrame(const Socket& socket) {
  std::uint8_t head[2];
  if (!receiveAll(socket, head)) return std::nullopt;
  Bytes out(static_cast<std::size_t>(head[0] << 8 | head[1]));
  return receiveAll(socket, out) ? std::optional(std::move(out)) : std::nullopt;
}

// Whether the server ended the connection (and not the patience) before it sent anything more.
inline bool closed(const Socket& socket) {
  std::uint8_t byte = 0;
  const ssize_t got = ::recv(socket.get(), &byte, 1, 0);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

}  // namespace meridian::test
