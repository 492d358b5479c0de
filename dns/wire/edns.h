// The OPT record: RFC 6891, and its options that Meridian understands.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/query.h"

namespace meridian::dns {

// Reads an OPT record's fields after its owner and type. False: malformed, answer FORMERR. Unknown
// options are skipped; of an option that stands twice the first counts. Client subnet errors (RFC
// 7871 §7.1.1, §7.1.2): unknown family, wrong number of address bytes, bits set after the source
// length, a scope in a query. Of cookies: a length that RFC 7873 §4 does not have.
bool readOpt(ByteReader& in, std::uint16_t location_option_code, Edns& out);

struct OptReply {
  std::uint16_t udp_payload = 1232;  // what this server takes
  bool dnssec_ok = false;
  std::span<const std::uint8_t> nsid;    // empty = not asked
  const ClientSubnet* subnet = nullptr;  // echoed when set
  std::uint8_t scope_length = 0;
  std::span<const std::uint8_t> cookie;    // empty = none came
  std::optional<std::uint16_t> keepalive;  // idle time-out in units of 100 ms, over TCP only
  bool padded = false;                     // the finished message is to hide its size
  // May be set until the message is finished; left out where there is no room for it then.
  std::optional<ExtendedError> extended = {};
};

std::size_t optSize(const OptReply& reply);
// The high 8 bits of the response code stand in OPT.
void writeOpt(ByteWriter& out, const OptReply& reply, Rcode rcode);

// Hides the size of a finished message, whose last record is the OPT at `opt_offset`: a padding
// option of zeros (RFC 7830) makes it the next multiple of 468 bytes (RFC 8467 §4.1), or as long as
// `buffer`, which begins with it, or a message may be. Returns the message's new size; the same
// where there is no room for the option.
std::size_t addPadding(std::span<std::uint8_t> buffer, std::size_t size, std::size_t opt_offset);

}  // namespace meridian::dns
