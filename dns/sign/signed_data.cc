#include "dns/sign/signed_data.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/byte_writer.h"
#include "dns/zone/rdata_names.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kRrsigFixedBytes = 18;   // before the signer's name (RFC 4034 §3.1)
constexpr std::size_t kRecordFixedBytes = 10;  // between owner and RDATA

// Where the names of a type's RDATA are, if they are to be lower-cased.
struct NamesOfType {
  std::uint16_t type;
  std::uint8_t prefix;  // bytes before the first
  std::uint8_t count;   // one behind the other
};
constexpr NamesOfType kNames[] = {
    {2, 0, 1},    // NS
    {3, 0, 1},    // MD
    {4, 0, 1},    // MF
    {5, 0, 1},    // CNAME
    {6, 0, 2},    // SOA
    {7, 0, 1},    // MB
    {8, 0, 1},    // MG
    {9, 0, 1},    // MR
    {12, 0, 1},   // PTR
    {14, 0, 2},   // MINFO
    {15, 2, 1},   // MX
    {17, 0, 2},   // RP
    {18, 2, 1},   // AFSDB
    {21, 2, 1},   // RT
    {24, 18, 1},  // SIG
    {26, 2, 2},   // PX
    {30, 0, 1},   // NXT
    {33, 6, 1},   // SRV
    {36, 2, 1},   // KX
    {39, 0, 1},   // DNAME
};
constexpr std::uint16_t kNaptr = 35;
constexpr std::uint16_t kA6 = 38;

// Lower-cases `count` names from `at` on.
void lowerNames(std::span<std::uint8_t> rdata, std::size_t at, std::size_t count) {
  for (; count > 0; --count) {
    const std::optional<NameView> name = nameIn(rdata, at);
    if (!name) return;
    const Name lowered = Name(*name).lowered();
    std::copy(lowered.view().wire().begin(), lowered.view().wire().end(),
              rdata.begin() + static_cast<std::ptrdiff_t>(at));
    at += lowered.view().size();
  }
}

// Behind order, preference and three character strings (RFC 3403 §4.1); the end where there are
// not as many.
std::size_t nameOfNaptr(std::span<const std::uint8_t> rdata) {
  std::size_t at = 4;
  for (int i = 0; i < 3 && at < rdata.size(); ++i) at += 1 + std::size_t{rdata[at]};
  return std::min(at, rdata.size());
}

// Behind the prefix length and the address suffix (RFC 2874 §3.1).
std::size_t nameOfA6(std::span<const std::uint8_t> rdata) {
  if (rdata.empty() || rdata[0] > 128) return rdata.size();
  return std::min<std::size_t>(1 + (128U - rdata[0] + 7) / 8, rdata.size());
}

std::uint8_t labelsOf(NameView owner) {
  const std::size_t labels = owner.labelCount();
  const bool is_wildcard =
      labels > 0 && owner.firstLabel().size() == 1 && owner.firstLabel()[0] == '*';
  return static_cast<std::uint8_t>(labels - (is_wildcard ? 1 : 0));
}

}  // namespace

void makeCanonical(RrType type, std::span<std::uint8_t> rdata) {
  const auto number = static_cast<std::uint16_t>(type);
  if (number == kNaptr) return lowerNames(rdata, nameOfNaptr(rdata), 1);
  if (number == kA6) return lowerNames(rdata, nameOfA6(rdata), 1);
  for (const NamesOfType& each : kNames) {
    if (each.type == number) lowerNames(rdata, each.prefix, each.count);
  }
}

SignedData::SignedData(NameView owner, const RrsetView& rrset, const ZoneKey& key, NameView apex,
                       SignaturePeriod period)
    : head_(kRrsigFixedBytes + apex.size()) {
  std::vector<std::vector<std::uint8_t>> records;
  records.reserve(rrset.count);
  for (auto rest = rrset.rendered; !rest.empty();) {
    const std::size_t length = std::size_t{rest[10]} << 8U | rest[11];
    const auto rdata = rest.subspan(kRenderedFixedBytes, length);
    rest = rest.subspan(kRenderedFixedBytes + length);
    records.emplace_back(rdata.begin(), rdata.end());
    makeCanonical(rrset.type, records.back());
  }
  // RFC 4034 §6.3: as bytes, from the left; what differs in the case of names alone is one record.
  std::sort(records.begin(), records.end());
  records.erase(std::unique(records.begin(), records.end()), records.end());
  std::size_t total = head_;
  for (const auto& rdata : records) total += owner.size() + kRecordFixedBytes + rdata.size();

  bytes_.resize(total);
  ByteWriter out(bytes_);
  out.u16(static_cast<std::uint16_t>(rrset.type));
  out.u8(static_cast<std::uint8_t>(key.algorithm()));
  out.u8(labelsOf(owner));
  out.u32(rrset.ttl);
  out.u32(period.expiration);
  out.u32(period.inception);
  out.u16(key.tag());
  out.bytes(apex.wire());
  const Name lowered = Name(owner).lowered();
  for (const std::vector<std::uint8_t>& rdata : records) {
    out.bytes(lowered.view().wire());
    out.u16(static_cast<std::uint16_t>(rrset.type));
    out.u16(static_cast<std::uint16_t>(RrClass::kIn));
    out.u32(rrset.ttl);
    out.u16(static_cast<std::uint16_t>(rdata.size()));
    out.bytes(rdata);
  }
}

std::vector<std::uint8_t> SignedData::withSignature(const SignatureBytes& signature) const {
  std::vector<std::uint8_t> out;
  out.reserve(head_ + signature.size());
  out.insert(out.end(), bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
  out.insert(out.end(), signature.begin(), signature.end());
  return out;
}

}  // namespace meridian::dns
