// What an edit does to a zone: RRsets to replace → the difference, with the next serial. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "dns/zone/difference.h"

namespace meridian::dns {

// How the serial goes on. Each falls back to the next number where its own would not be newer
// (RFC 1982).
enum class SerialPolicy : std::uint8_t {
  kIncrement,
  kUnixTime,  // seconds since 1970
  kDate,      // YYYYMMDDnn of UTC, nn from 00
};
std::string_view serialPolicyName(SerialPolicy policy);  // "increment", "unixtime", "date"
std::optional<SerialPolicy> serialPolicyOf(std::string_view name);
std::uint32_t nextSerial(std::uint32_t serial, SerialPolicy policy, WallTime now);

// An RRset as it shall be; without RDATA it shall not be.
struct RrsetEdit {
  Name owner;
  RrType type = RrType::kA;
  std::uint32_t ttl = 0;
  std::vector<std::vector<std::uint8_t>> rdata;
};

// nullptr: the zone is already so. Every error: an RRset twice, one outside the zone, a type
// that only signing makes, the SOA deleted, or given a serial that is not newer. An edited SOA sets
// the serial; else it goes on by the policy. What else makes no zone is found by apply().
Checked<std::shared_ptr<const ZoneDifference>> planEdit(const Zone& zone,
                                                        const std::vector<RrsetEdit>& edits,
                                                        SerialPolicy policy, WallTime now);

}  // namespace meridian::dns
