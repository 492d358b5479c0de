#include "dns/zone/unsigned_part.h"

#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {

bool isMadeBySigner(const Zone& zone, NodeIx node, RrType type) {
  if (isMadeBySigning(type)) return true;
  const bool of_keys = type == RrType::kDnskey || type == RrType::kCds || type == RrType::kCdnskey;
  return of_keys && node == zone.apexNode();
}

std::shared_ptr<const Zone> unsignedPart(const std::shared_ptr<const Zone>& zone) {
  bool found = false;
  ZoneBuilder builder;
  for (ZoneCursor at(*zone); !at.atEnd();) {
    const NodeIx node = at.node();
    const RecordView record = at.next();
    if (isMadeBySigner(*zone, node, record.type)) {
      found = true;
      continue;
    }
    // Less of what went together goes together.
    if (const Result<NodeIx> owner = builder.node(record.owner, 0)) {
      (void)builder.add(*owner, record.type, record.ttl, record.rdata);
    }
  }
  return found ? builder.build() : zone;
}

}  // namespace meridian::dns
