#include "dns/zone/zone_builder.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/byte_writer.h"
#include "dns/wire/render_record.h"
#include "dns/zone/rdata_names.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kMaxArena = 0xffff0000;
// Header, question's type and class: an RRset that leaves no room for them and its owner's name
// fits into no message.
constexpr std::size_t kMessageFrame = 16;

// The types that may stand beside a CNAME (RFC 4034 §2.5, §4).
bool livesWithCname(RrType type) {
  return type == RrType::kRrsig || type == RrType::kNsec;
}

bool isSingleton(RrType type) {
  return type == RrType::kSoa || type == RrType::kCname || type == RrType::kDname;
}

// The type that an RRSIG covers (RFC 4034 §3.1.1); kNoIndex for other records.
std::uint32_t coveredBy(RrType type, std::span<const std::uint8_t> rdata) {
  if (type != RrType::kRrsig || rdata.size() < 2) return kNoIndex;
  return std::uint32_t{rdata[0]} << 8 | rdata[1];
}

std::uint16_t lengthAt(const std::uint8_t* record) {
  return static_cast<std::uint16_t>(record[10] << 8 | record[11]);
}

void renderRecord(std::span<std::uint8_t> out, RrType type, std::uint32_t ttl,
                  std::span<const std::uint8_t> rdata) {
  ByteWriter writer(out);
  writer.u16(kQnamePointer);
  writer.u16(static_cast<std::uint16_t>(type));
  writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
  writer.u32(ttl);
  writer.u16(static_cast<std::uint16_t>(rdata.size()));
  writer.bytes(rdata);
}

}  // namespace

ZoneBuilder::ZoneBuilder() : state_(std::make_unique<Zone::State>()) {
  state_->table.reset(64);
}

ZoneBuilder::~ZoneBuilder() = default;

Result<NodeIx> ZoneBuilder::node(NameView owner, std::uint32_t line) {
  const Name lowered = Name(owner).lowered();
  const std::uint64_t hash = hashName(lowered);
  if (const std::uint32_t found = state_->probe(lowered, hash); found != kNoIndex) {
    return NodeIx(found);
  }
  std::vector<std::uint8_t>& arena = state_->arena;
  if (arena.size() + owner.size() > kMaxArena) {
    return fail(ErrorKind::kTooLarge, "the zone needs more than 4 GiB");
  }
  const auto name = static_cast<std::uint32_t>(arena.size());
  arena.insert(arena.end(), owner.wire().begin(), owner.wire().end());
  addNode(name, static_cast<std::uint8_t>(owner.size()), lowered == owner ? 0 : kHasUpperCase,
          hash);
  lines_.push_back(line);
  return NodeIx(static_cast<std::uint32_t>(state_->nodes.size() - 1));
}

void ZoneBuilder::addNode(std::uint32_t name, std::uint8_t size, std::uint8_t flags,
                          std::uint64_t hash) {
  if (state_->table.isFull()) growTable();
  state_->nodes.push_back({name, kNoIndex, size, flags});
  state_->table.insert(hash, static_cast<std::uint32_t>(state_->nodes.size() - 1));
}

void ZoneBuilder::growTable() {
  state_->table.reset(state_->table.slots() * 2);
  for (std::size_t i = 0; i < state_->nodes.size(); ++i) {
    const ZoneNode& node = state_->nodes[i];
    const bool written_low = (node.flags & kHasUpperCase) == 0;
    const std::uint64_t hash =
        written_low ? hashName(state_->nameOf(node)) : hashName(state_->loweredName(node));
    state_->table.insert(hash, static_cast<std::uint32_t>(i));
  }
}

bool ZoneBuilder::hasApex() const {
  return state_->apex_node != kNoIndex;
}

Result<ZoneBuilder::Added> ZoneBuilder::add(NodeIx node, RrType type, std::uint32_t ttl,
                                            std::span<const std::uint8_t> rdata) {
  if (type == RrType::kSoa && hasApex() && state_->apex_node != node.value) {
    return fail(ErrorKind::kInvalid, "a second SOA; the first is at " +
                                         state_->nameOf(state_->nodes[state_->apex_node]).text());
  }
  const std::uint32_t covered = coveredBy(type, rdata);
  std::uint32_t rrset =
      covered == kNoIndex ? findRrset(node.value, type) : findSignatures(node.value, covered);
  const bool is_new = rrset == kNoIndex;
  if (is_new) {
    if (const Status alone = checkCname(node.value, type); !alone) {
      return tl::unexpected(alone.error());
    }
    rrset = static_cast<std::uint32_t>(state_->rrsets.size());
    state_->rrsets.push_back({.additional = covered, .type = type});
  } else if (holds(state_->rrsets[rrset], rdata)) {
    return Added::kDuplicate;
  } else if (isSingleton(type)) {
    return fail(ErrorKind::kInvalid, "a second, different record of a type that stands alone");
  }
  const std::size_t bytes = kRenderedFixedBytes + rdata.size();
  if (const Status room = makeRoom(state_->nodes[node.index()], rrset, bytes); !room) {
    if (is_new) state_->rrsets.pop_back();
    return tl::unexpected(room.error());
  }
  if (is_new) chain(node.value, rrset);
  if (type == RrType::kSoa) state_->apex_node = node.value;
  if (is_new && (type == RrType::kNs || type == RrType::kDname)) ++hiding_rrsets_;
  return append(rrset, ttl, rdata);
}

std::uint32_t ZoneBuilder::findRrset(std::uint32_t node, RrType type) const {
  const ZoneRrset* found = state_->rrsetOf(state_->nodes[node], type);
  return found == nullptr ? kNoIndex : static_cast<std::uint32_t>(found - state_->rrsets.data());
}

std::uint32_t ZoneBuilder::findSignatures(std::uint32_t node, std::uint32_t covered) const {
  const ZoneRrset* found = state_->signaturesOf(state_->nodes[node], static_cast<RrType>(covered));
  return found == nullptr ? kNoIndex : static_cast<std::uint32_t>(found - state_->rrsets.data());
}

Status ZoneBuilder::checkCname(std::uint32_t node, RrType type) const {
  if (livesWithCname(type)) return {};
  for (std::uint32_t at = state_->nodes[node].rrsets; at != kNoIndex;
       at = state_->rrsets[at].next) {
    const RrType other = state_->rrsets[at].type;
    if (livesWithCname(other)) continue;
    if (type == RrType::kCname) {
      return fail(ErrorKind::kInvalid, "a CNAME where other records stand (RFC 2181 10.1)");
    }
    if (other == RrType::kCname) {
      return fail(ErrorKind::kInvalid, "a record beside a CNAME (RFC 2181 10.1)");
    }
  }
  return {};
}

bool ZoneBuilder::holds(const ZoneRrset& rrset, std::span<const std::uint8_t> rdata) const {
  const auto rendered = std::span(state_->arena).subspan(rrset.offset, rrset.size);
  for (std::size_t at = 0; at < rendered.size();) {
    const std::size_t length = lengthAt(&rendered[at]);
    const auto other = rendered.subspan(at + kRenderedFixedBytes, length);
    if (sameRdata(rrset.type, other, rdata)) return true;
    at += kRenderedFixedBytes + length;
  }
  return false;
}

Status ZoneBuilder::makeRoom(const ZoneNode& node, std::uint32_t rrset, std::size_t bytes) {
  ZoneRrset& set = state_->rrsets[rrset];
  std::vector<std::uint8_t>& arena = state_->arena;
  const std::size_t size = set.size + bytes;
  if (size + node.name_size + kMessageFrame > kMaxMessage) {
    return fail(ErrorKind::kInvalid, "the RRset fits into no DNS message");
  }
  if (size <= set.capacity) return {};
  const bool is_last = std::size_t{set.offset} + set.capacity == arena.size();
  // A set that is not the last of the arena moves to its end and doubles, so that records in any
  // order cost at most as much again as the records themselves.
  const std::size_t capacity =
      set.size == 0 || is_last ? size : std::min(std::bit_ceil(size), kMaxMessage);
  if (arena.size() + capacity > kMaxArena) {
    return fail(ErrorKind::kTooLarge, "the zone needs more than 4 GiB");
  }
  if (set.size != 0 && is_last) {
    arena.resize(arena.size() + capacity - set.capacity);
  } else {
    const auto moved = static_cast<std::uint32_t>(arena.size());
    arena.resize(arena.size() + capacity);
    std::copy_n(arena.begin() + set.offset, set.size, arena.begin() + moved);
    set.offset = moved;
  }
  set.capacity = static_cast<std::uint16_t>(capacity);
  return {};
}

void ZoneBuilder::chain(std::uint32_t node, std::uint32_t rrset) {
  std::uint32_t* link = &state_->nodes[node].rrsets;
  const auto place = [](const ZoneRrset& set) { return std::pair(set.type, set.additional); };
  while (*link != kNoIndex && place(state_->rrsets[*link]) < place(state_->rrsets[rrset])) {
    link = &state_->rrsets[*link].next;
  }
  state_->rrsets[rrset].next = std::exchange(*link, rrset);
}

ZoneBuilder::Added ZoneBuilder::append(std::uint32_t rrset, std::uint32_t ttl,
                                       std::span<const std::uint8_t> rdata) {
  ZoneRrset& set = state_->rrsets[rrset];
  const std::size_t bytes = kRenderedFixedBytes + rdata.size();
  const auto room = std::span(state_->arena).subspan(set.offset, set.size + bytes);
  const std::uint32_t smallest = set.count == 0 ? ttl : std::min(ttl, state_->view(set).ttl);
  const bool evened = set.count != 0 && ttl != state_->view(set).ttl;
  renderRecord(room.subspan(set.size), set.type, smallest, rdata);
  set.size = static_cast<std::uint16_t>(room.size());
  ++set.count;
  ++state_->record_count;
  if (!evened) return Added::kNew;
  setRenderedTtls(room, smallest);
  return Added::kTtlEvened;
}

void ZoneBuilder::check(const std::string& file, Diagnostics& out) const {
  if (!hasApex()) {
    if (out.empty()) out.add({file, 0, 0}, "", "", "no SOA record");
    return;
  }
  const Name apex = state_->loweredName(state_->nodes[state_->apex_node]);
  if (out.empty() && findRrset(state_->apex_node, RrType::kNs) == kNoIndex) {
    out.add({file, 0, 0}, apex.text(), "", "no NS record at the apex");
  }
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    const std::string reason = nodeProblem(i, apex);
    if (reason.empty()) continue;
    out.add({file, lines_[i], 0}, state_->nameOf(state_->nodes[i]).text(), "", reason);
  }
  checkIterations(file, out);
}

std::string ZoneBuilder::nodeProblem(std::uint32_t node, const Name& apex) const {
  const Name name = state_->loweredName(state_->nodes[node]);
  if (!name.view().isWithin(apex)) return "not within the zone " + apex.text();
  if (isCut(node) && findRrset(node, RrType::kDname) != kNoIndex) {
    return "NS and DNAME at one name (RFC 6672 2.3)";
  }
  // The hashed names of a zone that has a DNAME at its apex stand below it.
  if (hidden(name) == Hidden::kBelowDname && !ownsOnlyNsec3(node)) {
    return "below a DNAME (RFC 6672 2.4)";
  }
  return "";
}

std::shared_ptr<const Zone> ZoneBuilder::build() {
  return std::shared_ptr<const Zone>(new Zone(compile()));
}

std::unique_ptr<const Zone::State> ZoneBuilder::stateOf(const Name& apex,
                                                        const std::vector<ZoneRecord>& records) {
  ZoneBuilder builder;
  for (const ZoneRecord& record : records) {
    const Result<NodeIx> node = builder.node(record.owner, 0);
    const bool added = node && builder.add(*node, record.type, record.ttl, record.rdata);
    assert(added);
  }
  Diagnostics problems;
  builder.check("", problems);
  assert(problems.empty());
  assert(builder.state_->loweredName(builder.state_->nodes[builder.state_->apex_node]) ==
         apex.lowered());
  return builder.compile();
}

}  // namespace meridian::dns
