#include "tests/support/mmdb_writer.h"

#include <stdlib.h>
#include <unistd.h>

#include <bit>
#include <stdexcept>

namespace meridian::test {
namespace {

void appendBigEndian(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void appendHead(std::string& out, unsigned type, std::size_t size) {
  const unsigned low = size < 29 ? static_cast<unsigned>(size) : size < 285 ? 29 : 30;
  out += static_cast<char>((type < 8 ? type << 5 : 0) | low);
  if (type >= 8) out += static_cast<char>(type - 7);
  if (low == 29) appendBigEndian(out, size - 29, 1);
  if (low == 30) appendBigEndian(out, size - 285, 2);
}

// Encodes values; strings that were written before become pointers.
struct Encoder {
  std::string& out;
  std::map<std::string, std::uint32_t>* strings;

  void operator()(const std::string& text) const {
    if (strings != nullptr) {
      const auto [found, fresh] =
          strings->try_emplace(text, static_cast<std::uint32_t>(out.size()));
      if (!fresh) return pointer(found->second);
    }
    appendHead(out, 2, text.size());
    out += text;
  }
  void pointer(std::uint32_t target) const {
    out += static_cast<char>(1U << 5 | 3U << 3);
    appendBigEndian(out, target, 4);
  }
  void operator()(double number) const {
    appendHead(out, 3, 8);
    appendBigEndian(out, std::bit_cast<std::uint64_t>(number), 8);
  }
  void operator()(float number) const {
    appendHead(out, 15, 4);
    appendBigEndian(out, std::bit_cast<std::uint32_t>(number), 4);
  }
  void operator()(std::uint32_t number) const {
    appendHead(out, 6, 4);
    appendBigEndian(out, number, 4);
  }
  void operator()(std::uint16_t number) const {
    appendHead(out, 5, 2);
    appendBigEndian(out, number, 2);
  }
  void operator()(std::uint64_t number) const {
    appendHead(out, 9, 8);
    appendBigEndian(out, number, 8);
  }
  void operator()(bool flag) const { appendHead(out, 14, flag ? 1 : 0); }
  void operator()(const MmdbMap& map) const {
    appendHead(out, 7, map.size());
    for (const auto& [key, value] : map) {
      (*this)(key);
      std::visit(*this, value.value);
    }
  }
  void operator()(const MmdbArray& array) const {
    appendHead(out, 11, array.size());
    for (const MmdbValue& value : array) std::visit(*this, value.value);
  }
};

}  // namespace

void MmdbWriter::insert(const std::string& network, const MmdbValue& record) {
  insert(IpPrefix::parse(network).value(), record);
}

void MmdbWriter::insert(const IpPrefix& network, const MmdbValue& record) {
  const Branch branch{Branch::Type::kData, add(record)};
  if (!network.address.isV4()) return put(network.address.bits(), network.length, branch);
  if (ip_version_ == 4) return put(network.address.bits() << 96, network.length, branch);
  put(network.address.bits(), 96U + network.length, branch);
}

void MmdbWriter::alias(const std::string& prefix) {
  Branch v4{Branch::Type::kNode, 0};
  for (int depth = 0; depth < 96; ++depth) v4 = nodes_.at(v4.target)[0];
  const IpPrefix network = IpPrefix::parse(prefix).value();
  put(network.address.bits(), network.length, v4);
}

std::uint32_t MmdbWriter::add(const MmdbValue& record) {
  // A record may be a map whose first bytes are no shared string, so its offset is its own.
  const auto offset = static_cast<std::uint32_t>(data_.size());
  std::visit(Encoder{data_, &strings_}, record.value);
  return offset;
}

void MmdbWriter::put(U128 address, unsigned length, Branch branch) {
  if (length == 0) throw std::invalid_argument("the root is a node");
  std::uint32_t node = 0;
  for (unsigned depth = 0;; ++depth) {
    const auto side = static_cast<std::size_t>(address >> (127 - depth) & 1);
    if (depth + 1 == length) {
      nodes_[node][side] = branch;
      return;
    }
    if (nodes_[node][side].type != Branch::Type::kNode) {
      const Branch old = nodes_[node][side];
      nodes_[node][side] = {Branch::Type::kNode, static_cast<std::uint32_t>(nodes_.size())};
      nodes_.push_back({old, old});
    }
    node = nodes_[node][side].target;
  }
}

std::string MmdbWriter::bytes(std::uint32_t node_count) const {
  const auto own_count = static_cast<std::uint32_t>(nodes_.size());
  std::string out;
  for (const Node& node : nodes_) {
    std::uint32_t record[2] = {};
    for (std::size_t side = 0; side < 2; ++side) {
      const Branch& branch = node[side];
      record[side] = branch.type == Branch::Type::kNode    ? branch.target
                     : branch.type == Branch::Type::kEmpty ? own_count
                                                           : own_count + 16 + branch.target;
    }
    if (record_size_ == 28) {
      appendBigEndian(out, record[0] & 0xffffff, 3);
      appendBigEndian(out, (record[0] >> 24) << 4 | record[1] >> 24, 1);
      appendBigEndian(out, record[1] & 0xffffff, 3);
    } else {
      for (const std::uint32_t each : record) appendBigEndian(out, each, record_size_ / 8U);
    }
  }
  out.append(16, '\0');
  out += data_;
  out += "\xab\xcd\xefMaxMind.com";
  const MmdbMap metadata = {
      {"binary_format_major_version", {std::uint16_t{2}}},
      {"binary_format_minor_version", {std::uint16_t{0}}},
      {"build_epoch", {std::uint64_t{1'700'000'000}}},
      {"database_type", {std::string("Test")}},
      {"description", {MmdbMap{{"en", {std::string("made by a test")}}}}},
      {"ip_version", {ip_version_}},
      {"languages", {MmdbArray{{std::string("en")}}}},
      {"node_count", {node_count}},
      {"record_size", {record_size_}},
  };
  Encoder{out, nullptr}(metadata);
  return out;
}

TemporaryFile::TemporaryFile(const std::string& bytes) {
  const char* const folder = getenv("TMPDIR");
  path_ = std::string(folder == nullptr ? "/tmp" : folder) + "/meridian-test-XXXXXX";
  const int fd = mkstemp(path_.data());
  if (fd < 0) throw std::runtime_error("cannot create " + path_);
  const ssize_t written = write(fd, bytes.data(), bytes.size());
  close(fd);
  if (written != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("cannot write " + path_);
}

TemporaryFile::~TemporaryFile() {
  unlink(path_.c_str());
}

}  // namespace meridian::test
