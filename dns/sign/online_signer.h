// Signatures that are made while a query waits: of names that only a query brings into being (those
// of wildcards and computed names, and names that do not exist, RFC 9824).
//
// Each thread keeps the last ones it made, kCachedSignatures of them in kCacheBytes, so that what
// is asked again costs a hash, and random names cost time but no memory. Threads: any; a thread's
// first call asks for its memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dns/sign/key_set.h"
#include "dns/wire/name.h"
#include "dns/wire/rrset_view.h"

namespace meridian::dns {

// What a zone's signatures are made with while queries wait. Immutable.
struct OnlineKeys {
  std::shared_ptr<const KeySet> keys;
  std::chrono::seconds lifetime{};  // of signatures
  // The zone is signed anew when one of its own has less than that left (SigningPolicy).
  std::chrono::seconds refresh_before{};
};

inline constexpr std::size_t kCachedSignatures = 32'768;
inline constexpr std::size_t kCacheBytes = kCachedSignatures * 80;  // 2.5 MiB a thread

// Room for the signatures of one RRset by that many keys, rendered.
inline constexpr std::size_t kMaxOnlineSigners = 4;
inline constexpr std::size_t kMaxRenderedSignature =
    kRenderedFixedBytes + 18 + kMaxName + sizeof(SignatureBytes);

struct OnlineSignatures {
  RrsetView rrset;         // in the buffer that was given; its TTL is that of what it covers
  std::uint32_t made = 0;  // that were not in the thread's cache
};

// `owner`: the name as it is sent (any case), not the wildcard's. `unix_time`: now; signatures
// begin at least an hour before, and are the same for an hour. REQUIRES: `apex` is lower-cased;
// `out` has kMaxOnlineSigners * kMaxRenderedSignature bytes.
OnlineSignatures signOnline(const OnlineKeys& keys, NameView apex, NameView owner,
                            const RrsetView& rrset, std::uint32_t unix_time,
                            std::span<std::uint8_t> out);

}  // namespace meridian::dns
