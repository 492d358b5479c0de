// RrsetView: one RRset, rendered when its zone was loaded, ready to be copied into a response.
//
// `rendered` is `count` whole resource records as they stand in a message, each with the 2-byte
// owner pointer C00C (the question's name) and names in RDATA uncompressed. Where the owner stands
// elsewhere in the message only these two bytes change. The layout of one record: pointer 2, type
// 2, class 2, TTL 4, RDLENGTH 2, RDATA.
#pragma once

#include <cstdint>
#include <span>

#include "dns/wire/types.h"

namespace meridian::dns {

inline constexpr std::size_t kRenderedFixedBytes = 12;  // before RDATA

struct RrsetView {
  RrType type = RrType::kA;
  std::uint16_t count = 0;
  std::uint32_t ttl = 0;
  std::span<const std::uint8_t> rendered;

  bool empty() const { return count == 0; }
  // RDATA of the first record. REQUIRES: !empty().
  std::span<const std::uint8_t> firstRdata() const {
    return rendered.subspan(kRenderedFixedBytes,
                            static_cast<std::size_t>(rendered[10] << 8 | rendered[11]));
  }
};

}  // namespace meridian::dns
