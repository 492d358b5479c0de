// Keys for tests, and a check of every signature of a zone by its own key: not the signer's word.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/signing_key.h"
#include "dns/sign/key_set.h"
#include "dns/sign/signed_data.h"
#include "dns/zone/zone.h"

namespace meridian::test {

inline std::shared_ptr<const dns::ZoneKey> makeZoneKey(
    bool is_entry_point, SigningKeyKind kind = SigningKeyKind::kEd25519) {
  return std::make_shared<const dns::ZoneKey>(SigningKey::generate(kind).value(), is_entry_point);
}

// All published; the first signs the keys, the last the zone.
inline dns::KeySet keySetOf(const dns::KeySet::Keys& keys) {
  dns::KeySet out;
  for (const auto& key : keys) out.dnskeys.push_back(key->dnskey());
  out.cdnskeys = {keys.front()->dnskey()};
  out.key_signers = {keys.front()};
  out.zone_signers = {keys.back()};
  return out;
}

struct CheckedSignatures {
  std::size_t good = 0;
  std::size_t bad = 0;
  std::string first_bad;  // its owner
  std::uint32_t first_end = 0xffffffff;
};

// Every RRSIG of the zone against the DNSKEYs at its apex.
inline CheckedSignatures checkSignatures(const dns::Zone& zone, const dns::KeySet::Keys& keys) {
  using dns::RrType;
  CheckedSignatures out;
  for (std::uint32_t i = 0; i < zone.nodeCount(); ++i) {
    const dns::NameView owner = zone.nodeName(dns::NodeIx(i));
    const auto rrsets = zone.rrsets(dns::NodeIx(i));
    for (const dns::RrsetView& signatures : rrsets) {
      if (signatures.type != RrType::kRrsig) continue;
      for (auto rest = signatures.rendered; !rest.empty();) {
        const std::size_t length = std::size_t{rest[10]} << 8U | rest[11];
        const auto rdata = rest.subspan(dns::kRenderedFixedBytes, length);
        rest = rest.subspan(dns::kRenderedFixedBytes + length);
        const auto number = [&](std::size_t at) {
          return std::uint32_t{rdata[at]} << 24U | std::uint32_t{rdata[at + 1]} << 16U |
                 std::uint32_t{rdata[at + 2]} << 8U | rdata[at + 3];
        };
        const auto covered = static_cast<RrType>(rdata[0] << 8U | rdata[1]);
        const auto tag = static_cast<std::uint16_t>(rdata[16] << 8U | rdata[17]);
        bool good = false;
        for (const dns::RrsetView& rrset : rrsets) {
          if (rrset.type != covered || rrset.ttl != signatures.ttl) continue;
          for (const auto& key : keys) {
            if (key->tag() != tag) continue;
            const dns::SignedData data(owner, rrset, *key, zone.apex(), {number(12), number(8)});
            SignatureBytes signature{};
            if (length < signature.size()) continue;
            std::copy_n(rdata.end() - static_cast<std::ptrdiff_t>(signature.size()),
                        signature.size(), signature.begin());
            const auto wanted = data.withSignature(signature);
            good = std::ranges::equal(wanted, rdata) &&
                   verifies(key->key().kind(), key->key().publicBytes(), data.bytes(), signature);
          }
        }
        ++(good ? out.good : out.bad);
        if (!good && out.first_bad.empty()) out.first_bad = owner.text();
        out.first_end = std::min(out.first_end, number(8));
      }
    }
  }
  return out;
}

}  // namespace meridian::test
