#include "dns/zone/rdata_names.h"

#include <algorithm>
#include <cstring>

namespace meridian::dns {
namespace {

// Bytes before the one name that ends the RDATA of these types.
std::optional<std::size_t> prefixOfFinalName(RrType type) {
  if (type == RrType::kNs || type == RrType::kCname || type == RrType::kPtr ||
      type == RrType::kDname) {
    return 0;
  }
  if (type == RrType::kMx) return 2;
  if (type == RrType::kSrv) return 6;
  return std::nullopt;
}

bool equalIgnoringCase(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  const auto lower = [](std::uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : int{byte};
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](std::uint8_t x, std::uint8_t y) { return lower(x) == lower(y); });
}

}  // namespace

std::optional<NameView> nameIn(std::span<const std::uint8_t> rdata, std::size_t offset) {
  std::size_t at = offset;
  while (at < rdata.size() && rdata[at] != 0) {
    if (rdata[at] > kMaxLabel) return std::nullopt;
    at += 1 + std::size_t{rdata[at]};
  }
  if (at >= rdata.size() || at + 1 - offset > kMaxName) return std::nullopt;
  return NameView(rdata.subspan(offset, at + 1 - offset));
}

std::optional<NameView> additionalTarget(RrType type, std::span<const std::uint8_t> rdata) {
  if (type == RrType::kNs) return nameIn(rdata, 0);
  if (type == RrType::kMx || type == RrType::kSvcb || type == RrType::kHttps) {
    return nameIn(rdata, 2);
  }
  if (type == RrType::kSrv) return nameIn(rdata, 6);
  return std::nullopt;
}

bool sameRdata(RrType type, std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  const std::size_t exact = std::min(prefixOfFinalName(type).value_or(a.size()), a.size());
  return std::memcmp(a.data(), b.data(), exact) == 0 &&
         equalIgnoringCase(a.subspan(exact), b.subspan(exact));
}

}  // namespace meridian::dns
