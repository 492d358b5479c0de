// Zone files (RFC 1035 §5, RFC 3597) through ldns; every error with file and line.
//
// Checks a zone as a whole: exactly one SOA and it at the apex (the apex is the SOA's owner), NS at
// the apex, owners within the apex, CNAME alone at its name (RFC 2181 §10.1), one CNAME and one
// DNAME a name (RFC 6672 §2.4), nothing below a DNAME and no NS beside one (§2.3, §2.4), class IN,
// no record twice (reported, then dropped, not an error), TTLs of an RRset evened to the smallest
// (RFC 2181 §5.2; logged), every RRset fits into a message. $ORIGIN and $TTL work, $INCLUDE in
// files, $GENERATE as BIND has it. Without $ORIGIN names are relative to the SOA's
// owner, from the SOA on.
//
// Types that Debian 12's ldns cannot read (AMTRELAY, NINFO, TA, AVC, DOA, RESINFO, WALLET, A6) are
// written as RFC 3597 says: TYPE260 \# …
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "dns/zone/zone.h"
#include "dns/zone/zone_set.h"

namespace meridian::dns {

inline constexpr std::size_t kMaxZoneFileBytes = std::size_t{1} << 30;

Checked<std::shared_ptr<const Zone>> parseZone(std::string_view text, const std::string& file);
Checked<std::shared_ptr<const Zone>> loadZone(const std::filesystem::path& file);
// Every "*.zone" of a folder; errors of all files together. Two files with one apex are an error.
// An empty folder is not.
Checked<std::shared_ptr<const ZoneSet>> loadZones(const std::filesystem::path& folder,
                                                  WallTime now);

// "10 mail" of an MX → RDATA; names relative to `origin`. kInvalid says what is wrong.
Result<std::vector<std::uint8_t>> parseRdataText(RrType type, std::string_view text,
                                                 const Name& origin);

// "A 192.0.2.1" → a record of `owner` with `ttl`. kInvalid says what is wrong.
Result<ZoneRecord> parseRecord(std::string_view text, const Name& owner, std::uint32_t ttl);

}  // namespace meridian::dns
