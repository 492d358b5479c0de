// The decision in a few lines, for TXT queries of _explain.<name> from listed networks (design.md
// §2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/wire/query.h"

namespace meridian::dns {

// Whether the name asks for an explanation of the name behind its first label.
inline bool isExplain(NameView lowered) {
  return !lowered.isRoot() && asText(lowered.firstLabel()) == "_explain";
}

struct ExplainedText {
  bool exists = true;  // false: no such name below the service
  std::uint8_t scope = 0;
  std::vector<std::string> lines;  // each at most 255 bytes
};

// `subject` is the query's name without "_explain"; `node` its closest encloser among the services'
// names.
ExplainedText explainText(const Query& query, const Client& client, const ServingState& state,
                          const ServiceNode& node, NameView subject);

}  // namespace meridian::dns
