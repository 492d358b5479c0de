// What transfers from primaries may take.
#pragma once

#include <chrono>
#include <cstddef>

namespace meridian::dns {

struct TransferTimeouts {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds idle{10'000};  // without a whole message
  std::chrono::milliseconds whole{3'600'000};
};

struct SecondaryLimits {
  std::size_t max_transfers = 10;                     // zones that are asked for at a time
  std::size_t max_zone_bytes = std::size_t{1} << 30;  // of its records in wire form
  TransferTimeouts timeouts;
};

}  // namespace meridian::dns
