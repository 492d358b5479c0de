// Records of updates, and messages of them, for tests.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "dns/update/update_message.h"
#include "dns/zone/loader.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/zone_cursor.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"

namespace meridian::test {

inline constexpr unsigned kClassIn = 1, kClassNone = 254, kClassAny = 255;

inline dns::UpdateRecord updateRecord(std::string_view owner, unsigned type, unsigned rr_class,
                                      std::uint32_t ttl = 0, Bytes rdata = {}) {
  return {must(dns::Name::parse(owner)), static_cast<dns::RrType>(type),
          static_cast<std::uint16_t>(rr_class), ttl, std::move(rdata)};
}
// With data as a zone file has it, without quotes: "A 192.0.2.1".
inline dns::UpdateRecord withData(std::string_view owner, unsigned rr_class, std::uint32_t ttl,
                                  std::string_view text) {
  std::vector<dns::ZoneToken> words;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    words.push_back({text.substr(0, space)});
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  dns::UpdateRecord out = updateRecord(owner, 0, rr_class, ttl);
  out.type = must(dns::parseRrType(words.at(0).text));
  const auto data = std::span<const dns::ZoneToken>(words).subspan(1);
  if (const Status read = dns::parseRdata(out.type, data, std::nullopt, out.rdata); !read) {
    throw std::runtime_error(read.error().message);
  }
  return out;
}

// §2.4 and §2.5 of RFC 2136, in its words.
inline dns::UpdateRecord rrsetExists(std::string_view owner, unsigned type) {
  return updateRecord(owner, type, kClassAny);
}
inline dns::UpdateRecord rrsetIs(std::string_view owner, std::string_view text) {
  return withData(owner, kClassIn, 0, text);
}
inline dns::UpdateRecord rrsetDoesNotExist(std::string_view owner, unsigned type) {
  return updateRecord(owner, type, kClassNone);
}
inline dns::UpdateRecord nameIsInUse(std::string_view owner) {
  return updateRecord(owner, 255, kClassAny);
}
inline dns::UpdateRecord nameIsNotInUse(std::string_view owner) {
  return updateRecord(owner, 255, kClassNone);
}
inline dns::UpdateRecord addTo(std::string_view owner, std::uint32_t ttl, std::string_view text) {
  return withData(owner, kClassIn, ttl, text);
}
inline dns::UpdateRecord deleteRrset(std::string_view owner, unsigned type) {
  return updateRecord(owner, type, kClassAny);
}
inline dns::UpdateRecord deleteName(std::string_view owner) {
  return updateRecord(owner, 255, kClassAny);
}
inline dns::UpdateRecord deleteRecordOf(std::string_view owner, std::string_view text) {
  return withData(owner, kClassNone, 0, text);
}

// Every record of a zone, a line each, sorted.
inline std::vector<std::string> linesOf(const dns::Zone& zone) {
  std::vector<std::string> out;
  for (dns::ZoneCursor at(zone); !at.atEnd();) {
    const dns::RecordView record = at.next();
    out.push_back(record.owner.text() + " " + std::to_string(record.ttl) + " " +
                  dns::rrTypeName(record.type) + " " + hex(record.rdata));
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The wire form of a record, nothing compressed.
inline Bytes wireOf(const dns::UpdateRecord& record) {
  const auto owner = record.owner.view().wire();
  Bytes out(owner.begin(), owner.end());
  put16(out, static_cast<unsigned>(record.type));
  put16(out, record.rr_class);
  put32(out, record.ttl);
  put16(out, static_cast<unsigned>(record.rdata.size()));
  append(out, record.rdata);
  return out;
}

struct UpdatePacket {
  unsigned flags = 5 << 11;
  unsigned counts[4] = {1, 0, 0, 0};
  Bytes zone;
  Bytes rest;

  explicit UpdatePacket(std::string_view name, unsigned type = 6, unsigned rr_class = 1)
      : zone(wireName(name)) {
    put16(zone, type);
    put16(zone, rr_class);
  }
  // Sections in their order: 1 prerequisites, 2 updates, 3 additional.
  UpdatePacket& with(unsigned section, const Bytes& record) {
    ++counts[section];
    append(rest, record);
    return *this;
  }
  Bytes bytes() const {
    Bytes out;
    put16(out, 0x1234);
    put16(out, flags);
    for (const unsigned count : counts) put16(out, count);
    append(out, zone);
    append(out, rest);
    return out;
  }
};

}  // namespace meridian::test
