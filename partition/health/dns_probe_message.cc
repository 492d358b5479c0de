#include "partition/health/dns_probe_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "base/ip.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint16_t at16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint8_t lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c - 'A' + 'a') : c;
}

// Steps over a name without following pointers: where it ends is all that is needed.
void skipName(ByteReader& in) {
  while (in.ok()) {
    const std::uint8_t length = in.u8();
    if (length == 0) return;
    if ((length & 0xC0U) == 0xC0U) return in.skip(1);
    in.skip(length);
  }
}

// The data as an operator would look for it: addresses as text, all else as its bytes.
std::string shownData(std::uint16_t type, std::span<const std::uint8_t> data) {
  if (type == kTypeA && data.size() == 4) {
    return IpAddress::v4(static_cast<std::uint32_t>(at16(data, 0)) << 16 | at16(data, 2)).text();
  }
  if (type == kTypeAaaa && data.size() == 16) return IpAddress::v6(data.first<16>()).text();
  return {data.begin(), data.end()};
}

std::string_view rcodeName(std::uint8_t rcode) {
  constexpr std::string_view kNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                         "NXDOMAIN", "NOTIMP",  "REFUSED"};
  return rcode < std::size(kNames) ? kNames[rcode] : "another rcode";
}

}  // namespace

std::vector<std::uint8_t> dnsProbeQuery(const DnsExpectation& expected, std::uint16_t id) {
  std::vector<std::uint8_t> out;
  put16(out, id);
  put16(out, kRecursionDesired);
  put16(out, 1);
  for (int i = 0; i < 3; ++i) put16(out, 0);
  std::string_view rest = expected.name;
  while (!rest.empty() && rest != ".") {
    const std::size_t end = std::min(rest.find('.'), rest.size());
    out.push_back(static_cast<std::uint8_t>(end));
    out.insert(out.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out.push_back(0);
  put16(out, expected.type);
  put16(out, kClassIn);
  return out;
}

bool isDnsReplyTo(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply) {
  if (reply.size() < kHeader || at16(reply, 0) != at16(query, 0)) return false;
  const std::uint16_t flags = at16(reply, 2);
  if ((flags & kResponse) == 0 || (flags & kOpcode) != 0) return false;
  // A server that cannot read the question may leave it out (FORMERR, NOTIMP).
  if (at16(reply, 4) == 0) return (flags & 0x000FU) != 0;
  if (at16(reply, 4) != 1 || reply.size() < query.size()) return false;
  return std::equal(query.begin() + kHeader, query.end(), reply.begin() + kHeader,
                    [](std::uint8_t a, std::uint8_t b) { return lower(a) == lower(b); });
}

ProbeResult judgeDnsReply(const DnsExpectation& expected, std::span<const std::uint8_t> query,
                          std::span<const std::uint8_t> reply) {
  const std::uint16_t flags = at16(reply, 2);
  const auto rcode = static_cast<std::uint8_t>(flags & 0x000FU);
  if (rcode != expected.rcode) {
    return probedDown(
        fmt::format("rcode {}, expected {}", rcodeName(rcode), rcodeName(expected.rcode)));
  }
  if (expected.text.empty()) return {ProbeOutcome::kUp, {}, {}};
  ByteReader in(reply);
  in.skip(at16(reply, 4) == 0 ? kHeader : query.size());
  const std::uint16_t answers = at16(reply, 6);
  for (std::uint16_t i = 0; i < answers && in.ok(); ++i) {
    skipName(in);
    const std::uint16_t type = in.u16();
    in.skip(6);  // class, TTL
    const auto data = in.bytes(in.u16());
    if (in.ok() && shownData(type, data).find(expected.text) != std::string::npos) {
      return {ProbeOutcome::kUp, {}, {}};
    }
  }
  if (!in.ok()) return probedDown("the reply is broken or cut short");
  return probedDown((flags & kTruncated) != 0 ? "the reply is truncated, without the expected text"
                                              : "no answer has the expected text");
}

}  // namespace meridian::partition
