// Presentation form of names and RDATA → wire form, names uncompressed and in the case written.
//
// The types of bulk data (A, AAAA, NS, CNAME, PTR, DNAME, MX) are read here, because ldns needs
// several times as long for them; all other types ldns knows go through ldns, and any type at all
// may be written as RFC 3597 §5 says (\# length hex).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"
#include "dns/zone/zone_scanner.h"

namespace meridian::dns {

// "A", "https", "TYPE65400". kInvalid: neither a mnemonic of ldns nor TYPE0…TYPE65535.
Result<RrType> parseRrType(std::string_view text);
// The mnemonic, or TYPEnnn.
std::string rrTypeName(RrType type);
// Meta and query types, 0, OPT: these never stand in a zone (RFC 6895 §3.1).
bool isDataType(RrType type);

// "@", a name that ends with a dot, or a name relative to `origin`; kInvalid when it is relative
// and there is no origin.
Result<Name> parseName(std::string_view text, const std::optional<Name>& origin);

// 12345, 1h30m. At most 2^31 - 1 (RFC 2181 §8).
Result<std::uint32_t> parseTtl(std::string_view text);

// Replaces the content of `out`. Text is the tokens after the type, as the scanner cut them.
Status parseRdata(RrType type, std::span<const ZoneToken> text, const std::optional<Name>& origin,
                  std::vector<std::uint8_t>& out);

// Whether bytes that came in a message, names uncompressed, are RDATA of the type's form. A type
// that ldns does not know has none.
Status checkRdata(RrType type, std::span<const std::uint8_t> rdata);

}  // namespace meridian::dns
