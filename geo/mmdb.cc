#include "geo/mmdb.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <maxminddb.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <system_error>

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
  struct Branch {
    std::uint64_t record = 0;
    std::uint8_t type = MMDB_RECORD_TYPE_INVALID;
    std::uint32_t offset = 0;  // in the data section, of a data record
  };
  Branch root() const { return {0, MMDB_RECORD_TYPE_SEARCH_NODE, 0}; }
  bool step(const Branch& node, Branch& left, Branch& right) const {
    MMDB_search_node_s out{};
    if (MMDB_read_node(&db, static_cast<std::uint32_t>(node.record), &out) != MMDB_SUCCESS) {
      return false;
    }
    left = {out.left_record, out.left_record_type, out.left_record_entry.offset};
    right = {out.right_record, out.right_record_type, out.right_record_entry.offset};
    return left.type != MMDB_RECORD_TYPE_INVALID && right.type != MMDB_RECORD_TYPE_INVALID;
  }

  // Follows the first bits of `address` (left-aligned) down to a leaf, at most `limit` of them.
  struct Descent {
    Branch branch;
    std::uint8_t length = 0;
  };
  Result<Descent> descend(U128 address, std::uint8_t limit) const {
    Descent at{root(), 0};
    while (at.branch.type == MMDB_RECORD_TYPE_SEARCH_NODE && at.length < limit) {
      Branch left;
      Branch right;
      if (!step(at.branch, left, right)) return tl::unexpected(corrupt("the search tree is torn"));
      at.branch = (address >> (127 - at.length) & 1) == 0 ? left : right;
      ++at.length;
    }
    return at;
  }

  std::filesystem::path path;
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

  Walker(const State& state, std::uint8_t bits, const Visit& visit)
      : state_(state), bits_(bits), visit_(visit), nodes_left_(state.db.metadata.node_count) {}

  bool run(const Branch& branch, U128 prefix, std::uint8_t length) {
    if (branch.type == MMDB_RECORD_TYPE_EMPTY) return true;
    if (bits_ == 128 && isIpv4Subtree(prefix, length)) return true;
    if (branch.type == MMDB_RECORD_TYPE_DATA) {
      visit_(prefix, length, branch.offset);
      return true;
    }
    Branch left;
    Branch right;
    if (length == bits_ || nodes_left_-- == 0 || !state_.step(branch, left, right)) return false;
    ++length;
    return run(left, prefix, length) && run(right, prefix | U128{1} << (bits_ - length), length);
  }

 private:
  const State& state_;
  const std::uint8_t bits_;
  const Visit& visit_;
  std::uint64_t nodes_left_;
};

}  // namespace

Mmdb::Mmdb(std::unique_ptr<State> state) : state_(std::move(state)) {}
Mmdb::~Mmdb() = default;

Result<std::shared_ptr<const Mmdb>> Mmdb::open(const MmdbSource& source) {
  auto state = std::make_unique<State>();
  state->path = source.path;
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
  if (state->db.metadata.node_count == 0) {
    return tl::unexpected(state->corrupt("the search tree is empty"));
  }
  return std::shared_ptr<const Mmdb>(new Mmdb(std::move(state)));
}

Result<std::optional<Mmdb::Found>> Mmdb::lookup(const IpAddress& address) const {
  const bool v4_in_v6 = address.isV4() && hasV6();
  if (!address.isV4() && !hasV6()) return std::nullopt;
  const U128 key = address.isV4() && !v4_in_v6 ? address.bits() << 96 : address.bits();
  const auto at = state_->descend(key, state_->depth());
  if (!at) return tl::unexpected(at.error());
  if (at->branch.type == MMDB_RECORD_TYPE_EMPTY) return std::nullopt;
  if (at->branch.type != MMDB_RECORD_TYPE_DATA) {
    return tl::unexpected(state_->corrupt("the search tree is deeper than its addresses"));
  }
  auto location = record(at->branch.offset);
  if (!location) return tl::unexpected(location.error());
  const int length = v4_in_v6 ? std::max(0, at->length - 96) : at->length;
  const auto network_length = static_cast<std::uint8_t>(length);
  return Found{std::move(*location), {address.masked(network_length), network_length}};
}

const std::filesystem::path& Mmdb::path() const {
  return state_->path;
}

bool Mmdb::hasV4() const {
  return true;
}

bool Mmdb::hasV6() const {
  return state_->db.metadata.ip_version == 6;
}

std::string Mmdb::description() const {
  const MMDB_metadata_s& metadata = state_->db.metadata;
  return fmt::format("{} of epoch {}, {} nodes", metadata.database_type, metadata.build_epoch,
                     metadata.node_count);
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
  if (!walker.run(top, 0, 0)) return tl::unexpected(state_->corrupt("the search tree is torn"));
  return {};
}

Result<Location> Mmdb::record(RecordNumber number) const {
  auto location = state_->decoder.decode(state_->data(), number);
  if (!location) return tl::unexpected(location.error().within(state_->path.string()));
  return location;
}

}  // namespace meridian::geo
