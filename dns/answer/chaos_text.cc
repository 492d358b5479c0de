#include "dns/answer/chaos_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"

namespace meridian::dns {

std::optional<std::string> chaosText(const Query& query, const ServingState& state) {
  static const std::array<std::pair<Name, bool>, 4> kNames{{{*Name::parse("id.server"), true},
                                                            {*Name::parse("hostname.bind"), true},
                                                            {*Name::parse("version.server"), false},
                                                            {*Name::parse("version.bind"), false}}};
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const auto& each) { return each.first == query.lowered; });
  if (found == kNames.end() || (query.type != RrType::kTxt && query.type != RrType::kAny)) {
    return std::nullopt;
  }
  const std::string identity(asText(state.identity));
  return found->second ? identity : state.settings->version + " " + identity;
}

}  // namespace meridian::dns
