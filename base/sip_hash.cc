#include "base/sip_hash.h"

#include <bit>
#include <cstddef>

namespace meridian {
namespace {

// Written out, so that the compiler makes one load of it.
std::uint64_t littleEndian(std::span<const std::uint8_t, 8> bytes) {
  return std::uint64_t{bytes[0]} | std::uint64_t{bytes[1]} << 8 | std::uint64_t{bytes[2]} << 16 |
         std::uint64_t{bytes[3]} << 24 | std::uint64_t{bytes[4]} << 32 |
         std::uint64_t{bytes[5]} << 40 | std::uint64_t{bytes[6]} << 48 |
         std::uint64_t{bytes[7]} << 56;
}

// Of less than a word.
std::uint64_t littleEndianRest(std::span<const std::uint8_t> bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) out = out << 8 | bytes[i - 1];
  return out;
}

// The paper's v0 to v3, and SipRound over them.
class SipState {
 public:
  explicit SipState(const SipKey& key) {
    const std::uint64_t k0 = littleEndian(std::span(key).first<8>());
    const std::uint64_t k1 = littleEndian(std::span(key).last<8>());
    v0_ ^= k0;
    v1_ ^= k1;
    v2_ ^= k0;
    v3_ ^= k1;
  }

  void add(std::uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  std::uint64_t finish() {
    v2_ ^= 0xFF;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  // "somepseudorandomlygeneratedbytes"
  std::uint64_t v0_ = 0x736F6D6570736575;
  std::uint64_t v1_ = 0x646F72616E646F6D;
  std::uint64_t v2_ = 0x6C7967656E657261;
  std::uint64_t v3_ = 0x7465646279746573;
};

}  // namespace

std::uint64_t sipHash24(const SipKey& key, std::span<const std::uint8_t> data) {
  SipState state(key);
  const std::size_t length = data.size();
  for (; data.size() >= 8; data = data.subspan(8)) state.add(littleEndian(data.first<8>()));
  state.add(std::uint64_t{length & 0xFF} << 56 | littleEndianRest(data));
  return state.finish();
}

}  // namespace meridian
