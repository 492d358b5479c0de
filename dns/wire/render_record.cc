#include "dns/wire/render_record.h"

#include <cstddef>

#include "base/byte_writer.h"

namespace meridian::dns {

void renderRecord(RrType type, std::uint32_t ttl, std::span<const std::uint8_t> rdata,
                  std::vector<std::uint8_t>& out) {
  const std::size_t at = out.size();
  out.resize(at + kRenderedFixedBytes + rdata.size());
  ByteWriter writer(std::span<std::uint8_t>(out).subspan(at));
  writer.numbers(kQnamePointer, static_cast<std::uint16_t>(type),
                 static_cast<std::uint16_t>(RrClass::kIn), ttl,
                 static_cast<std::uint16_t>(rdata.size()));
  writer.bytes(rdata);
}

void setRenderedTtls(std::span<std::uint8_t> rendered, std::uint32_t ttl) {
  for (std::size_t at = 0; at < rendered.size();) {
    ByteWriter(rendered.subspan(at + 6, 4)).u32(ttl);
    at += kRenderedFixedBytes + (std::size_t{rendered[at + 10]} << 8U | rendered[at + 11]);
  }
}

}  // namespace meridian::dns
