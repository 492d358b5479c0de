// Any bytes as a DNS message through the whole of answer(). What comes out is checked with a reader
// of its own: the header answers the query's, sections parse to the last byte, pointers lead
// backwards, sizes keep their limits. Cut down, the same holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dns/answer/answerer.h"
#include "dns/wire/cut_response.h"
#include "tests/fuzz/fixed_state.h"

namespace {

using Bytes = std::span<const std::uint8_t>;

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t word(Bytes bytes, std::size_t at) {
  require(at + 2 <= bytes.size());
  return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]);
}

// The position after the name at `at`. A pointer must lead to an earlier place, so that following
// ends.
std::size_t skipName(Bytes bytes, std::size_t at) {
  std::size_t end = 0;
  std::size_t barrier = at;
  std::size_t length = 0;
  for (;;) {
    require(at < bytes.size());
    const std::uint8_t label = bytes[at];
    if ((label & 0xC0) == 0xC0) {
      const std::size_t target = word(bytes, at) & 0x3FFF;
      if (end == 0) end = at + 2;
      require(target < barrier && target >= 12);
      barrier = at = target;
      continue;
    }
    require(label <= 63);
    length += 1 + std::size_t{label};
    require(length <= 255);
    at += 1 + std::size_t{label};
    if (label == 0) return end == 0 ? at : end;
  }
}

void checkResponse(Bytes query, Bytes response, std::size_t limit) {
  require(response.size() >= 12 && response.size() <= limit);
  require(response[0] == query[0] && response[1] == query[1]);
  require((response[2] & 0x80) != 0);
  std::size_t at = 12;
  const std::size_t questions = word(response, 4);
  require(questions <= 1);
  if (questions == 1) at = skipName(response, at) + 4;
  const std::size_t records = word(response, 6) + word(response, 8) + word(response, 10);
  for (std::size_t i = 0; i < records; ++i) {
    at = skipName(response, at);
    at += 10 + word(response, at + 8);
  }
  require(at == response.size());
}

void run(Bytes query, meridian::dns::Transport transport, std::size_t limit) {
  static std::vector<std::uint8_t> buffer(meridian::dns::kMaxMessage);
  static meridian::dns::AnswerCounters counters;
  const meridian::dns::Client client{meridian::IpAddress::v4(0x7F000001), transport};
  meridian::dns::AnswerFacts facts;
  const std::size_t size =
      meridian::dns::answer(query, client, meridian::fuzz::fixedState(), buffer, counters, &facts);
  if (size == 0) return;
  checkResponse(query, Bytes(buffer).first(size), limit);
  // As a rate limiter sends it.
  const std::size_t cut = meridian::dns::cutResponse(std::span(buffer).first(size));
  checkResponse(query, Bytes(buffer).first(cut), size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes query(data, size);
  run(query, meridian::dns::Transport::kUdp, 1232);
  run(query, meridian::dns::Transport::kTcp, meridian::dns::kMaxMessage);
  run(query, meridian::dns::Transport::kTls, meridian::dns::kMaxMessage);
  return 0;
}
