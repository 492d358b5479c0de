#include "dns/wire/edns.h"

#include <algorithm>
#include <array>

namespace meridian::dns {
namespace {

constexpr std::size_t kOptFixedBytes = 11;  // root owner, type, class, TTL, RDLENGTH
constexpr std::size_t kOptionHeaderBytes = 4;
constexpr std::size_t kOptLengthOffset = 9;  // of RDLENGTH
constexpr std::size_t kPaddingBlock = 468;
constexpr std::uint32_t kCompactOkBit = 0x4000;  // RFC 9824 §5
constexpr std::uint32_t kDnssecOkBit = 0x8000;   // RFC 3225, in the OPT TTL field

bool readCookie(std::span<const std::uint8_t> option, Cookie& out) {
  const std::size_t server = option.size() - std::min(option.size(), kClientCookieBytes);
  const bool good = option.size() == kClientCookieBytes ||
                    (server >= kMinServerCookieBytes && server <= kMaxServerCookieBytes);
  if (!good) return false;
  out.client = option.first(kClientCookieBytes);
  out.server = option.last(server);
  return true;
}

bool readSubnet(std::span<const std::uint8_t> option, ClientSubnet& out) {
  ByteReader in(option);
  const std::uint16_t family = in.u16();
  const std::uint8_t source = in.u8();
  const std::uint8_t scope = in.u8();
  if (!in.ok() || scope != 0) return false;
  const std::size_t address_size = (std::size_t{source} + 7) / 8;
  const std::size_t max_bits = family == 1 ? 32 : family == 2 ? 128 : 0;
  // Family 0 only as dig's "+subnet=0" writes it: nothing known, nothing said.
  if (family > 2 || source > max_bits || in.remaining() != address_size) return false;
  std::array<std::uint8_t, 16> bytes{};
  out.address_bytes = in.bytes(address_size);
  std::copy(out.address_bytes.begin(), out.address_bytes.end(), bytes.begin());
  const IpAddress address =
      family == 2 ? IpAddress::v6(bytes)
                  : IpAddress::v4(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                  std::uint32_t{bytes[2]} << 8 | bytes[3]);
  if (source % 8 != 0 && (out.address_bytes.back() & (0xFF >> source % 8)) != 0) return false;
  out.present = true;
  out.has_address = source != 0;
  out.family = family;
  out.source_length = source;
  out.address = address;
  return true;
}

void writeOption(ByteWriter& out, EdnsOption code, std::size_t size) {
  out.u16(static_cast<std::uint16_t>(code));
  out.u16(static_cast<std::uint16_t>(size));
}

}  // namespace

bool readOpt(ByteReader& in, std::uint16_t location_option_code, Edns& out) {
  out.present = true;
  out.udp_payload = std::max<std::uint16_t>(in.u16(), 512);
  const std::uint32_t ttl = in.u32();
  out.version = static_cast<std::uint8_t>(ttl >> 16);
  out.dnssec_ok = (ttl & kDnssecOkBit) != 0;
  out.compact_ok = (ttl & kCompactOkBit) != 0;
  const std::uint16_t length = in.u16();
  ByteReader options(in.bytes(length));
  if (!in.ok()) return false;
  while (options.remaining() > 0) {
    const std::uint16_t code = options.u16();
    const std::uint16_t size = options.u16();
    const auto value = options.bytes(size);
    if (!options.ok()) return false;
    if (code == static_cast<std::uint16_t>(EdnsOption::kClientSubnet)) {
      if (!out.subnet.present && !readSubnet(value, out.subnet)) return false;
    } else if (code == static_cast<std::uint16_t>(EdnsOption::kNsid)) {
      out.nsid_asked = true;
    } else if (code == static_cast<std::uint16_t>(EdnsOption::kCookie)) {
      if (!out.cookie.present() && !readCookie(value, out.cookie)) return false;
    } else if (code == static_cast<std::uint16_t>(EdnsOption::kTcpKeepalive)) {
      out.keepalive_asked = true;
    } else if (code == location_option_code && out.location_option.empty()) {
      out.location_option = value;
    } else if (code == static_cast<std::uint16_t>(EdnsOption::kPadding)) {
      out.padding_asked = true;
    }
  }
  return true;
}

std::size_t optSize(const OptReply& reply) {
  std::size_t size = kOptFixedBytes;
  if (reply.subnet != nullptr) size += kOptionHeaderBytes + 4 + reply.subnet->address_bytes.size();
  if (!reply.nsid.empty()) size += kOptionHeaderBytes + reply.nsid.size();
  if (!reply.cookie.empty()) size += kOptionHeaderBytes + reply.cookie.size();
  if (reply.keepalive) size += kOptionHeaderBytes + 2;
  if (reply.extended) size += kOptionHeaderBytes + 2;
  return size;
}

void writeOpt(ByteWriter& out, const OptReply& reply, Rcode rcode) {
  const auto rcode_high = static_cast<std::uint16_t>(static_cast<std::uint16_t>(rcode) >> 4U);
  // The root; then type, payload, the high bits of the response code before version 0, flags, size.
  out.numbers(std::uint8_t{0}, static_cast<std::uint16_t>(RrType::kOpt), reply.udp_payload,
              static_cast<std::uint16_t>((rcode_high & 0xffU) << 8U),
              static_cast<std::uint16_t>(reply.dnssec_ok ? kDnssecOkBit : 0),
              static_cast<std::uint16_t>(optSize(reply) - kOptFixedBytes));
  if (reply.subnet != nullptr) {
    const auto& bytes = reply.subnet->address_bytes;
    out.numbers(static_cast<std::uint16_t>(EdnsOption::kClientSubnet),
                static_cast<std::uint16_t>(4 + bytes.size()), reply.subnet->family,
                reply.subnet->source_length, reply.scope_length);
    out.bytes(bytes);
  }
  if (!reply.nsid.empty()) {
    writeOption(out, EdnsOption::kNsid, reply.nsid.size());
    out.bytes(reply.nsid);
  }
  if (!reply.cookie.empty()) {
    writeOption(out, EdnsOption::kCookie, reply.cookie.size());
    out.bytes(reply.cookie);
  }
  if (reply.keepalive) {
    writeOption(out, EdnsOption::kTcpKeepalive, 2);
    out.u16(*reply.keepalive);
  }
  if (reply.extended) {
    writeOption(out, EdnsOption::kExtendedError, 2);
    out.u16(static_cast<std::uint16_t>(*reply.extended));
  }
}

std::size_t addPadding(std::span<std::uint8_t> buffer, std::size_t size, std::size_t opt_offset) {
  const std::size_t least = size + kOptionHeaderBytes;
  const std::size_t blocks = (least + kPaddingBlock - 1) / kPaddingBlock;
  const std::size_t padded = std::min({blocks * kPaddingBlock, buffer.size(), kMaxMessage});
  if (padded < least) return size;
  ByteWriter out(buffer.first(padded));
  out.rewind(size);
  writeOption(out, EdnsOption::kPadding, padded - least);
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(least),
            buffer.begin() + static_cast<std::ptrdiff_t>(padded), std::uint8_t{0});
  out.patchU16(opt_offset + kOptLengthOffset,
               static_cast<std::uint16_t>(padded - opt_offset - kOptFixedBytes));
  return padded;
}

}  // namespace meridian::dns
