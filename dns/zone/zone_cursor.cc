#include "dns/zone/zone_cursor.h"

namespace meridian::dns {

RecordView ZoneCursor::next() {
  const RrsetView& rrset = rrsets_[rrset_];
  const auto record = rrset.rendered.subspan(offset_);
  const auto length = static_cast<std::size_t>(record[10] << 8 | record[11]);
  const RecordView out{zone_.nodeName(NodeIx(node_)), rrset.type, rrset.ttl,
                       record.subspan(kRenderedFixedBytes, length)};
  offset_ += kRenderedFixedBytes + length;
  if (offset_ < rrset.rendered.size()) return out;
  offset_ = 0;
  if (++rrset_ == rrsets_.size()) {
    ++node_;
    findRecords();
  }
  return out;
}

// Empty non-terminals have none.
void ZoneCursor::findRecords() {
  rrset_ = 0;
  rrsets_.clear();
  for (; node_ < zone_.nodeCount(); ++node_) {
    rrsets_ = zone_.rrsets(NodeIx(node_));
    if (!rrsets_.empty()) return;
  }
}

}  // namespace meridian::dns
