// The canonical order of names (RFC 4034 §6.1): labels compared from the root down, as bytes,
// letters as if lower-cased; an ancestor before what lies below it.
#pragma once

#include <compare>

#include "dns/wire/name.h"

namespace meridian::dns {

// Names in any case. No allocation.
std::strong_ordering canonicalOrder(NameView a, NameView b) noexcept;

}  // namespace meridian::dns
