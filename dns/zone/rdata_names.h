// Where the domain name stands in the RDATA of the types that an authoritative server looks into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// The name that begins at `offset`, or nothing where there is no whole name.
std::optional<NameView> nameIn(std::span<const std::uint8_t> rdata, std::size_t offset);

// The target whose addresses belong in the additional section (RFC 1035 §3.3, RFC 2782, RFC 9460
// §4.1): of NS, MX, SRV, SVCB and HTTPS; nothing for other types.
std::optional<NameView> additionalTarget(RrType type, std::span<const std::uint8_t> rdata);

// Whether two records of `type` are the same: names of RFC 1035 types and SRV, DNAME ignore case
// (RFC 4343), all else is compared byte for byte.
bool sameRdata(RrType type, std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace meridian::dns
