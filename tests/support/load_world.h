// Load as a test says it is.
#pragma once

#include <string>
#include <utility>

#include "partition/load/load_view.h"

namespace meridian::test {

class ScriptedLoad final : public partition::LoadSource {
 public:
  // Nobody reports until something is said.
  partition::LoadPicture picture(const partition::Topology& topology,
                                 const partition::AssignmentTable&) const override {
    partition::LoadPicture out = said;
    out.ezones.resize(topology.ezones.size());
    out.partitions.resize(topology.partitions.size());
    return out;
  }
  // By the eZone's place in the topology.
  void ezone(std::size_t index, double units, double capacity) {
    said.reported = true;
    if (said.ezones.size() <= index) said.ezones.resize(index + 1);
    said.ezones[index] = {units, capacity};
  }
  void partition(std::size_t index, double units) {
    said.reported = true;
    if (said.partitions.size() <= index) said.partitions.resize(index + 1);
    said.partitions[index] = {units, true};
  }

  partition::LoadPicture said;
};

}  // namespace meridian::test
