// Resource records out of messages: what updates (RFC 2136) and transfers (RFC 5936, RFC 1995) are
// made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

struct MessageRecord {
  Name owner;  // case as it came
  RrType type = RrType::kA;
  std::uint16_t rr_class = 0;
  std::uint32_t ttl = 0;            // above 2^31 - 1 it is 0 (RFC 2181 §8)
  std::vector<std::uint8_t> rdata;  // names uncompressed; of the type's form, or empty
};

// The record at `at` of `message`, which may be any bytes; moves `at` behind it. Of RDATA: names
// are uncompressed where types may have them compressed (RFC 3597 §4), then it must be of its
// type's form; that of types which never stand in a zone is taken as it is. Of class ANY and NONE
// it may be empty (RFC 2136 §2.4). kInvalid says what cannot be read; `at` and `out` are then of no
// use.
Status readMessageRecord(std::span<const std::uint8_t> message, std::size_t& at,
                         MessageRecord& out);

}  // namespace meridian::dns
