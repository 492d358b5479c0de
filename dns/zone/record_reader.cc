#include "dns/zone/record_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "dns/wire/read_name.h"
#include "dns/zone/rdata_parser.h"

namespace meridian::dns {
namespace {

constexpr std::uint32_t kMaxRecordTtl = 0x7FFF'FFFF;

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
    const auto name = dns::readName(until_end, at);
    if (!name) return std::nullopt;
    const auto wire = name->view().wire();
    out.insert(out.end(), wire.begin(), wire.end());
  }
  const auto rest = until_end.subspan(at);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

bool mayBeEmpty(std::uint16_t rr_class) {
  return rr_class == static_cast<std::uint16_t>(RrClass::kAny) ||
         rr_class == static_cast<std::uint16_t>(RrClass::kNone);
}

tl::unexpected<Error> unreadable(const MessageRecord& record, const std::string& why) {
  return fail(ErrorKind::kInvalid,
              record.owner.text() + " " + rrTypeName(record.type) + ": " + why);
}

}  // namespace

Status readMessageRecord(std::span<const std::uint8_t> message, std::size_t& at,
                         MessageRecord& out) {
  const auto owner = dns::readName(message, at);
  if (!owner) return fail(ErrorKind::kInvalid, "its owner cannot be read");
  out.owner = *owner;
  ByteReader in(message.subspan(at));
  out.type = static_cast<RrType>(in.u16());
  out.rr_class = in.u16();
  const std::uint32_t ttl = in.u32();
  out.ttl = ttl > kMaxRecordTtl ? 0 : ttl;
  const std::size_t size = in.u16();
  const std::size_t start = at + in.position();
  in.skip(size);
  if (!in.ok()) return fail(ErrorKind::kInvalid, "ends early");
  at = start + size;
  if (!isDataType(out.type)) {
    const auto bytes = message.subspan(start, size);
    out.rdata.assign(bytes.begin(), bytes.end());
    return {};
  }
  auto rdata = uncompressed(message, start, size, out.type);
  if (!rdata) return unreadable(out, "a name in its RDATA cannot be read");
  out.rdata = std::move(*rdata);
  if (out.rdata.empty() && mayBeEmpty(out.rr_class)) return {};
  if (const Status good = checkRdata(out.type, out.rdata); !good) {
    return unreadable(out, good.error().message);
  }
  return {};
}

}  // namespace meridian::dns
