#include "geo/mmdb_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>

#include "base/byte_reader.h"
#include "base/utf8.h"
#include "geo/mmdb.h"

namespace meridian::geo {
namespace {

enum class Type : std::uint8_t {
  kExtended = 0,
  kPointer = 1,
  kString = 2,
  kDouble = 3,
  kBytes = 4,
  kUint16 = 5,
  kUint32 = 6,
  kMap = 7,
  kInt32 = 8,
  kUint64 = 9,
  kUint128 = 10,
  kArray = 11,
  kContainer = 12,
  kEndMarker = 13,
  kBoolean = 14,
  kFloat = 15,
};

// A value's head. For maps and arrays `size` counts entries, for pointers it is the target, for
// booleans the value; else the bytes that follow.
struct Head {
  Type type = Type::kExtended;
  std::uint32_t size = 0;
};

Head readPointer(ByteReader& in, std::uint8_t control) {
  const std::uint32_t top = control & 7U;
  switch (control >> 3 & 3) {
    case 0:
      return {Type::kPointer, top << 8 | in.u8()};
    case 1:
      return {Type::kPointer, (top << 16 | in.u16()) + 2048};
    case 2: {
      const std::uint32_t high = in.u8();
      return {Type::kPointer, (top << 24 | high << 16 | in.u16()) + 526336};
    }
    default:
      return {Type::kPointer, in.u32()};
  }
}

Head readHead(ByteReader& in) {
  const std::uint8_t control = in.u8();
  auto type = static_cast<Type>(control >> 5);
  if (type == Type::kPointer) return readPointer(in, control);
  if (type == Type::kExtended) type = static_cast<Type>(in.u8() + 7);
  std::uint32_t size = control & 31U;
  if (size == 29) {
    size = 29U + in.u8();
  } else if (size == 30) {
    size = 285U + in.u16();
  } else if (size == 31) {
    const std::uint32_t high = in.u8();
    size = 65821U + (high << 16 | in.u16());
  }
  return {type, size};
}

bool isInteger(Type type) {
  return type == Type::kUint16 || type == Type::kUint32 || type == Type::kInt32 ||
         type == Type::kUint64;
}

}  // namespace

// The state of one decode().
class RecordDecoder::Pass {
 public:
  explicit Pass(std::span<const std::uint8_t> data) : data_(data) { rank_.fill(0xff); }

  Result<Location> run(const Step& root, std::uint32_t offset) {
    ByteReader in = at(offset);
    const Head head = readHead(in);
    if (head.type != Type::kMap) problem("the record is no map");
    if (problem_.empty()) map(in, root, head.size, 0);
    if (problem_.empty() && !in.ok()) problem("the record ends outside the data section");
    if (problem_.empty() && latitude_ && longitude_) {
      location_.point = GeoPoint{*latitude_, *longitude_};
    }
    if (!problem_.empty()) {
      return fail(ErrorKind::kCorrupt, fmt::format("record at {}: {}", offset, problem_));
    }
    return std::move(location_);
  }

 private:
  ByteReader at(std::uint32_t offset) const {
    return ByteReader(offset < data_.size() ? data_.subspan(offset)
                                            : std::span<const std::uint8_t>());
  }
  void problem(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
  }
  bool spend() {
    if (++values_ > kMaxValues) problem("the record has too many values");
    return problem_.empty();
  }

  std::string_view key(ByteReader& in) {
    const Head head = readHead(in);
    if (head.type == Type::kString) return asText(in.bytes(head.size));
    if (head.type != Type::kPointer) {
      problem("a map's key is no string");
      return {};
    }
    ByteReader there = at(head.size);
    const Head target = readHead(there);
    const std::span<const std::uint8_t> text = there.bytes(target.size);
    if (target.type != Type::kString || !there.ok()) problem("a map's key points at no string");
    return asText(text);
  }

  void map(ByteReader& in, const Step& step, std::uint32_t count, unsigned depth) {
    for (std::uint32_t i = 0; i < count && spend() && in.ok(); ++i) {
      const Step* next = step.find(key(in));
      if (next == nullptr) {
        skip(in);
      } else {
        value(in, *next, depth + 1);
      }
    }
  }

  void array(ByteReader& in, const Step& step, std::uint32_t count, unsigned depth) {
    for (std::uint32_t i = 0; i < count && spend() && in.ok(); ++i) {
      const Step* next = step.find(std::to_string(i));
      if (next == nullptr) {
        skip(in);
      } else {
        value(in, *next, depth + 1);
      }
    }
  }

  // A value on the way to a field, or the field.
  void value(ByteReader& in, const Step& step, unsigned depth) {
    const Head head = readHead(in);
    if (head.type != Type::kPointer) return body(in, head, step, depth);
    ByteReader there = at(head.size);
    const Head target = readHead(there);
    if (target.type == Type::kPointer) return problem("a pointer points at a pointer");
    body(there, target, step, depth);
    if (!there.ok()) problem("a pointer points outside the data section");
  }

  void body(ByteReader& in, const Head& head, const Step& step, unsigned depth) {
    const bool container = head.type == Type::kMap || head.type == Type::kArray;
    if (container && !step.steps.empty() && depth <= kMaxDepth) {
      return head.type == Type::kMap ? map(in, step, head.size, depth)
                                     : array(in, step, head.size, depth);
    }
    if (step.field == Field::kNone || step.rank >= rank_.at(index(step.field))) {
      return skipBody(in, head);
    }
    rank_.at(index(step.field)) = step.rank;
    take(in, head, step);
  }

  void take(ByteReader& in, const Head& head, const Step& step) {
    switch (step.field) {
      case Field::kLatitude:
        latitude_ = degrees(in, head, step, 90);
        return;
      case Field::kLongitude:
        longitude_ = degrees(in, head, step, 180);
        return;
      case Field::kCountry:
        location_.country = country(in, head, step);
        return;
      case Field::kSubdivision:
        location_.subdivision = text(in, head, step);
        return;
      case Field::kCity:
        location_.city = text(in, head, step);
        return;
      case Field::kAsn:
        location_.asn = number(in, head, step);
        return;
      case Field::kNone:
        return;
    }
  }

  double degrees(ByteReader& in, const Head& head, const Step& step, double limit) {
    double degrees = 0;
    if (head.type == Type::kDouble && head.size == 8) {
      const std::uint64_t high = in.u32();
      degrees = std::bit_cast<double>(high << 32 | in.u32());
    } else if (head.type == Type::kFloat && head.size == 4) {
      degrees = static_cast<double>(std::bit_cast<float>(in.u32()));
    } else {
      problem(fmt::format("\"{}\" is no floating-point number", step.key));
    }
    // Written so that NaN fails.
    if (!(degrees >= -limit && degrees <= limit)) {
      problem(fmt::format("\"{}\" is {}, not from {} to {}", step.key, degrees, -limit, limit));
    }
    return degrees;
  }

  std::string text(ByteReader& in, const Head& head, const Step& step) {
    if (head.type != Type::kString) {
      problem(fmt::format("\"{}\" is no string", step.key));
      return {};
    }
    const std::string_view text = asText(in.bytes(head.size));
    if (!isPrintableUtf8(text)) problem(fmt::format("\"{}\" is no printable UTF-8", step.key));
    return std::string(text);
  }

  std::string country(ByteReader& in, const Head& head, const Step& step) {
    std::string code = text(in, head, step);
    for (char& c : code) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    const bool two_letters = code.size() == 2 && std::all_of(code.begin(), code.end(), [](char c) {
                               return c >= 'A' && c <= 'Z';
                             });
    if (!code.empty() && !two_letters) {
      problem(fmt::format("\"{}\" is no country code of two letters", step.key));
    }
    return code;
  }

  std::uint32_t number(ByteReader& in, const Head& head, const Step& step) {
    std::uint64_t number = 0;
    if (!isInteger(head.type) || head.size > 8) {
      problem(fmt::format("\"{}\" is no whole number", step.key));
    } else {
      for (const std::uint8_t byte : in.bytes(head.size)) number = number << 8 | byte;
    }
    if (number > std::numeric_limits<std::uint32_t>::max()) {
      problem(fmt::format("\"{}\" is larger than 32 bits", step.key));
    }
    return static_cast<std::uint32_t>(number);
  }

  void skip(ByteReader& in) { skipBody(in, readHead(in)); }

  // Without recursion: what is still to be passed over is a count of values.
  void skipBody(ByteReader& in, Head head) {
    for (std::uint64_t pending = 1; pending > 0 && spend() && in.ok();) {
      --pending;
      if (head.type == Type::kMap) {
        pending += 2 * std::uint64_t{head.size};
      } else if (head.type == Type::kArray) {
        pending += head.size;
      } else if (head.type != Type::kPointer && head.type != Type::kBoolean) {
        in.skip(head.size);
      }
      if (pending > 0) head = readHead(in);
    }
  }

  static std::size_t index(Field field) { return static_cast<std::size_t>(field); }

  std::span<const std::uint8_t> data_;
  unsigned values_ = 0;
  std::string problem_;  // the first
  Location location_;
  std::optional<double> latitude_, longitude_;
  std::array<std::uint8_t, kFields> rank_{};  // of the value each field has; 0xff: none yet
};

const RecordDecoder::Step* RecordDecoder::Step::find(std::string_view wanted) const {
  for (const Step& step : steps) {
    if (step.key == wanted) return &step;
  }
  return nullptr;
}

Result<RecordDecoder> RecordDecoder::make(const MmdbSchema& schema) {
  struct Place {
    Field field;
    const std::string& configured;
    std::vector<std::string_view> known;  // docs/config.md; the first has the smallest rank
  };
  const Place places[] = {
      {Field::kLatitude, schema.latitude, {"location.latitude", "latitude"}},
      {Field::kLongitude, schema.longitude, {"location.longitude", "longitude"}},
      {Field::kCountry, schema.country, {"country.iso_code", "country_code"}},
      {Field::kSubdivision, schema.subdivision, {"subdivisions.0.names.en", "state1"}},
      {Field::kCity, schema.city, {"city.names.en", "city"}},
      {Field::kAsn, schema.asn, {"autonomous_system_number"}},
  };
  RecordDecoder decoder;
  for (const Place& place : places) {
    std::vector<std::string_view> paths = place.known;
    if (!place.configured.empty()) paths = {place.configured};
    for (std::size_t rank = 0; rank < paths.size(); ++rank) {
      const Status added = decoder.add(place.field, paths[rank], static_cast<std::uint8_t>(rank));
      if (!added) return tl::unexpected(added.error());
    }
  }
  return decoder;
}

Status RecordDecoder::add(Field field, std::string_view path, std::uint8_t rank) {
  Step* step = &root_;
  unsigned depth = 0;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t dot = std::min(path.find('.', start), path.size());
    const std::string_view key = path.substr(start, dot - start);
    if (key.empty() || ++depth > kMaxDepth) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("key path \"{}\": must be 1 to {} keys with dots between them", path,
                              kMaxDepth));
    }
    const auto same = [&](const Step& child) { return child.key == key; };
    auto found = std::find_if(step->steps.begin(), step->steps.end(), same);
    if (found == step->steps.end()) {
      step->steps.push_back({std::string(key), Field::kNone, 0, {}});
      found = step->steps.end() - 1;
    }
    step = &*found;
    start = dot + 1;
  }
  if (step->field != Field::kNone) {
    return fail(ErrorKind::kInvalid, fmt::format("key path \"{}\" is used for two fields", path));
  }
  step->field = field;
  step->rank = rank;
  return {};
}

Result<Location> RecordDecoder::decode(std::span<const std::uint8_t> data_section,
                                       std::uint32_t offset) const {
  return Pass(data_section).run(root_, offset);
}

}  // namespace meridian::geo
