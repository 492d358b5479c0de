// Any bytes as an update message, and what they do to a zone: refused, or a difference that goes
// from the zone's serial to a newer one, and makes the zone that it says or none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "dns/update/update_plan.h"
#include "dns/zone/loader.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/serial.h"

namespace {

using namespace meridian::dns;

void require(bool holds) {
  if (!holds) std::abort();
}

const Zone& fuzzZone() {
  static const std::shared_ptr<const Zone> kZone = [] {
    auto zone = parseZone(
        "$ORIGIN example.\n$TTL 300\n@ SOA ns h 7 1 1 1 1\n@ NS ns\n@ NS ns2\nwww A 192.0.2.1\n"
        "www A 192.0.2.2\nalias CNAME www\na.ent TXT deep\nd DNAME www\n*.w MX 10 www\n",
        "fuzz.zone");
    if (!zone) std::abort();
    return *zone;
  }();
  return *kZone;
}

void checkRecords(std::span<const UpdateRecord> records) {
  for (const UpdateRecord& record : records) {
    require(record.ttl <= 0x7FFFFFFF);
    if (!isDataType(record.type) || record.rdata.empty()) continue;
    require(checkRdata(record.type, record.rdata).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto update = parseUpdate(std::span(data, size));
  if (!update) {
    require(update.error().rcode == Rcode::kFormErr && !update.error().reason.empty());
    return 0;
  }
  checkRecords(update->prerequisites);
  checkRecords(update->updates);
  const auto plan = planUpdate(fuzzZone(), *update, SerialPolicy::kIncrement, meridian::WallTime{});
  if (!plan || *plan == nullptr) return 0;
  require((*plan)->from() == fuzzZone().serial());
  require(isNewerSerial((*plan)->to(), (*plan)->from()));
  const auto after = apply(fuzzZone(), **plan, "update");
  if (!after) return 0;  // below a DNAME, an RRset too large
  require((*after)->serial() == (*plan)->to());
  return 0;
}
