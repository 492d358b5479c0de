// The stored form of commits, rows and meta values: versioned JSON (docs/journal-format.md).
//
// Encoding never fails. Decoding checks every member that this version needs and ignores others, so
// that a later version may add some; what it cannot read is kCorrupt with the member's name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "partition/journal.h"

namespace meridian::partition {

// 8 bytes, big-endian: byte order is the order of revs.
std::string revKey(Rev rev);
// 0 when the key is no rev.
Rev revOfKey(std::string_view key);

std::string encodeRecord(const JournalRecord& record);
Result<JournalRecord> decodeRecord(std::string_view text);

// An assignment by ids: rows outlive the topology whose indices an Assignment uses.
struct StoredRow {
  SubjectKind kind = SubjectKind::kPartition;
  std::string zone, ezone, prev_ezone;  // prev_ezone empty: none
  Epoch epoch = 0;
  Rev rev = 0;
  WallTime since{};
  std::string change_id, reason, actor;
  WriteState write_state = WriteState::kOpen;
  std::optional<WallTime> block_expires = {};
  bool prepared = false;
};
std::string encodeRow(const StoredRow& row);
Result<StoredRow> decodeRow(std::string_view text);

struct StoredHead {
  Rev rev = 0;
  std::uint64_t subjects = 0;  // rows in family "table"
};
std::string encodeHead(const StoredHead& head);
Result<StoredHead> decodeHead(std::string_view text);

using SlotOwners = std::map<std::uint8_t, std::string>;  // slot → the eZone that has or had it
std::string encodeSlots(const SlotOwners& owners);
Result<SlotOwners> decodeSlots(std::string_view text);

std::string encodeRetired(Epoch last);
Result<Epoch> decodeRetired(std::string_view text);

}  // namespace meridian::partition
