#include "dns/zone/serial.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kSoaNumbers = 20;  // SERIAL to MINIMUM, which end the RDATA
constexpr std::size_t kSmallestSoa = kSoaNumbers + 2;

}  // namespace

std::optional<std::uint32_t> serialOf(std::span<const std::uint8_t> soa_rdata) {
  if (soa_rdata.size() < kSmallestSoa) return std::nullopt;
  return ByteReader(soa_rdata.last(kSoaNumbers)).u32();
}

SoaTimes soaTimesOf(std::span<const std::uint8_t> soa_rdata) {
  ByteReader in(soa_rdata.last(kSoaNumbers - 4));
  SoaTimes out;
  out.refresh = in.u32();
  out.retry = in.u32();
  out.expire = in.u32();
  return out;
}

std::vector<std::uint8_t> withSerial(std::span<const std::uint8_t> soa_rdata,
                                     std::uint32_t serial) {
  std::vector<std::uint8_t> out(soa_rdata.begin(), soa_rdata.end());
  ByteWriter(std::span(out).last(kSoaNumbers)).u32(serial);
  return out;
}

}  // namespace meridian::dns
