#include "dns/zone/condense.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

bool hasRecord(const Zone& zone, NameView lowered, const RecordView& record) {
  const std::optional<NodeIx> node = zone.nodeOf(lowered);
  if (!node) return false;
  for (const RrsetView& rrset : zone.rrsets(*node)) {
    if (rrset.type != record.type || rrset.ttl != record.ttl) continue;
    for (auto rest = rrset.rendered; !rest.empty();) {
      const auto size = static_cast<std::size_t>(rest[10] << 8 | rest[11]);
      const auto rdata = rest.subspan(kRenderedFixedBytes, size);
      rest = rest.subspan(kRenderedFixedBytes + size);
      if (std::equal(rdata.begin(), rdata.end(), record.rdata.begin(), record.rdata.end())) {
        return true;
      }
    }
  }
  return false;
}

// What becomes of each record that some step names.
class Ledger {
 public:
  explicit Ledger(const Zone& zone) : zone_(zone) {}

  // All records but the SOA, which stands first. False: one is there already, or is not.
  bool take(const RecordList& list, bool is_added) {
    RecordCursor at(list);
    for (at.next(); !at.atEnd();) {
      Entry& entry = entryOf(at.next());
      if (entry.is_there == is_added) return false;
      entry.is_there = is_added;
    }
    return true;
  }
  void addChanges(ZoneDifference& out) const {
    for (const Entry& entry : entries_) {
      if (entry.was_there == entry.is_there) continue;
      (entry.is_there ? out.added : out.removed).append(entry.record);
    }
  }

 private:
  struct Entry {
    RecordList record;  // it alone
    bool was_there;
    bool is_there;
  };

  Entry& entryOf(const RecordView& record) {
    const Name lowered = Name(record.owner).lowered();
    RecordList key;
    key.add({lowered, record.type, record.ttl, record.rdata});
    const auto [place, is_new] =
        places_.try_emplace(std::string(asText(key.wire())), entries_.size());
    if (is_new) {
      const bool has = hasRecord(zone_, lowered, record);
      RecordList one;
      one.add(record);
      entries_.push_back({std::move(one), has, has});
    }
    return entries_[place->second];
  }

  const Zone& zone_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<Entry> entries_;  // in the order in which they were named first
};

}  // namespace

std::optional<ZoneDifference> condensed(const Zone& zone, std::span<const ZoneDifference> steps) {
  if (steps.size() == 1) return steps.front();
  Ledger ledger(zone);
  for (const ZoneDifference& step : steps) {
    if (!ledger.take(step.removed, false) || !ledger.take(step.added, true)) return std::nullopt;
  }
  ZoneDifference out;
  out.removed.add(RecordCursor(steps.front().removed).next());
  out.added.add(RecordCursor(steps.back().added).next());
  ledger.addChanges(out);
  return out;
}

}  // namespace meridian::dns
