// Makes the inputs of the side-by-side run from a city database, the same for every server:
//
//   nets.gdnsd           every IPv4 network and its nearest site, for gdnsd's plugin_geoip
//   nets.knot            the same for Knot's mod-geoip in subnet mode
//   static.zone          kStaticNames A names
//   names.zone           kManyNames A names, for the time to the first answer
//   static.packets       kPackets queries for random names of static.zone, with EDNS
//   geo.packets          kPackets queries for one name, with EDNS client subnets (/24) drawn at
//                        random from the networks
//   names.packets        one query, for a name of names.zone
//   networks             how many networks there are
//
// "Nearest" is the geodesic distance from the network's coordinates. Networks are merged with their
// siblings of equal answer; addresses without coordinates belong to the first site.
//
// usage: bench_inputs MMDB SITES OUT_DIR
#include <maxminddb.h>

#include <GeographicLib/Geodesic.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/bench/query_packet.h"

namespace {

using meridian::bench::makeQuery;

constexpr std::uint32_t kStaticNames = 10'000;
constexpr std::uint32_t kManyNames = 1'000'000;
constexpr std::uint32_t kPackets = 400'000;
constexpr std::uint64_t kSeed = 20'240'501;

struct Site {
  std::string id;
  double latitude = 0;
  double longitude = 0;
  std::string address;
};

using SiteIndex = std::uint8_t;

struct Network {
  std::uint32_t address = 0;
  std::uint8_t length = 0;
  SiteIndex site = 0;
};

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "bench_inputs: %s\n", reason.c_str());
  std::exit(1);
}

std::vector<Site> readSites(const std::string& path) {
  std::ifstream file(path);
  std::vector<Site> sites;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    Site site;
    std::istringstream fields(line);
    if (!(fields >> site.id >> site.latitude >> site.longitude >> site.address)) {
      fail(path + ": not 'id latitude longitude address': " + line);
    }
    sites.push_back(site);
  }
  if (sites.empty() || sites.size() > std::numeric_limits<SiteIndex>::max()) {
    fail(path + ": 1 to 255 sites are needed");
  }
  return sites;
}

// Walks the database's tree once and keeps the largest networks with one answer.
class Flattener {
 public:
  Flattener(const std::string& path, const std::vector<Site>& sites) : sites_(sites) {
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database_);
    if (status != MMDB_SUCCESS) {
      fail(path + ": " + MMDB_strerror(status));
    }
    if (database_.metadata.ip_version != 4) {
      fail(path + ": not an IPv4 database");
    }
  }
  Flattener(const Flattener&) = delete;
  Flattener& operator=(const Flattener&) = delete;
  ~Flattener() { MMDB_close(&database_); }

  std::vector<Network> flatten() {
    if (const auto all = walk(0, 0, 0)) {
      networks_.push_back({0, 0, *all});
    }
    return std::move(networks_);
  }

 private:
  // The site that all of the subtree answers; nothing if it has several, which are then in
  // networks_, in address order.
  std::optional<SiteIndex> walk(std::uint32_t node, std::uint32_t address, std::uint8_t depth) {
    if (depth >= 32) {
      fail("the tree is deeper than an address");
    }
    MMDB_search_node_s pair{};
    if (MMDB_read_node(&database_, node, &pair) != MMDB_SUCCESS) {
      fail("node " + std::to_string(node) + " cannot be read");
    }
    const auto length = static_cast<std::uint8_t>(depth + 1);
    const std::uint32_t right_address = address | 1U << (32U - length);
    const auto left =
        branch(pair.left_record_type, pair.left_record, pair.left_record_entry, address, length);
    // The left half must stand before whatever the right half adds; if both agree it is withdrawn.
    const std::size_t mark = networks_.size();
    if (left) {
      networks_.push_back({address, length, *left});
    }
    const auto right = branch(pair.right_record_type, pair.right_record, pair.right_record_entry,
                              right_address, length);
    if (left && left == right) {
      networks_.resize(mark);
      return left;
    }
    if (right) {
      networks_.push_back({right_address, length, *right});
    }
    return std::nullopt;
  }

  std::optional<SiteIndex> branch(std::uint8_t type, std::uint64_t record, MMDB_entry_s entry,
                                  std::uint32_t address, std::uint8_t length) {
    switch (type) {
      case MMDB_RECORD_TYPE_SEARCH_NODE:
        return walk(static_cast<std::uint32_t>(record), address, length);
      case MMDB_RECORD_TYPE_DATA:
        return siteOf(entry);
      case MMDB_RECORD_TYPE_EMPTY:
        return SiteIndex{0};
      default:
        fail("the tree is damaged");
    }
  }

  // Many networks share one record, so each record is decided once.
  SiteIndex siteOf(MMDB_entry_s entry) {
    const auto [known, inserted] = site_of_record_.try_emplace(entry.offset, SiteIndex{0});
    if (inserted) {
      const auto latitude = number(entry, "latitude");
      const auto longitude = number(entry, "longitude");
      known->second = latitude && longitude ? nearest(*latitude, *longitude) : SiteIndex{0};
    }
    return known->second;
  }

  static std::optional<double> number(MMDB_entry_s entry, const char* key) {
    MMDB_entry_data_s data{};
    if (MMDB_get_value(&entry, &data, key, nullptr) != MMDB_SUCCESS || !data.has_data) {
      return std::nullopt;
    }
    if (data.type == MMDB_DATA_TYPE_DOUBLE) {
      return data.double_value;
    }
    if (data.type == MMDB_DATA_TYPE_FLOAT) {
      return static_cast<double>(data.float_value);
    }
    return std::nullopt;
  }

  SiteIndex nearest(double latitude, double longitude) const {
    std::size_t best = 0;
    double best_metres = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < sites_.size(); i++) {
      double metres = 0;
      GeographicLib::Geodesic::WGS84().Inverse(latitude, longitude, sites_[i].latitude,
                                               sites_[i].longitude, metres);
      if (metres < best_metres) {
        best = i;
        best_metres = metres;
      }
    }
    return static_cast<SiteIndex>(best);
  }

  const std::vector<Site>& sites_;
  MMDB_s database_{};
  std::unordered_map<std::uint32_t, SiteIndex> site_of_record_;
  std::vector<Network> networks_;
};

// A file that is complete when close() returned; any error ends the program.
class Output {
 public:
  Output(const std::string& directory, const std::string& name)
      : path_(directory + "/" + name), file_(path_, std::ios::binary | std::ios::trunc) {}

  void write(std::string_view bytes) {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  void close() {
    file_.close();
    if (!file_) {
      fail(path_ + ": cannot be written");
    }
  }

 private:
  std::string path_;
  std::ofstream file_;
};

std::string dotted(std::uint32_t address) {
  return std::to_string(address >> 24) + "." + std::to_string(address >> 16 & 255U) + "." +
         std::to_string(address >> 8 & 255U) + "." + std::to_string(address & 255U);
}

void writeNetworks(const std::string& directory, const std::vector<Network>& networks,
                   const std::vector<Site>& sites) {
  Output gdnsd(directory, "nets.gdnsd");
  Output knot(directory, "nets.knot");
  knot.write("www.geo.example:\n");
  for (const Network& network : networks) {
    const std::string prefix = dotted(network.address) + "/" + std::to_string(network.length);
    const Site& site = sites[network.site];
    gdnsd.write(prefix + " => " + site.id + "\n");
    knot.write("  - net: " + prefix + "\n    A: [ " + site.address + " ]\n");
  }
  gdnsd.close();
  knot.close();
  Output count(directory, "networks");
  count.write(std::to_string(networks.size()) + "\n");
  count.close();
}

void writeZone(const std::string& directory, const std::string& zone, std::uint32_t names) {
  Output file(directory, zone + ".zone");
  const std::string origin = zone + ".example.";
  file.write("$ORIGIN " + origin + "\n$TTL 300\n@ SOA ns." + origin + " admin." + origin +
             " 1 3600 600 86400 300\n@ NS ns." + origin + "\nns A 192.0.2.53\n");
  constexpr std::uint32_t kFirstAddress = 10U << 24;
  for (std::uint32_t i = 0; i < names; i++) {
    file.write("host" + std::to_string(i) + " A " + dotted(kFirstAddress + i) + "\n");
  }
  file.close();
}

// udpload's format: length first.
void writePacket(Output& file, const meridian::bench::QueryPacket& packet) {
  std::string bytes{static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size() & 255U)};
  bytes.append(packet.begin(), packet.end());
  file.write(bytes);
}

// The modulo's bias is below 2^-30 here, and unlike the standard distributions the sequence is the
// same with every library.
std::uint32_t drawBelow(std::uint64_t bound, std::mt19937_64& random) {
  return static_cast<std::uint32_t>(random() % bound);
}

void writeQueries(const std::string& directory, const std::vector<Network>& networks) {
  std::mt19937_64 random(kSeed);
  Output still(directory, "static.packets");
  Output geo(directory, "geo.packets");
  for (std::uint32_t i = 0; i < kPackets; i++) {
    const std::string host = "host" + std::to_string(drawBelow(kStaticNames, random));
    writePacket(still, makeQuery({host, "static", "example"}));
    const Network& network = networks[drawBelow(networks.size(), random)];
    const std::uint64_t addresses = std::uint64_t{1} << (32U - network.length);
    const std::uint32_t address = network.address + drawBelow(addresses, random);
    writePacket(geo, makeQuery({"www", "geo", "example"}, address));
  }
  still.close();
  geo.close();
  Output names(directory, "names.packets");
  writePacket(names, makeQuery({"host" + std::to_string(kManyNames - 1), "names", "example"}));
  names.close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_inputs MMDB SITES OUT_DIR\n");
    return 2;
  }
  const std::vector<Site> sites = readSites(argv[2]);
  const std::vector<Network> networks = Flattener(argv[1], sites).flatten();
  const std::string directory = argv[3];
  writeNetworks(directory, networks, sites);
  writeZone(directory, "static", kStaticNames);
  writeZone(directory, "names", kManyNames);
  writeQueries(directory, networks);
  return 0;
}
