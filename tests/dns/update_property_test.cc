// Random updates, one after another, against an oracle that is RFC 2136's own pseudo-code (§3.2.5,
// §3.4.1.3, §3.4.2.7) over a map of texts: the response code and every record of the zone.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dns/update/update_plan.h"
#include "tests/support/update_records.h"

namespace meridian::dns {
namespace {

using test::Bytes;

constexpr unsigned kOracleA = 1, kOracleNs = 2, kOracleCname = 5, kOracleSoa = 6, kOracleTxt = 16,
                   kOracleAny = 255;
const std::string kOracleApex = "example.";

struct OracleRecord {
  std::uint32_t ttl = 0;
  Bytes rdata;
};
using OracleZone = std::map<std::pair<std::string, unsigned>, std::vector<OracleRecord>>;

std::uint32_t serialIn(const Bytes& soa) {
  const std::size_t at = soa.size() - 20;
  return static_cast<std::uint32_t>(soa[at] << 24 | soa[at + 1] << 16 | soa[at + 2] << 8 |
                                    soa[at + 3]);
}

class UpdateOracle {
 public:
  explicit UpdateOracle(OracleZone zone) : zone_(std::move(zone)) {}

  Rcode run(const Update& update) {
    if (const Rcode failed = prerequisites(update); failed != Rcode::kNoError) return failed;
    for (const UpdateRecord& rr : update.updates) {
      if (outside(rr)) return Rcode::kNotZone;
      const bool meta = typeOf(rr) == kOracleAny;
      const bool good = rr.rr_class == test::kClassIn     ? !meta
                        : rr.rr_class == test::kClassAny  ? rr.ttl == 0 && rr.rdata.empty()
                        : rr.rr_class == test::kClassNone ? rr.ttl == 0 && !meta
                                                          : false;
      if (!good) return Rcode::kFormErr;
    }
    const OracleZone before = zone_;
    for (const UpdateRecord& rr : update.updates) apply(rr);
    if (!same(before, zone_)) {
      Bytes& soa = zone_[{kOracleApex, kOracleSoa}].front().rdata;
      if (serialIn(soa) == serialIn(before.at({kOracleApex, kOracleSoa}).front().rdata)) {
        for (std::size_t at = soa.size() - 17; ++soa[at] == 0; --at) continue;
      }
    }
    return Rcode::kNoError;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& [key, records] : zone_) {
      for (const OracleRecord& each : records) {
        out.push_back(key.first + " " + std::to_string(each.ttl) + " " +
                      rrTypeName(static_cast<RrType>(key.second)) + " " + hex(each.rdata));
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  static unsigned typeOf(const UpdateRecord& rr) { return static_cast<unsigned>(rr.type); }
  static std::string nameOf(const UpdateRecord& rr) { return rr.owner.lowered().text(); }
  static bool outside(const UpdateRecord& rr) {
    const std::string name = "." + nameOf(rr);
    return name.size() < kOracleApex.size() + 1 ||
           name.substr(name.size() - kOracleApex.size() - 1) != "." + kOracleApex;
  }
  static bool same(const OracleZone& a, const OracleZone& b) {
    return UpdateOracle(a).lines() == UpdateOracle(b).lines();
  }
  bool hasRrset(const std::string& name, unsigned type) const {
    return zone_.contains({name, type});
  }
  bool hasName(const std::string& name) const {
    const auto at = zone_.lower_bound({name, 0});
    return at != zone_.end() && at->first.first == name;
  }

  Rcode prerequisites(const Update& update) const {
    std::map<std::pair<std::string, unsigned>, std::set<Bytes>> temp;
    for (const UpdateRecord& rr : update.prerequisites) {
      if (rr.ttl != 0) return Rcode::kFormErr;
      if (outside(rr)) return Rcode::kNotZone;
      const std::string name = nameOf(rr);
      if (rr.rr_class == test::kClassAny) {
        if (!rr.rdata.empty()) return Rcode::kFormErr;
        if (typeOf(rr) == kOracleAny) {
          if (!hasName(name)) return Rcode::kNxDomain;
        } else if (!hasRrset(name, typeOf(rr))) {
          return Rcode::kNxRrset;
        }
      } else if (rr.rr_class == test::kClassNone) {
        if (!rr.rdata.empty()) return Rcode::kFormErr;
        if (typeOf(rr) == kOracleAny) {
          if (hasName(name)) return Rcode::kYxDomain;
        } else if (hasRrset(name, typeOf(rr))) {
          return Rcode::kYxRrset;
        }
      } else if (rr.rr_class == test::kClassIn) {
        if (typeOf(rr) == kOracleAny) return Rcode::kFormErr;
        temp[{name, typeOf(rr)}].insert(rr.rdata);
      } else {
        return Rcode::kFormErr;
      }
    }
    for (const auto& [key, wanted] : temp) {
      std::set<Bytes> there;
      if (const auto found = zone_.find(key); found != zone_.end()) {
        for (const OracleRecord& each : found->second) there.insert(each.rdata);
      }
      if (there != wanted) return Rcode::kNxRrset;
    }
    return Rcode::kNoError;
  }

  void apply(const UpdateRecord& rr) {
    const std::string name = nameOf(rr);
    const unsigned type = typeOf(rr);
    if (rr.rr_class == test::kClassIn) return add(name, type, rr);
    if (rr.rr_class == test::kClassAny) {
      for (auto at = zone_.begin(); at != zone_.end();) {
        const auto [owner, each] = at->first;
        const bool kept = owner != name || (type != kOracleAny && each != type) ||
                          (name == kOracleApex && (each == kOracleSoa || each == kOracleNs));
        at = kept ? std::next(at) : zone_.erase(at);
      }
      return;
    }
    if (type == kOracleSoa) return;
    const auto found = zone_.find({name, type});
    if (found == zone_.end()) return;
    if (name == kOracleApex && type == kOracleNs && found->second.size() == 1) return;
    std::erase_if(found->second, [&](const OracleRecord& each) { return each.rdata == rr.rdata; });
    if (found->second.empty()) zone_.erase(found);
  }

  void add(const std::string& name, unsigned type, const UpdateRecord& rr) {
    bool others = false;
    for (const auto& [key, records] : zone_)
      others |= key.first == name && key.second != kOracleCname;
    if (type == kOracleCname ? others : hasRrset(name, kOracleCname)) return;
    if (type == kOracleSoa) {
      if (!hasRrset(name, kOracleSoa)) return;
      const std::uint32_t ahead = serialIn(rr.rdata) - serialIn(zone_[{name, type}].front().rdata);
      if (ahead == 0 || ahead >= 0x80000000U) return;
    }
    std::vector<OracleRecord>& set = zone_[{name, type}];
    if (type == kOracleCname || type == kOracleSoa) set.clear();
    std::erase_if(set, [&](const OracleRecord& each) { return each.rdata == rr.rdata; });
    set.push_back({rr.ttl, rr.rdata});
    for (OracleRecord& each : set) each.ttl = rr.ttl;  // RFC 2181 §5.2
  }

  OracleZone zone_;
};

class RandomUpdates {
 public:
  explicit RandomUpdates(std::uint64_t seed) : random_(seed) {}

  Update next() {
    Update out;
    out.zone = Name::parse("example").value();
    out.rr_class = test::kClassIn;
    for (std::uint32_t i = pick(8) < 5 ? 0 : pick(4); i > 0; --i)
      out.prerequisites.push_back(record(true));
    for (std::uint32_t i = pick(6); i > 0; --i) out.updates.push_back(record(false));
    return out;
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  template <std::size_t kCount>
  const char* oneOf(const char* const (&texts)[kCount]) {
    return texts[pick(kCount)];
  }

  UpdateRecord record(bool prerequisite) {
    const char* const owner = pick(60) == 0 ? "elsewhere.test"
                                            : oneOf({"example", "a.example", "b.example",
                                                     "c.b.example", "A.Example", "d.e.example"});
    const std::uint32_t ttl = prerequisite ? (pick(40) == 0 ? 1 : 0) : 100 * pick(4);
    const std::uint32_t kind = pick(40);
    if (kind == 0) return test::updateRecord(owner, kOracleAny, test::kClassIn, ttl);
    if (kind == 1) return test::updateRecord(owner, kOracleA, 3, ttl);
    if (kind < 9)
      return test::updateRecord(owner, kOracleAny,
                                prerequisite && pick(2) == 0 ? test::kClassNone : test::kClassAny);
    if (kind < 16) {
      const unsigned types[] = {kOracleA, kOracleNs, kOracleCname, kOracleSoa, kOracleTxt};
      return test::updateRecord(owner, types[pick(5)],
                                prerequisite && pick(2) == 0 ? test::kClassNone : test::kClassAny);
    }
    UpdateRecord out = test::withData(owner, test::kClassIn, ttl, data());
    if (!prerequisite && pick(3) == 0) {
      out.rr_class = test::kClassNone;
      out.ttl = pick(40) == 0 ? 1 : 0;
    }
    return out;
  }
  std::string data() {
    if (pick(12) == 0) {
      return "SOA ns.example. h.example. " +
             std::to_string(pick(2) == 0 ? pick(400) : 0xFFFFFF00U + pick(256)) + " 1 1 1 1";
    }
    return oneOf({"A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3", "NS ns1.example.", "NS ns2.example.",
                  "CNAME a.example.", "CNAME b.example.", "TXT one", "TXT two"});
  }

  std::mt19937_64 random_;
};

OracleZone oracleOf(const Zone& zone) {
  OracleZone out;
  for (ZoneCursor at(zone); !at.atEnd();) {
    const RecordView record = at.next();
    out[{Name(record.owner).lowered().text(), static_cast<unsigned>(record.type)}].push_back(
        {record.ttl, Bytes(record.rdata.begin(), record.rdata.end())});
  }
  return out;
}

std::vector<std::string> loweredLines(const Zone& zone) {
  return UpdateOracle(oracleOf(zone)).lines();
}

TEST(UpdateProperty, EqualsThePseudoCodeOfTheRfc) {
  constexpr int kRounds = 4000;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomUpdates updates(seed);
  auto zone = test::must(
      parseZone("example. 300 SOA ns.example. h.example. 7 1 1 1 1\nexample. 300 NS ns1.example.\n"
                "a.example. 300 A 192.0.2.1\nb.example. 300 CNAME a.example.\n",
                "test.zone"));
  std::map<Rcode, int> seen;
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Update update = updates.next();
    UpdateOracle oracle(oracleOf(*zone));
    const Rcode expected = oracle.run(update);
    const auto plan = planUpdate(*zone, update, SerialPolicy::kIncrement, WallTime{});
    const Rcode got = plan ? Rcode::kNoError : plan.error().rcode;
    // Two steps of the serial in one update may lead past the zone's own: such a SOA is refused.
    if (got == Rcode::kServFail) continue;
    ASSERT_EQ(got, expected) << "round " << round << (plan ? "" : ": " + plan.error().reason);
    ++seen[got];
    if (!plan) continue;
    if (*plan != nullptr) {
      auto next = apply(*zone, **plan, "update");
      ASSERT_TRUE(next) << next.error().text();
      zone = std::move(*next);
      ++changed;
    }
    ASSERT_EQ(loweredLines(*zone), oracle.lines()) << "round " << round;
  }
  EXPECT_GT(changed, kRounds / 8);
  for (const Rcode each : {Rcode::kFormErr, Rcode::kNxDomain, Rcode::kYxDomain, Rcode::kYxRrset,
                           Rcode::kNxRrset, Rcode::kNotZone}) {
    EXPECT_GT(seen[each], 5) << static_cast<int>(each);
  }
}

}  // namespace
}  // namespace meridian::dns
