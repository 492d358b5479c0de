// Any bytes as an OPT record's fields: refused, or a client subnet whose parts agree and that is
// echoed to the byte.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/edns.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::dns;
  meridian::ByteReader in(std::span(data, size));
  Edns edns;
  if (!readOpt(in, 65001, edns)) return 0;
  require(edns.present && edns.udp_payload >= 512);
  const ClientSubnet& subnet = edns.subnet;
  if (!subnet.present) return 0;
  require(subnet.address_bytes.size() == (std::size_t{subnet.source_length} + 7) / 8);
  require(subnet.source_length <= bitsOf(subnet.address.family()));
  require(subnet.address == subnet.address.masked(subnet.source_length));
  require(subnet.has_address == (subnet.source_length != 0));

  OptReply reply;
  reply.subnet = &subnet;
  reply.scope_length = 7;
  std::array<std::uint8_t, 64> buffer{};
  meridian::ByteWriter out(buffer);
  writeOpt(out, reply, Rcode::kNoError);
  require(out.ok() && out.position() == optSize(reply));
  meridian::ByteReader echoed(out.written());
  echoed.skip(15);  // to the option's family
  require(echoed.u16() == subnet.family && echoed.u8() == subnet.source_length && echoed.u8() == 7);
  for (const std::uint8_t byte : subnet.address_bytes) require(echoed.u8() == byte);
  require(echoed.ok() && echoed.remaining() == 0);
  return 0;
}
