#include "dns/update/update_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dns/zone/rdata_names.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/serial.h"

namespace meridian::dns {
namespace {

using Rdata = std::vector<std::uint8_t>;

bool standsBesideCname(RrType type) {
  return type == RrType::kRrsig || type == RrType::kNsec;
}
bool standsAlone(RrType type) {
  return type == RrType::kSoa || type == RrType::kCname || type == RrType::kDname;
}

bool isOfClass(const UpdateRecord& record, RrClass rr_class) {
  return record.rr_class == static_cast<std::uint16_t>(rr_class);
}

struct WorkingRrset {
  std::uint32_t ttl = 0;
  std::vector<Rdata> rdata;

  bool operator==(const WorkingRrset&) const = default;
};

// A name as the update leaves it. RRsets without records are not kept.
struct WorkingNode {
  Name written;
  std::map<RrType, WorkingRrset> rrsets;
};

std::vector<Rdata> rdataOf(const RrsetView& rrset) {
  std::vector<Rdata> out;
  for (auto rest = rrset.rendered; !rest.empty();) {
    const auto length = static_cast<std::size_t>(rest[10] << 8 | rest[11]);
    const auto rdata = rest.subspan(kRenderedFixedBytes, length);
    out.emplace_back(rdata.begin(), rdata.end());
    rest = rest.subspan(kRenderedFixedBytes + length);
  }
  return out;
}

bool holdsRdata(RrType type, const std::vector<Rdata>& set, const Rdata& wanted) {
  return std::any_of(set.begin(), set.end(),
                     [&](const Rdata& each) { return sameRdata(type, each, wanted); });
}

// As sets: order and repetitions do not matter.
bool sameSets(RrType type, const std::vector<Rdata>& a, const std::vector<Rdata>& b) {
  const auto within = [type](const std::vector<Rdata>& inner, const std::vector<Rdata>& outer) {
    return std::all_of(inner.begin(), inner.end(),
                       [&](const Rdata& each) { return holdsRdata(type, outer, each); });
  };
  return within(a, b) && within(b, a);
}

class UpdatePlanning {
 public:
  UpdatePlanning(const Zone& zone, const Update& update) : zone_(zone), update_(update) {}

  tl::expected<std::shared_ptr<const ZoneDifference>, UpdateRefusal> run(SerialPolicy policy,
                                                                         WallTime now) {
    if (update_.zone.view() != zone_.apex() ||
        update_.rr_class != static_cast<std::uint16_t>(RrClass::kIn)) {
      return tl::unexpected(UpdateRefusal{Rcode::kNotAuth, "not the zone " + zone_.apex().text()});
    }
    if (!checkPrerequisites() || !prescan()) return tl::unexpected(std::move(refusal_));
    for (const UpdateRecord& record : update_.updates) {
      if (isOfClass(record, RrClass::kIn)) {
        add(record);
      } else if (isOfClass(record, RrClass::kNone)) {
        deleteRecord(record);
      } else {
        deleteRrsets(record);
      }
    }
    auto planned = planEdit(zone_, edits(), policy, now);
    if (!planned) return tl::unexpected(UpdateRefusal{Rcode::kServFail, planned.error().text()});
    return std::move(*planned);
  }

 private:
  bool refuse(Rcode rcode, const UpdateRecord& record, const char* reason) {
    refusal_ = {rcode, record.owner.text() + " " + rrTypeName(record.type) + ": " + reason};
    return false;
  }

  // RFC 2136 §3.2.
  bool checkPrerequisites() {
    std::map<std::pair<std::string, RrType>, std::vector<const UpdateRecord*>> wanted;
    for (const UpdateRecord& record : update_.prerequisites) {
      if (record.ttl != 0) return refuse(Rcode::kFormErr, record, "a prerequisite with a TTL");
      const Name owner = record.owner.lowered();
      if (!owner.view().isWithin(zone_.apex())) {
        return refuse(Rcode::kNotZone, record, "not within the zone");
      }
      if (isOfClass(record, RrClass::kIn)) {
        if (!isDataType(record.type)) return refuse(Rcode::kFormErr, record, "no type of data");
        wanted[{owner.text(), record.type}].push_back(&record);
      } else if (!checkExistence(record, owner)) {
        return false;
      }
    }
    for (const auto& [key, records] : wanted) {
      std::vector<Rdata> set;
      for (const UpdateRecord* record : records) set.push_back(record->rdata);
      const Name owner = records.front()->owner.lowered();
      if (!sameSets(key.second, set, rdataOf(zoneRrset(owner, key.second)))) {
        return refuse(Rcode::kNxRrset, *records.front(), "the RRset is another");
      }
    }
    return true;
  }

  // The prerequisites without data: classes ANY and NONE.
  bool checkExistence(const UpdateRecord& record, const Name& owner) {
    const bool wanted = isOfClass(record, RrClass::kAny);
    if (!wanted && !isOfClass(record, RrClass::kNone)) {
      return refuse(Rcode::kFormErr, record, "a class that no prerequisite has");
    }
    if (!record.rdata.empty()) {
      return refuse(Rcode::kFormErr, record, "a prerequisite of this class with data");
    }
    if (record.type == RrType::kAny) {
      if (isInUse(owner) == wanted) return true;
      return wanted ? refuse(Rcode::kNxDomain, record, "the name is not in use")
                    : refuse(Rcode::kYxDomain, record, "the name is in use");
    }
    if (!isDataType(record.type)) return refuse(Rcode::kFormErr, record, "no type of data");
    if (!zoneRrset(owner, record.type).empty() == wanted) return true;
    return wanted ? refuse(Rcode::kNxRrset, record, "there is no such RRset")
                  : refuse(Rcode::kYxRrset, record, "there is such an RRset");
  }

  // RFC 2136 §3.4.1: the whole section before any of it is done.
  bool prescan() {
    for (const UpdateRecord& record : update_.updates) {
      if (!record.owner.lowered().view().isWithin(zone_.apex())) {
        return refuse(Rcode::kNotZone, record, "not within the zone");
      }
      const bool all_types = record.type == RrType::kAny && isOfClass(record, RrClass::kAny);
      if (!all_types && !isDataType(record.type)) {
        return refuse(Rcode::kFormErr, record, "no type of data");
      }
      if (isOfClass(record, RrClass::kAny) || isOfClass(record, RrClass::kNone)) {
        if (record.ttl != 0) return refuse(Rcode::kFormErr, record, "a deletion with a TTL");
        if (isOfClass(record, RrClass::kAny) && !record.rdata.empty()) {
          return refuse(Rcode::kFormErr, record, "a deletion of an RRset with data");
        }
      } else if (!isOfClass(record, RrClass::kIn)) {
        return refuse(Rcode::kFormErr, record, "a class that no update has");
      }
    }
    for (const UpdateRecord& record : update_.updates) {
      if (isMadeBySigning(record.type)) {
        return refuse(Rcode::kRefused, record, "made by the server, and not by updates");
      }
    }
    return true;
  }

  // RFC 2136 §3.4.2.2.
  void add(const UpdateRecord& record) {
    WorkingNode& node = nodeOf(record.owner);
    const auto bars = [&](const auto& entry) {
      return record.type == RrType::kCname
                 ? entry.first != RrType::kCname && !standsBesideCname(entry.first)
                 : entry.first == RrType::kCname;
    };
    if (std::any_of(node.rrsets.begin(), node.rrsets.end(), bars)) return;
    if (record.type == RrType::kSoa && !isNewerSoa(node, record)) return;
    WorkingRrset& rrset = node.rrsets[record.type];
    rrset.ttl = record.ttl;
    if (holdsRdata(record.type, rrset.rdata, record.rdata)) return;
    if (standsAlone(record.type)) rrset.rdata.clear();
    rrset.rdata.push_back(record.rdata);
  }

  static bool isNewerSoa(const WorkingNode& node, const UpdateRecord& record) {
    const auto soa = node.rrsets.find(RrType::kSoa);
    if (soa == node.rrsets.end()) return false;
    return isNewerSerial(serialOf(record.rdata).value_or(0),
                         serialOf(soa->second.rdata.front()).value_or(0));
  }

  // RFC 2136 §3.4.2.3.
  void deleteRrsets(const UpdateRecord& record) {
    WorkingNode& node = nodeOf(record.owner);
    const bool at_apex = record.owner.lowered().view() == zone_.apex();
    std::erase_if(node.rrsets, [&](const auto& entry) {
      if (record.type != RrType::kAny && record.type != entry.first) return false;
      return !at_apex || (entry.first != RrType::kSoa && entry.first != RrType::kNs);
    });
  }

  // RFC 2136 §3.4.2.4.
  void deleteRecord(const UpdateRecord& record) {
    WorkingNode& node = nodeOf(record.owner);
    const auto rrset = node.rrsets.find(record.type);
    if (record.type == RrType::kSoa || rrset == node.rrsets.end()) return;
    std::vector<Rdata>& set = rrset->second.rdata;
    const bool last_of_apex = record.type == RrType::kNs && set.size() == 1 &&
                              record.owner.lowered().view() == zone_.apex();
    if (last_of_apex) return;
    std::erase_if(set,
                  [&](const Rdata& each) { return sameRdata(record.type, each, record.rdata); });
    if (set.empty()) node.rrsets.erase(rrset);
  }

  bool isInUse(const Name& owner) const {
    const std::optional<NodeIx> node = zone_.nodeOf(owner);
    return node && !zone_.firstRrset(*node).empty();
  }
  RrsetView zoneRrset(const Name& owner, RrType type) const {
    const std::optional<NodeIx> node = zone_.nodeOf(owner);
    return node ? zone_.rrset(*node, type) : RrsetView{};
  }

  // As the zone has it at first, then as the update has made it.
  WorkingNode& nodeOf(const Name& owner) {
    const Name lowered = owner.lowered();
    const auto [entry, is_new] = nodes_.try_emplace(lowered.text());
    WorkingNode& out = entry->second;
    if (!is_new) return out;
    out.written = owner;
    const std::optional<NodeIx> node = zone_.nodeOf(lowered);
    if (!node) return out;
    out.written = Name(zone_.nodeName(*node));
    for (const RrsetView& rrset : zone_.rrsets(*node)) {
      if (isMadeBySigning(rrset.type)) continue;  // stays as it is, whatever the update says
      out.rrsets[rrset.type] = {rrset.ttl, rdataOf(rrset)};
    }
    return out;
  }

  // The RRsets that are not as the zone has them.
  std::vector<RrsetEdit> edits() const {
    std::vector<RrsetEdit> out;
    for (const auto& [text, node] : nodes_) {
      const Name lowered = node.written.lowered();
      const std::optional<NodeIx> before = zone_.nodeOf(lowered);
      for (const auto& [type, rrset] : node.rrsets) {
        const RrsetView old = zoneRrset(lowered, type);
        if (rrset != WorkingRrset{old.ttl, rdataOf(old)}) {
          out.push_back({node.written, type, rrset.ttl, rrset.rdata});
        }
      }
      if (!before) continue;
      for (const RrsetView& old : zone_.rrsets(*before)) {
        if (isMadeBySigning(old.type)) continue;
        if (!node.rrsets.contains(old.type)) out.push_back({node.written, old.type, old.ttl, {}});
      }
    }
    return out;
  }

  const Zone& zone_;
  const Update& update_;
  std::map<std::string, WorkingNode> nodes_;  // by lower-cased owner; those the update names
  UpdateRefusal refusal_;
};

}  // namespace

tl::expected<std::shared_ptr<const ZoneDifference>, UpdateRefusal> planUpdate(const Zone& zone,
                                                                              const Update& update,
                                                                              SerialPolicy policy,
                                                                              WallTime now) {
  return UpdatePlanning(zone, update).run(policy, now);
}

}  // namespace meridian::dns
