#include "dns/sign/zone_key.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/digest.h"

namespace meridian::dns {
namespace {

constexpr std::uint8_t kDnskeyProtocol = 3;  // the only one (RFC 4034 §2.1.2)
constexpr std::uint8_t kSha256Digest = 2;    // RFC 4509
constexpr std::size_t kFixedBytes = 4;       // of DNSKEY and DS, before the key or digest

std::vector<std::uint8_t> dnskeyOf(const SigningKey& key, bool is_entry_point) {
  const std::uint16_t flags =
      ZoneKey::kZoneFlag | (is_entry_point ? ZoneKey::kSecureEntryPointFlag : 0);
  const auto algorithm = key.kind() == SigningKeyKind::kEcdsaP256
                             ? SigningAlgorithm::kEcdsaP256Sha256
                             : SigningAlgorithm::kEd25519;
  std::vector<std::uint8_t> out;
  out.reserve(kFixedBytes + key.publicBytes().size());
  out.assign({static_cast<std::uint8_t>(flags >> 8U), static_cast<std::uint8_t>(flags),
              kDnskeyProtocol, static_cast<std::uint8_t>(algorithm)});
  out.insert(out.end(), key.publicBytes().begin(), key.publicBytes().end());
  return out;
}

}  // namespace

SigningKeyKind keyKindOf(SigningAlgorithm algorithm) {
  return algorithm == SigningAlgorithm::kEcdsaP256Sha256 ? SigningKeyKind::kEcdsaP256
                                                         : SigningKeyKind::kEd25519;
}

std::uint16_t keyTagOf(std::span<const std::uint8_t> dnskey) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < dnskey.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{dnskey[i]} << 8U : dnskey[i];
  }
  return static_cast<std::uint16_t>(sum + (sum >> 16U));
}

std::vector<std::uint8_t> dsOf(NameView apex, std::span<const std::uint8_t> dnskey) {
  std::string hashed(asText(apex.wire()));
  hashed += asText(dnskey);
  const Sha256 digest = sha256(hashed);
  const std::uint16_t tag = keyTagOf(dnskey);
  std::vector<std::uint8_t> out;
  out.reserve(kFixedBytes + digest.size());
  out.assign({static_cast<std::uint8_t>(tag >> 8U), static_cast<std::uint8_t>(tag), dnskey[3],
              kSha256Digest});
  out.insert(out.end(), digest.begin(), digest.end());
  return out;
}

ZoneKey::ZoneKey(SigningKey key, bool is_entry_point)
    : key_(std::move(key)), dnskey_(dnskeyOf(key_, is_entry_point)), tag_(keyTagOf(dnskey_)) {}

SigningAlgorithm ZoneKey::algorithm() const {
  return static_cast<SigningAlgorithm>(dnskey_[3]);
}

}  // namespace meridian::dns
