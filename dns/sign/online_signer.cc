#include "dns/sign/online_signer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/digest.h"
#include "dns/sign/signed_data.h"

namespace meridian::dns {
namespace {

// All of an hour have the same period, so that what was signed can be found again.
constexpr std::uint32_t kPeriodStep = 3600;
constexpr std::size_t kWays = 4;

// The last signatures of a thread, by what they sign.
class SignatureCache {
 public:
  SignatureCache() : entries_(kCachedSignatures) {}

  // nullptr: not here.
  const SignatureBytes* find(const Sha256& digest) const {
    const Entry* set = setOf(digest);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (isOf(set[way], digest)) return &set[way].signature;
    }
    return nullptr;
  }
  // In the place of the oldest of its set.
  void keep(const Sha256& digest, const SignatureBytes& signature) {
    Entry* set = setOf(digest);
    std::move_backward(set, set + kWays - 1, set + kWays);
    std::copy_n(digest.begin(), set[0].digest.size(), set[0].digest.begin());
    set[0].signature = signature;
  }

 private:
  // Nobody can make two texts whose hashes share 128 bits, and set them against each other.
  struct Entry {
    std::array<std::uint8_t, 16> digest{};
    SignatureBytes signature{};
  };
  static_assert(sizeof(Entry) * kCachedSignatures == kCacheBytes);

  static bool isOf(const Entry& entry, const Sha256& digest) {
    return std::memcmp(entry.digest.data(), digest.data(), entry.digest.size()) == 0;
  }
  Entry* setOf(const Sha256& digest) {
    return &entries_[firstEightBytes(digest) % (kCachedSignatures / kWays) * kWays];
  }
  const Entry* setOf(const Sha256& digest) const {
    return &entries_[firstEightBytes(digest) % (kCachedSignatures / kWays) * kWays];
  }

  std::vector<Entry> entries_;
};

}  // namespace

OnlineSignatures signOnline(const OnlineKeys& keys, NameView apex, NameView owner,
                            const RrsetView& rrset, std::uint32_t unix_time,
                            std::span<std::uint8_t> out) {
  thread_local SignatureCache cache;
  const std::uint32_t step = unix_time / kPeriodStep * kPeriodStep;
  const SignaturePeriod period{step - kPeriodStep,
                               step + static_cast<std::uint32_t>(keys.lifetime.count())};
  OnlineSignatures made{{RrType::kRrsig, 0, rrset.ttl, {}}};
  ByteWriter writer(out);
  for (const auto& key : keys.keys->zone_signers) {
    if (made.rrset.count == kMaxOnlineSigners) break;
    const SignedData data(owner, rrset, *key, apex, period);
    const Sha256 digest = sha256(asText(data.bytes()));
    SignatureBytes signature{};
    if (const SignatureBytes* known = cache.find(digest)) {
      signature = *known;
    } else {
      signature = key->key().sign(data.bytes());
      cache.keep(digest, signature);
      ++made.made;
    }
    writer.u16(kQnamePointer);
    writer.u16(static_cast<std::uint16_t>(RrType::kRrsig));
    writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
    writer.u32(rrset.ttl);
    const auto head = data.head();
    writer.u16(static_cast<std::uint16_t>(head.size() + signature.size()));
    writer.bytes(head);
    writer.bytes(signature);
    ++made.rrset.count;
  }
  made.rrset.rendered = writer.written();
  return made;
}

}  // namespace meridian::dns
