#include "dns/zone/signing_faults.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/log.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/rdata_names.h"
#include "dns/zone/zone_state.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kRrsigFixedBytes = 18;  // before the signer's name (RFC 4034 §3.1)

std::uint32_t timeAt(std::span<const std::uint8_t> rdata, std::size_t at) {
  return std::uint32_t{rdata[at]} << 24 | std::uint32_t{rdata[at + 1]} << 16 |
         std::uint32_t{rdata[at + 2]} << 8 | rdata[at + 3];
}

// Times of signatures go round, as serials do (RFC 4034 §3.1.5).
bool isBefore(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

// Whether the record's next name (NSEC) or next hash (NSEC3) is that of the record that follows.
bool leadsTo(const DenialChain& chain, DenialIx record, DenialIx next) {
  const auto rdata = chain.rrset(record).firstRdata();
  if (!chain.isHashed()) {
    const std::optional<NameView> name = nameIn(rdata, 0);
    return name && Name(*name).lowered() == Name(chain.owner(next)).lowered();
  }
  const std::size_t at = rdata.size() < 5 ? rdata.size() : 5 + std::size_t{rdata[4]};
  if (rdata.size() < at + 1 + sizeof(Sha1) || rdata[at] != sizeof(Sha1)) return false;
  Sha1 hash{};
  std::copy_n(rdata.begin() + static_cast<std::ptrdiff_t>(at) + 1, hash.size(), hash.begin());
  return chain.matches(next, hash);
}

class FaultFinder {
 public:
  explicit FaultFinder(WallTime now)
      : now_(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count())) {}

  void count(std::size_t& counter, NameView owner) {
    if (counter++ == 0 && found.first.empty()) found.first = owner.text();
  }

  void addSignatures(const RrsetView& signatures, NameView owner) {
    std::span<const std::uint8_t> rest = signatures.rendered;
    while (!rest.empty()) {
      const std::size_t length = std::size_t{rest[10]} << 8 | rest[11];
      const auto rdata = rest.subspan(kRenderedFixedBytes, length);
      rest = rest.subspan(kRenderedFixedBytes + length);
      if (length < kRrsigFixedBytes) continue;
      if (isBefore(timeAt(rdata, 8), now_)) count(found.expired, owner);
      if (isBefore(now_, timeAt(rdata, 12))) count(found.not_yet_valid, owner);
    }
  }

  void addChain(const DenialChain& chain) {
    for (std::uint32_t i = 0; i < chain.size(); ++i) {
      const DenialIx record(i);
      const DenialIx next((i + 1) % static_cast<std::uint32_t>(chain.size()));
      if (!chain.isCompact() && !leadsTo(chain, record, next))
        count(found.broken_links, chain.owner(record));
      if (!chain.isHashed()) continue;
      const RrsetView signatures = chain.signatures(record);
      if (signatures.empty()) count(found.unsigned_rrsets, chain.owner(record));
      addSignatures(signatures, chain.owner(record));
    }
  }

  SigningFaults found;

 private:
  std::uint32_t now_;
};

}  // namespace

SigningFaults Zone::signingFaults(WallTime now) const {
  FaultFinder finder(now);
  const ZoneNode& apex = state_->nodes[state_->apex_node];
  for (const RrType type : {RrType::kDnskey, RrType::kNsec, RrType::kNsec3param, RrType::kRrsig}) {
    finder.found.begun |= state_->rrsetOf(apex, type) != nullptr;
  }
  if (!finder.found.begun) return finder.found;
  const DenialChain* chain = state_->denial.get();
  finder.found.is_signed = chain != nullptr;
  for (const ZoneNode& node : state_->nodes) {
    if ((node.flags & kIsOccluded) != 0) continue;
    const NameView owner = state_->nameOf(node);
    const bool is_cut = (node.flags & kIsCut) != 0;
    bool has_data = false;
    for (std::uint32_t at = node.rrsets; at != kNoIndex; at = state_->rrsets[at].next) {
      const ZoneRrset& rrset = state_->rrsets[at];
      if (rrset.type == RrType::kRrsig) {
        finder.addSignatures(state_->view(rrset), owner);
        continue;
      }
      has_data = true;
      const bool is_parents = !is_cut || rrset.type == RrType::kDs || rrset.type == RrType::kNsec;
      if (is_parents && state_->signaturesOf(node, rrset.type) == nullptr) {
        finder.count(finder.found.unsigned_rrsets, owner);
      }
    }
    if (chain != nullptr && !chain->isHashed() && has_data &&
        state_->rrsetOf(node, RrType::kNsec) == nullptr) {
      finder.count(finder.found.undenied_names, owner);
    }
  }
  if (chain != nullptr) finder.addChain(*chain);
  return finder.found;
}

void logSigningFaults(const Zone& zone, const std::string& file, WallTime now) {
  const SigningFaults faults = zone.signingFaults(now);
  if (!faults.any()) return;
  logWarn("zone_signing_faults", {{"zone", zone.apex().text()},
                                  {"file", file},
                                  {"served_as_signed", faults.is_signed ? "yes" : "no"},
                                  {"unsigned_rrsets", std::to_string(faults.unsigned_rrsets)},
                                  {"expired", std::to_string(faults.expired)},
                                  {"not_yet_valid", std::to_string(faults.not_yet_valid)},
                                  {"undenied_names", std::to_string(faults.undenied_names)},
                                  {"broken_links", std::to_string(faults.broken_links)},
                                  {"first", faults.first}});
}

}  // namespace meridian::dns
