#include "dns/sign/compact_denial.h"

#include <algorithm>

#include "dns/sign/successor.h"
#include "dns/sign/type_bitmap.h"
#include "dns/wire/render_record.h"

namespace meridian::dns {

RrsetView compactDenial(NameView name, NameView apex, std::span<const RrType> types,
                        std::uint32_t ttl, std::vector<std::uint8_t>& rendered) {
  const Name next = successorOf(name, apex);
  std::vector<std::uint8_t> rdata(next.view().wire().begin(), next.view().wire().end());
  std::vector<RrType> all(types.begin(), types.end());
  for (const RrType type : {RrType::kRrsig, RrType::kNsec}) {
    const auto at = std::lower_bound(all.begin(), all.end(), type);
    if (at == all.end() || *at != type) all.insert(at, type);
  }
  appendTypeBitmap(all, rdata);
  renderRecord(RrType::kNsec, ttl, rdata, rendered);
  return {RrType::kNsec, 1, ttl, rendered};
}

}  // namespace meridian::dns
