#include "dns/wire/query_parser.h"

#include "base/byte_reader.h"
#include "dns/wire/edns.h"
#include "dns/wire/skip_name.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kResponseBit = 0x8000;

// Length of the uncompressed name at the front of `bytes`, or 0 when it is malformed, compressed or
// too long.
std::size_t nameLength(std::span<const std::uint8_t> bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && at < kMaxName) {
    const std::uint8_t label = bytes[at];
    if (label == 0) return at + 1;
    if (label > kMaxLabel) return 0;
    at += 1 + std::size_t{label};
  }
  return 0;
}

// The additional section holds at most one OPT, owned by the root (RFC 6891 §6.1.1); anything else
// is skipped.
bool readAdditional(ByteReader& in, std::uint16_t count, std::uint16_t location_option_code,
                    Query& out) {
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::size_t owner_start = in.position();
    skipName(in);
    const bool root_owner = in.position() == owner_start + 1;
    const std::uint16_t type = in.u16();
    if (!in.ok()) return false;
    if (type == static_cast<std::uint16_t>(RrType::kOpt)) {
      if (!root_owner || out.edns.present || !readOpt(in, location_option_code, out.edns))
        return false;
    } else {
      if (type == static_cast<std::uint16_t>(RrType::kTsig)) out.has_tsig = true;
      in.skip(6);  // class and TTL
      in.skip(in.u16());
    }
  }
  return in.ok() && in.remaining() == 0;
}

// Skips records of a section that is of no interest. False: the message ends before them.
bool skipRecords(ByteReader& in, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count && in.ok(); ++i) {
    skipName(in);
    in.skip(8);  // type, class and TTL
    in.skip(in.u16());
  }
  return in.ok();
}

// Other opcodes give the sections other meanings but keep their form (RFC 1996 §3.3, RFC 2136 §2):
// who sends OPT gets it back (RFC 6891 §6.1.1). `in` stands behind the header.
void readOptOfOtherOpcode(ByteReader in, const std::uint16_t (&counts)[4],
                          std::uint16_t location_option_code, Query& out) {
  for (std::uint16_t i = 0; i < counts[0] && in.ok(); ++i) {
    skipName(in);
    in.skip(4);
  }
  const bool good = skipRecords(in, counts[1]) && skipRecords(in, counts[2]) &&
                    readAdditional(in, counts[3], location_option_code, out);
  if (!good) out.edns = {};
}

}  // namespace

ParseOutcome parseQuery(std::span<const std::uint8_t> message, std::uint16_t location_option_code,
                        Query& out) {
  if (message.size() < kHeaderBytes) return ParseOutcome::kIgnore;
  ByteReader in(message);
  out.id = in.u16();
  out.flags = in.u16();
  if ((out.flags & kResponseBit) != 0) return ParseOutcome::kIgnore;
  const std::uint16_t questions = in.u16();
  const std::uint16_t answers = in.u16();
  const std::uint16_t authorities = in.u16();
  const std::uint16_t additionals = in.u16();
  if ((out.flags >> 11 & 0xF) != static_cast<std::uint16_t>(Opcode::kQuery)) {
    readOptOfOtherOpcode(in, {questions, answers, authorities, additionals}, location_option_code,
                         out);
    return ParseOutcome::kNotImp;
  }
  if (questions == 0 && answers == 0 && authorities == 0) {
    const bool good = readAdditional(in, additionals, location_option_code, out);
    return good && out.edns.version == 0 && out.edns.cookie.present() ? ParseOutcome::kCookieOnly
                                                                      : ParseOutcome::kFormErr;
  }
  if (questions != 1) return ParseOutcome::kFormErr;

  const std::size_t length = nameLength(message.subspan(kHeaderBytes));
  if (length == 0) return ParseOutcome::kFormErr;
  out.name = NameView(in.bytes(length));
  out.type = static_cast<RrType>(in.u16());
  out.rr_class = in.u16();
  if (!in.ok()) return ParseOutcome::kFormErr;
  out.question = message.subspan(kHeaderBytes, length + 4);
  // An IXFR query carries an SOA in its authority section (RFC 1995 §3); nothing else in a query
  // has records there.
  if (answers != 0 || (authorities != 0 && out.type != RrType::kIxfr))
    return ParseOutcome::kFormErr;
  if (!skipRecords(in, authorities)) return ParseOutcome::kFormErr;
  if (!readAdditional(in, additionals, location_option_code, out)) return ParseOutcome::kFormErr;
  out.lowered.assignLowered(out.name);
  out.hash = hashName(out.lowered.view());
  return out.edns.version == 0 ? ParseOutcome::kOk : ParseOutcome::kBadVers;
}

}  // namespace meridian::dns
