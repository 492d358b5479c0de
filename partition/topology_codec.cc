// decodeTopology: docs/topology.md as code. Sites and zones of the model; stateless zones
// are in topology_stateless.cc, services in topology_services.cc.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "partition/topology_decoder.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxDatacenters = 254;
constexpr std::size_t kMaxEZones = kEpochSlots;
constexpr std::size_t kMaxZones = 256;
constexpr std::size_t kMaxPartitions = 4096;  // of one zone
constexpr std::int64_t kMaxReadLagMillis = 3'600'000;
constexpr std::size_t kMaxRegionBytes = 64;
constexpr std::size_t kMaxFenceRefBytes = 256;
constexpr std::size_t kMaxSubdivisionBytes = 128;

bool isObject(const ConfigNode& node) {
  return std::holds_alternative<ConfigNode::Object>(node.value);
}

bool isCountry(std::string_view text) {
  return text.size() == 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool isFenceRef(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && isId(text.substr(0, slash)) && slash + 1 < text.size();
}

geo::GeoPoint decodePoint(ObjectReader& in) {
  return {.lat = in.number("lat", {.required = true, .min = -90, .max = 90}),
          .lon = in.number("lon", {.required = true, .min = -180, .max = 180})};
}

// Above 0; 1 when absent.
double decodePositive(ObjectReader& in, std::string_view key) {
  const double value = in.number(key, {.fallback = 1});
  if (value <= 0) in.error(key, "must be above 0");
  return value;
}

// --- datacenters and eZones

class SitesDecoder {
 public:
  explicit SitesDecoder(TopologyDecoder& decoder) : decoder_(decoder) {}

  void decode(ObjectReader& root) {
    if (const auto* sites =
            root.array("datacenters", {.required = true, .min = 1, .max = kMaxDatacenters})) {
      for (std::size_t i = 0; i < sites->size(); ++i) {
        decodeDatacenter((*sites)[i], elementPath("datacenters", i));
      }
    }
    if (const auto* ezones = root.array("ezones", {.max = kMaxEZones})) {
      for (std::size_t i = 0; i < ezones->size(); ++i) {
        decodeEZone((*ezones)[i], elementPath("ezones", i));
      }
    }
    for (const EmptySite& site : empty_sites_) {
      if (!site.node) continue;
      decoder_.report(*site.node, site.path + ".slot",
                      "is missing, and no entry of ezones is in this datacenter");
    }
  }

 private:
  // A datacenter without a slot of its own must get an eZone from "ezones".
  struct EmptySite {
    const ConfigNode* node = nullptr;  // nullptr: it has an eZone
    std::string path = {};
  };

  void decodeDatacenter(const ConfigNode& node, const std::string& path) {
    ObjectReader in = decoder_.reader(node, path);
    const DcIx ix(static_cast<std::uint16_t>(decoder_.out.datacenters.size()));
    Datacenter dc;
    dc.id = in.string("id", {.required = true, .id = true});
    decoder_.registerId(in, decoder_.datacenters, dc.id, ix);
    dc.region = in.string("region", {.max_bytes = kMaxRegionBytes});
    dc.point = decodePoint(in);
    const double capacity = decodePositive(in, "capacity_units");
    if (in.has("capacity_units")) dc.capacity_units = capacity;
    dc.admin_state = decodeAdminState(in);
    const bool has_ezone = in.has("slot");
    if (has_ezone) {
      // A second datacenter of this id was reported; its eZone needs no report of its own.
      decoder_.ezones.add(dc.id, nextEZone(), path);
      addEZone(in, dc.id, ix);
    } else {
      in.ignore("slot");
    }
    in.finish();
    decoder_.out.datacenters.push_back(std::move(dc));
    empty_sites_.push_back({has_ezone || !isObject(node) ? nullptr : &node, path});
  }

  static AdminState decodeAdminState(ObjectReader& in) {
    constexpr AdminState kStates[] = {AdminState::kInService, AdminState::kDraining,
                                      AdminState::kOutOfService};
    StringRule rule{.fallback = std::string(adminStateName(AdminState::kInService))};
    for (const AdminState state : kStates) rule.one_of.push_back(adminStateName(state));
    const std::string name = in.string("admin_state", rule);
    const auto* found = std::find_if(std::begin(kStates), std::end(kStates), [&](AdminState state) {
      return adminStateName(state) == name;
    });
    return found == std::end(kStates) ? AdminState::kInService : *found;
  }

  void decodeEZone(const ConfigNode& node, const std::string& path) {
    ObjectReader in = decoder_.reader(node, path);
    const std::string id = in.string("id", {.required = true, .id = true});
    decoder_.registerId(in, decoder_.ezones, id, nextEZone());
    const std::optional<DcIx> dc = decoder_.reference(in, "dc", decoder_.datacenters);
    if (dc) empty_sites_[dc->index()].node = nullptr;
    addEZone(in, id, dc.value_or(DcIx{}));
    in.finish();
  }

  EZoneIx nextEZone() const {
    return EZoneIx(static_cast<std::uint16_t>(decoder_.out.ezones.size()));
  }

  // `in` has the slot: a datacenter with its default eZone, or an entry of "ezones".
  void addEZone(ObjectReader& in, const std::string& id, DcIx dc) {
    const std::size_t before = decoder_.problems.size();
    const auto slot = static_cast<std::uint8_t>(
        in.integer("slot", {.required = true, .min = 0, .max = kEpochSlots - 1}));
    if (decoder_.problems.size() == before && in.has("slot")) {
      const auto [at, added] = slots_.try_emplace(slot, in.path());
      if (!added) in.error("slot", fmt::format("is the slot of {} already", at->second));
    }
    decoder_.out.ezones.push_back({id, dc, slot});
  }

  TopologyDecoder& decoder_;
  std::vector<EmptySite> empty_sites_;  // by DcIx
  std::map<std::uint8_t, std::string> slots_;
};

// --- zones of the model

class ZoneDecoder {
 public:
  ZoneDecoder(TopologyDecoder& decoder, const ConfigNode& node, const std::string& path)
      : decoder_(decoder),
        in_(decoder.reader(node, path)),
        ix_(static_cast<std::uint16_t>(decoder.out.zones.size())) {}

  void decode() {
    zone_.id = in_.string("id", {.required = true, .id = true});
    decoder_.registerId(in_, decoder_.zones, zone_.id, ix_);
    const std::string kind =
        in_.string("kind", {.required = true, .one_of = {"sharding", "global", "stateless"}});
    if (kind == "sharding") {
      zone_.kind = ZoneKind::kSharding;
      decodeSharding();
    } else if (kind == "global") {
      zone_.kind = ZoneKind::kGlobal;
      decodeGlobal();
    } else if (kind == "stateless") {
      zone_.kind = ZoneKind::kStateless;
      decoder_.decodeStateless(in_, zone_);
    }
    // Without a known kind nobody can say which members belong here.
    if (kind == zoneKindName(zone_.kind)) in_.finish();
    decoder_.out.zones.push_back(std::move(zone_));
  }

 private:
  void decodeGlobal() {
    decoder_.registerId(in_, decoder_.subjects, zone_.id, ix_);
    const std::optional<EZoneIx> primary = decoder_.reference(in_, "primary", decoder_.ezones);
    if (primary) {
      zone_.primary = *primary;
      zone_.ezones.push_back(*primary);
    }
    for (const EZoneIx replica : decoder_.ezoneList(in_, "replicas", {.max = kMaxEZones})) {
      if (replica == primary) {
        in_.error("replicas",
                  fmt::format("{} is the primary", decoder_.out.ezones[replica.index()].id));
      } else {
        zone_.ezones.push_back(replica);
      }
    }
    decodeReads();
  }

  void decodeReads() {
    const std::int64_t lag = in_.integer("read_max_lag_ms", {.min = 1, .max = kMaxReadLagMillis});
    if (in_.has("read_max_lag_ms")) zone_.read_max_lag_ms = lag;
    StringRule rule{.fallback = std::string(readFallbackName(ReadFallback::kPrimary))};
    for (const ReadFallback each : {ReadFallback::kPrimary, ReadFallback::kLeastStale})
      rule.one_of.push_back(readFallbackName(each));
    if (in_.string("read_fallback", rule) == readFallbackName(ReadFallback::kLeastStale)) {
      zone_.read_fallback = ReadFallback::kLeastStale;
    }
    if (in_.has("read_fallback") && !in_.has("read_max_lag_ms")) {
      in_.error("read_fallback", "means nothing without read_max_lag_ms");
    }
  }

  void decodeSharding() {
    std::vector<Partition>& partitions = decoder_.out.partitions;
    zone_.first_partition = PartitionIx(static_cast<std::uint32_t>(partitions.size()));
    if (const auto* elements =
            in_.array("partitions", {.required = true, .min = 1, .max = kMaxPartitions})) {
      for (std::size_t i = 0; i < elements->size(); ++i) {
        decodePartition((*elements)[i], elementPath(in_.pathOf("partitions"), i));
      }
    }
    zone_.partition_count =
        static_cast<std::uint32_t>(partitions.size() - zone_.first_partition.index());
    zone_.ezones.assign(reachable_.begin(), reachable_.end());
    if (const ConfigNode* placement = in_.object("placement", true)) {
      decodePlacement(*placement, in_.pathOf("placement"));
    }
    zone_.min_in_service = static_cast<std::uint32_t>(
        in_.integer("min_in_service", {.min = 1, .max = kMaxEZones, .fallback = 1}));
    if (!zone_.ezones.empty() && zone_.min_in_service > zone_.ezones.size()) {
      in_.error("min_in_service",
                fmt::format("is more than the {} eZones of this zone", zone_.ezones.size()));
    }
  }

  void decodePartition(const ConfigNode& node, const std::string& path) {
    ObjectReader in = decoder_.reader(node, path);
    const PartitionIx ix(static_cast<std::uint32_t>(decoder_.out.partitions.size()));
    Partition partition;
    partition.id = in.string("id", {.required = true, .id = true});
    decoder_.registerId(in, decoder_.subjects, partition.id, ix_);
    members_.add(partition.id, ix, path);
    partition.zone = ix_;
    decodeOwners(in, partition);
    partition.weight_units = decodePositive(in, "weight_units");
    decodeFences(in, partition);
    decodeRules(in, partition);
    decodeAnchors(in, partition);
    in.finish();
    decoder_.out.partitions.push_back(std::move(partition));
  }

  void decodeOwners(ObjectReader& in, Partition& partition) {
    const std::optional<EZoneIx> home = decoder_.reference(in, "home", decoder_.ezones);
    partition.allowed = decoder_.ezoneList(in, "allowed", {.min = 1, .max = kMaxEZones});
    std::sort(partition.allowed.begin(), partition.allowed.end());
    if (!in.has("allowed")) {
      for (std::size_t i = 0; i < decoder_.out.ezones.size(); ++i) {
        partition.allowed.emplace_back(static_cast<std::uint16_t>(i));
      }
    }
    reachable_.insert(partition.allowed.begin(), partition.allowed.end());
    if (!home) return;
    partition.home = *home;
    if (!std::binary_search(partition.allowed.begin(), partition.allowed.end(), *home)) {
      in.error("home", "is not among the allowed eZones");
    }
  }

  void decodeFences(ObjectReader& in, Partition& partition) {
    const ConfigNode::Array* elements = in.array("fences");
    if (elements == nullptr) return;
    for (std::size_t i = 0; i < elements->size(); ++i) {
      const ConfigNode& element = (*elements)[i];
      const std::string path = elementPath(in.pathOf("fences"), i);
      const std::string* id = decoder_.text(element, path);
      if (id == nullptr) continue;
      if (id->size() > kMaxFenceRefBytes) {
        decoder_.report(element, path, fmt::format("is longer than {} bytes", kMaxFenceRefBytes));
      } else if (!isFenceRef(*id)) {
        decoder_.report(element, path, "must be FENCE-FILE-ID/FEATURE-ID");
      } else if (!fences_.insert(*id).second) {
        decoder_.report(element, path, "is used twice in this zone");
      } else {
        partition.fences.push_back({*id, {decoder_.file, element.line, element.column}});
      }
    }
  }

  void decodeRules(ObjectReader& in, Partition& partition) {
    const ConfigNode::Array* elements = in.array("rules");
    if (elements == nullptr) return;
    for (std::size_t i = 0; i < elements->size(); ++i) {
      const ConfigNode& node = (*elements)[i];
      ObjectReader rule = decoder_.reader(node, elementPath(in.pathOf("rules"), i));
      PlaceRule& out = partition.rules.emplace_back();
      out.country = rule.string("country");
      if (rule.has("country") && !isCountry(out.country)) {
        rule.error("country", "must be two capital letters (ISO 3166-1)");
      }
      out.subdivision = rule.string("subdivision", {.max_bytes = kMaxSubdivisionBytes});
      out.asn = static_cast<std::uint32_t>(
          rule.integer("asn", {.min = 1, .max = std::numeric_limits<std::uint32_t>::max()}));
      rule.finish();
      if (isObject(node) && out.country.empty() && out.subdivision.empty() && !rule.has("asn")) {
        decoder_.report(node, rule.path(), "needs a country, subdivision or asn");
      }
    }
  }

  void decodeAnchors(ObjectReader& in, Partition& partition) {
    const ConfigNode::Array* elements = in.array("anchors");
    if (elements == nullptr) return;
    for (std::size_t i = 0; i < elements->size(); ++i) {
      ObjectReader anchor = decoder_.reader((*elements)[i], elementPath(in.pathOf("anchors"), i));
      partition.anchors.push_back(decodePoint(anchor));
      anchor.finish();
    }
  }

  void decodePlacement(const ConfigNode& node, const std::string& path) {
    ObjectReader in = decoder_.reader(node, path);
    PlacementRules& rules = zone_.placement;
    rules.default_partition = decoder_.reference(in, "default_partition", members_);
    rules.fence_snap_km = in.number("fence_snap_km", {.min = 0, .max = 500, .fallback = 50});
    rules.unknown_ttl = static_cast<std::uint32_t>(
        in.integer("unknown_ttl", {.min = 0, .max = 86400, .fallback = 5}));
    in.finish();
  }

  TopologyDecoder& decoder_;
  ObjectReader in_;
  ZoneIx ix_;
  Zone zone_;
  IdIndex<PartitionIx> members_{"partition of this zone"};
  std::set<EZoneIx> reachable_;  // by any partition: in document order
  std::set<std::string, std::less<>> fences_;
};

}  // namespace

void TopologyDecoder::report(const ConfigNode& at, std::string field, std::string reason) {
  problems.add({file, at.line, at.column}, std::move(field), at.shownValue(), std::move(reason));
}

const std::string* TopologyDecoder::text(const ConfigNode& element, const std::string& path) {
  const auto* text = std::get_if<std::string>(&element.value);
  if (text == nullptr) {
    report(element, path, fmt::format("must be a string, is {}", element.typeName()));
  }
  return text;
}

std::vector<EZoneIx> TopologyDecoder::ezoneList(ObjectReader& in, std::string_view key,
                                                const ArrayRule& rule) {
  std::vector<EZoneIx> list;
  const ConfigNode::Array* elements = in.array(key, rule);
  if (elements == nullptr) return list;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const ConfigNode& element = (*elements)[i];
    const std::string path = elementPath(in.pathOf(key), i);
    const std::string* id = text(element, path);
    if (id == nullptr) continue;
    const std::optional<EZoneIx> ezone = ezones.find(*id);
    if (!ezone) {
      report(element, path, unknownReason(ezones, *id));
    } else if (std::find(list.begin(), list.end(), *ezone) != list.end()) {
      report(element, path, "stands twice in this list");
    } else {
      list.push_back(*ezone);
    }
  }
  return list;
}

Topology TopologyDecoder::decode(const ConfigNode& root) {
  ObjectReader in = reader(root, "");
  in.integer("format", {.required = true, .min = 1, .max = 1, .fallback = 1});
  SitesDecoder(*this).decode(in);
  if (const auto* elements = in.array("zones", {.required = true, .min = 1, .max = kMaxZones})) {
    for (std::size_t i = 0; i < elements->size(); ++i) {
      ZoneDecoder(*this, (*elements)[i], elementPath("zones", i)).decode();
    }
  }
  decodeServices(in);
  in.finish();
  return std::move(out);
}

Checked<Topology> decodeTopology(std::string_view text, const std::string& file) {
  Diagnostics problems;
  if (text.size() > kMaxTopologyBytes) {
    problems.add({file, 0, 0}, "", "",
                 fmt::format("has {} bytes; may have {}", text.size(), kMaxTopologyBytes));
    return tl::unexpected(problems);
  }
  const Checked<ConfigNode> root = parseJson(text, file);
  if (!root) return tl::unexpected(root.error());
  Topology topology = TopologyDecoder{file, problems}.decode(*root);
  if (!problems.empty()) return tl::unexpected(problems);
  topology.document = std::string(text);
  return topology;
}

}  // namespace meridian::partition
