// Over a name in a message whose meaning does not matter.
#pragma once

#include "base/byte_reader.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// The name may end in a compression pointer, which is not followed. Malformed: the reader fails.
inline void skipName(ByteReader& in) {
  while (in.ok()) {
    const std::uint8_t label = in.u8();
    if (label == 0) return;
    if ((label & 0xC0) == 0xC0) return in.skip(1);
    if (label > kMaxLabel) return in.skip(in.remaining() + 1);  // makes the reader fail
    in.skip(label);
  }
}

}  // namespace meridian::dns
