#include "geo/geohash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace meridian::geo {
namespace {

constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> digitTable() {
  std::array<std::uint8_t, 256> table{};
  for (std::uint8_t& entry : table) entry = kNoDigit;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    const auto lower = static_cast<unsigned char>(kAlphabet[i]);
    table[lower] = static_cast<std::uint8_t>(i);
    if (lower >= 'a') table[lower - 'a' + 'A'] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr std::array<std::uint8_t, 256> kDigits = digitTable();

// The cell of `value` among 2^kAxisBits equal ones over [-half_range, half_range); the upper end
// counts as the last cell.
constexpr int kAxisBits = 30;
std::uint32_t cellOf(double value, double half_range) {
  constexpr double kHalfCells = 536870912.0;  // 2^29
  const double cell = std::floor(value / (half_range / kHalfCells)) + kHalfCells;
  return static_cast<std::uint32_t>(std::clamp(cell, 0.0, 2 * kHalfCells - 1));
}

}  // namespace

std::optional<GeoPoint> geohashCentre(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxGeohash) return std::nullopt;
  std::uint64_t lon = 0;
  std::uint64_t lat = 0;
  bool lon_next = true;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    for (int bit = 4; bit >= 0; --bit) {
      std::uint64_t& axis = lon_next ? lon : lat;
      axis = axis << 1U | (static_cast<unsigned>(digit) >> bit & 1U);
      lon_next = !lon_next;
    }
  }
  // Odd multiples of a power of two times 45: exact in a double.
  const std::size_t bits = 5 * text.size();
  const auto lon_bits = static_cast<int>((bits + 1) / 2);
  const auto lat_bits = static_cast<int>(bits / 2);
  return GeoPoint{std::ldexp(180.0 * static_cast<double>(2 * lat + 1), -lat_bits - 1) - 90.0,
                  std::ldexp(360.0 * static_cast<double>(2 * lon + 1), -lon_bits - 1) - 180.0};
}

std::string geohashOf(GeoPoint point, std::size_t length) {
  const std::uint32_t lon = cellOf(point.lon == 180.0 ? -180.0 : point.lon, 180.0);
  const std::uint32_t lat = cellOf(point.lat, 90.0);
  std::string text;
  int taken = 0;  // bits of both axes together
  while (text.size() < length) {
    unsigned digit = 0;
    for (int bit = 0; bit < 5; ++bit, ++taken) {
      const std::uint32_t axis = taken % 2 == 0 ? lon : lat;
      digit = digit << 1U | (axis >> (kAxisBits - 1 - taken / 2) & 1U);
    }
    text += kAlphabet[digit];
  }
  return text;
}

}  // namespace meridian::geo
