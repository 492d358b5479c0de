#include "dns/answer/service_signatures.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/byte_reader.h"
#include "dns/sign/compact_denial.h"
#include "dns/sign/online_signer.h"
#include "dns/sign/signing_jobs.h"
#include "dns/wire/render_record.h"

namespace meridian::dns {
namespace {

using partition::EZoneIx;

constexpr std::uint32_t kClockSkew = 3600;  // s; signatures begin that much earlier

std::uint32_t secondsOf(WallTime now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

std::vector<std::uint8_t> ownerAndRrset(NameView owner, const RrsetView& rrset) {
  std::vector<std::uint8_t> out(owner.wire().begin(), owner.wire().end());
  out.insert(out.end(), rrset.rendered.begin(), rrset.rendered.end());
  return out;
}

}  // namespace

class ServiceSignatures::Maker {
 public:
  Maker(const ServiceSet& services, const ZoneSet& zones, const ServiceSignatures* before,
        WallTime now)
      : services_(services), zones_(zones), before_(before), now_(secondsOf(now)) {}

  std::shared_ptr<const ServiceSignatures> run() {
    learn();
    const std::span<const ServiceNode> nodes = services_.nodes();
    out_->places_.assign(nodes.size(), Place::kUnsigned);
    for (std::size_t i = 0; i < nodes.size(); ++i) addRecords(i, nodes[i]);
    records_ = wanted_.size();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      out_->first_denial_.push_back(static_cast<std::uint32_t>(out_->denials_.size()));
      if (out_->places_[i] != Place::kUnsigned) addDenials(nodes[i]);
    }
    out_->first_denial_.push_back(static_cast<std::uint32_t>(out_->denials_.size()));
    if (wanted_.empty()) return nullptr;
    sign();
    return std::move(out_);
  }

 private:
  // One RRset at one name: a service's, or behind all of those, a denial.
  struct Wanted {
    NameView owner;
    NameView apex;
    const OnlineKeys* online;
    RrsetView rrset;
    std::uint32_t prepared_ttl;
    // Where it stands among the services' RRsets, and then in signatures_; the same with the
    // prepared TTL. Of a denial neither.
    std::size_t plain = 0, prepared = 0;
  };

  void learn() {
    if (before_ == nullptr) return;
    for (std::size_t i = 0; i < before_->signed_.size(); ++i) {
      known_.emplace(asText(before_->signed_[i]), before_->alone_[i]);
    }
  }

  void addRecords(std::size_t at, const ServiceNode& node) {
    const Zone* zone = zones_.find(node.name);
    const LoadedZone* loaded = zone == nullptr ? nullptr : zones_.at(zone->apex());
    if (loaded == nullptr || loaded->online == nullptr) return;
    out_->places_[at] = Place::kOnline;
    if (!node.ownsRecords()) return;
    const std::size_t first = wanted_.size();
    for (std::size_t i = 0; i < services_.ezoneCount(node.service); ++i) {
      const EZoneIx ezone(static_cast<std::uint16_t>(i));
      const auto rrsets = services_.rrsets(node.service, ezone);
      const auto prepared = services_.rrsets(node.service, ezone, true);
      for (std::size_t k = 0; k < rrsets.size(); ++k) {
        wanted_.push_back({node.name, zone->apex(), loaded->online.get(), rrsets[k],
                           prepared[k].ttl, services_.indexOf(rrsets[k]),
                           services_.indexOf(prepared[k])});
      }
    }
    place(at, first);
  }

  // The RRsets of the node, which were ordered last, get their places in signatures_.
  void place(std::size_t at, std::size_t first) {
    const std::span<Wanted> wanted = std::span(wanted_).subspan(first);
    if (wanted.empty()) return;
    const auto lowest = std::min_element(wanted.begin(), wanted.end(), [](auto& a, auto& b) {
                          return a.plain < b.plain;
                        })->plain;
    // Two for each: with the service's TTL, and with the prepared one.
    const std::int64_t base =
        static_cast<std::int64_t>(2 * first) - static_cast<std::int64_t>(lowest);
    out_->places_[at] = Place(base);
    for (Wanted& each : wanted) {
      each.plain = 2 * first + (each.plain - lowest);
      each.prepared = 2 * first + (each.prepared - lowest);
    }
  }

  void addDenials(const ServiceNode& node) {
    const Zone& zone = *zones_.find(node.name);
    const std::vector<RrType> types = typesAt(node, zone);
    deny(node, zone, RrType::kNsec, types);
    const auto offered = offeredAt(node);
    for (const RrType asked : types) {
      if (std::find(offered.begin(), offered.end(), asked) == offered.end()) continue;
      std::vector<RrType> others = types;
      std::erase(others, asked);
      deny(node, zone, asked, others);
    }
  }

  std::span<const RrType> offeredAt(const ServiceNode& node) const {
    const bool has_types = node.ownsRecords() || node.kind == ServiceNode::Kind::kPooled;
    return has_types ? services_.typesOf(node.service) : std::span<const RrType>();
  }

  // What a service and the zone have at a name, whoever asks. Another place's alias is none here.
  std::vector<RrType> typesAt(const ServiceNode& node, const Zone& zone) const {
    const auto offered = offeredAt(node);
    std::vector<RrType> out(offered.begin(), offered.end());
    const Zone::Match match = zone.find(node.name, hashName(node.name));
    if (match.kind == Zone::MatchKind::kExact) {
      for (const RrsetView& rrset : zone.rrsets(match.node)) {
        if (!isMadeBySigning(rrset.type)) out.push_back(rrset.type);
      }
    }
    std::erase(out, RrType::kCname);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  void deny(const ServiceNode& node, const Zone& zone, RrType asked,
            std::span<const RrType> types) {
    std::vector<std::uint8_t>& rendered = denied_.emplace_back();
    const std::uint32_t ttl = zone.negativeSoa().ttl;  // RFC 9077 §3
    const RrsetView rrset = compactDenial(node.name, zone.apex(), types, ttl, rendered);
    wanted_.push_back({node.name, zone.apex(), zones_.at(zone.apex())->online.get(), rrset, ttl});
    out_->denials_.push_back({asked, {}});
  }

  void sign() {
    out_->signatures_.resize(2 * records_);
    out_->rendered_.resize(records_ + wanted_.size());
    out_->signed_.resize(wanted_.size());
    out_->alone_.resize(wanted_.size());
    made_.resize(wanted_.size());
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      out_->signed_[i] = ownerAndRrset(wanted_[i].owner, wanted_[i].rrset);
      if (!keep(i)) order(i);
    }
    for (std::size_t i = 0; i < jobs_.size();) {
      // Jobs of one zone stand together as services do.
      std::size_t end = i;
      while (end < jobs_.size() && wanted_[job_of_[end]].apex == wanted_[job_of_[i]].apex) ++end;
      signAll(std::span(jobs_).subspan(i, end - i), wanted_[job_of_[i]].apex);
      i = end;
    }
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const std::size_t of = job_of_[i];
      renderRecord(RrType::kRrsig, wanted_[of].rrset.ttl, jobs_[i].rdata, made_[of]);
    }
    for (std::size_t i = 0; i < wanted_.size(); ++i) finish(i);
    out_->made_ = jobs_.size();
  }

  bool keep(std::size_t i) {
    const auto found = known_.find(asText(out_->signed_[i]));
    if (found == known_.end()) return false;
    const auto& signers = wanted_[i].online->keys->zone_signers;
    if (found->second.count != signers.size()) return false;
    auto rest = found->second.rendered;
    for (const auto& key : signers) {
      const std::size_t length = std::size_t{rest[10]} << 8U | rest[11];
      ByteReader rdata(rest.subspan(kRenderedFixedBytes, length));
      rest = rest.subspan(kRenderedFixedBytes + length);
      rdata.skip(8);
      const std::uint32_t expiration = rdata.u32();
      rdata.skip(4);
      const auto left = static_cast<std::int32_t>(expiration - now_);
      // These are looked at when the zone is signed anew, which is at the latest after a life less
      // refresh_before. What is kept must last until then, and half of refresh_before more.
      const std::int64_t least =
          (wanted_[i].online->lifetime - wanted_[i].online->refresh_before / 2).count();
      if (rdata.u16() != key->tag() || left < least || !rdata.ok()) return false;
    }
    made_[i].assign(found->second.rendered.begin(), found->second.rendered.end());
    return true;
  }

  void order(std::size_t i) {
    const Wanted& wanted = wanted_[i];
    const auto life = static_cast<std::uint32_t>(wanted.online->lifetime.count());
    for (const auto& key : wanted.online->keys->zone_signers) {
      jobs_.push_back({wanted.owner, wanted.rrset, key.get(), {now_ - kClockSkew, now_ + life}});
      job_of_.push_back(i);
    }
  }

  // RRset and signatures; of records also the same with the other TTL: what is signed has the
  // original one in it.
  void finish(std::size_t i) {
    const Wanted& wanted = wanted_[i];
    const auto records = wanted.rrset.rendered;
    const bool is_denial = i >= records_;
    std::vector<std::uint8_t>& whole = out_->rendered_[is_denial ? records_ + i : 2 * i];
    whole.assign(records.begin(), records.end());
    whole.insert(whole.end(), made_[i].begin(), made_[i].end());
    const auto signers = static_cast<std::uint16_t>(wanted.online->keys->zone_signers.size());
    const auto count = static_cast<std::uint16_t>(wanted.rrset.count + signers);
    const RrsetView all{wanted.rrset.type, count, wanted.rrset.ttl, whole};
    out_->alone_[i] = {RrType::kRrsig, signers, wanted.rrset.ttl,
                       std::span<const std::uint8_t>(whole).subspan(records.size())};
    if (is_denial) {
      out_->denials_[i - records_].rrset = all;
      return;
    }
    std::vector<std::uint8_t>& prepared = out_->rendered_[2 * i + 1];
    prepared = whole;
    setRenderedTtls(prepared, wanted.prepared_ttl);
    out_->signatures_[wanted.plain] = all;
    out_->signatures_[wanted.prepared] = {wanted.rrset.type, count, wanted.prepared_ttl, prepared};
  }

  const ServiceSet& services_;
  const ZoneSet& zones_;
  const ServiceSignatures* before_;
  std::uint32_t now_;
  std::shared_ptr<ServiceSignatures> out_ = std::make_shared<ServiceSignatures>();
  std::vector<Wanted> wanted_;
  std::size_t records_ = 0;                        // so many of them are no denials
  std::vector<std::vector<std::uint8_t>> denied_;  // what denials point into
  std::vector<std::vector<std::uint8_t>> made_;    // by RRset: its RRSIGs, rendered
  std::vector<SigningJob> jobs_;
  std::vector<std::size_t> job_of_;                        // by job: of which RRset
  std::unordered_map<std::string_view, RrsetView> known_;  // of `before_`
};

const RrsetView& ServiceSignatures::denialOf(std::size_t node, RrType asked) const noexcept {
  const std::span<const Denial> all = std::span(denials_).subspan(
      first_denial_[node], first_denial_[node + 1] - first_denial_[node]);
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Denial& each) { return each.asked == asked; });
  return (found == all.end() ? all.begin() : found)->rrset;
}

std::shared_ptr<const ServiceSignatures> ServiceSignatures::make(const ServiceSet& services,
                                                                 const ZoneSet& zones,
                                                                 const ServiceSignatures* before,
                                                                 WallTime now) {
  return Maker(services, zones, before, now).run();
}

}  // namespace meridian::dns
