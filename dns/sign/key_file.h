// Keys of zones as files: the pair that BIND's and ldns's tools write, "K<zone>+<alg>+<tag>" with
// .key (the DNSKEY record) and .private ("Private-key-format" v1.2 and v1.3). Pure: texts in, texts
// out. Hostile input: bounded, and refused with a reason that shows nothing of the secret.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "dns/sign/key_plan.h"
#include "dns/sign/zone_key.h"
#include "dns/wire/name.h"

namespace meridian::dns {

inline constexpr std::size_t kMaxKeyFileBytes = std::size_t{16} << 10;

struct KeyFiles {
  std::string name;    // without .key and .private: "Kexample.org.+013+00342"
  std::string record;  // the .key file
  std::string secret;  // the .private file
};

// What a pair of files has. Times are those of dnssec-keygen and dnssec-settime, where they stand.
struct FiledKey {
  Name owner;  // lower-cased
  std::shared_ptr<const ZoneKey> key;
  std::optional<WallTime> made = {};
  std::optional<WallTime> revoked = {};
  std::optional<WallTime> inactive = {};
  std::optional<WallTime> removed = {};
};

// kInvalid: no such pair, or the halves do not go together; kRefused: a key that nobody signs with
// here: another algorithm, a revoked key; kTooLarge.
Result<FiledKey> readKeyFiles(std::string_view record, std::string_view secret);
// kRefused: a time in the files says that the key has had its day.
Status mayBeUsed(const FiledKey& key, WallTime now);

KeyFiles writeKeyFiles(NameView apex, const KeyRecord& record);

// "example.org. IN DS 342 13 2 0a1b…", what a parent is given.
std::string dsText(NameView apex, const ZoneKey& key);
// "257 3 13 GojI…"
std::string dnskeyText(const ZoneKey& key);
std::string_view algorithmName(SigningAlgorithm algorithm);  // "ECDSAP256SHA256", "ED25519"

}  // namespace meridian::dns
