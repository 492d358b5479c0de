// Zone::find against a second, slow lookup, written from the RFCs over a plain map.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dns/zone/loader.h"

namespace meridian::dns {
namespace {

using Kind = Zone::MatchKind;
using Labels = std::vector<std::string>;  // from the apex down, the apex itself left out

std::string textOf(const Labels& labels) {
  std::string out;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) out += *label + ".";
  return out + "example.";
}

struct Answer {
  Kind kind = Kind::kNxDomain;
  Labels node;
  std::size_t encloser_labels = 0;
  bool operator==(const Answer&) const = default;
};

class ReferenceZone {
 public:
  void add(const Labels& owner, const std::string& type) { types_[owner].insert(type); }
  bool has(const Labels& owner, const std::string& type) const {
    const auto found = types_.find(owner);
    return found != types_.end() && found->second.count(type) != 0;
  }
  bool isOwner(const Labels& owner) const { return types_.count(owner) != 0; }
  // RFC 4592 §2.2.2: a name exists when it or a name below it owns records.
  bool exists(const Labels& name) const {
    if (name.empty()) return true;
    return std::any_of(types_.begin(), types_.end(), [&](const auto& owner) {
      return owner.first.size() >= name.size() &&
             std::equal(name.begin(), name.end(), owner.first.begin());
    });
  }
  bool isCut(const Labels& name) const {
    return !name.empty() && name.back() != "*" && has(name, "NS");
  }

  // RFC 1034 §4.3.2 step 3: label by label down from the apex.
  Answer find(const Labels& name) const {
    Labels at;
    while (true) {
      const std::size_t depth = at.size() + 1;
      if (isCut(at)) return {Kind::kDelegation, at, depth};
      if (at == name) return {Kind::kExact, at, depth};
      if (has(at, "DNAME")) return {Kind::kDname, at, depth};
      Labels next = at;
      next.push_back(name[at.size()]);
      if (!exists(next)) {
        Labels wildcard = at;
        wildcard.push_back("*");
        if (exists(wildcard)) return {Kind::kWildcard, wildcard, depth};
        return {Kind::kNxDomain, at, depth};
      }
      at = next;
    }
  }

  // RFC 6672 §2.4: no such zone may be loaded.
  bool hasNamesBelowDname() const {
    return std::any_of(types_.begin(), types_.end(), [&](const auto& owner) {
      const Answer answer = find(owner.first);
      return answer.kind == Kind::kDname;
    });
  }

 private:
  std::map<Labels, std::set<std::string>> types_;
};

Labels randomName(std::mt19937& random, std::size_t max_labels) {
  static const Labels kAlphabet{"a", "b", "c", "*", "aa"};
  Labels out(random() % (max_labels + 1));
  for (std::string& label : out) label = kAlphabet[random() % kAlphabet.size()];
  return out;
}

struct RandomZone {
  ReferenceZone reference;
  std::string text = "example. 60 SOA a. b. 1 2 3 4 5\nexample. 60 NS ns.other.\n";
};

RandomZone randomZone(std::mt19937& random) {
  RandomZone out;
  out.reference.add({}, "NS");
  out.reference.add({}, "SOA");
  const std::size_t records = 1 + random() % 25;
  for (std::size_t i = 0; i < records; ++i) {
    const Labels owner = randomName(random, 4);
    const std::string type =
        std::vector<std::string>{"A", "A", "TXT", "NS", "DNAME", "CNAME"}[random() % 6];
    const ReferenceZone& zone = out.reference;
    const bool alone = type == "CNAME" ? zone.isOwner(owner) : zone.has(owner, "CNAME");
    const bool both =
        (type == "NS" && zone.has(owner, "DNAME")) || (type == "DNAME" && zone.has(owner, "NS"));
    ReferenceZone after = zone;
    after.add(owner, type);
    if (alone || both || zone.has(owner, type) || after.hasNamesBelowDname()) continue;
    out.reference = after;
    std::string name = textOf(owner);
    for (char& c : name) c = random() % 4 == 0 && c >= 'a' ? static_cast<char>(c - 32) : c;
    const std::string data = type == "A" ? "192.0.2.1" : type == "TXT" ? "x" : "target.other.";
    out.text += name + " 60 " + type + " " + data + "\n";
  }
  return out;
}

Answer lookUp(const Zone& zone, const Labels& name) {
  const Zone::Match match = zone.find(Name::parse(textOf(name)).value());
  const std::string node = Name(zone.nodeName(match.node)).lowered().text();
  Labels labels;
  for (std::size_t at = 0; at < node.size() - std::string("example.").size();) {
    const std::size_t end = node.find('.', at);
    labels.insert(labels.begin(), node.substr(at, end - at));
    at = end + 1;
  }
  return {match.kind, labels, match.encloser_labels};
}

TEST(ZoneProperty, FindEqualsTheLookupOfTheRfcs) {
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    std::mt19937 random(seed);
    const RandomZone made = randomZone(random);
    const auto zone = parseZone(made.text, "random.zone");
    ASSERT_TRUE(zone) << "seed " << seed << "\n" << zone.error().text() << made.text;
    for (int i = 0; i < 200; ++i) {
      const Labels name = randomName(random, 6);
      ASSERT_EQ(lookUp(**zone, name), made.reference.find(name))
          << "seed " << seed << ", name " << textOf(name) << "\n"
          << made.text;
    }
  }
}

}  // namespace
}  // namespace meridian::dns
