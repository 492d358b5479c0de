// Writes small MaxMind DB files for tests, byte by byte as the format 2.0 says.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip.h"

namespace meridian::test {

struct MmdbValue;
struct MmdbMember;
using MmdbMap = std::vector<MmdbMember>;
using MmdbArray = std::vector<MmdbValue>;
struct MmdbValue {
  std::variant<std::string, double, float, std::uint16_t, std::uint32_t, std::uint64_t, bool,
               MmdbMap, MmdbArray>
      value;
};
struct MmdbMember {
  std::string key;
  MmdbValue value;
};

class MmdbWriter {
 public:
  // REQUIRES: ip_version 4 or 6; record_size 24, 28 or 32.
  explicit MmdbWriter(std::uint16_t ip_version, std::uint16_t record_size = 28)
      : ip_version_(ip_version), record_size_(record_size), nodes_(1) {}

  // Later networks replace what they cover. IPv4 goes into ::/96 of a version 6 tree.
  void insert(const IpPrefix& network, const MmdbValue& record);
  void insert(const std::string& network, const MmdbValue& record);
  // Makes `prefix` of a version 6 tree point at the IPv4 subtree, as MaxMind's files do.
  // REQUIRES: an IPv4 network was inserted before.
  void alias(const std::string& prefix);

  // The whole file. `node_count` in the metadata may be a lie.
  std::string bytes() const { return bytes(static_cast<std::uint32_t>(nodes_.size())); }
  std::string bytes(std::uint32_t node_count) const;

 private:
  struct Branch {
    enum class Type : std::uint8_t { kEmpty, kNode, kData } type = Type::kEmpty;
    std::uint32_t target = 0;
  };
  using Node = std::array<Branch, 2>;

  void put(U128 address, unsigned length, Branch branch);
  std::uint32_t add(const MmdbValue& record);

  std::uint16_t ip_version_;
  std::uint16_t record_size_;
  std::vector<Node> nodes_;
  std::string data_;
  std::map<std::string, std::uint32_t> strings_;  // where each stands in data_
};

// A fresh file with these bytes in the temporary folder, removed when this goes.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace meridian::test
