#include "dns/update/update_message.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "dns/wire/read_name.h"
#include "dns/wire/skip_name.h"
#include "dns/zone/rdata_parser.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kQueryBit = 0x8000;  // set in responses
constexpr std::uint32_t kMaxTtl = 0x7FFF'FFFF;

// Types whose names may be compressed: `prefix` bytes, `names`, then whatever comes.
struct NamedForm {
  std::uint16_t type;
  std::size_t prefix;
  std::size_t names;
};
constexpr NamedForm kNamedForms[] = {
    {2, 0, 1},   // NS
    {3, 0, 1},   // MD
    {4, 0, 1},   // MF
    {5, 0, 1},   // CNAME
    {6, 0, 2},   // SOA
    {7, 0, 1},   // MB
    {8, 0, 1},   // MG
    {9, 0, 1},   // MR
    {12, 0, 1},  // PTR
    {14, 0, 2},  // MINFO
    {15, 2, 1},  // MX
    {17, 0, 2},  // RP
    {18, 2, 1},  // AFSDB
    {21, 2, 1},  // RT
    {26, 2, 2},  // PX
    {33, 6, 1},  // SRV
};

// The RDATA that is the `size` bytes at `start`, names uncompressed. nullopt: they cannot be read.
std::optional<std::vector<std::uint8_t>> uncompressed(std::span<const std::uint8_t> message,
                                                      std::size_t start, std::size_t size,
                                                      RrType type) {
  const auto bytes = message.subspan(start, size);
  const auto* const form = std::find_if(
      std::begin(kNamedForms), std::end(kNamedForms),
      [&](const NamedForm& each) { return each.type == static_cast<std::uint16_t>(type); });
  if (form == std::end(kNamedForms) || size == 0) {
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }
  if (size < form->prefix) return std::nullopt;
  std::vector<std::uint8_t> out(bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(form->prefix));
  // Names end within the RDATA; what they point to stands before.
  const auto until_end = message.first(start + size);
  std::size_t at = start + form->prefix;
  for (std::size_t i = 0; i < form->names; ++i) {
    const auto name = readName(until_end, at);
    if (!name) return std::nullopt;
    const auto wire = name->view().wire();
    out.insert(out.end(), wire.begin(), wire.end());
  }
  const auto rest = until_end.subspan(at);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

class UpdateReader {
 public:
  explicit UpdateReader(std::span<const std::uint8_t> message) : message_(message), in_(message) {}

  tl::expected<Update, UpdateRefusal> read() {
    in_.skip(2);
    const std::uint16_t flags = in_.u16();
    const std::uint16_t zones = in_.u16();
    const std::uint16_t prerequisites = in_.u16();
    const std::uint16_t updates = in_.u16();
    const std::uint16_t additionals = in_.u16();
    if (!in_.ok() || (flags & kQueryBit) != 0 ||
        (flags >> 11 & 0xF) != static_cast<std::uint16_t>(Opcode::kUpdate)) {
      return refuse("not an update request");
    }
    if (zones != 1) return refuse("not one zone (RFC 2136 3.1.1)");
    const auto zone = nextName();
    if (!zone) return refuse("the zone's name cannot be read");
    const auto type = static_cast<RrType>(in_.u16());
    out_.zone = zone->lowered();
    out_.rr_class = in_.u16();
    if (!in_.ok()) return refuse("the zone section ends early");
    if (type != RrType::kSoa) return refuse("the zone's type is not SOA (RFC 2136 2.3)");
    if (!readRecords(prerequisites, "prerequisite", out_.prerequisites) ||
        !readRecords(updates, "update", out_.updates)) {
      return tl::unexpected(std::move(refusal_));
    }
    for (std::uint16_t i = 0; i < additionals && in_.ok(); ++i) {
      skipName(in_);
      in_.skip(8);  // type, class and TTL
      in_.skip(in_.u16());
    }
    if (!in_.ok()) return refuse("the additional section ends early");
    if (in_.remaining() != 0) return refuse("bytes behind the last record");
    return std::move(out_);
  }

 private:
  static tl::unexpected<UpdateRefusal> refuse(std::string reason) {
    return tl::unexpected(UpdateRefusal{Rcode::kFormErr, std::move(reason)});
  }

  std::optional<Name> nextName() {
    std::size_t at = in_.position();
    auto name = readName(message_, at);
    if (name) in_.skip(at - in_.position());
    return name;
  }

  bool readRecords(std::uint16_t count, const char* section, std::vector<UpdateRecord>& out) {
    for (std::uint16_t i = 0; i < count; ++i) {
      UpdateRecord record;
      if (const std::string reason = readRecord(record); !reason.empty()) {
        refusal_.reason = std::string(section) + " " + std::to_string(i) + ": " + reason;
        return false;
      }
      out.push_back(std::move(record));
    }
    return true;
  }

  // Empty when the record is good.
  std::string readRecord(UpdateRecord& out) {
    const auto owner = nextName();
    if (!owner) return "its owner cannot be read";
    out.owner = *owner;
    out.type = static_cast<RrType>(in_.u16());
    out.rr_class = in_.u16();
    const std::uint32_t ttl = in_.u32();
    out.ttl = ttl > kMaxTtl ? 0 : ttl;
    const std::size_t size = in_.u16();
    const std::size_t start = in_.position();
    in_.skip(size);
    if (!in_.ok()) return "ends early";
    // What such types would mean is refused where classes are looked at.
    if (!isDataType(out.type)) {
      const auto bytes = message_.subspan(start, size);
      out.rdata.assign(bytes.begin(), bytes.end());
      return "";
    }
    auto rdata = uncompressed(message_, start, size, out.type);
    const std::string what = out.owner.text() + " " + rrTypeName(out.type);
    if (!rdata) return what + ": a name in its RDATA cannot be read";
    out.rdata = std::move(*rdata);
    const bool may_be_empty = out.rr_class == static_cast<std::uint16_t>(RrClass::kAny) ||
                              out.rr_class == static_cast<std::uint16_t>(RrClass::kNone);
    if (out.rdata.empty() && may_be_empty) return "";
    const Status good = checkRdata(out.type, out.rdata);
    return good ? "" : what + ": " + good.error().message;
  }

  std::span<const std::uint8_t> message_;
  ByteReader in_;
  Update out_;
  UpdateRefusal refusal_;
};

}  // namespace

tl::expected<Update, UpdateRefusal> parseUpdate(std::span<const std::uint8_t> message) {
  return UpdateReader(message).read();
}

}  // namespace meridian::dns
