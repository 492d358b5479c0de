#include "dns/tap/private_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/digest.h"

namespace meridian::dns {
namespace {

constexpr std::uint8_t kLoggedBitsV4 = 24;  // RFC 7871 §11.1
constexpr std::uint8_t kLoggedBitsV6 = 56;
constexpr std::size_t kLoggedGeohash = 4;  // characters: some 20 by 30 km

// What is hashed, so that no two kinds of things ever have the same hash for one reason.
enum class Hashed : std::uint8_t { kNetworkV4 = 4, kNetworkV6 = 6, kLabel = 1 };

std::string hashText(const SipKey& salt, std::span<const std::uint8_t> data) {
  std::array<std::uint8_t, 8> bytes{};
  ByteWriter out(bytes);
  const std::uint64_t hash = sipHash24(salt, data);
  out.u32(static_cast<std::uint32_t>(hash >> 32U));
  out.u32(static_cast<std::uint32_t>(hash));
  return hex(bytes);
}

std::string hashedLabel(const SipKey& salt, std::span<const std::uint8_t> label) {
  std::vector<std::uint8_t> data{static_cast<std::uint8_t>(Hashed::kLabel)};
  data.insert(data.end(), label.begin(), label.end());
  return hashText(salt, data);
}

bool tellsOfPeople(std::string_view label) {
  return label == "g" || label == "poi" || label == "key";
}

}  // namespace

std::string hashedNetwork(const SipKey& salt, const IpAddress& address) {
  const bool v4 = address.isV4();
  const U128 bits = address.masked(v4 ? kLoggedBitsV4 : kLoggedBitsV6).bits();
  std::array<std::uint8_t, 17> data{};
  data[0] = static_cast<std::uint8_t>(v4 ? Hashed::kNetworkV4 : Hashed::kNetworkV6);
  for (unsigned i = 0; i < 16; ++i) data[1 + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  return hashText(salt, data);
}

std::string discreetName(const SipKey& salt, NameView lowered, std::span<const std::uint8_t> apex) {
  std::vector<std::span<const std::uint8_t>> labels;
  for (NameView rest = lowered; !rest.isRoot(); rest = rest.parent())
    labels.push_back(rest.firstLabel());
  std::size_t free = labels.size();  // of these some may tell of people
  if (!apex.empty() && lowered.isWithin(NameView(apex))) free -= NameView(apex).labelCount();
  std::size_t told = 0;  // index of the last label that does
  for (std::size_t i = 1; i < free; ++i) {
    if (tellsOfPeople(asText(labels[i]))) told = i;
  }
  if (told == 0) return lowered.text();
  NameView kept = lowered;
  for (std::size_t i = 0; i < told; ++i) kept = kept.parent();
  std::string out;
  for (std::size_t i = 0; i < told; ++i) {
    const bool geohash = i + 1 == told && asText(labels[told]) == "g";
    if (geohash) {
      std::vector<std::uint8_t> wire;
      const auto cut = labels[i].first(std::min(labels[i].size(), kLoggedGeohash));
      wire.push_back(static_cast<std::uint8_t>(cut.size()));
      wire.insert(wire.end(), cut.begin(), cut.end());
      wire.push_back(0);
      out += NameView(wire).text();  // with its dot, and odd bytes escaped
    } else {
      out.append(hashedLabel(salt, labels[i])).append(".");
    }
  }
  return out + kept.text();
}

}  // namespace meridian::dns
