#include "dns/zone/difference.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/zone/rdata_names.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/serial.h"
#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kSizeBytes = 4;

// One record of a node.
struct NodeRecord {
  RrType type;
  std::uint32_t ttl;
  std::span<const std::uint8_t> rdata;

  friend bool operator<(const NodeRecord& a, const NodeRecord& b) {
    if (std::tie(a.type, a.ttl) != std::tie(b.type, b.ttl)) {
      return std::tie(a.type, a.ttl) < std::tie(b.type, b.ttl);
    }
    return std::lexicographical_compare(a.rdata.begin(), a.rdata.end(), b.rdata.begin(),
                                        b.rdata.end());
  }
};

std::vector<NodeRecord> recordsOf(const std::vector<RrsetView>& rrsets) {
  std::vector<NodeRecord> out;
  for (const RrsetView& rrset : rrsets) {
    for (auto rest = rrset.rendered; !rest.empty();) {
      const auto length = static_cast<std::size_t>(rest[10] << 8 | rest[11]);
      out.push_back({rrset.type, rrset.ttl, rest.subspan(kRenderedFixedBytes, length)});
      rest = rest.subspan(kRenderedFixedBytes + length);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool sameRrsets(const std::vector<RrsetView>& a, const std::vector<RrsetView>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return std::equal(x.rendered.begin(), x.rendered.end(), y.rendered.begin(), y.rendered.end());
  });
}

// What `have` has and `lack` has not, to `out`; of the apex without the SOA, which stands there.
void addMissing(const Zone& zone, NodeIx node, const std::vector<RrsetView>& have,
                const std::vector<RrsetView>& lack, RecordList& out) {
  if (sameRrsets(have, lack)) return;
  const std::vector<NodeRecord> all = recordsOf(have);
  const std::vector<NodeRecord> others = recordsOf(lack);
  std::vector<NodeRecord> missing;
  std::set_difference(all.begin(), all.end(), others.begin(), others.end(),
                      std::back_inserter(missing));
  for (const NodeRecord& record : missing) {
    if (record.type == RrType::kSoa) continue;
    out.add({zone.nodeName(node), record.type, record.ttl, record.rdata});
  }
}

RecordView soaOf(const Zone& zone) {
  const RrsetView soa = zone.rrset(zone.apexNode(), RrType::kSoa);
  return {zone.apex(), RrType::kSoa, soa.ttl, soa.firstRdata()};
}

// To `out`: the SOA of `zone`, then what it has at any node that `other` has not.
void addSide(const Zone& zone, const Zone& other, RecordList& out) {
  out.add(soaOf(zone));
  for (std::uint32_t i = 0; i < zone.nodeCount(); ++i) {
    const std::vector<RrsetView> rrsets = zone.rrsets(NodeIx(i));
    if (rrsets.empty()) continue;
    const Name lowered = Name(zone.nodeName(NodeIx(i))).lowered();
    const std::optional<NodeIx> twin = other.nodeOf(lowered);
    addMissing(zone, NodeIx(i), rrsets, twin ? other.rrsets(*twin) : std::vector<RrsetView>{}, out);
  }
}

std::string described(const RecordView& record) {
  return record.owner.text() + " " + rrTypeName(record.type);
}

// The records of a zone but for some, then others: the zone that they make.
class Rebuild {
 public:
  Rebuild(const Zone& zone, const std::string& source) : zone_(zone), source_(source) {}

  Checked<std::shared_ptr<const Zone>> run(const ZoneDifference& difference) {
    for (RecordCursor at(difference.removed); !at.atEnd();) noteRemoval(at.next());
    for (ZoneCursor at(zone_); !at.atEnd();) {
      const NodeIx node = at.node();
      const RecordView record = at.next();
      if (!isRemoved(node, record)) add(record, false);
    }
    for (const auto& [node, removals] : removals_) {
      for (const Removal& removal : removals) {
        if (!removal.done) refuse(removal.record, "is to be removed, and is not there");
      }
    }
    for (RecordCursor at(difference.added); !at.atEnd();) add(at.next(), true);
    builder_.check(source_, problems_);
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    return builder_.build();
  }

 private:
  struct Removal {
    RecordView record;
    bool done = false;
  };

  void noteRemoval(const RecordView& record) {
    const std::optional<NodeIx> node = zone_.nodeOf(Name(record.owner).lowered());
    if (!node) return refuse(record, "is to be removed, and its name is not there");
    removals_[node->value].push_back({record});
  }
  bool isRemoved(NodeIx node, const RecordView& record) {
    const auto found = removals_.find(node.value);
    if (found == removals_.end()) return false;
    for (Removal& removal : found->second) {
      if (removal.done || removal.record.type != record.type) continue;
      if (!sameRdata(record.type, removal.record.rdata, record.rdata)) continue;
      return removal.done = true;
    }
    return false;
  }
  void add(const RecordView& record, bool is_new) {
    const Result<NodeIx> node = builder_.node(record.owner, 0);
    if (!node) return refuse(record, node.error().message);
    const Result<ZoneBuilder::Added> added =
        builder_.add(*node, record.type, record.ttl, record.rdata);
    if (!added) return refuse(record, added.error().message);
    if (is_new && *added == ZoneBuilder::Added::kDuplicate) {
      refuse(record, "is to be added, and is there");
    }
  }
  void refuse(const RecordView& record, const std::string& reason) {
    problems_.add({source_, 0, 0}, described(record), "", reason);
  }

  const Zone& zone_;
  const std::string& source_;
  ZoneBuilder builder_;
  Diagnostics problems_;
  std::unordered_map<std::uint32_t, std::vector<Removal>> removals_;  // by node
};

}  // namespace

std::uint32_t ZoneDifference::from() const {
  return serialOf(RecordCursor(removed).next().rdata).value_or(0);
}

std::uint32_t ZoneDifference::to() const {
  return serialOf(RecordCursor(added).next().rdata).value_or(0);
}

std::shared_ptr<const ZoneDifference> differenceOf(const Zone& before, const Zone& after) {
  auto out = std::make_shared<ZoneDifference>();
  addSide(before, after, out->removed);
  addSide(after, before, out->added);
  const bool only_soa = out->removed.count() == 1 && out->added.count() == 1;
  if (only_soa && std::ranges::equal(out->removed.wire(), out->added.wire())) return nullptr;
  return out;
}

Checked<std::shared_ptr<const Zone>> apply(const Zone& zone, const ZoneDifference& difference,
                                           const std::string& source) {
  return Rebuild(zone, source).run(difference);
}

Checked<std::shared_ptr<const Zone>> zoneOfRecords(const RecordList& records,
                                                   const std::string& source) {
  ZoneBuilder builder;
  Diagnostics problems;
  for (RecordCursor at(records); !at.atEnd();) {
    const RecordView record = at.next();
    const Result<NodeIx> node = builder.node(record.owner, 0);
    Status added = node ? Status() : tl::unexpected(node.error());
    if (added) {
      const auto outcome = builder.add(*node, record.type, record.ttl, record.rdata);
      if (!outcome) added = tl::unexpected(outcome.error());
    }
    if (!added) problems.add({source, 0, 0}, described(record), "", added.error().message);
  }
  builder.check(source, problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return builder.build();
}

std::string encode(const ZoneDifference& difference) {
  std::array<std::uint8_t, 2 * kSizeBytes> sizes{};
  ByteWriter writer(sizes);
  writer.u32(static_cast<std::uint32_t>(difference.removed.wire().size()));
  writer.u32(static_cast<std::uint32_t>(difference.added.wire().size()));
  std::string out(asText(sizes));
  out += asText(difference.removed.wire());
  out += asText(difference.added.wire());
  return out;
}

Result<ZoneDifference> decodeDifference(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes);
  const std::uint32_t removed_size = in.u32();
  const std::uint32_t added_size = in.u32();
  const auto removed_wire = in.bytes(removed_size);
  const auto added_wire = in.bytes(added_size);
  if (!in.ok() || in.remaining() != 0) {
    return fail(ErrorKind::kCorrupt, "not as long as it says");
  }
  auto removed = RecordList::fromWire(removed_wire);
  if (!removed) return tl::unexpected(removed.error().within("removed"));
  auto added = RecordList::fromWire(added_wire);
  if (!added) return tl::unexpected(added.error().within("added"));
  ZoneDifference out{std::move(*removed), std::move(*added)};
  for (const RecordList* side : {&out.removed, &out.added}) {
    const bool has_soa = !side->empty() && RecordCursor(*side).next().type == RrType::kSoa &&
                         serialOf(RecordCursor(*side).next().rdata);
    if (!has_soa) return fail(ErrorKind::kCorrupt, "a side does not begin with a SOA");
  }
  return out;
}

}  // namespace meridian::dns
