// A name out of a message, whole: compression (RFC 1035 §4.1.4) undone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dns/wire/name.h"

namespace meridian::dns {

// The name at `at` of `message`, case kept, and moves `at` behind it. nullopt, and `at` unchanged:
// it runs out of the message, is longer than a name may be, or a pointer in it leads into the
// header or not to an earlier place than all before it (so that following them ends).
std::optional<Name> readName(std::span<const std::uint8_t> message, std::size_t& at);

}  // namespace meridian::dns
