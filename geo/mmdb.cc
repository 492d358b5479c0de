#include "geo/mmdb.h"

#include <fmt/format.h>
#include <maxminddb.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "geo/mmdb_record.h"

namespace meridian::geo {
namespace {

// Subtrees of a v6 tree that repeat its IPv4 part, or hold it.
struct Subtree {
  U128 prefix;
  std::uint8_t length;
};
constexpr std::array<Subtree, 5> kIpv4Subtrees = {{
    {0, 96},                        // ::/96, where the format keeps IPv4
    {U128{0xffff} << 32, 96},       // ::ffff:0:0/96, mapped
    {U128{0x0064'ff9b} << 96, 96},  // 64:ff9b::/96, RFC 6052
    {U128{0x2002} << 112, 16},      // 2002::/16, RFC 3056
    {U128{0x2001'0000} << 96, 32},  // 2001::/32, RFC 4380
}};

bool isIpv4Subtree(U128 prefix, std::uint8_t length) {
  return std::any_of(kIpv4Subtrees.begin(), kIpv4Subtrees.end(), [&](const Subtree& subtree) {
    return subtree.length == length && subtree.prefix == prefix;
  });
}

constexpr std::string_view kTornTree = "the search tree is torn";
constexpr std::uint32_t kDataSeparator = 16;  // zero bytes between the tree and the data section

}  // namespace

struct Mmdb::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (open) MMDB_close(&db);
  }

  std::span<const std::uint8_t> data() const { return {db.data_section, db.data_section_size}; }
  std::uint8_t depth() const { return db.metadata.ip_version == 4 ? 32 : 128; }
  Error corrupt(std::string_view what) const {
    return {ErrorKind::kCorrupt, fmt::format("{}: {}", path.string(), what)};
  }

  // One way out of a node.
  enum class BranchType : std::uint8_t { kNode, kEmpty, kData, kTorn };
  struct Branch {
    BranchType type = BranchType::kTorn;
    std::uint32_t target = 0;  // a node's number, or a record's offset in the data section
  };
  Branch root() const { return {BranchType::kNode, 0}; }
  // REQUIRES: node < node_count; checkTree() made sure that so many nodes are in the file.
  // libmaxminddb's reading of a node takes most of a walk's time, this is a tenth of it.
  std::pair<Branch, Branch> branches(std::uint32_t node) const {
    const std::uint8_t* at = db.file_content + std::size_t{node} * db.full_record_byte_size;
    const auto u24 = [at](unsigned i) {
      return std::uint32_t{at[i]} << 16 | std::uint32_t{at[i + 1]} << 8 | at[i + 2];
    };
    switch (db.metadata.record_size) {
      case 24:
        return {branch(u24(0)), branch(u24(3))};
      case 28:
        return {branch((at[3] & 0xf0U) << 20 | u24(0)), branch((at[3] & 0x0fU) << 24 | u24(4))};
      default:
        return {branch(u24(0) << 8 | at[3]), branch(u24(4) << 8 | at[7])};
    }
  }
  Branch branch(std::uint32_t record) const {
    const std::uint32_t nodes = db.metadata.node_count;
    if (record < nodes) return {BranchType::kNode, record};
    if (record == nodes) return {BranchType::kEmpty, 0};
    const std::uint32_t offset = record - nodes - kDataSeparator;
    if (record - nodes < kDataSeparator || offset >= db.data_section_size) return {};
    return {BranchType::kData, offset};
  }

  // Follows the first bits of `address` (left-aligned) down to a leaf, at most `limit` of them.
  struct Descent {
    Branch branch;
    std::uint8_t length = 0;
  };
  Result<Descent> descend(U128 address, std::uint8_t limit) const {
    Descent at{root(), 0};
    while (at.branch.type == BranchType::kNode && at.length < limit) {
      const auto [left, right] = branches(at.branch.target);
      at.branch = (address >> (127 - at.length) & 1) == 0 ? left : right;
      ++at.length;
    }
    if (at.branch.type == BranchType::kTorn) return tl::unexpected(corrupt(kTornTree));
    return at;
  }

  std::filesystem::path path;
  std::string attribution;
  MMDB_s db{};
  bool open = false;
  RecordDecoder decoder;
};

namespace {

// One walk over a subtree. Every node of a sound tree is reached once, so more visits than nodes
// mean a loop or a subtree that is shared where the format shares none.
template <class State, class Visit>
class Walker {
 public:
  using Branch = typename State::Branch;
  using Type = typename State::BranchType;

  Walker(const State& state, std::uint8_t bits, const Visit& visit)
      : state_(state), bits_(bits), visit_(visit), nodes_left_(state.db.metadata.node_count) {}

  // False: the tree is torn. Recursion ends with the address bits.
  bool run(const Branch& branch, U128 prefix, std::uint8_t length) {
    if (branch.type == Type::kEmpty) return true;
    if (branch.type == Type::kTorn) return false;
    if (bits_ == 128 && isIpv4Subtree(prefix, length)) return true;
    if (branch.type == Type::kData) {
      visit_(prefix, length, branch.target);
      return true;
    }
    if (length == bits_ || nodes_left_-- == 0) return false;
    const auto [left, right] = state_.branches(branch.target);
    ++length;
    return run(left, prefix, length) && run(right, prefix | U128{1} << (bits_ - length), length);
  }

 private:
  const State& state_;
  const std::uint8_t bits_;
  const Visit& visit_;
  std::uint64_t nodes_left_;
};

// The file's word; far in the future is as far as the calendar of std::chrono goes.
std::string builtAt(std::uint64_t epoch) {
  constexpr std::uint64_t kYear9999 = 253'402'300'799;
  const std::chrono::seconds since{static_cast<std::int64_t>(std::min(epoch, kYear9999))};
  return rfc3339(WallTime{since});
}

// A whole number of the metadata, 0 when it is not there. The metadata is encoded as records are.
Result<std::uint32_t> metadataNumber(std::span<const std::uint8_t> metadata, const char* key) {
  MmdbSchema schema;
  schema.asn = key;
  const auto decoder = RecordDecoder::make(schema);
  if (!decoder) return tl::unexpected(decoder.error());
  const auto found = decoder->decode(metadata, 0);
  if (!found) return tl::unexpected(found.error().within("metadata"));
  return found->asn;
}

// Whether the search tree that the metadata tells of is in the file at all. To be asked before
// MMDB_open(), which (1.7.1) computes the tree's size in 32 bits and then reads outside the file.
Status checkTree(const std::filesystem::path& path) {
  constexpr std::string_view kMarker = "\xab\xcd\xefMaxMind.com";
  // Format 2.0, "Database Metadata".
  constexpr std::uint64_t kMaxMetadata = std::uint64_t{128} << 10;
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  std::string tail(error ? 0 : std::min(size, kMaxMetadata), '\0');
  in.seekg(static_cast<std::streamoff>(size - tail.size()));
  if (error || !in.read(tail.data(), static_cast<std::streamsize>(tail.size()))) {
    return fail(ErrorKind::kIo, "cannot read");
  }
  const std::size_t marker = tail.rfind(kMarker);
  if (marker == std::string::npos) return fail(ErrorKind::kCorrupt, "is no MMDB file");
  const std::vector<std::uint8_t> metadata(
      tail.begin() + static_cast<std::ptrdiff_t>(marker + kMarker.size()), tail.end());
  const auto nodes = metadataNumber(metadata, "node_count");
  const auto record_bits = metadataNumber(metadata, "record_size");
  if (!nodes) return tl::unexpected(nodes.error());
  if (!record_bits) return tl::unexpected(record_bits.error());
  if (*record_bits != 24 && *record_bits != 28 && *record_bits != 32) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("record_size is {}, not 24, 28 or 32", *record_bits));
  }
  const std::uint64_t room = size - tail.size() + marker;
  if (*nodes == 0 || std::uint64_t{*nodes} * *record_bits / 4 + kDataSeparator > room) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("a search tree of {} nodes is not in {} bytes", *nodes, room));
  }
  return {};
}

}  // namespace

Mmdb::Mmdb(std::unique_ptr<State> state) : state_(std::move(state)) {}
Mmdb::~Mmdb() = default;

Result<std::shared_ptr<const Mmdb>> Mmdb::open(const MmdbSource& source) {
  auto state = std::make_unique<State>();
  state->path = source.path;
  state->attribution = source.attribution;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(source.path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return fail(ErrorKind::kNotFound, state->path.string() + ": no such file");
  }
  // Opening a pipe would wait for its writer.
  if (status.type() != std::filesystem::file_type::regular) {
    return fail(ErrorKind::kIo, state->path.string() + ": not a regular file");
  }
  auto decoder = RecordDecoder::make(source.schema);
  if (!decoder) return tl::unexpected(decoder.error().within(state->path.string()));
  state->decoder = std::move(*decoder);
  const Status tree = checkTree(source.path);
  if (!tree) return tl::unexpected(tree.error().within(state->path.string()));
  if (const int code = MMDB_open(state->path.c_str(), MMDB_MODE_MMAP, &state->db);
      code != MMDB_SUCCESS) {
    const ErrorKind kind = code == MMDB_IO_ERROR || code == MMDB_FILE_OPEN_ERROR
                               ? ErrorKind::kIo
                               : ErrorKind::kCorrupt;
    return fail(kind, fmt::format("{}: is no usable MMDB file: {}", state->path.string(),
                                  MMDB_strerror(code)));
  }
  state->open = true;
  const std::uint16_t version = state->db.metadata.ip_version;
  if (version != 4 && version != 6) {
    return tl::unexpected(state->corrupt(fmt::format("ip_version is {}, not 4 or 6", version)));
  }
  return std::shared_ptr<const Mmdb>(new Mmdb(std::move(state)));
}

Result<std::optional<Mmdb::Found>> Mmdb::lookup(const IpAddress& address) const {
  const bool v4_in_v6 = address.isV4() && hasV6();
  if (!address.isV4() && !hasV6()) return std::nullopt;
  const U128 key = address.isV4() && !v4_in_v6 ? address.bits() << 96 : address.bits();
  const auto at = state_->descend(key, state_->depth());
  if (!at) return tl::unexpected(at.error());
  if (at->branch.type == State::BranchType::kEmpty) return std::nullopt;
  if (at->branch.type == State::BranchType::kNode)
    return tl::unexpected(state_->corrupt(kTornTree));
  auto location = record(at->branch.target);
  if (!location) return tl::unexpected(location.error());
  const int length = v4_in_v6 ? std::max(0, at->length - 96) : at->length;
  const auto network_length = static_cast<std::uint8_t>(length);
  return Found{std::move(*location), {address.masked(network_length), network_length}};
}

const std::filesystem::path& Mmdb::path() const {
  return state_->path;
}

const std::string& Mmdb::attribution() const {
  return state_->attribution;
}

bool Mmdb::hasV4() const {
  return true;
}

bool Mmdb::hasV6() const {
  return state_->db.metadata.ip_version == 6;
}

std::string Mmdb::description() const {
  const MMDB_metadata_s& metadata = state_->db.metadata;
  return fmt::format("{}, built {}, {} nodes", metadata.database_type,
                     builtAt(metadata.build_epoch), metadata.node_count);
}

std::size_t Mmdb::nodeCount() const {
  return state_->db.metadata.node_count;
}

void Mmdb::dropPages() const {
  // madvise() takes a plain pointer but leaves the bytes alone: a later read maps them again.
  // Failing would only cost memory.
  void* const begin = const_cast<std::uint8_t*>(state_->db.file_content);
  static_cast<void>(madvise(begin, static_cast<std::size_t>(state_->db.file_size), MADV_DONTNEED));
}

Status Mmdb::walk(
    IpFamily family,
    const std::function<void(U128 first, std::uint8_t length, RecordNumber)>& visit) const {
  if (family == IpFamily::kV6 && !hasV6()) return {};
  State::Branch top = state_->root();
  if (family == IpFamily::kV4 && hasV6()) {
    const auto v4 = state_->descend(0, 96);
    if (!v4) return tl::unexpected(v4.error());
    top = v4->branch;
  }
  Walker walker(*state_, bitsOf(family), visit);
  if (!walker.run(top, 0, 0)) return tl::unexpected(state_->corrupt(kTornTree));
  return {};
}

Result<Location> Mmdb::record(RecordNumber number) const {
  auto location = state_->decoder.decode(state_->data(), number);
  if (!location) return tl::unexpected(location.error().within(state_->path.string()));
  return location;
}

}  // namespace meridian::geo
