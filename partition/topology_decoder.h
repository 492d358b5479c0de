// Internal to decodeTopology: what the decoders of the document's sections share.
//
// Each section reads its objects, reports what is wrong and goes on. A reference that cannot be
// resolved was reported by the time the caller sees nullopt.
#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config_reader.h"
#include "partition/model.h"

namespace meridian::partition {

// Ids of one kind → index, with the path of the object that took each id first.
template <class Ix>
class IdIndex {
 public:
  explicit IdIndex(std::string_view kind) : kind_(kind) {}

  // The path that has the id already, or empty when it was added.
  std::string_view add(std::string_view id, Ix index, const std::string& path) {
    const auto [at, added] = entries_.try_emplace(std::string(id), Entry{index, path});
    return added ? std::string_view() : std::string_view(at->second.path);
  }
  std::optional<Ix> find(std::string_view id) const {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return found->second.index;
  }
  std::string unknownReason(std::string_view id) const {
    std::vector<std::string_view> known;
    known.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) known.push_back(name);
    const std::string nearest = nearestName(id, known);
    const std::string reason = "names no " + std::string(kind_);
    return nearest.empty() ? reason : reason + "; did you mean " + nearest + "?";
  }

 private:
  struct Entry {
    Ix index;
    std::string path;
  };
  std::string_view kind_;
  std::map<std::string, Entry, std::less<>> entries_;
};

using EZoneSet = std::bitset<kEpochSlots>;  // by EZoneIx: slots are unique, so no more can be valid

struct TopologyDecoder {
  std::string file;
  Diagnostics& problems;
  Topology out = {};
  IdIndex<DcIx> datacenters{"datacenter"};
  IdIndex<EZoneIx> ezones{"eZone"};
  IdIndex<ZoneIx> zones{"zone"};
  IdIndex<ZoneIx> subjects{"subject"};  // partitions and global zones share one space of ids

  // topology_codec.cc
  Topology decode(const ConfigNode& root);
  // topology_stateless.cc: all of a stateless zone but its id and kind
  void decodeStateless(ObjectReader& in, Zone& zone);
  // topology_services.cc
  void decodeServices(ObjectReader& root);

  ObjectReader reader(const ConfigNode& node, std::string path) {
    return {node, std::move(path), file, problems};
  }
  void report(const ConfigNode& at, std::string field, std::string reason);
  // The text of an element, or nullptr after a report.
  const std::string* text(const ConfigNode& element, const std::string& path);

  // Registers an object's id and reports a duplicate at its member "id".
  template <class Ix>
  void registerId(ObjectReader& in, IdIndex<Ix>& index, std::string_view id, Ix ix) {
    if (id.empty()) return;  // reported when it was read
    const std::string_view earlier = index.add(id, ix, in.path());
    if (!earlier.empty()) in.error("id", "is the id of " + std::string(earlier) + " already");
  }
  // A required member that names another object.
  template <class Ix>
  std::optional<Ix> reference(ObjectReader& in, std::string_view key, const IdIndex<Ix>& index) {
    const std::size_t before = problems.size();
    const std::string id = in.string(key, {.required = true});
    if (problems.size() != before || !in.has(key)) return std::nullopt;
    const std::optional<Ix> found = index.find(id);
    if (!found) in.error(key, unknownReason(index, id));
    return found;
  }
  // Distinct eZones in document order.
  std::vector<EZoneIx> ezoneList(ObjectReader& in, std::string_view key, const ArrayRule& rule);

  // A suggestion costs a walk over all ids: none for an error that nobody will see.
  template <class Ix>
  std::string unknownReason(const IdIndex<Ix>& index, std::string_view id) const {
    return problems.size() < Diagnostics::kMaxDiagnostics ? index.unknownReason(id) : std::string();
  }
};

}  // namespace meridian::partition
