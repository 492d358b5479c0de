#include "dns/wire/freshness.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/byte_reader.h"
#include "dns/wire/skip_name.h"
#include "dns/wire/types.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRcodeMask = 0x000F;
constexpr std::uint32_t kGreatestTtl = std::numeric_limits<std::int32_t>::max();  // RFC 2181 §8
constexpr std::size_t kSoaNumbers = 20;  // RFC 1035 §3.3.13

struct RecordLife {
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::uint32_t soa_minimum = 0;
};

RecordLife readLife(ByteReader& in) {
  RecordLife out;
  skipName(in);
  out.type = in.u16();
  in.skip(2);
  const std::uint32_t ttl = in.u32();
  out.ttl = ttl > kGreatestTtl ? 0 : ttl;
  ByteReader rdata(in.bytes(in.u16()));
  if (out.type == static_cast<std::uint16_t>(RrType::kSoa) && rdata.remaining() > kSoaNumbers) {
    rdata.skip(rdata.remaining() - sizeof out.soa_minimum);
    out.soa_minimum = rdata.u32();
  }
  return out;
}

}  // namespace

std::uint32_t freshSeconds(std::span<const std::uint8_t> response) {
  ByteReader in(response);
  in.skip(2);
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16();
  const std::uint16_t answers = in.u16();
  const std::uint16_t authorities = in.u16();
  in.skip(2);
  const auto rcode = static_cast<Rcode>(flags & kRcodeMask);
  if ((flags & kTruncated) != 0) return 0;
  if (rcode != Rcode::kNoError && rcode != Rcode::kNxDomain) return 0;
  for (std::uint16_t i = 0; i < questions && in.ok(); ++i) {
    skipName(in);
    in.skip(4);
  }
  std::optional<std::uint32_t> least;
  const auto bound = [&least](std::uint32_t seconds) {
    least = std::min(least.value_or(seconds), seconds);
  };
  for (std::uint16_t i = 0; i < answers && in.ok(); ++i) bound(readLife(in).ttl);
  bool negative = false;
  for (std::uint16_t i = 0; i < authorities && in.ok(); ++i) {
    const RecordLife record = readLife(in);
    if (record.type != static_cast<std::uint16_t>(RrType::kSoa)) continue;
    negative = true;
    bound(std::min(record.ttl, record.soa_minimum));
  }
  if (!in.ok() || (rcode == Rcode::kNxDomain && !negative)) return 0;
  return least.value_or(0);
}

}  // namespace meridian::dns
