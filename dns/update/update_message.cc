#include "dns/update/update_message.h"

#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "dns/wire/read_name.h"
#include "dns/wire/skip_name.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kQueryBit = 0x8000;  // set in responses

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
    std::size_t at = in_.position();
    for (std::uint16_t i = 0; i < count; ++i) {
      UpdateRecord record;
      if (const Status read = readMessageRecord(message_, at, record); !read) {
        refusal_.reason =
            std::string(section) + " " + std::to_string(i) + ": " + read.error().message;
        return false;
      }
      out.push_back(std::move(record));
    }
    in_.skip(at - in_.position());
    return true;
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
