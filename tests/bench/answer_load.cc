#include "tests/bench/answer_load.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "base/clock.h"
#include "dns/sign/online_signer.h"
#include "dns/sign/zone_signer.h"
#include "dns/zone/loader.h"
#include "geo/address_evidence.h"
#include "geo/network_list.h"
#include "partition/decision.h"
#include "partition/model.h"
#include "partition/placement.h"

namespace meridian::bench {
namespace {

constexpr std::uint64_t kSeed = 20'240'501;
constexpr std::uint32_t kStaticNames = 10'000;
constexpr std::size_t kPlaces = 5'000;  // distinct coordinates, as cities are in a database
constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr std::uint16_t kPort = 5353;
constexpr WallTime kSignedAt{std::chrono::hours(490'000)};

constexpr std::string_view kTopology = R"({
  "format": 1,
  "datacenters": [
    {"id": "iad", "region": "world", "lat": 38.95, "lon": -77.45, "slot": 0},
    {"id": "dal", "region": "world", "lat": 32.90, "lon": -97.04, "slot": 1},
    {"id": "sjc", "region": "world", "lat": 37.36, "lon": -121.93, "slot": 2},
    {"id": "fra", "region": "world", "lat": 50.03, "lon": 8.57, "slot": 3},
    {"id": "sin", "region": "world", "lat": 1.36, "lon": 103.99, "slot": 4},
    {"id": "nrt", "region": "world", "lat": 35.76, "lon": 140.39, "slot": 5},
    {"id": "gru", "region": "world", "lat": -23.43, "lon": -46.47, "slot": 6},
    {"id": "syd", "region": "world", "lat": -33.95, "lon": 151.18, "slot": 7}
  ],
  "zones": [{"id": "www", "kind": "stateless",
             "ezones": ["iad", "dal", "sjc", "fra", "sin", "nrt", "gru", "syd"]},
            {"id": "cdn", "kind": "stateless",
             "ezones": ["iad", "dal", "sjc", "fra", "sin", "nrt", "gru", "syd"],
             "weights": {"iad": 2000, "dal": 2000, "sjc": 1500, "fra": 1500, "sin": 1000, "nrt": 900,
                         "gru": 600, "syd": 500}}],
  "services": [{"name": "www.geo.example", "zone": "www", "endpoints": {
    "iad": ["A 192.0.2.1"], "dal": ["A 192.0.2.2"], "sjc": ["A 192.0.2.3"],
    "fra": ["A 192.0.2.4"], "sin": ["A 192.0.2.5"], "nrt": ["A 192.0.2.6"],
    "gru": ["A 192.0.2.7"], "syd": ["A 192.0.2.8"]}},
    {"name": "cdn.geo.example", "zone": "cdn", "endpoints": {
    "iad": ["A 192.0.2.1"], "dal": ["A 192.0.2.2"], "sjc": ["A 192.0.2.3"],
    "fra": ["A 192.0.2.4"], "sin": ["A 192.0.2.5"], "nrt": ["A 192.0.2.6"],
    "gru": ["A 192.0.2.7"], "syd": ["A 192.0.2.8"]}},
    {"name": "www.securing.example", "zone": "www", "endpoints": {
    "iad": ["A 192.0.2.1"], "dal": ["A 192.0.2.2"], "sjc": ["A 192.0.2.3"],
    "fra": ["A 192.0.2.4"], "sin": ["A 192.0.2.5"], "nrt": ["A 192.0.2.6"],
    "gru": ["A 192.0.2.7"], "syd": ["A 192.0.2.8"]}},
    {"name": "www.ordinary.example", "zone": "www", "endpoints": {EIGHT}}]
})";

// Eight addresses are as long as one and a signature by "securing.example.".
std::string topologyText() {
  constexpr std::string_view kMark = "{EIGHT}";
  std::string endpoints;
  for (const char* site : {"iad", "dal", "sjc", "fra", "sin", "nrt", "gru", "syd"}) {
    endpoints += std::string(endpoints.empty() ? "{\"" : ", \"") + site + "\": [";
    for (int i = 1; i <= 8; ++i) {
      endpoints += (i == 1 ? "" : ", ") + std::string("\"A 192.0.2.") + std::to_string(i) + "\"";
    }
    endpoints += "]";
  }
  std::string text(kTopology);
  text.replace(text.find(kMark), kMark.size(), endpoints + "}");
  return text;
}

[[noreturn]] void giveUp(const std::string& reason) {
  std::fprintf(stderr, "answer load: %s\n", reason.c_str());
  std::exit(1);
}

std::string reasonOf(const Error& error) {
  return error.message;
}
std::string reasonOf(const Diagnostics& problems) {
  return problems.text();
}

template <class Outcome>
auto valueOf(Outcome outcome) {
  if (!outcome) {
    giveUp(reasonOf(outcome.error()));
  }
  return std::move(*outcome);
}

std::string zoneText(const std::string& origin, std::uint32_t names) {
  std::string text = "$ORIGIN " + origin + "\n$TTL 300\n@ SOA ns admin 1 3600 600 86400 300\n" +
                     "@ NS ns\nns A 192.0.2.53\n";
  for (std::uint32_t i = 0; i < names; i++) {
    text += "host" + std::to_string(i) + " A 10.0." + std::to_string(i >> 8) + "." +
            std::to_string(i & 255U) + "\n";
  }
  return text;
}

dns::LoadedZone signedZone(const std::string& origin) {
  const auto key = std::make_shared<const dns::ZoneKey>(
      valueOf(SigningKey::generate(SigningKeyKind::kEcdsaP256)), true);
  dns::KeySet keys;
  keys.dnskeys = {key->dnskey()};
  keys.key_signers = keys.zone_signers = {key};
  dns::SigningPolicy policy;
  policy.denial = dns::DenialKind::kCompact;
  dns::LoadedZone out;
  out.unsigned_zone = valueOf(dns::parseZone(zoneText(origin, 0), "signed.zone"));
  out.zone = valueOf(dns::signZone({nullptr, *out.unsigned_zone, keys, policy, kSignedAt})).zone;
  out.online = std::make_shared<const dns::OnlineKeys>(dns::OnlineKeys{
      std::make_shared<const dns::KeySet>(std::move(keys)), policy.signature_lifetime});
  return out;
}

std::shared_ptr<const dns::ZoneSet> makeZones() {
  std::vector<dns::LoadedZone> zones;
  zones.push_back({valueOf(dns::parseZone(zoneText("geo.example.", 0), "geo.zone")), "geo.zone"});
  zones.push_back(
      {valueOf(dns::parseZone(zoneText("static.example.", kStaticNames), "static.zone")),
       "static.zone"});
  zones.push_back({valueOf(dns::parseZone(zoneText("ordinary.example.", 0), "ordinary.zone")),
                   "ordinary.zone"});
  zones.push_back(signedZone("securing.example."));
  return std::make_shared<const dns::ZoneSet>(std::move(zones));
}

// The n-th network: an odd multiplier spreads consecutive numbers over all /24s without repeats.
std::uint32_t networkAddress(std::uint32_t n) {
  constexpr std::uint32_t kMultiplier = 0x9e3779b1;
  return (n * kMultiplier & 0xffffffU) << 8;
}

std::vector<QueryPacket> queriesByPlace(const std::vector<std::string>& labels, std::size_t count,
                                        std::size_t networks, bool dnssec_ok = false) {
  std::mt19937_64 random(kSeed);
  std::vector<QueryPacket> queries;
  for (std::size_t i = 0; i < count; i++) {
    const auto network = static_cast<std::uint32_t>(random() % networks);
    queries.push_back(makeQuery(labels, networkAddress(network), dnssec_ok));
  }
  return queries;
}

geo::AddressEvidence makeEvidence(std::size_t networks) {
  std::mt19937_64 random(kSeed);
  std::vector<geo::GeoPoint> places(kPlaces);
  for (geo::GeoPoint& place : places) {
    place.lat = static_cast<double>(random() % 12'000) / 100 - 60;
    place.lon = static_cast<double>(random() % 36'000) / 100 - 180;
  }
  std::vector<geo::NetworkOverride> overrides(networks);
  for (std::uint32_t i = 0; i < networks; i++) {
    overrides[i].prefix = {IpAddress::v4(networkAddress(i)), 24};
    geo::Location location;
    location.point = places[random() % kPlaces];
    overrides[i].target = location;
  }
  return valueOf(geo::AddressEvidence::build({}, std::move(overrides)));
}

}  // namespace

std::shared_ptr<const dns::ServingState> makeServingState(std::size_t networks) {
  const auto topology = std::make_shared<const partition::Topology>(
      valueOf(partition::decodeTopology(topologyText(), "topology")));
  auto sources = std::make_shared<partition::GeoSources>();
  sources->addresses = std::make_shared<const geo::AddressEvidence>(makeEvidence(networks));

  auto state = std::make_shared<dns::ServingState>();
  state->settings = std::make_shared<const dns::AnswerSettings>();
  state->zones = makeZones();
  state->services = valueOf(dns::ServiceSet::build(*topology, *state->zones));
  state->signatures =
      dns::ServiceSignatures::make(*state->services, *state->zones, nullptr, kSignedAt);
  state->map.topology = topology;
  state->map.table = std::make_shared<const partition::AssignmentTable>();
  state->placements = std::make_shared<const partition::PlacementSet>(
      valueOf(partition::buildPlacements(*topology, *sources)));
  state->health = std::make_shared<const partition::SiteHealth>(partition::allUp(*topology));
  for (std::uint16_t i = 0; i < topology->zones.size(); i++) {
    state->decisions.push_back(std::make_shared<const partition::ZoneDecisions>(
        partition::decideZone(*topology, partition::ZoneIx(i), *(*state->placements)[i],
                              *state->map.table, *state->health)));
  }
  state->sources = std::move(sources);
  return state;
}

std::vector<QueryPacket> staticQueries(std::size_t count) {
  std::mt19937_64 random(kSeed);
  std::vector<QueryPacket> queries;
  for (std::size_t i = 0; i < count; i++) {
    queries.push_back(
        makeQuery({"host" + std::to_string(random() % kStaticNames), "static", "example"}));
  }
  return queries;
}

std::vector<QueryPacket> geoQueries(std::size_t count, std::size_t networks) {
  return queriesByPlace({"www", "geo", "example"}, count, networks);
}

std::vector<QueryPacket> sharedQueries(std::size_t count, std::size_t networks) {
  return queriesByPlace({"cdn", "geo", "example"}, count, networks);
}

std::vector<QueryPacket> signedQueries(std::size_t count, std::size_t networks) {
  return queriesByPlace({"www", "securing", "example"}, count, networks, true);
}

std::vector<QueryPacket> unsignedQueries(std::size_t count, std::size_t networks) {
  return queriesByPlace({"www", "ordinary", "example"}, count, networks, true);
}

Asker::Asker(std::shared_ptr<const dns::ServingState> state, std::vector<QueryPacket> queries)
    : state_(std::move(state)),
      queries_(std::move(queries)),
      client_{IpAddress::v4(kLoopback), dns::Transport::kUdp},
      out_(4096) {}

std::size_t Asker::askNext() {
  const QueryPacket& query = queries_[next_];
  next_ = next_ + 1 == queries_.size() ? 0 : next_ + 1;
  return tap_ ? askTapped(query) : dns::answer(query, client_, *state_, out_, counters_);
}

void Asker::tapEach() {
  tap_ = std::make_unique<dns::QueryTap>(dns::TapRates{1, 0}, 1);
}

// As UdpWorker does it, and with as much as its reader does to the ring.
std::size_t Asker::askTapped(const QueryPacket& query) {
  dns::TapRecord record;
  record.wish = tap_->next();
  record.asked_at = unixNanos();
  record.client = {client_.address, kPort};
  record.local = record.client;
  record.query = query;
  dns::AnswerFacts facts;
  const std::size_t size = dns::answer(query, client_, *state_, out_, counters_, &facts);
  record.answered_at = unixNanos();
  record.response = std::span<const std::uint8_t>(out_).first(size);
  tap_->tell(record, facts, *state_);
  if (!tap_->ring().front().empty()) tap_->ring().pop();
  return size;
}

bool Asker::allAnswered() {
  constexpr std::size_t kHeaderBytes = 12;
  for (std::size_t i = 0; i < queries_.size(); i++) {
    const bool complete = askNext() >= kHeaderBytes;
    const bool noerror = (out_[3] & 15U) == 0;
    const bool has_record = out_[6] != 0 || out_[7] != 0;
    if (!complete || !noerror || !has_record) {
      return false;
    }
  }
  return true;
}

}  // namespace meridian::bench
