#include "dns/net/doh_buffers.h"

#include <event2/buffer.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/tls_server.h"

namespace meridian::dns {
namespace {

// What is fed at once. Its replies are taken before more is, so that a client which does not know
// the limit of streams yet has few of them open.
constexpr std::size_t kFedBytes = 4'096;

}  // namespace

bool exchange(DohSession& session, evbuffer* input, evbuffer* output, std::size_t max_unsent) {
  while (evbuffer_get_length(output) < max_unsent) {
    const std::span<const std::uint8_t> sent = session.take();
    if (!sent.empty()) {
      if (evbuffer_add(output, sent.data(), sent.size()) != 0) return false;
      continue;
    }
    evbuffer_iovec piece{};
    if (evbuffer_peek(input, -1, nullptr, &piece, 1) < 1 || piece.iov_len == 0) break;
    const std::size_t size = std::min(piece.iov_len, kFedBytes);
    session.feed({static_cast<const std::uint8_t*>(piece.iov_base), size});
    evbuffer_drain(input, size);
  }
  return true;
}

void sayGoAway(DohSession& session, ssl_st* tls) {
  session.goAway();
  for (auto bytes = session.take(); !bytes.empty(); bytes = session.take()) {
    if (!TlsServer::sayLast(tls, bytes)) return;
  }
}

}  // namespace meridian::dns
