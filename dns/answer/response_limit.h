// How large a response may be.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dns/answer/answerer.h"
#include "dns/wire/edns.h"
#include "dns/wire/query.h"

namespace meridian::dns {

// Without the TSIG that the caller adds. `opt`, nullptr: the response has none.
inline std::size_t responseLimit(const Query& query, const Client& client,
                                 const AnswerSettings& settings, const OptReply* opt) {
  const std::size_t udp =
      query.edns.present ? std::min(query.edns.udp_payload, settings.udp_payload_max) : 512U;
  const std::size_t limit = client.transport == Transport::kUdp ? udp : kMaxMessage;
  if (client.signature == nullptr) return limit;
  // What every answer has goes out even where a client's limit has no room left for a long key.
  const std::size_t least =
      kHeaderBytes + query.question.size() + (opt == nullptr ? 0 : optSize(*opt));
  const std::size_t kept = client.signature->answer_bytes;
  return std::max(limit, kept + least) - kept;
}

}  // namespace meridian::dns
