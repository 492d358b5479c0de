#include "dns/tap/tap_record.h"

#include <array>
#include <cstring>
#include <type_traits>

#include "base/byte_reader.h"
#include "dns/wire/name.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kParts = 7;

// All but the parts of varying size, which follow in the order of `sizes`.
struct Fixed {
  TapWish wish;
  Transport transport = Transport::kUdp;
  PlaceSource place = PlaceSource::kNone;
  std::uint8_t has_scope = 0;
  std::uint8_t scope = 0;
  std::uint8_t has_epoch = 0;
  partition::Epoch epoch = 0;
  partition::Rev rev = 0;
  std::uint64_t asked_at = 0;
  std::uint64_t answered_at = 0;
  std::uint64_t response_size = 0;
  IpEndpoint client;
  IpEndpoint local;
  std::array<std::uint32_t, kParts> sizes{};
};
static_assert(std::is_trivially_copyable_v<Fixed>);

std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::array<std::span<const std::uint8_t>, kParts> partsOf(const TapRecord& record) {
  return {record.zone,
          record.service,
          bytesOf(record.model_zone),
          bytesOf(record.subject),
          bytesOf(record.ezone),
          record.query,
          record.response};
}

}  // namespace

std::size_t encodedSize(const TapRecord& record) {
  std::size_t size = sizeof(Fixed);
  for (const auto& part : partsOf(record)) size += part.size();
  return size;
}

void encode(const TapRecord& record, std::span<std::uint8_t> out) {
  Fixed fixed;
  fixed.wish = record.wish;
  fixed.transport = record.transport;
  fixed.place = record.place;
  fixed.has_scope = record.scope ? 1 : 0;
  fixed.scope = record.scope.value_or(0);
  fixed.has_epoch = record.epoch ? 1 : 0;
  fixed.epoch = record.epoch.value_or(0);
  fixed.rev = record.rev;
  fixed.asked_at = record.asked_at;
  fixed.answered_at = record.answered_at;
  fixed.response_size = record.response_size;
  fixed.client = record.client;
  fixed.local = record.local;
  const auto parts = partsOf(record);
  std::uint8_t* at = out.data() + sizeof fixed;
  for (std::size_t i = 0; i < kParts; ++i) {
    fixed.sizes[i] = static_cast<std::uint32_t>(parts[i].size());
    if (!parts[i].empty()) std::memcpy(at, parts[i].data(), parts[i].size());
    at += parts[i].size();
  }
  std::memcpy(out.data(), &fixed, sizeof fixed);
}

TapRecord decodeTapRecord(std::span<const std::uint8_t> bytes) {
  Fixed fixed;
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  std::array<std::span<const std::uint8_t>, kParts> parts;
  std::size_t at = sizeof fixed;
  for (std::size_t i = 0; i < kParts; ++i) {
    parts[i] = bytes.subspan(at, fixed.sizes[i]);
    at += fixed.sizes[i];
  }
  TapRecord out;
  out.wish = fixed.wish;
  out.transport = fixed.transport;
  out.place = fixed.place;
  if (fixed.has_scope != 0) out.scope = fixed.scope;
  if (fixed.has_epoch != 0) out.epoch = fixed.epoch;
  out.rev = fixed.rev;
  out.asked_at = fixed.asked_at;
  out.answered_at = fixed.answered_at;
  out.response_size = fixed.response_size;
  out.client = fixed.client;
  out.local = fixed.local;
  out.zone = parts[0];
  out.service = parts[1];
  out.model_zone = asText(parts[2]);
  out.subject = asText(parts[3]);
  out.ezone = asText(parts[4]);
  out.query = parts[5];
  out.response = parts[6];
  return out;
}

std::string_view placeSourceName(PlaceSource source) {
  switch (source) {
    case PlaceSource::kLocationOption:
      return "location-option";
    case PlaceSource::kClientSubnet:
      return "client-subnet";
    case PlaceSource::kResolver:
      return "resolver";
    case PlaceSource::kName:
      return "name";
    case PlaceSource::kNone:
      break;
  }
  return "none";
}

std::string decisionText(const TapRecord& record) {
  std::string text = "rev=" + std::to_string(record.rev);
  if (!record.service.empty()) {
    text.append(" service=").append(NameView(record.service).text());
    text.append(" zone=").append(record.model_zone);
    if (!record.subject.empty()) text.append(" subject=").append(record.subject);
    if (record.epoch) text.append(" epoch=").append(std::to_string(*record.epoch));
    text.append(" ezone=").append(record.ezone);
    text.append(" place=").append(placeSourceName(record.place));
  }
  if (record.scope) text.append(" scope=").append(std::to_string(*record.scope));
  return text;
}

}  // namespace meridian::dns
