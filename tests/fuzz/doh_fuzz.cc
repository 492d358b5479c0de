// Any bytes as a client's HTTP/2, in any pieces: whatever comes out is whole frames, and messages
// that are answered have a header and a bounded length. Their answer is the message itself, so that
// its records are looked at as an answer's are; answer() has a target of its own (packet).
//
// The first byte tells how: bit 0, whether the preface is there already; bits 1 and 2, how small
// the limits are; the rest, how long a piece is.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "dns/net/doh_session.h"
#include "dns/wire/types.h"

namespace {

using meridian::dns::DohLimits;
using meridian::dns::DohSession;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::array<std::uint8_t, 9> kNoSettings = {0, 0, 0, 4, 0, 0, 0, 0, 0};
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kLargestFrame = 16'384;

void require(bool holds) {
  if (!holds) std::abort();
}

DohLimits limitsOf(unsigned smallness) {
  DohLimits out;
  if (smallness == 0) return out;
  out.streams = 8 >> smallness;
  out.field_bytes = 400 >> smallness;
  out.request_bytes = 200 >> smallness;
  out.unsent_bytes = 200 >> smallness;
  out.spare_frames = 40 >> smallness;
  out.spare_resets = 8 >> smallness;
  return out;
}

// Takes all there is, and checks that it is frames.
void drain(DohSession& session) {
  std::vector<std::uint8_t> sent;
  for (auto bytes = session.take(); !bytes.empty(); bytes = session.take()) {
    sent.insert(sent.end(), bytes.begin(), bytes.end());
  }
  std::size_t at = 0;
  while (at < sent.size()) {
    require(sent.size() - at >= kFrameHeader);
    const std::size_t size = static_cast<std::size_t>(sent[at]) << 16 |
                             static_cast<std::size_t>(sent[at + 1]) << 8 | sent[at + 2];
    require(size <= kLargestFrame);
    at += kFrameHeader + size;
  }
  require(at == sent.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  if (size == 0) return 0;
  const std::uint8_t how = data[0];
  std::span<const std::uint8_t> rest(data + 1, size - 1);
  std::vector<std::uint8_t> response;
  dns::DohCounters counters;
  const DohLimits limits = limitsOf(how >> 1 & 3);
  DohSession session(
      "/dns-query",
      [&](std::span<const std::uint8_t> message) {
        require(message.size() >= dns::kHeaderBytes && message.size() <= dns::kMaxMessage);
        require(message.size() <= limits.request_bytes);
        response.assign(message.begin(), message.end());
        const bool is_query = (response[2] & 0x80) == 0;
        response[2] |= 0x80;
        return std::span<const std::uint8_t>(response).first(is_query ? response.size() : 0);
      },
      counters, limits);
  if ((how & 1) != 0) {
    session.feed(
        std::span(reinterpret_cast<const std::uint8_t*>(kPreface.data()), kPreface.size()));
    session.feed(kNoSettings);
  }
  const std::size_t piece = how >> 3 == 0 ? rest.size() : how >> 3;
  while (!rest.empty()) {
    const std::size_t count = std::min(piece, rest.size());
    session.feed(rest.first(count));
    rest = rest.subspan(count);
    drain(session);
  }
  std::uint64_t replies = 0;
  for (const Counter& each : counters.replies) replies += each.value();
  require(replies == session.replies());
  require(counters.floods.value() + counters.malformed.value() <= 1);
  session.goAway();
  drain(session);
  return 0;
}
