// What a new topology adds, removes and changes, for the operator who is about to put it.
#pragma once

#include <string>
#include <vector>

#include "partition/journal.h"
#include "partition/model.h"

namespace meridian::partition {

// Objects as "datacenter fra", "ezone dal-b", "zone order", "partition us-tx", "service
// www.shop.example", each list in byte order. An object that only stands elsewhere in the document
// has not changed, nor has a zone because one of its partitions has.
struct TopologyChange {
  std::vector<std::string> added, removed, changed;
  std::vector<AssignmentMove> moves;  // new, removed or re-homed subjects
};

// The lists of objects; `moves` stays empty.
TopologyChange diffTopologies(const Topology& before, const Topology& after);

}  // namespace meridian::partition
