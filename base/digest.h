// SHA-256, SHA-1, HMAC (whole or in parts), base64, random tokens and constant-time comparison
// (OpenSSL).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_mac_ctx_st;

namespace meridian {

using Sha256 = std::array<std::uint8_t, 32>;
using Sha1 = std::array<std::uint8_t, 20>;

Sha256 sha256(std::string_view data);
// Of `first` and `second`, one after the other. No secret may stand on it: DNS asks for it to mix
// names (RFC 5155). Asks for memory at a thread's first call only.
Sha1 sha1(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second);
// As a big-endian number: a hash of 64 bits.
std::uint64_t firstEightBytes(const Sha256& digest);
Sha256 hmacSha256(std::string_view key, std::string_view data);

enum class HashKind : std::uint8_t { kSha1, kSha224, kSha256, kSha384, kSha512 };
// Of the hash, and so of the whole MAC: 20 to 64.
std::size_t hashBytes(HashKind kind);

// A MAC, or the first bytes of one.
struct Mac {
  static constexpr std::size_t kMaxBytes = 64;
  std::array<std::uint8_t, kMaxBytes> bytes{};
  std::size_t size = 0;

  std::span<const std::uint8_t> view() const { return std::span(bytes).first(size); }
};

// HMAC (RFC 2104) of data that comes in parts. Threads: one at a time.
class Hmac {
 public:
  Hmac(HashKind kind, std::string_view key);
  void add(std::span<const std::uint8_t> part);
  // Of everything that was added. Nothing may be added afterwards.
  Mac finish();

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

// RFC 4648 §4, with padding.
std::string base64(std::span<const std::uint8_t> bytes);
// Strict: the whole text, padded, no other characters and no stray bits, so that two texts never
// mean the same bytes. kInvalid.
Result<std::string> fromBase64(std::string_view text);
std::string hex(std::span<const std::uint8_t> bytes);
// From the operating system.
Status fillRandom(std::span<std::uint8_t> out);
// `bytes` random bytes, as lower-case hex.
Result<std::string> randomHex(std::size_t bytes);
// Time depends on the lengths only, never on where the strings differ.
bool equalConstantTime(std::string_view a, std::string_view b);

}  // namespace meridian
