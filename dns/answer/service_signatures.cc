#include "dns/answer/service_signatures.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/byte_reader.h"
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
    for (std::size_t i = 0; i < nodes.size(); ++i) addNode(i, nodes[i]);
    if (wanted_.empty()) return nullptr;
    sign();
    return std::move(out_);
  }

 private:
  // One RRset at one name.
  struct Wanted {
    NameView owner;
    NameView apex;
    const OnlineKeys* online;
    RrsetView rrset;
    std::uint32_t prepared_ttl;
    // Where it stands among the services' RRsets, and then in signatures_; the same with the
    // prepared TTL.
    std::size_t plain, prepared;
  };

  void learn() {
    if (before_ == nullptr) return;
    for (std::size_t i = 0; i < before_->signed_.size(); ++i) {
      known_.emplace(asText(before_->signed_[i]), before_->alone_[i]);
    }
  }

  void addNode(std::size_t at, const ServiceNode& node) {
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

  void sign() {
    out_->signatures_.resize(2 * wanted_.size());
    out_->rendered_.resize(2 * wanted_.size());
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

  // The views, and the same with the other TTL: what is signed has the original one in it.
  void finish(std::size_t i) {
    const Wanted& wanted = wanted_[i];
    const auto records = wanted.rrset.rendered;
    std::vector<std::uint8_t>& whole = out_->rendered_[2 * i];
    whole.assign(records.begin(), records.end());
    whole.insert(whole.end(), made_[i].begin(), made_[i].end());
    std::vector<std::uint8_t>& prepared = out_->rendered_[2 * i + 1];
    prepared = whole;
    setRenderedTtls(prepared, wanted.prepared_ttl);
    const auto signers = static_cast<std::uint16_t>(wanted.online->keys->zone_signers.size());
    const auto count = static_cast<std::uint16_t>(wanted.rrset.count + signers);
    out_->signatures_[wanted.plain] = {wanted.rrset.type, count, wanted.rrset.ttl, whole};
    out_->signatures_[wanted.prepared] = {wanted.rrset.type, count, wanted.prepared_ttl, prepared};
    out_->alone_[i] = {RrType::kRrsig, signers, wanted.rrset.ttl,
                       std::span<const std::uint8_t>(whole).subspan(records.size())};
  }

  const ServiceSet& services_;
  const ZoneSet& zones_;
  const ServiceSignatures* before_;
  std::uint32_t now_;
  std::shared_ptr<ServiceSignatures> out_ = std::make_shared<ServiceSignatures>();
  std::vector<Wanted> wanted_;
  std::vector<std::vector<std::uint8_t>> made_;  // by RRset: its RRSIGs, rendered
  std::vector<SigningJob> jobs_;
  std::vector<std::size_t> job_of_;                        // by job: of which RRset
  std::unordered_map<std::string_view, RrsetView> known_;  // of `before_`
};

std::shared_ptr<const ServiceSignatures> ServiceSignatures::make(const ServiceSet& services,
                                                                 const ZoneSet& zones,
                                                                 const ServiceSignatures* before,
                                                                 WallTime now) {
  return Maker(services, zones, before, now).run();
}

}  // namespace meridian::dns
