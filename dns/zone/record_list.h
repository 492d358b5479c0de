// RecordList: resource records of class IN one after another in wire form (RFC 1035 §3.2.1), names
// uncompressed. What differences of zones, their place in the store and transfers are made of.
//
// Always holds whole records. Threads: const calls from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// Does not own what it shows.
struct RecordView {
  NameView owner;
  RrType type = RrType::kA;
  std::uint32_t ttl = 0;
  std::span<const std::uint8_t> rdata;
};

class RecordList {
 public:
  // kCorrupt: not whole records of class IN. The RDATA's own form is not looked at.
  static Result<RecordList> fromWire(std::span<const std::uint8_t> wire);

  // REQUIRES: rdata.size() <= 65535.
  void add(const RecordView& record);
  void append(const RecordList& other);

  std::size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::span<const std::uint8_t> wire() const { return wire_; }

 private:
  std::vector<std::uint8_t> wire_;
  std::size_t count_ = 0;
};

// Goes through a list that outlives it and does not change.
class RecordCursor {
 public:
  explicit RecordCursor(const RecordList& list) : rest_(list.wire()) {}

  bool atEnd() const { return rest_.empty(); }
  // REQUIRES: !atEnd().
  RecordView next();

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace meridian::dns
