// The name that follows another in canonical order, with nothing between them: what the NSEC of a
// compact denial leads to (RFC 4470 §4, RFC 9824 §3.1).
#pragma once

#include "dns/wire/name.h"

namespace meridian::dns {

// Within the zone of `apex`, which follows its own last name. REQUIRES: both are lower-cased,
// `name` is within `apex`.
Name successorOf(NameView name, NameView apex);

}  // namespace meridian::dns
