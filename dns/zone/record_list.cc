#include "dns/zone/record_list.h"

#include <cassert>
#include <optional>
#include <string>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/zone/rdata_names.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kFixedBytes = 10;  // type, class, TTL, RDLENGTH

// False: no whole record of class IN at the reader's position.
bool readRecord(ByteReader& in, std::span<const std::uint8_t> wire, RecordView& out) {
  const std::optional<NameView> owner = nameIn(wire, in.position());
  if (!owner) return false;
  in.skip(owner->size());
  out.owner = *owner;
  out.type = static_cast<RrType>(in.u16());
  const std::uint16_t rr_class = in.u16();
  out.ttl = in.u32();
  out.rdata = in.bytes(in.u16());
  return in.ok() && rr_class == static_cast<std::uint16_t>(RrClass::kIn);
}

}  // namespace

Result<RecordList> RecordList::fromWire(std::span<const std::uint8_t> wire) {
  RecordList out;
  ByteReader in(wire);
  for (RecordView record; in.remaining() > 0; ++out.count_) {
    if (!readRecord(in, wire, record)) {
      return fail(ErrorKind::kCorrupt, "no resource record at byte " +
                                           std::to_string(in.position()) + " of " +
                                           std::to_string(wire.size()));
    }
  }
  out.wire_.assign(wire.begin(), wire.end());
  return out;
}

void RecordList::add(const RecordView& record) {
  const std::size_t start = wire_.size();
  wire_.resize(start + record.owner.size() + kFixedBytes + record.rdata.size());
  ByteWriter out{std::span(wire_).subspan(start)};
  out.bytes(record.owner.wire());
  out.u16(static_cast<std::uint16_t>(record.type));
  out.u16(static_cast<std::uint16_t>(RrClass::kIn));
  out.u32(record.ttl);
  out.u16(static_cast<std::uint16_t>(record.rdata.size()));
  out.bytes(record.rdata);
  ++count_;
}

void RecordList::append(const RecordList& other) {
  wire_.insert(wire_.end(), other.wire_.begin(), other.wire_.end());
  count_ += other.count_;
}

RecordView RecordCursor::next() {
  RecordView out;
  ByteReader in(rest_);
  [[maybe_unused]] const bool whole = readRecord(in, rest_, out);
  assert(whole);
  rest_ = rest_.subspan(in.position());
  return out;
}

}  // namespace meridian::dns
