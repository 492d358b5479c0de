#include "dns/answer/answer_facts.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kAuthoritativeBit = 0x0400;
constexpr std::uint16_t kTruncatedBit = 0x0200;
constexpr std::uint16_t kRcodeBits = 0x000F;

// Spreads what is added; an equal pair gives an equal hash, and nothing more is asked of it.
std::uint64_t withValue(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 32;
}

AnswerKind kindOf(std::span<const std::uint8_t> response) {
  ByteReader header(response);
  header.skip(2);
  const std::uint16_t flags = header.u16();
  header.skip(2);
  const std::uint16_t answers = header.u16();
  const auto rcode = static_cast<Rcode>(flags & kRcodeBits);
  if (rcode == Rcode::kNxDomain) return AnswerKind::kNxDomain;
  if (rcode != Rcode::kNoError) return AnswerKind::kError;
  if (answers != 0) return AnswerKind::kPositive;
  if ((flags & kAuthoritativeBit) == 0) return AnswerKind::kReferral;
  return (flags & kTruncatedBit) != 0 ? AnswerKind::kPositive : AnswerKind::kNoData;
}

}  // namespace

void describe(const Query& query, std::span<const std::uint8_t> response,
              std::span<const std::uint8_t> source, std::uint8_t scope, AnswerFacts& out) {
  out.kind = kindOf(response);
  if (out.kind == AnswerKind::kError) return;
  out.imputed = source.empty() ? query.hash : hashName(NameView(source));
  if (out.kind != AnswerKind::kPositive) return;
  out.imputed = withValue(
      out.imputed, static_cast<std::uint64_t>(query.type) << 16 | std::uint64_t{query.rr_class});
  const ClientSubnet& subnet = query.edns.subnet;
  if (!subnet.has_address || scope == 0) return;
  const U128 place = subnet.address.masked(std::min(scope, bitsOf(subnet.address.family()))).bits();
  out.imputed = withValue(out.imputed, std::uint64_t{scope} << 16 | subnet.family);
  out.imputed = withValue(out.imputed, static_cast<std::uint64_t>(place));
  out.imputed = withValue(out.imputed, static_cast<std::uint64_t>(place >> 64));
}

}  // namespace meridian::dns
