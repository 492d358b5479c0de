// The names of class CH: id.server and version.server (RFC 4892), and those BIND made customary.
#pragma once

#include <optional>
#include <string>

#include "dns/answer/serving_state.h"
#include "dns/wire/query.h"

namespace meridian::dns {

// What the TXT record of the question's name says; nullopt: no such name or type here.
std::optional<std::string> chaosText(const Query& query, const ServingState& state);

}  // namespace meridian::dns
