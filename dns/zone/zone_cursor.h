// ZoneCursor: all records of a zone, one after another, in no particular order. The zone outlives
// it.
#pragma once

#include <cstddef>
#include <vector>

#include "dns/wire/rrset_view.h"
#include "dns/zone/record_list.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

class ZoneCursor {
 public:
  explicit ZoneCursor(const Zone& zone) : zone_(zone) { findRecords(); }

  bool atEnd() const { return rrset_ == rrsets_.size(); }
  NodeIx node() const { return NodeIx(node_); }
  // REQUIRES: !atEnd().
  RecordView next();

 private:
  void findRecords();

  const Zone& zone_;
  std::uint32_t node_ = 0;
  std::vector<RrsetView> rrsets_;  // of the node
  std::size_t rrset_ = 0;
  std::size_t offset_ = 0;  // of the record in its RRset's rendered bytes
};

}  // namespace meridian::dns
