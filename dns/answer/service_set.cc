#include "dns/answer/service_set.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/byte_writer.h"
#include "dns/wire/render_record.h"
#include "dns/zone/loader.h"

namespace meridian::dns {
namespace {

using partition::EZoneIx;
using partition::Locus;
using partition::PartitionIx;
using partition::ServiceIx;
using partition::Topology;
using partition::ZoneKind;

// The longest name that is made below a service: s<48>.shard.S, a key of 63 bytes, _explain before
// either.
constexpr std::size_t kRoomBelowService = 1 + 63 + 6 + 9;

constexpr std::size_t kMaxRendered = kMaxMessage - 1024;  // of one RRset
constexpr const char* kTooManyRecords = "has more records at one eZone than a message holds";

// What makes a zone, or is made by who signs one, is no business of a service.
Result<ZoneRecord> parseEndpoint(std::string_view text, const Name& owner, std::uint32_t ttl) {
  constexpr RrType kZones[] = {RrType::kSoa, RrType::kNs,     RrType::kDname,  RrType::kDs,
                               RrType::kCds, RrType::kDnskey, RrType::kCdnskey};
  Result<ZoneRecord> record = parseRecord(text, owner, ttl);
  if (!record) return record;
  const bool is_zones =
      std::find(std::begin(kZones), std::end(kZones), record->type) != std::end(kZones);
  if (is_zones || isMadeBySigning(record->type)) {
    return fail(ErrorKind::kInvalid, "a type that no endpoint may have");
  }
  return record;
}

Name prefixed(std::string_view label, NameView tail) {
  std::array<std::uint8_t, kMaxName> bytes{};
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(label.size()));
  for (const char c : label) out.u8(static_cast<std::uint8_t>(c));
  out.bytes(tail.wire());
  return *Name::fromWire(out.written());  // room was checked by kRoomBelowService
}

}  // namespace

class ServiceSet::Builder {
 public:
  Builder(const Topology& topology, const ZoneSet& zones, ServiceSet& out)
      : topology_(topology), zones_(zones), out_(out) {}

  Diagnostics run() {
    for (std::size_t i = 0; i < topology_.services.size(); ++i) {
      addService(ServiceIx(static_cast<std::uint32_t>(i)));
    }
    addEmptyNonTerminals();
    std::sort(out_.zones_.begin(), out_.zones_.end(), std::less<>());
    out_.zones_.erase(std::unique(out_.zones_.begin(), out_.zones_.end()), out_.zones_.end());
    buildSlots();
    return std::move(problems_);
  }

 private:
  // A name of a service as it was written, its own or an alias: where problems are reported.
  struct Written {
    const SourcePlace& place;
    const std::string& name;
  };
  void problem(const Written& written, std::string reason) {
    problems_.add(written.place, "service", written.name, std::move(reason));
  }
  void problem(const partition::Service& service, std::string reason) {
    problem(Written{service.place, service.name}, std::move(reason));
  }

  void addService(ServiceIx ix) {
    const partition::Service& source = topology_.services[ix.index()];
    Service service;
    service.zone = source.zone;
    service.by_ezone.resize(topology_.ezones.size());
    auto name = Name::parse(source.name);
    if (!name) {
      problem(source, name.error().message);
      out_.services_.push_back(std::move(service));
      return;
    }
    service.name = name->lowered();
    if (service.name.view().size() + kRoomBelowService > kMaxName) {
      problem(source, fmt::format("is longer than {} bytes: no room for the names below it",
                                  kMaxName - kRoomBelowService));
      out_.services_.push_back(std::move(service));
      return;
    }
    for (const partition::Endpoint& endpoint : source.endpoints)
      addEndpoint(source, endpoint, service);
    std::sort(service.types.begin(), service.types.end());
    service.types.erase(std::unique(service.types.begin(), service.types.end()),
                        service.types.end());
    const bool parent = topology_.zones[source.zone.index()].kind != ZoneKind::kStateless;
    checkAgainstZone({source.place, source.name}, service.name, service.types, parent);
    addNames(source, ix, service);
    for (const partition::ServiceAlias& alias : source.aliases) {
      addAlias(alias, ix, service, source.pooled());
    }
    out_.services_.push_back(std::move(service));
  }

  // Answers what the service's own name does, and has nothing below it.
  void addAlias(const partition::ServiceAlias& alias, ServiceIx ix, const Service& service,
                bool pooled) {
    const Written written{alias.place, alias.name};
    const auto parsed = Name::parse(alias.name);
    if (!parsed) return problem(written, parsed.error().message);
    const Name name = parsed->lowered();
    checkAgainstZone(written, name, service.types, false);
    addNode(written, pooled ? ServiceNode::Kind::kPooled : ServiceNode::Kind::kService, ix, name);
  }

  using ByType = std::map<RrType, std::vector<ZoneRecord>>;
  using Records = std::span<const partition::EndpointRecord>;

  void addEndpoint(const partition::Service& source, const partition::Endpoint& endpoint,
                   Service& service) {
    const ByType by_type = parseAll(source, endpoint.records, service);
    for (const auto& [type, records] : by_type) service.types.push_back(type);
    if (!endpoint.pool.empty()) return addPool(source, endpoint, service, by_type);
    if (isMixedCname(by_type)) {
      problems_.add(endpoint.records.front().place, "endpoint", "",
                    "a CNAME must be alone (RFC 2181 §10.1)");
    }
    addRendered(by_type, source, service.by_ezone[endpoint.ezone.index()]);
  }

  // What does not parse, and what stands twice, is reported and left out.
  ByType parseAll(const partition::Service& source, Records records, const Service& service) {
    ByType by_type;
    for (const partition::EndpointRecord& record : records) {
      auto parsed = parseEndpoint(record.text, service.name, source.ttl);
      if (!parsed) {
        problems_.add(record.place, "endpoint", record.text, parsed.error().message);
        continue;
      }
      auto& same = by_type[parsed->type];
      const bool twice = std::any_of(same.begin(), same.end(), [&](const ZoneRecord& other) {
        return other.rdata == parsed->rdata;
      });
      if (twice) {
        problems_.add(record.place, "endpoint", record.text, "stands twice");
      } else {
        same.push_back(std::move(*parsed));
      }
    }
    return by_type;
  }

  static bool isMixedCname(const ByType& by_type) {
    const auto alias = by_type.find(RrType::kCname);
    return alias != by_type.end() && (by_type.size() > 1 || alias->second.size() > 1);
  }

  // Records of a pool go out together: `all` of them must, by type, fit into one message.
  void addPool(const partition::Service& source, const partition::Endpoint& endpoint,
               const Service& service, const ByType& all) {
    for (const auto& [type, records] : all) {
      std::size_t size = 0;
      for (const ZoneRecord& record : records) size += kRenderedFixedBytes + record.rdata.size();
      if (size > kMaxRendered) problem(source, kTooManyRecords);
    }
    const SourcePlace& place =
        endpoint.records.empty() ? source.place : endpoint.records.front().place;
    if (all.contains(RrType::kCname) && (all.size() > 1 || source.answer_count != 1)) {
      problems_.add(place, "endpoint", "",
                    "a CNAME must be alone (RFC 2181 §10.1): answer_count must be 1, and no "
                    "endpoint may have other records");
    }
    for (std::size_t i = 0; i < endpoint.pool.size(); ++i) {
      const partition::PoolEndpoint& each = endpoint.pool[i];
      const auto records = Records(endpoint.records).subspan(each.first_record, each.record_count);
      const ByType by_type = parseQuietly(source, records, service);
      if (by_type.size() != all.size() && !records.empty()) {
        problems_.add(records.front().place, "endpoint", each.id,
                      "lacks a type that another of this eZone has: its health would take the "
                      "type away");
      } else if (isMixedCname(by_type)) {
        problems_.add(records.front().place, "endpoint", each.id,
                      "a CNAME must be alone (RFC 2181 §10.1)");
      }
      out_.pool_.resize(std::max(out_.pool_.size(), endpoint.first_of_pool.index() + i + 1));
      addRendered(by_type, source, out_.pool_[endpoint.first_of_pool.index() + i]);
    }
  }

  // Records whose errors were reported.
  static ByType parseQuietly(const partition::Service& source, Records records,
                             const Service& service) {
    ByType by_type;
    for (const partition::EndpointRecord& record : records) {
      auto parsed = parseEndpoint(record.text, service.name, source.ttl);
      if (parsed) by_type[parsed->type].push_back(std::move(*parsed));
    }
    return by_type;
  }

  // With the service's TTL, then with the prepared one.
  void addRendered(const ByType& by_type, const partition::Service& source, Endpoint& slot) {
    slot.first = static_cast<std::uint32_t>(out_.rrsets_.size());
    slot.count = static_cast<std::uint32_t>(by_type.size());
    if (!renderAll(by_type, source.ttl, source)) return;
    renderAll(by_type, std::min(source.ttl, partition::kPreparedTtl), source);
  }

  bool renderAll(const ByType& by_type, std::uint32_t ttl, const partition::Service& source) {
    for (const auto& [type, records] : by_type) {
      std::vector<std::uint8_t> bytes;
      for (const ZoneRecord& record : records) renderRecord(type, ttl, record.rdata, bytes);
      if (bytes.size() > kMaxRendered) {
        problem(source, kTooManyRecords);
        return false;
      }
      out_.rendered_.push_back(std::move(bytes));
      out_.rrsets_.push_back(
          {type, static_cast<std::uint16_t>(records.size()), ttl, out_.rendered_.back()});
    }
    return true;
  }

  // Of a zone that has expired, too: services have their names in it all the same.
  const Zone* contentOf(NameView name) const {
    const LoadedZone* loaded = zones_.covering(name);
    return loaded == nullptr ? nullptr : loaded->zone.get();
  }

  void checkAgainstZone(const Written& written, const Name& name, const std::vector<RrType>& types,
                        bool parent) {
    const Zone* zone = contentOf(name.view());
    if (zone == nullptr) {
      problem(written, "lies in no DNS zone; add a zone file that holds it (SOA and NS)");
      return;
    }
    checkSigning(written, *zone);
    out_.zones_.push_back(zone);
    checkAgainstFile(written, false, *zone, name, types, parent);
  }

  // Records that depend on who asks are signed where the zone is signed here, with denials that are
  // made for each name. A validator takes answers without signatures only where a signed zone says
  // so: below a delegation without DS (RFC 4035 §5.2).
  void checkSigning(const Written& written, const Zone& own) {
    if (own.denial() != nullptr) {
      const LoadedZone* loaded = zones_.at(own.apex());
      if (loaded != nullptr && loaded->online != nullptr) return;
      return problem(
          written,
          fmt::format("its answers would be bogus: the DNS zone {} is signed, and not so that "
                      "services can be; sign it here with denial = \"compact\", or put the service "
                      "into a zone of its own that is delegated without DS",
                      own.apex().text()));
    }
    const Zone* zone = &own;
    while (!zone->apex().isRoot()) {
      const NameView apex = zone->apex();
      zone = contentOf(apex.parent());
      if (zone == nullptr) return;
      if (zone->denial() == nullptr) continue;
      const Zone::Match match = zone->find(apex);
      if (match.kind == Zone::MatchKind::kDelegation &&
          zone->rrset(match.node, RrType::kDs).empty()) {
        return;
      }
      return problem(written, fmt::format("its answers would be bogus: the signed DNS zone {} does "
                                          "not delegate {} without DS",
                                          zone->apex().text(), apex.text()));
    }
  }

  // What the zone file has at `name` that does not go with the service's records there (of `types`)
  // or below (`parent`: there are names below). A cut or DNAME above a name that is made below the
  // written one shows at the highest name it covers, and is reported there alone.
  void checkAgainstFile(const Written& source, bool made, const Zone& zone, const Name& name,
                        const std::vector<RrType>& types, bool parent) {
    const std::string which = made ? fmt::format("needs the name {}, which ", name.text()) : "";
    const Zone::Match match = zone.find(name.view());
    const NameView owner = zone.nodeName(match.node);
    const bool above =
        match.kind == Zone::MatchKind::kDelegation || match.kind == Zone::MatchKind::kDname;
    if (made && above && owner.size() != name.view().size()) return;
    if (match.kind == Zone::MatchKind::kDelegation) {
      problem(source, fmt::format("{}lies below the delegation {}", which, owner.text()));
    } else if (match.kind == Zone::MatchKind::kDname) {
      problem(source, fmt::format("{}lies below the DNAME of {}", which, owner.text()));
    }
    if (match.kind != Zone::MatchKind::kExact) return;
    if (parent && !zone.rrset(match.node, RrType::kDname).empty()) {
      problem(source, which + "has a DNAME, and names of the service below it");
    }
    if (types.empty()) return;
    const bool aliased = !zone.rrset(match.node, RrType::kCname).empty();
    const bool aliases = std::find(types.begin(), types.end(), RrType::kCname) != types.end();
    if (aliased || (aliases && !zone.rrsets(match.node).empty())) {
      problem(source, which +
                          "has a CNAME beside other data: the zone file and the endpoints together "
                          "must not");
    }
    for (const RrType type : types) {
      if (zone.rrset(match.node, type).empty()) continue;
      problem(source, fmt::format("{}has type {} in the zone file as well", which,
                                  static_cast<unsigned>(type)));
    }
  }

  void addNames(const partition::Service& source, ServiceIx ix, Service& service) {
    const partition::Zone& zone = topology_.zones[source.zone.index()];
    const NameView s = service.name.view();
    addNode({source.place, source.name},
            source.pooled() ? ServiceNode::Kind::kPooled : ServiceNode::Kind::kService, ix,
            service.name);
    if (zone.kind == ZoneKind::kGlobal) {
      addMade(source, service, ServiceNode::Kind::kReadWrite, ix, prefixed("rw", s));
      addMade(source, service, ServiceNode::Kind::kReadOnly, ix, prefixed("ro", s));
    }
    if (zone.kind != ZoneKind::kSharding) return;
    const Name shard = prefixed("shard", s);
    addMade(source, service, ServiceNode::Kind::kEmpty, ix, shard);
    addMade(source, service, ServiceNode::Kind::kGeohash, ix, prefixed("g", s));
    addMade(source, service, ServiceNode::Kind::kCity, ix, prefixed("city", s));
    addMade(source, service, ServiceNode::Kind::kPoi, ix, prefixed("poi", s));
    addMade(source, service, ServiceNode::Kind::kKey, ix, prefixed("key", s));
    service.first_shard = static_cast<std::uint32_t>(out_.nodes_.size());
    for (std::uint32_t i = 0; i < zone.partition_count; ++i) {
      const auto& partition = topology_.partitions[zone.first_partition.index() + i];
      addMade(source, service, ServiceNode::Kind::kShard, ix, prefixed("s" + partition.id, shard),
              Locus(i));
    }
  }

  // Doubles are kept as nodes, so that shardNode() stays an index, but reported.
  void addNode(const Written& written, ServiceNode::Kind kind, ServiceIx ix, const Name& name,
               Locus locus = {}) {
    if (!names_.insert(std::string(name.view().wire().begin(), name.view().wire().end())).second) {
      problem(written, fmt::format("needs the name {}, which another service has", name.text()));
    }
    out_.nodes_.push_back(
        {kind, static_cast<std::uint8_t>(name.view().labelCount()), ix, locus, name});
  }

  // A name below the service's.
  void addMade(const partition::Service& source, const Service& service, ServiceNode::Kind kind,
               ServiceIx ix, const Name& name, Locus locus = {}) {
    const Written written{source.place, source.name};
    addNode(written, kind, ix, name, locus);
    const Zone* zone = contentOf(service.name.view());
    if (zone == nullptr) return;
    const bool records = kind == ServiceNode::Kind::kReadWrite ||
                         kind == ServiceNode::Kind::kReadOnly || kind == ServiceNode::Kind::kShard;
    checkAgainstFile(written, true, *zone, name, records ? service.types : std::vector<RrType>{},
                     !records);
  }

  // Between a service and its zone's apex every name exists (RFC 8020), whether the zone file has
  // it or not.
  void addEmptyNonTerminals() {
    const std::size_t count = out_.nodes_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const ServiceNode& node = out_.nodes_[i];
      if (node.kind != ServiceNode::Kind::kService && node.kind != ServiceNode::Kind::kPooled) {
        continue;
      }
      const Name name = node.name;
      const ServiceIx service = node.service;
      const Zone* zone = contentOf(name.view());
      if (zone == nullptr) continue;
      for (NameView at = name.view(); !(at == zone->apex()) && !at.isRoot();) {
        at = at.parent();
        const bool in_file = zone->find(at).kind == Zone::MatchKind::kExact;
        if (in_file || !names_.insert(std::string(at.wire().begin(), at.wire().end())).second)
          continue;
        out_.nodes_.push_back({ServiceNode::Kind::kEmpty,
                               static_cast<std::uint8_t>(at.labelCount()),
                               service,
                               {},
                               Name(at)});
      }
    }
  }

  void buildSlots() {
    std::size_t size = 16;
    while (size < out_.nodes_.size() * 2) size *= 2;
    out_.slots_.resize(size);
    for (std::size_t i = 0; i < out_.nodes_.size(); ++i) {
      const std::uint64_t hash = hashName(out_.nodes_[i].name.view());
      std::size_t at = hash & (size - 1);
      while (out_.slots_[at].node != 0) at = (at + 1) & (size - 1);
      out_.slots_[at] = {hash, static_cast<std::uint32_t>(i + 1)};
    }
  }

  const Topology& topology_;
  const ZoneSet& zones_;
  ServiceSet& out_;
  Diagnostics problems_;
  std::set<std::string> names_;
};

Checked<std::shared_ptr<const ServiceSet>> ServiceSet::build(const Topology& topology,
                                                             const ZoneSet& zones) {
  auto set = std::make_shared<ServiceSet>();
  Diagnostics problems = Builder(topology, zones, *set).run();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return set;
}

const ServiceNode* ServiceSet::find(NameView lowered, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].node != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;
    const ServiceNode& node = nodes_[slots_[at].node - 1];
    if (node.name.view() == lowered) return &node;
  }
  return nullptr;
}

const ServiceNode* ServiceSet::encloser(NameView lowered) const noexcept {
  for (NameView at = lowered; !at.isRoot(); at = at.parent()) {
    if (const ServiceNode* node = find(at, hashName(at))) return node;
  }
  return nullptr;
}

bool ServiceSet::touches(const Zone& zone) const noexcept {
  return std::binary_search(zones_.begin(), zones_.end(), &zone, std::less<>());
}

bool ServiceSet::offers(ServiceIx service, RrType type) const noexcept {
  const auto& types = services_[service.index()].types;
  return type == RrType::kAny || std::binary_search(types.begin(), types.end(), type) ||
         std::binary_search(types.begin(), types.end(), RrType::kCname);
}

std::span<const RrsetView> ServiceSet::rrsets(ServiceIx service, EZoneIx ezone,
                                              bool prepared) const noexcept {
  return rrsetsOf(services_[service.index()].by_ezone[ezone.index()], prepared);
}

RrsetView ServiceSet::merged(std::span<const partition::EndpointIx> endpoints, bool prepared,
                             RrType type, std::vector<std::uint8_t>& out) const {
  RrsetView all;
  for (const partition::EndpointIx endpoint : endpoints) {
    for (const RrsetView& rrset : rrsets(endpoint, prepared)) {
      const bool wanted = rrset.type == type || type == RrType::kAny;
      if (!wanted && rrset.type != RrType::kCname) continue;
      out.insert(out.end(), rrset.rendered.begin(), rrset.rendered.end());
      all = {rrset.type, static_cast<std::uint16_t>(all.count + rrset.count), rrset.ttl, out};
      break;
    }
  }
  return all;
}

}  // namespace meridian::dns
