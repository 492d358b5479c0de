// PlaceRules: country, subdivision and ASN rules of one zone of the model, most specific first
// (docs/topology.md "Evidence order"). Threads: immutable after construction.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/location.h"
#include "partition/ids.h"
#include "partition/model.h"

namespace meridian::partition {

class PlaceRules {
 public:
  struct Entry {
    PlaceRule rule;
    Locus locus;
  };

  PlaceRules() = default;
  explicit PlaceRules(std::vector<Entry> in_document_order);

  // The locus of the first rule that matches.
  std::optional<Locus> find(const geo::Location& location) const;

 private:
  bool matches(std::uint32_t index, const geo::Location& location) const;

  std::vector<Entry> entries_;  // most specific first
  // Indices of entries_ by the country they ask for; "" for those that ask for none.
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_country_;
};

}  // namespace meridian::partition
