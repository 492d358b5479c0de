// Answering: how one question is answered (Q3 to Q6 of docs/ARCHITECTURE.md). For answerer.cc
// alone: all of it stands here, so that what is called once becomes part of its caller. Not
// thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/byte_reader.h"
#include "dns/answer/additional.h"
#include "dns/answer/alias_chain.h"
#include "dns/answer/answer_decision.h"
#include "dns/answer/answerer.h"
#include "dns/answer/chaos_text.h"
#include "dns/answer/explain_text.h"
#include "dns/answer/place.h"
#include "dns/answer/refusal.h"
#include "dns/answer/signed_answer.h"
#include "dns/wire/render_record.h"
#include "dns/wire/response_writer.h"

namespace meridian::dns {
namespace {
enum class Step : std::uint8_t {
  kDone,
  kFollow,  // an alias was added, and the current name is its target now
};

class Answering {
 public:
  Answering(const Query& query, const Client& client, const ServingState& state,
            ResponseWriter& out, OptReply& opt, AnswerCounters& counters)
      : query_(query),
        client_(client),
        state_(state),
        out_(out),
        opt_(opt),
        counters_(counters),
        name_(query.lowered.view()),
        hash_(query.hash) {}

  void run() {
    const bool is_odd = query_.rr_class != static_cast<std::uint16_t>(RrClass::kIn) ||
                        (query_.type >= RrType::kNxname && query_.type < RrType::kAny);
    if (is_odd && answerOdd()) return;
    // Services first: the names that most queries are for cost one probe, and no walk through a
    // zone.
    std::optional<Step> step;
    if (const ServiceNode* node = state_.services->find(name_, hash_)) {
      if (query_.edns.dnssec_ok && state_.signatures != nullptr) {
        signatures_ = state_.signatures->placeOf(state_.services->indexOf(*node));
        if (ServiceSignatures::isAhead(signatures_)) {
          signed_.beginAhead();
        } else if (signatures_ == ServiceSignatures::Place::kOnline) {
          beginService(*node);
        }
      }
      step = answerServiceNode(*node);
    }
    if (step == Step::kDone) return out_.setAuthoritative(true);
    decision_.zone = zone_ = zoneFor(query_.lowered.view(), query_.type);
    if (zone_ == nullptr) return withoutZone();
    if (isExplain(name_) && state_.services->touches(*zone_) && answerExplain()) return;
    out_.setAuthoritative(true);
    signed_.begin(*zone_, query_, client_, state_, out_, counters_);
    if (!step) step = answerName();
    while (step == Step::kFollow && mayFollow()) step = answerName();
    if (signed_.isOn() && !out_.truncated() && !signed_.finish()) truncate();
    if (leads_ && !out_.truncated()) addAddresses(*zone_, *leads_, query_.type, out_, signed_);
  }

  // What made the answer in the question's place (dns/answer/answer_facts.h); empty: its own name.
  std::span<const std::uint8_t> source() const {
    const bool no_name = out_.rcode() == Rcode::kNxDomain || signed_.deniedName();
    return no_name ? zone_->apex().wire() : source_;
  }

  const AnswerDecision& decision() const { return decision_; }

 private:
  // Another class than IN, QTYPEs and meta types (RFC 6895 §3.1). False: a type like any other.
  [[gnu::noinline]] bool answerOdd() {
    if (query_.rr_class == static_cast<std::uint16_t>(RrClass::kCh)) {
      answerChaos();
      return true;
    }
    const std::optional<Refusal> refusal = refusalOfQuestion(query_);
    if (refusal) refuse(*refusal);
    return refusal.has_value();
  }

  void refuse(const Refusal& refusal) {
    out_.setRcode(refusal.rcode);
    opt_.extended = refusal.why;
  }

  [[gnu::noinline]] void withoutZone() {
    if (!chain_.empty()) return out_.setAuthoritative(true);  // a service's alias needs no zone
    refuse(refusalOutsideZones(*state_.zones, query_.lowered.view()));
  }

  // DS of a zone's apex belongs to the parent's side of the cut (RFC 4035 §3.1.4.1), also where
  // the zone itself cannot be answered from.
  const Zone* zoneFor(NameView name, RrType type) const {
    const Zone* zone = state_.zones->find(name);
    if (type == RrType::kDs && (zone == nullptr || zone->apex() == name) && !name.isRoot()) {
      if (const Zone* parent = state_.zones->find(name.parent())) return parent;
    }
    return zone != nullptr ? zone : catalogFor(name, client_, state_);
  }

  // A chain stays in the zone that the question fell into, and ends where it would repeat itself.
  bool mayFollow() const { return name_.isWithin(zone_->apex()) && chain_.mayLeadTo(hash_); }

  // RFC 1034 §4.3.2 from step 3 on, for the current name.
  Step answerName() {
    const Zone::Match match = zone_->find(name_, hash_);
    if (signed_.isOn()) signed_.found(name_, match);
    if (match.kind == Zone::MatchKind::kDelegation) {
      const bool ds_at_cut =
          query_.type == RrType::kDs && zone_->nodeName(match.node).size() == name_.size();
      return ds_at_cut ? answerNode(match.node) : referral(match.node);
    }
    if (match.kind == Zone::MatchKind::kDname) return substitute(match.node);
    if (state_.services->touches(*zone_)) {
      if (const auto step = answerAmongServices(match)) return *step;
    }
    if (match.kind == Zone::MatchKind::kWildcard) madeBy(zone_->nodeName(match.node));
    return match.kind == Zone::MatchKind::kNxDomain ? nameError() : answerNode(match.node);
  }

  // Both make the tree: the deeper encloser decides. nullopt: the zone does.
  std::optional<Step> answerAmongServices(const Zone::Match& match) {
    const ServiceNode* node = state_.services->encloser(name_);
    if (node == nullptr) return std::nullopt;
    const bool in_file = match.kind == Zone::MatchKind::kExact;
    if (node->labels == name_.labelCount()) {
      if (signed_.isOn()) {
        ownService(*node);
        if (signed_.asksForDenial()) return noData();
      }
      if (const auto step = answerServiceNode(*node)) return step;
      return in_file ? std::nullopt : std::optional(noData());
    }
    if (in_file || node->labels < match.encloser_labels) return std::nullopt;
    if (const auto step = answerBelowService(*node)) return step;
    return node->labels > match.encloser_labels ? std::optional(nameError()) : std::nullopt;
  }

  // Of a zone file, by exact match or through a wildcard.
  Step answerNode(NodeIx node) {
    if (query_.type == RrType::kAny) return answerAny(node);
    if (const RrsetView rrset = zone_->rrset(node, query_.type); !rrset.empty()) {
      if (leadsToAddresses(query_.type) && !state_.settings->minimal_responses) leads_ = node;
      return add(rrset, node);
    }
    const RrsetView alias = zone_->rrset(node, RrType::kCname);
    if (alias.empty()) return noData();
    return addAlias(alias, node);
  }

  // RFC 8482 §4.1: one RRset is enough. Not inlined, as madeBy().
  [[gnu::noinline]] Step answerAny(NodeIx node) {
    const RrsetView first = zone_->firstRrset(node);
    return first.empty() ? noData() : add(first, node);
  }

  // RFC 6672 §3.2: DNAME, then the CNAME made from it.
  Step substitute(NodeIx node) {
    const RrsetView dname = zone_->rrset(node, RrType::kDname);
    const NameView owner = zone_->nodeName(node);
    madeBy(owner);
    const NameView target(dname.firstRdata());
    if (!chain_.hasDname(node.value)) {
      if (!out_.add(Section::kAnswer, dname, owner)) return truncate();
      chain_.addDname(node.value);
      if (signed_.isOn() && !signed_.addSignatures(node, RrType::kDname, out_.lastOwnerOffset())) {
        return truncate();
      }
    }
    const std::size_t kept = name_.size() - owner.size();
    if (kept + target.size() > kMaxName) {
      out_.setRcode(Rcode::kYxDomain);
      return Step::kDone;
    }
    // What stays of the question's own name keeps the case it was asked in.
    const NameView as_asked = owner_offset_ == kHeaderBytes ? query_.name : name_;
    std::array<std::uint8_t, kMaxName> bytes{};
    const auto prefix = as_asked.wire().first(kept);
    const auto tail = std::copy(prefix.begin(), prefix.end(), bytes.begin());
    std::copy(target.wire().begin(), target.wire().end(), tail);
    const NameView made(std::span<const std::uint8_t>(bytes).first(kept + target.size()));
    const std::uint16_t made_offset = out_.addCname(owner_offset_, dname.ttl, made);
    if (made_offset == 0) return truncate();
    if (query_.type == RrType::kCname) return Step::kDone;
    // A target at or below its own DNAME can only grow: one step shows the resolver the loop.
    const Name lowered_owner = Name(owner).lowered();
    if (Name(target).lowered().view().isWithin(lowered_owner.view())) return Step::kDone;
    return follow(made, made_offset);
  }

  Step referral(NodeIx cut) {
    const RrsetView servers = zone_->rrset(cut, RrType::kNs);
    const NameView owner = zone_->nodeName(cut);
    madeBy(owner);
    if (chain_.empty()) out_.setAuthoritative(false);
    const bool fits = owner_offset_ == kHeaderBytes
                          ? out_.add(Section::kAuthority, servers, out_.suffixOffset(owner.size()))
                          : out_.add(Section::kAuthority, servers, owner);
    if (!fits) return truncate();
    const std::uint16_t owner_offset =
        owner_offset_ == kHeaderBytes ? out_.suffixOffset(owner.size()) : out_.lastOwnerOffset();
    const Name cut_name = Name(owner).lowered();
    if (signed_.isOn() && !signed_.addDelegationSigner(cut, cut_name, owner_offset))
      return truncate();
    return addGlue(*zone_, cut, cut_name, out_, signed_) ? Step::kDone : truncate();
  }

  // The question's name is a service's own, and the client wants signatures, which are to be made.
  [[gnu::noinline]] void beginService(const ServiceNode& node) {
    zone_ = state_.zones->find(name_);
    if (zone_ == nullptr) return;  // it has expired
    signed_.begin(*zone_, query_, client_, state_, out_, counters_);
    if (signed_.isOn()) ownService(node);
  }
  [[gnu::noinline]] void ownService(const ServiceNode& node) {
    if (!query_.edns.dnssec_ok || state_.signatures == nullptr) {
      signatures_ = ServiceSignatures::Place::kOnline;
      return;
    }
    const std::size_t at = state_.services->indexOf(node);
    signatures_ = state_.signatures->placeOf(at);
    if (signatures_ != ServiceSignatures::Place::kUnsigned) {
      signed_.ownedByService(name_, *state_.signatures, at);
    }
  }

  // A service's own name. nullopt: it has nothing to say for this type; the zone may.
  std::optional<Step> answerServiceNode(const ServiceNode& node) {
    if (!node.ownsRecords()) {
      return node.kind == ServiceNode::Kind::kPooled ? answerPooled(node) : std::nullopt;
    }
    if (!state_.services->offers(node.service, query_.type)) return std::nullopt;
    decision_.begin();
    const partition::ZoneIx zone = state_.services->zoneOf(node.service);
    const partition::ZoneDecisions& decisions = *state_.decisions[zone.index()];
    if (node.kind == ServiceNode::Kind::kShard) {
      countSubject(decisions.first_subject + node.locus.index());
      decision_.place = PlaceSource::kName;
      return addEndpoint(node.service, decisions.by_locus[node.locus.index()],
                         isPrepared(decisions, node.locus.index()));
    }
    const bool global =
        state_.map.topology->zones[zone.index()].kind == partition::ZoneKind::kGlobal;
    if (node.kind == ServiceNode::Kind::kReadWrite ||
        (global && node.kind == ServiceNode::Kind::kService)) {
      countSubject(decisions.first_subject);
      return addEndpoint(node.service, decisions.primary, isPrepared(decisions, 0));
    }
    const ClientPlace place = placeOf(query_, client_, state_, *(*state_.placements)[zone.index()]);
    opt_.scope_length = place.scope;
    if (!global) countSubject(decisions.first_subject + place.locus.index());
    const auto step =
        decisions.plain()
            ? addEndpoint(node.service, decisions.by_locus[place.locus.index()], false)
            : addShared(node.service, decisions, place, !global);
    if (step) countPlace(place);
    return step;
  }

  void countSubject(std::size_t subject) {
    decision_.subject = subject;
    counters_.subjects.add(subject);
    counters_.resolvers.add(
        subject, client_.address,
        partition::ResolverPeriod::of(state_.map.topology_rev, client_.unix_time));
  }
  void countPlace(const ClientPlace& place) {
    decision_.place = place.source;
    if (place.source == PlaceSource::kClientSubnet) counters_.client_subnet.add();
    if (place.source == PlaceSource::kLocationOption) counters_.location_option.add();
  }

  // A stateless service whose endpoints have health of their own: the eZone by the service's own
  // decisions, then its endpoints.
  std::optional<Step> answerPooled(const ServiceNode& node) {
    if (!state_.services->offers(node.service, query_.type)) return std::nullopt;
    decision_.begin();
    const partition::ZoneIx zone = state_.services->zoneOf(node.service);
    const partition::ServicePools& pools = *(*state_.pools)[node.service.index()];
    const partition::ZoneDecisions& decisions = *pools.decisions;
    const ClientPlace place = placeOf(query_, client_, state_, *(*state_.placements)[zone.index()]);
    const std::uint64_t client = partition::clientHash(*place.sharer);
    const bool prepared = isPrepared(decisions, place.locus.index());
    const std::span<const partition::Share> shares = decisions.sharesOf(place.locus);
    const partition::EZoneIx ezone = shares.empty() ? decisions.by_locus[place.locus.index()]
                                                    : partition::chooseShare(shares, client);
    const partition::PoolChoice& pool = pools.by_ezone[ezone.index()];
    const bool by_client = !shares.empty() || pool.answered < pool.count;
    opt_.scope_length = by_client ? sharedScope(place, query_) : place.scope;
    decision_.served(node.service, ezone);
    std::optional<Step> step;
    if (pool.count == 0) {
      step = addEndpoint(node.service, ezone, prepared);
    } else {
      step = addFromPool(pools.candidatesOf(pool), pool.answered, client, prepared);
      if (step) counters_.service_answers.add();
    }
    if (step) countPlace(place);
    return step;
  }

  // All candidates in document order, or `answered` of them, the client's first choice first.
  std::optional<Step> addFromPool(std::span<const partition::PoolShare> candidates,
                                  std::size_t answered, std::uint64_t client, bool prepared) {
    std::optional<Step> step;
    if (signed_.isOn()) return addSignedPool(candidates, answered, client, prepared);
    if (answered == candidates.size()) {
      for (const partition::PoolShare& each : candidates) {
        step = addOfPool(each.endpoint, prepared);
        if (step != Step::kDone || out_.truncated()) return step;
      }
    } else {
      std::array<partition::EndpointIx, partition::kMaxAnswered> chosen{};
      const std::span<partition::EndpointIx> used(chosen.data(), answered);
      partition::chooseFromPool(candidates, client, used);
      for (const partition::EndpointIx endpoint : used) {
        step = addOfPool(endpoint, prepared);
        if (step != Step::kDone || out_.truncated()) return step;
      }
    }
    return step;
  }

  // The same as one RRset, and signed as one.
  [[gnu::noinline]] std::optional<Step> addSignedPool(
      std::span<const partition::PoolShare> candidates, std::size_t answered, std::uint64_t client,
      bool prepared) {
    std::vector<partition::EndpointIx> chosen(answered);
    if (answered == candidates.size()) {
      std::transform(candidates.begin(), candidates.end(), chosen.begin(),
                     [](const partition::PoolShare& each) { return each.endpoint; });
    } else {
      partition::chooseFromPool(candidates, client, chosen);
    }
    std::vector<std::uint8_t> bytes;
    const RrsetView all = state_.services->merged(chosen, prepared, query_.type, bytes);
    if (all.empty()) return std::nullopt;
    return addSigned(all, all.type != RrType::kCname || query_.type == RrType::kCname);
  }
  // What a service made just now, and its signatures.
  [[gnu::noinline]] Step addSigned(const RrsetView& rrset, bool is_last) {
    if (!out_.add(Section::kAnswer, rrset, owner_offset_)) return truncate();
    const std::uint16_t target = out_.lastRdataOffset();
    if (!signed_.addServiceSignatures(rrset, owner_offset_)) return truncate();
    return is_last ? Step::kDone : follow(NameView(rrset.firstRdata()), target);
  }

  // All of a pool have the same types, so that their records make one RRset.
  std::optional<Step> addOfPool(partition::EndpointIx endpoint, bool prepared) {
    for (const RrsetView& rrset : state_.services->rrsets(endpoint, prepared)) {
      const bool wanted = rrset.type == query_.type || query_.type == RrType::kAny;
      if (!wanted && rrset.type != RrType::kCname) continue;
      return wanted ? add(rrset) : addAlias(rrset);
    }
    return std::nullopt;
  }

  // By place, where something matters beside the place: a subject about to move, or the client's
  // share.
  std::optional<Step> addShared(partition::ServiceIx service,
                                const partition::ZoneDecisions& decisions, const ClientPlace& place,
                                bool may_be_prepared) {
    const bool prepared = may_be_prepared && isPrepared(decisions, place.locus.index());
    const std::span<const partition::Share> shares = decisions.sharesOf(place.locus);
    if (shares.empty()) {
      return addEndpoint(service, decisions.by_locus[place.locus.index()], prepared);
    }
    opt_.scope_length = sharedScope(place, query_);
    return addEndpoint(
        service, partition::chooseShare(shares, partition::clientHash(*place.sharer)), prepared);
  }

  static bool isPrepared(const partition::ZoneDecisions& decisions, std::size_t index) {
    return !decisions.prepared.empty() && decisions.prepared[index] != 0;
  }

  std::optional<Step> addEndpoint(partition::ServiceIx service, partition::EZoneIx ezone,
                                  bool prepared) {
    for (const RrsetView& rrset : state_.services->rrsets(service, ezone, prepared)) {
      const bool wanted = rrset.type == query_.type || query_.type == RrType::kAny;
      if (!wanted && rrset.type != RrType::kCname) continue;
      counters_.service_answers.add();
      decision_.served(service, ezone);
      if (signed_.isOn()) return addAhead(rrset, wanted);
      return wanted ? add(rrset) : addAlias(rrset);
    }
    return std::nullopt;
  }

  // With signatures that were made ahead, or else now.
  Step addAhead(const RrsetView& rrset, bool wanted) {
    if (!ServiceSignatures::isAhead(signatures_)) return addSigned(rrset, wanted);
    const RrsetView& whole = state_.signatures->at(signatures_, state_.services->indexOf(rrset));
    return wanted ? add(whole) : addAlias(whole);
  }

  // Names below g.S, city.S, poi.S and key.S: an alias to the shard's name, whose records follow in
  // the same answer. nullopt: nothing is made here.
  std::optional<Step> answerBelowService(const ServiceNode& parent) {
    NameView child = name_;
    for (std::size_t depth = name_.labelCount() - parent.labels; depth > 1; --depth)
      child = child.parent();
    const partition::ZoneIx zone = state_.services->zoneOf(parent.service);
    const partition::Placement& placement = *(*state_.placements)[zone.index()];
    const std::string_view label = asText(child.firstLabel());
    std::optional<partition::Locus> locus;
    switch (parent.kind) {
      case ServiceNode::Kind::kGeohash:
        locus = placement.ofGeohash(label);
        break;
      case ServiceNode::Kind::kCity:
        locus = placement.ofCity(label);
        break;
      case ServiceNode::Kind::kPoi:
        locus = placement.ofPoi(label);
        break;
      case ServiceNode::Kind::kKey:
        locus = placement.ofKey(label);
        break;
      case ServiceNode::Kind::kService:
      case ServiceNode::Kind::kPooled:
      case ServiceNode::Kind::kReadWrite:
      case ServiceNode::Kind::kReadOnly:
      case ServiceNode::Kind::kShard:
      case ServiceNode::Kind::kEmpty:
        return std::nullopt;
    }
    // A known child is a name without children; an unknown one is covered as if by a wildcard (RFC
    // 4592).
    if (locus && child.size() != name_.size()) return std::nullopt;
    if (!locus) counters_.unknown_places.add();
    const auto& rules = state_.map.topology->zones[zone.index()].placement;
    madeBy(parent.name);
    return addShardAlias(
        state_.services->shardNode(parent.service, locus.value_or(placement.fallback())),
        locus ? kShardAliasTtl : rules.unknown_ttl);
  }

  Step addShardAlias(const ServiceNode& shard, std::uint32_t ttl) {
    const NameView service = state_.services->nameOf(shard.service);
    const NameView target = shard.name.view();
    // The service's name ends the question's name; where an alias led here, the target is written
    // out.
    const std::uint16_t offset =
        owner_offset_ == kHeaderBytes
            ? out_.addCname(owner_offset_, ttl, target.wire().first(target.size() - service.size()),
                            out_.suffixOffset(service.size()))
            : out_.addCname(owner_offset_, ttl, target);
    if (offset == 0) return truncate();
    if (signed_.isOn() && !signShardAlias(target, ttl)) return truncate();
    if (query_.type == RrType::kCname || query_.type == RrType::kAny) return Step::kDone;
    return follow(target, offset);
  }
  [[gnu::noinline]] bool signShardAlias(NameView target, std::uint32_t ttl) {
    std::vector<std::uint8_t> rendered;
    renderRecord(RrType::kCname, ttl, target.wire(), rendered);
    return signed_.addServiceSignatures({RrType::kCname, 1, ttl, rendered}, owner_offset_);
  }

  Step addAlias(const RrsetView& alias) {
    if (!out_.add(Section::kAnswer, alias, owner_offset_)) return truncate();
    return follow(NameView(alias.firstRdata()), out_.lastRdataOffset());
  }

  // The same of data of the zone file.
  Step addAlias(const RrsetView& alias, NodeIx node) {
    return signed_.isOn() ? addSignedAlias(alias, node) : addAlias(alias);
  }
  [[gnu::noinline]] Step addSignedAlias(const RrsetView& alias, NodeIx node) {
    if (!out_.add(Section::kAnswer, alias, owner_offset_)) return truncate();
    const std::uint16_t target = out_.lastRdataOffset();
    if (!addSignatures(node, RrType::kCname)) return truncate();
    return follow(NameView(alias.firstRdata()), target);
  }

  // Makes `target`, which stands at `offset` in the response, the current name.
  Step follow(NameView target, std::uint16_t offset) {
    chain_.add(hash_);
    target_.assignLowered(target);
    name_ = target_.view();
    hash_ = hashName(name_);
    owner_offset_ = offset;
    return Step::kFollow;
  }

  Step add(const RrsetView& rrset) {
    return out_.add(Section::kAnswer, rrset, owner_offset_) ? Step::kDone : truncate();
  }
  Step add(const RrsetView& rrset, NodeIx node) {
    if (!out_.add(Section::kAnswer, rrset, owner_offset_)) return truncate();
    return !signed_.isOn() || addSignatures(node, rrset.type) ? Step::kDone : truncate();
  }
  [[gnu::noinline]] bool addSignatures(NodeIx node, RrType type) {
    return signed_.addSignatures(node, type, owner_offset_);
  }
  Step noData(bool name_exists = true) {
    if (signed_.isOn()) return addSignedNegative(name_exists) ? Step::kDone : truncate();
    return out_.add(Section::kAuthority, zone_->negativeSoa(), zone_->apex()) ? Step::kDone
                                                                              : truncate();
  }
  [[gnu::noinline]] bool addSignedNegative(bool name_exists) {
    if (signed_.asksForDenial()) return signed_.addDenialAsAnswer(name_exists);
    return out_.add(Section::kAuthority, zone_->negativeSoa(), zone_->apex()) &&
           signed_.addNegative(name_exists);
  }
  Step nameError() {
    out_.setRcode(Rcode::kNxDomain);
    return noData(false);
  }
  // Of the first name of a chain. Not inlined: what is seldom called would keep what is often
  // called from being so.
  [[gnu::noinline]] void madeBy(NameView owner) {
    if (chain_.empty()) source_ = owner.wire();
  }
  Step truncate() {
    out_.truncate();
    return Step::kDone;
  }

  void answerChaos() {
    const std::optional<std::string> text = chaosText(query_, state_);
    if (!text) return refuse({Rcode::kRefused, ExtendedError::kNotAuthoritative});
    out_.setAuthoritative(true);
    if (!out_.addTxt({&*text, 1}, RrClass::kCh, 0)) truncate();
  }

  // False: nothing here to explain; an ordinary name.
  bool answerExplain() {
    const NameView subject = name_.parent();
    const ServiceNode* node = state_.services->encloser(subject);
    if (node == nullptr || node->kind == ServiceNode::Kind::kEmpty) return false;
    signed_.turnOff();
    if (!state_.settings->explain_from.contains(client_.address)) {
      refuse({Rcode::kRefused, ExtendedError::kProhibited});
      return true;
    }
    out_.setAuthoritative(true);
    const ExplainedText explained = explainText(query_, client_, state_, *node, subject);
    if (!explained.exists) {
      nameError();
    } else if (query_.type != RrType::kTxt && query_.type != RrType::kAny) {
      noData();
    } else {
      opt_.scope_length = explained.scope;
      counters_.explained.add();
      if (!out_.addTxt(explained.lines, RrClass::kIn, 0)) truncate();
    }
    return true;
  }

  const Query& query_;
  const Client& client_;
  const ServingState& state_;
  ResponseWriter& out_;
  OptReply& opt_;
  AnswerCounters& counters_;
  const Zone* zone_ = nullptr;

  // The current name: the question's at first, then each alias's target.
  NameView name_;  // lower-cased
  std::uint64_t hash_;
  std::uint16_t owner_offset_ = kHeaderBytes;  // where it stands in the response
  Name target_;                                // what name_ points into after an alias
  std::span<const std::uint8_t> source_;       // into the zone or the service set
  AliasChain chain_;
  AnswerDecision decision_;

  std::optional<NodeIx> leads_;  // its RRset in the answer leads to names that have addresses
  SignedAnswer signed_;
  // Where an answer is signed: those of the name that is a service's own.
  ServiceSignatures::Place signatures_ = ServiceSignatures::Place::kUnsigned;
};

static_assert(Denial::kMaxRecords >= kMaxAliases + 1 + 3);

}  // namespace
}  // namespace meridian::dns
