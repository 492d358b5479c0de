#include "dns/sign/zone_signer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "dns/sign/signing_jobs.h"
#include "dns/sign/successor.h"
#include "dns/sign/type_bitmap.h"
#include "dns/wire/render_record.h"
#include "dns/zone/canonical_order.h"
#include "dns/zone/denial_chain.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/unsigned_part.h"
#include "dns/zone/zone_builder.h"

namespace meridian::dns {
namespace {

using std::chrono::seconds;

constexpr seconds kClockSkew = std::chrono::hours(1);  // of validators: signatures begin earlier
// Signatures would end together, and be made anew together: each ends up to a fourth of its useful
// life earlier, by its owner and type.
constexpr int kSpread = 4;
// What is due within this part of a useful life is made anew with what is due.
constexpr int kAhead = 16;
constexpr std::uint8_t kSha1Algorithm = 1;  // RFC 5155 §11

std::uint32_t unixSeconds(WallTime time) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<seconds>(time.time_since_epoch()).count());
}

// What an RRSIG's RDATA says (RFC 4034 §3.1).
struct RrsigFields {
  std::uint8_t algorithm = 0;
  std::uint32_t ttl = 0;
  std::uint32_t expiration = 0;
  std::uint16_t tag = 0;
};
std::optional<RrsigFields> fieldsOf(std::span<const std::uint8_t> rdata) {
  ByteReader in(rdata);
  RrsigFields out;
  in.u16();  // the type covered
  out.algorithm = in.u8();
  in.u8();  // labels
  out.ttl = in.u32();
  out.expiration = in.u32();
  in.u32();  // inception
  out.tag = in.u16();
  if (!in.ok()) return std::nullopt;
  return out;
}

template <class Visit>
void eachRdata(const RrsetView& rrset, const Visit& visit) {
  for (auto rest = rrset.rendered; !rest.empty();) {
    const std::size_t length = std::size_t{rest[10]} << 8U | rest[11];
    visit(rest.subspan(kRenderedFixedBytes, length));
    rest = rest.subspan(kRenderedFixedBytes + length);
  }
}

// Records of one type that signing makes, rendered as a zone does.
class MadeRrset {
 public:
  MadeRrset(RrType type, std::uint32_t ttl) : type_(type), ttl_(ttl) {}
  void add(std::span<const std::uint8_t> rdata) {
    renderRecord(type_, ttl_, rdata, rendered_);
    ++count_;
  }
  RrsetView view() const { return {type_, count_, ttl_, rendered_}; }

 private:
  RrType type_;
  std::uint32_t ttl_;
  std::uint16_t count_ = 0;
  std::vector<std::uint8_t> rendered_;
};

// Base32 with the extended hex alphabet, lower case, no padding (RFC 4648 §7).
std::array<std::uint8_t, 32> hashLabel(const Sha1& hash) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
  std::array<std::uint8_t, 32> out{};
  std::uint64_t bits = 0;
  std::size_t written = 0;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    bits = bits << 8U | hash[i];
    if (i % 5 != 4) continue;
    for (int shift = 35; shift >= 0; shift -= 5) {
      out[written++] = static_cast<std::uint8_t>(kDigits[bits >> shift & 0x1fU]);
    }
    bits = 0;
  }
  return out;
}

class Signer {
 public:
  explicit Signer(const SigningOrder& order)
      : order_(order),
        data_(order.data),
        before_(order.before),
        now_(unixSeconds(order.now)),
        useful_(order.policy.signature_lifetime - order.policy.refresh_before),
        denial_ttl_(data_.negativeSoa().ttl) {}

  Checked<SignedZone> run() {
    checkData();
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    for (std::uint32_t i = 0; i < data_.nodeCount(); ++i) addNode(NodeIx(i));
    addKeys();
    switch (order_.policy.denial) {
      case DenialKind::kNsec:
        chainNsec();
        break;
      case DenialKind::kNsec3:
        chainNsec3();
        break;
      case DenialKind::kCompact:
        addCompact();
        break;
    }
    signAll(jobs_, data_.apex());
    for (const SigningJob& job : jobs_) {
      add(builderNode(job.owner), RrType::kRrsig, job.rrset.ttl, job.rdata);
    }
    builder_.check("signing", problems_);
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    SignedZone out{.zone = builder_.build(), .made = jobs_.size(), .kept = kept_};
    out.changed = before_ == nullptr || made_beside_soa_ > 0 ||
                  out.zone->recordCount() != before_->recordCount();
    out.left = left_;
    out.max_ttl = max_ttl_;
    out.next = order_.now + seconds(left_ > 0 ? 0 : std::max<std::int64_t>(first_due_, 1));
    return out;
  }

 private:
  struct Authoritative {
    NodeIx node;
    std::vector<RrType> types;  // ascending, without RRSIG and NSEC
    bool has_signed = false;
  };

  void checkData() {
    for (std::uint32_t i = 0; i < data_.nodeCount(); ++i) {
      for (const RrsetView& rrset : data_.rrsets(NodeIx(i))) {
        if (!isMadeBySigner(data_, NodeIx(i), rrset.type)) continue;
        problems_.add({}, data_.nodeName(NodeIx(i)).text() + " " + rrTypeName(rrset.type), "",
                      "the zone is signed here, and that is made by signing it");
      }
    }
  }

  NodeIx builderNode(NameView owner) {
    const Result<NodeIx> node = builder_.node(owner, 0);
    if (node) return *node;
    problems_.add({}, owner.text(), "", node.error().message);
    return {};
  }
  void add(NodeIx node, RrType type, std::uint32_t ttl, std::span<const std::uint8_t> rdata) {
    if (!problems_.empty()) return;
    max_ttl_ = std::max(max_ttl_, ttl);
    const auto added = builder_.add(node, type, ttl, rdata);
    if (!added) problems_.add({}, rrTypeName(type), "", added.error().message);
  }
  void addAll(NodeIx node, const RrsetView& rrset) {
    eachRdata(rrset, [&](auto rdata) { add(node, rrset.type, rrset.ttl, rdata); });
  }

  // The records of a name, and the signatures of those the zone has the say on.
  void addNode(NodeIx node) {
    const std::vector<RrsetView> rrsets = data_.rrsets(node);
    const NameView owner = data_.nodeName(node);
    if (!rrsets.empty()) {
      const NodeIx built = builderNode(owner);
      for (const RrsetView& rrset : rrsets) addAll(built, rrset);
    }
    const Zone::Match match = data_.find(Name(owner).lowered());
    const bool is_cut = match.kind == Zone::MatchKind::kDelegation && match.node == node;
    if (match.kind != Zone::MatchKind::kExact && !is_cut) return;  // below a cut
    Authoritative entry{node, {}, false};
    for (const RrsetView& rrset : rrsets) {
      if (is_cut && rrset.type != RrType::kNs && rrset.type != RrType::kDs) continue;
      entry.types.push_back(rrset.type);
      if (is_cut && rrset.type != RrType::kDs) continue;
      sign(owner, rrset, order_.keys.zone_signers);
      entry.has_signed = true;
    }
    // The apex comes later, with its keys.
    if (node == data_.apexNode()) {
      apex_at_ = names_.size();
    }
    names_.push_back(std::move(entry));
  }

  void addKeys() {
    const auto addSet = [&](RrType type, const std::vector<std::vector<std::uint8_t>>& records) {
      if (records.empty()) return;
      MadeRrset& made = made_.emplace_back(type, order_.keys.dnskey_ttl);
      for (const auto& rdata : records) made.add(rdata);
      addAtApex(made.view(), order_.keys.key_signers);
    };
    addSet(RrType::kDnskey, order_.keys.dnskeys);
    addSet(RrType::kCds, order_.keys.cds);
    addSet(RrType::kCdnskey, order_.keys.cdnskeys);
    if (order_.policy.denial != DenialKind::kNsec3) return;
    MadeRrset& parameters = made_.emplace_back(RrType::kNsec3param, denial_ttl_);
    parameters.add(std::array<std::uint8_t, 5>{kSha1Algorithm, 0, 0, 0, 0});
    addAtApex(parameters.view(), order_.keys.zone_signers);
  }
  void addAtApex(const RrsetView& rrset, const KeySet::Keys& signers) {
    addAll(builderNode(data_.apex()), rrset);
    sign(data_.apex(), rrset, signers);
    std::vector<RrType>& types = names_[apex_at_].types;
    types.insert(std::upper_bound(types.begin(), types.end(), rrset.type), rrset.type);
  }

  void chainNsec() {
    std::erase_if(names_, [](const Authoritative& name) { return name.types.empty(); });
    const auto before = [&](const Authoritative& a, const Authoritative& b) {
      return canonicalOrder(data_.nodeName(a.node), data_.nodeName(b.node)) < 0;
    };
    if (!std::is_sorted(names_.begin(), names_.end(), before)) {
      std::sort(names_.begin(), names_.end(), before);
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      addNsec(names_[i], Name(data_.nodeName(names_[(i + 1) % names_.size()].node)).lowered());
    }
  }
  // RFC 9824 §3: each name speaks for itself alone, and empty non-terminals are names. What does
  // not exist is denied when it is asked for.
  void addCompact() {
    if (data_.nodeOf(successorOf(data_.apex(), data_.apex()))) {
      problems_.add({}, data_.apex().text(), "",
                    "has the name \\000." + data_.apex().text() +
                        ", which tells compact denial from NSEC: use nsec");
    }
    for (Authoritative& name : names_) {
      addNsec(name, successorOf(Name(data_.nodeName(name.node)).lowered(), data_.apex()));
    }
  }
  void addNsec(Authoritative& name, const Name& next) {
    std::vector<std::uint8_t> rdata(next.view().wire().begin(), next.view().wire().end());
    for (const RrType type : {RrType::kRrsig, RrType::kNsec}) {
      name.types.insert(std::upper_bound(name.types.begin(), name.types.end(), type), type);
    }
    appendTypeBitmap(name.types, rdata);
    addMade(data_.nodeName(name.node), RrType::kNsec, rdata);
  }

  void chainNsec3() {
    std::vector<std::pair<Sha1, const Authoritative*>> hashed;
    hashed.reserve(names_.size());
    for (Authoritative& name : names_) {
      if (name.has_signed || name.node == data_.apexNode()) {
        name.types.insert(std::upper_bound(name.types.begin(), name.types.end(), RrType::kRrsig),
                          RrType::kRrsig);
      }
      hashed.emplace_back(nsec3Hash(Name(data_.nodeName(name.node)).lowered(), 0, {}), &name);
    }
    std::sort(hashed.begin(), hashed.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < hashed.size(); ++i) {
      const Sha1& next = hashed[(i + 1) % hashed.size()].first;
      // Algorithm, flags, iterations, no salt (RFC 5155 §3.2).
      std::vector<std::uint8_t> rdata{kSha1Algorithm, 0, 0, 0, 0, sizeof(Sha1)};
      rdata.insert(rdata.end(), next.begin(), next.end());
      appendTypeBitmap(hashed[i].second->types, rdata);
      const auto label = hashLabel(hashed[i].first);
      std::vector<std::uint8_t> wire{static_cast<std::uint8_t>(label.size())};
      wire.insert(wire.end(), label.begin(), label.end());
      const auto apex = data_.apex().wire();
      wire.insert(wire.end(), apex.begin(), apex.end());
      const Result<Name> owner = Name::fromWire(wire);
      if (!owner) {
        problems_.add({}, data_.apex().text(), "", "too long a name for NSEC3: use NSEC");
        return;
      }
      addMade(hash_owners_.emplace_back(*owner), RrType::kNsec3, rdata);
    }
  }
  void addMade(NameView owner, RrType type, std::span<const std::uint8_t> rdata) {
    MadeRrset& made = made_.emplace_back(type, denial_ttl_);
    made.add(rdata);
    addAll(builderNode(owner), made.view());
    sign(owner, made.view(), order_.keys.zone_signers);
  }

  // The RRset of the zone before, and its signatures.
  struct Old {
    RrsetView rrset, signatures;
  };
  Old oldOf(NameView owner, RrType type) const {
    if (before_ == nullptr) return {};
    const std::optional<NodeIx> node = before_->nodeOf(Name(owner).lowered());
    if (!node) return {};
    if (type != RrType::kNsec3) {
      return {before_->rrset(*node, type), before_->signatures(*node, type)};
    }
    // Those are none of the tree's.
    Old out;
    for (const RrsetView& rrset : before_->rrsets(*node)) {
      if (rrset.type == RrType::kNsec3) out.rrset = rrset;
      if (rrset.type != RrType::kRrsig) continue;
      const auto rdata = rrset.firstRdata();
      const auto covered = static_cast<RrType>(rdata[0] << 8 | rdata[1]);
      if (covered == RrType::kNsec3) out.signatures = rrset;
    }
    return out;
  }

  // Keeps what can be kept, and orders what is lacking.
  void sign(NameView owner, const RrsetView& rrset, const KeySet::Keys& signers) {
    const Old old = oldOf(owner, rrset.type);
    const bool is_soa = rrset.type == RrType::kSoa;
    const bool same = std::ranges::equal(old.rrset.rendered, rrset.rendered);
    const std::uint32_t lasts = expirationOf(owner, rrset.type);
    for (const auto& key : signers) {
      const auto found = is_soa || same ? signatureOf(old.signatures, *key) : std::nullopt;
      const bool due = !found || isDue(*found);
      if (!due && same) {
        keep(owner, rrset.ttl, *found);
        continue;
      }
      if (found && same && (!isExpired(*found) && renewals_ >= order_.max_renewals)) {
        ++left_;
        keep(owner, rrset.ttl, *found);
        continue;
      }
      // A key that takes over from another which is still published: one by one.
      if (!found && same && renewals_ >= order_.max_renewals && keepOfOther(owner, rrset, old)) {
        ++left_;
        continue;
      }
      if (same && !old.signatures.empty()) ++renewals_;
      if (!is_soa || due) ++made_beside_soa_;
      jobs_.push_back({owner,
                       rrset,
                       key.get(),
                       {now_ - static_cast<std::uint32_t>(kClockSkew.count()), lasts}});
      noteDue(lasts);
    }
  }

  struct Found {
    std::span<const std::uint8_t> rdata;
    RrsigFields fields;
  };
  static std::optional<Found> signatureOf(const RrsetView& signatures, const ZoneKey& key) {
    std::optional<Found> out;
    eachRdata(signatures, [&](std::span<const std::uint8_t> rdata) {
      const auto fields = fieldsOf(rdata);
      if (!fields || fields->tag != key.tag() ||
          fields->algorithm != static_cast<std::uint8_t>(key.algorithm())) {
        return;
      }
      out = Found{rdata, *fields};
    });
    return out;
  }
  bool keepOfOther(NameView owner, const RrsetView& rrset, const Old& old) {
    bool kept = false;
    eachRdata(old.signatures, [&](std::span<const std::uint8_t> rdata) {
      const auto fields = fieldsOf(rdata);
      if (kept || !fields || isExpired({rdata, *fields})) return;
      const bool published = std::ranges::any_of(order_.keys.dnskeys, [&](const auto& dnskey) {
        return keyTagOf(dnskey) == fields->tag && dnskey[3] == fields->algorithm;
      });
      if (!published) return;
      keep(owner, rrset.ttl, {rdata, *fields});
      kept = true;
    });
    return kept;
  }
  void keep(NameView owner, std::uint32_t ttl, const Found& found) {
    add(builderNode(owner), RrType::kRrsig, ttl, found.rdata);
    ++kept_;
    noteDue(found.fields.expiration);
  }

  // Seconds until it is due, counted from now; negative: it is overdue.
  std::int64_t dueIn(std::uint32_t expiration) const {
    return static_cast<std::int32_t>(expiration - now_) - order_.policy.refresh_before.count();
  }
  bool isDue(const Found& found) const {
    return dueIn(found.fields.expiration) <= useful_.count() / kAhead;
  }
  // So near its end that the next pass may come too late.
  bool isExpired(const Found& found) const {
    return dueIn(found.fields.expiration) <= -order_.policy.refresh_before.count() / 2;
  }
  void noteDue(std::uint32_t expiration) {
    first_due_ = std::min(first_due_, std::max<std::int64_t>(dueIn(expiration), 0));
  }
  std::uint32_t expirationOf(NameView owner, RrType type) const {
    const auto spread =
        static_cast<std::uint64_t>(std::max<std::int64_t>(useful_.count() / kSpread, 1));
    const std::uint64_t mixed =
        (hashName(Name(owner).lowered()) ^ static_cast<std::uint64_t>(type)) * 0x9e3779b97f4a7c15U;
    return now_ + static_cast<std::uint32_t>(order_.policy.signature_lifetime.count()) -
           static_cast<std::uint32_t>((mixed >> 32U) % spread);
  }

  const SigningOrder& order_;
  const Zone& data_;
  const Zone* before_;
  std::uint32_t now_;
  seconds useful_;            // of a signature's life
  std::uint32_t denial_ttl_;  // RFC 9077 §3
  ZoneBuilder builder_;
  Diagnostics problems_;
  std::vector<Authoritative> names_;
  std::size_t apex_at_ = 0;       // in names_
  std::deque<MadeRrset> made_;    // what jobs point into
  std::deque<Name> hash_owners_;  // likewise
  std::vector<SigningJob> jobs_;
  std::size_t kept_ = 0, made_beside_soa_ = 0, renewals_ = 0, left_ = 0;
  std::uint32_t max_ttl_ = 0;
  std::int64_t first_due_ = std::numeric_limits<std::int32_t>::max();
};

}  // namespace

Checked<SignedZone> signZone(const SigningOrder& order) {
  return Signer(order).run();
}

}  // namespace meridian::dns
