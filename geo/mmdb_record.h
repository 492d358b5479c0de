// RecordDecoder: one pass over an MMDB data record that picks out the fields of a Location.
//
// The data section is untrusted: every offset is checked, pointers are followed only on the way to
// a wanted field and never to another pointer, depth and the number of values looked at are
// bounded. Format: MaxMind DB 2.0, "Output Data Section".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "geo/location.h"

namespace meridian::geo {

struct MmdbSchema;

// Threads: immutable after construction.
class RecordDecoder {
 public:
  // More values than this in one record are refused: real ones have fewer than 200.
  static constexpr unsigned kMaxValues = 4096;
  static constexpr unsigned kMaxDepth = 16;

  // kInvalid: a key path with an empty segment or more than kMaxDepth of them.
  static Result<RecordDecoder> make(const MmdbSchema& schema);

  // kCorrupt: the bytes are no record, or a field has the wrong type or is out of its range.
  Result<Location> decode(std::span<const std::uint8_t> data_section, std::uint32_t offset) const;

 private:
  enum class Field : std::uint8_t {
    kNone,
    kLatitude,
    kLongitude,
    kCountry,
    kSubdivision,
    kCity,
    kAsn
  };
  static constexpr std::size_t kFields = 7;

  // The wanted keys as a tree. A step may be both a field and a way on: "city" is the name itself
  // in flat schemas and a map in the nested one.
  struct Step {
    std::string key;  // in its parent; a decimal index when the parent is an array
    Field field = Field::kNone;
    std::uint8_t rank = 0;  // of several places of one field the smallest rank wins
    std::vector<Step> steps;

    const Step* find(std::string_view wanted) const;
  };
  class Pass;

  Status add(Field field, std::string_view path, std::uint8_t rank);

  Step root_;
};

}  // namespace meridian::geo
