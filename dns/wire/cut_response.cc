#include "dns/wire/cut_response.h"

#include <cstring>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/skip_name.h"
#include "dns/wire/types.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kTruncationFlag = 0x0200;

}  // namespace

std::size_t cutResponse(std::span<std::uint8_t> response) {
  ByteReader in(response);
  in.skip(2);
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16();
  std::uint32_t records = 0;
  for (int section = 0; section < 3; ++section) records += in.u16();
  for (std::uint16_t i = 0; i < questions && in.ok(); ++i) {
    skipName(in);
    in.skip(4);
  }
  const std::size_t body = in.position();
  std::size_t last = body;
  std::uint16_t last_type = 0;
  for (std::uint32_t i = 0; i < records && in.ok(); ++i) {
    last = in.position();
    skipName(in);
    last_type = in.u16();
    in.skip(6);  // class and TTL
    in.skip(in.u16());
  }
  if (!in.ok() || in.remaining() != 0) return 0;
  // Cut, a signed message is one that nobody believes.
  if (records != 0 && last_type == static_cast<std::uint16_t>(RrType::kTsig))
    return response.size();
  const bool has_opt = records != 0 && last_type == static_cast<std::uint16_t>(RrType::kOpt);
  if (records == (has_opt ? 1U : 0U)) return response.size();

  const std::size_t opt_size = has_opt ? response.size() - last : 0;
  std::memmove(response.data() + body, response.data() + last, opt_size);
  ByteWriter header(response.first(kHeaderBytes));
  header.rewind(2);
  header.u16(flags | kTruncationFlag);
  header.u16(questions);
  header.u16(0);
  header.u16(0);
  header.u16(has_opt ? 1 : 0);
  return body + opt_size;
}

}  // namespace meridian::dns
