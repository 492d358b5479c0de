#include "dns/zone/condense.h"

#include <iterator>
#include <string>
#include <unordered_map>

#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

// Records in wire form, in the order in which they came.
class PendingRecords {
 public:
  // False: it is not there.
  bool take(const std::string& record) { return places_.erase(record) != 0; }
  void put(std::string record) { places_.emplace(std::move(record), next_++); }

  // Behind `out`.
  void moveTo(RecordList& out) const {
    std::vector<const std::string*> ordered(next_, nullptr);
    for (const auto& [record, place] : places_) ordered[place] = &record;
    for (const std::string* record : ordered) {
      if (record == nullptr) continue;
      const std::span bytes(reinterpret_cast<const std::uint8_t*>(record->data()), record->size());
      // It came out of a list, so it is one whole record.
      out.append(*RecordList::fromWire(bytes));
    }
  }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  std::size_t next_ = 0;
};

std::string wireOf(const RecordView& record) {
  RecordList one;
  one.add(record);
  return std::string(asText(one.wire()));
}

// The SOA, which stands first.
RecordView headOf(const RecordList& list) {
  return RecordCursor(list).next();
}

}  // namespace

ZoneDifference condensed(std::span<const ZoneDifference> steps) {
  if (steps.size() == 1) return steps.front();
  PendingRecords removed;
  PendingRecords added;
  const auto move = [](const RecordList& list, PendingRecords& from, PendingRecords& to) {
    RecordCursor at(list);
    for (at.next(); !at.atEnd();) {
      std::string record = wireOf(at.next());
      if (!from.take(record)) to.put(std::move(record));
    }
  };
  for (const ZoneDifference& step : steps) {
    move(step.removed, added, removed);
    move(step.added, removed, added);
  }
  ZoneDifference out;
  out.removed.add(headOf(steps.front().removed));
  out.added.add(headOf(steps.back().added));
  removed.moveTo(out.removed);
  added.moveTo(out.added);
  return out;
}

}  // namespace meridian::dns
