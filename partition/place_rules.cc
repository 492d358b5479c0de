#include "partition/place_rules.h"

#include <algorithm>
#include <utility>

namespace meridian::partition {
namespace {

// An ASN says more than any place, a subdivision more than its country.
int specificity(const PlaceRule& rule) {
  return (rule.asn != 0 ? 4 : 0) + (rule.subdivision.empty() ? 0 : 2) +
         (rule.country.empty() ? 0 : 1);
}

}  // namespace

PlaceRules::PlaceRules(std::vector<Entry> in_document_order)
    : entries_(std::move(in_document_order)) {
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return specificity(a.rule) > specificity(b.rule);
  });
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    by_country_[entries_[i].rule.country].push_back(i);
  }
}

bool PlaceRules::matches(std::uint32_t index, const geo::Location& location) const {
  const PlaceRule& rule = entries_[index].rule;
  return (rule.asn == 0 || rule.asn == location.asn) &&
         (rule.subdivision.empty() || rule.subdivision == location.subdivision);
}

std::optional<Locus> PlaceRules::find(const geo::Location& location) const {
  auto first = static_cast<std::uint32_t>(entries_.size());
  const auto searchCountry = [&](const std::string& country) {
    const auto listed = by_country_.find(country);
    if (listed == by_country_.end()) return;
    for (const std::uint32_t index : listed->second) {
      if (index >= first) return;
      if (matches(index, location)) first = index;
    }
  };
  searchCountry(location.country);
  if (!location.country.empty()) searchCountry({});
  if (first == entries_.size()) return std::nullopt;
  return entries_[first].locus;
}

}  // namespace meridian::partition
