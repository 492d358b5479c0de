// SigningKey: a private key that signs, and its public half (OpenSSL): ECDSA over P-256 with
// SHA-256 (FIPS 186-4), and Ed25519 (RFC 8032). Keys and signatures as the bytes DNSSEC sends (RFC
// 6605 §4, RFC 8080 §3, §4).
//
// Threads: immutable; sign() from any. Copies share the key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

struct evp_pkey_st;

namespace meridian {

enum class SigningKeyKind : std::uint8_t { kEcdsaP256, kEd25519 };

// P-256: r and s; Ed25519: R and S. Both 32 bytes each.
using SignatureBytes = std::array<std::uint8_t, 64>;

class SigningKey {
 public:
  static constexpr std::size_t kPrivateBytes = 32;

  // kIo: no random numbers.
  static Result<SigningKey> generate(SigningKeyKind kind);
  // P-256: the scalar, big-endian; Ed25519: the seed. kInvalid: no key has these bytes.
  static Result<SigningKey> fromPrivate(SigningKeyKind kind, std::span<const std::uint8_t> secret);

  SigningKeyKind kind() const { return kind_; }
  // P-256: x and y, 64 bytes; Ed25519: 32 bytes.
  const std::vector<std::uint8_t>& publicBytes() const { return public_; }
  // kPrivateBytes; what fromPrivate() takes. A secret.
  std::vector<std::uint8_t> privateBytes() const;

  // Ed25519 gives the same signature each time, ECDSA another.
  SignatureBytes sign(std::span<const std::uint8_t> data) const;

 private:
  SigningKey(SigningKeyKind kind, std::shared_ptr<evp_pkey_st> key,
             std::vector<std::uint8_t> public_bytes)
      : kind_(kind), key_(std::move(key)), public_(std::move(public_bytes)) {}

  SigningKeyKind kind_;
  std::shared_ptr<evp_pkey_st> key_;
  std::vector<std::uint8_t> public_;
};

// Whether `signature` is of `data` and of the key that has these public bytes. Bytes that are no
// public key verify nothing.
bool verifies(SigningKeyKind kind, std::span<const std::uint8_t> public_bytes,
              std::span<const std::uint8_t> data, const SignatureBytes& signature);

}  // namespace meridian
