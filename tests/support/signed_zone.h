// Signed zones for tests, whose signatures are not real: what is under test is where they go. Made
// straight from RFC 4034 §4, §6.1 and RFC 5155 §7.1; of the code under test only the hash is used,
// which has the RFC's own vectors.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dns/zone/denial_chain.h"

namespace meridian::test {

enum class Denies { kNsec, kNsec3, kOptOut };

struct PlainRecord {
  std::string owner;  // absolute, lower-case; no escapes
  std::string type;
  std::string rdata;
};

// The labels from the root down: std::vector's own order is the canonical one.
inline std::vector<std::string> labelsOf(std::string_view name) {
  std::vector<std::string> out;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    if (dot > 0) out.insert(out.begin(), std::string(name.substr(0, dot)));
    name.remove_prefix(dot + 1);
  }
  return out;
}

inline std::string nameOfLabels(const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& label : labels) out.insert(0, label + ".");
  return out;
}

inline std::string base32(const Sha1& hash) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : hash) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) out += kDigits[bits >> (count - 5) & 31];
  }
  return out;
}

inline std::string hashedName(const std::string& name) {
  return base32(
      dns::nsec3Hash(dns::Name::parse(name)->lowered(), 1, std::vector<std::uint8_t>{0xab}));
}

class ZoneInTheMaking {
 public:
  // The first record is the SOA.
  ZoneInTheMaking(std::vector<PlainRecord> records, Denies denies)
      : records_(std::move(records)), apex_(records_.front().owner), denies_(denies) {}

  std::string text() {
    records_.push_back({apex_, "DNSKEY", "257 3 13 AAAA"});
    if (denies_ != Denies::kNsec) records_.push_back({apex_, "NSEC3PARAM", "1 0 1 AB"});
    for (const PlainRecord& record : records_) {
      add(record.owner, record.type, record.rdata);
      types_[labelsOf(record.owner)].insert(record.type);
    }
    for (auto at = types_.begin(); at != types_.end();) {
      at = isBelowCut(at->first) ? types_.erase(at) : std::next(at);
    }
    for (const auto& [labels, types] : types_) {
      for (const std::string& type : types) {
        const bool delegates = isCut(labels) && type != "DS";
        if (!delegates) addSignature(nameOfLabels(labels), type);
      }
    }
    denies_ == Denies::kNsec ? addNsec() : addNsec3();
    return out_;
  }

 private:
  void add(const std::string& owner, const std::string& type, const std::string& rdata) {
    out_ += owner + " 300 " + type + " " + rdata + "\n";
  }
  void addSignature(const std::string& owner, const std::string& type) {
    const auto labels = labelsOf(owner);
    const std::size_t wildcard = !labels.empty() && labels.back() == "*" ? 1 : 0;
    add(owner, "RRSIG",
        type + " 13 " + std::to_string(labels.size() - wildcard) +
            " 300 20370101000000 20200101000000 1 " + apex_ + " AAAA");
  }
  bool isCut(const std::vector<std::string>& labels) const {
    const auto found = types_.find(labels);
    return nameOfLabels(labels) != apex_ && found != types_.end() && found->second.contains("NS");
  }
  bool isBelowCut(std::vector<std::string> labels) const {
    while (labels.size() > 1) {
      labels.pop_back();
      if (isCut(labels)) return true;
    }
    return false;
  }
  static std::string bitmap(const std::set<std::string>& types) {
    std::string out;
    for (const std::string& type : types) out += " " + type;
    return out;
  }
  void addNsec() {
    for (auto at = types_.begin(); at != types_.end(); ++at) {
      const auto next = std::next(at) == types_.end() ? types_.begin() : std::next(at);
      add(nameOfLabels(at->first), "NSEC",
          nameOfLabels(next->first) + bitmap(at->second) + " RRSIG NSEC");
      addSignature(nameOfLabels(at->first), "NSEC");
    }
  }
  void addNsec3() {
    std::map<std::string, std::set<std::string>> hashes;
    for (const auto& [labels, types] : types_) {
      if (denies_ == Denies::kOptOut && isCut(labels) && !types.contains("DS")) continue;
      hashes[hashedName(nameOfLabels(labels))] = types;
      for (auto above = labels; nameOfLabels(above) != apex_; above.pop_back()) {
        hashes.try_emplace(hashedName(nameOfLabels(above)));
      }
    }
    const std::string flags = denies_ == Denies::kOptOut ? "1 1 1 AB " : "1 0 1 AB ";
    for (auto at = hashes.begin(); at != hashes.end(); ++at) {
      const auto next = std::next(at) == hashes.end() ? hashes.begin() : std::next(at);
      const std::string owner = at->first + "." + apex_;
      const bool signs =
          !at->second.empty() &&
          (!at->second.contains("NS") || at->second.contains("DS") || at->second.contains("SOA"));
      add(owner, "NSEC3", flags + next->first + bitmap(at->second) + (signs ? " RRSIG" : ""));
      addSignature(owner, "NSEC3");
    }
  }

  std::vector<PlainRecord> records_;
  std::string apex_;
  Denies denies_;
  std::map<std::vector<std::string>, std::set<std::string>> types_;
  std::string out_;
};

}  // namespace meridian::test
