#include "geo/address_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>
#include <variant>

namespace meridian::geo {
namespace {

template <class Address>
constexpr Address kLast = std::numeric_limits<Address>::max();

template <class Address>
Address lastOf(Address first, std::uint8_t length) {
  return length == kAddressBits<Address> ? first
                                         : static_cast<Address>(first | (kLast<Address> >> length));
}

// Fills what is empty in `location` from a later database.
void fillFrom(Location& location, Location&& later) {
  if (!location.point) location.point = later.point;
  if (location.country.empty()) location.country = std::move(later.country);
  if (location.subdivision.empty()) location.subdivision = std::move(later.subdivision);
  if (location.city.empty()) location.city = std::move(later.city);
  if (location.asn == 0) location.asn = later.asn;
}

// A hash table from pairs of ids to an id, which is never 0. Open addressing in one block: a build
// looks up millions of pairs, and std::unordered_map made it three times as long.
class IdTable {
 public:
  IdTable() : slots_(kSmallest) {}

  // The id of the key; `fresh` becomes it when there was none. REQUIRES: fresh != 0.
  std::uint32_t insert(std::uint64_t key, std::uint32_t fresh) {
    if (2 * used_ >= slots_.size()) grow();
    Slot& slot = find(key);
    if (slot.id == 0) {
      slot = {key, fresh};
      ++used_;
    }
    return slot.id;
  }

 private:
  static constexpr std::size_t kSmallest = 1024;  // a power of two
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t id = 0;  // 0: free
  };

  Slot& find(std::uint64_t key) {
    // Fibonacci hashing (Knuth, TAOCP 6.4): the high bits of the product are well mixed.
    const std::uint64_t hash = key * 0x9e37'79b9'7f4a'7c15 >> 32;
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].id != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (const Slot& slot : old) {
      if (slot.id != 0) find(slot.key) = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// An IPv6 address that carries an IPv4 one is known by the latter, as in geo/prefix_table.h.
IpAddress withoutAlias(const IpAddress& address) {
  if (address.isV4()) return address;
  for (const V4Alias& alias : kV4Aliases) {
    if (address.bits() >= alias.prefix && address.bits() <= alias.last()) {
      return IpAddress::v4(alias.embedded(address.bits()));
    }
  }
  return address;
}

}  // namespace

// Lays one layer after the other over the ranges so far, for one family. Families share nothing, so
// that they can be built side by side; join() puts their findings into one list.
template <class Range>
class AddressEvidence::Builder {
 public:
  Builder(const AddressEvidence& source, IpFamily family) : source_(source), family_(family) {
    findings_.push_back({});
    ranges_.push_back({});
  }

  Status run() {
    for (; layer_ < source_.databases_.size(); ++layer_) {
      seen_ = IdTable();
      if (Status added = addRecords(); !added) return added;
    }
    seen_ = IdTable();
    addPrefixes();
    return {};
  }

  // Appends the findings to `all` and returns the ranges with the ids they have there.
  std::vector<Range> join(std::vector<Finding>& all) {
    const auto shift = static_cast<std::uint32_t>(all.size() - 1);  // id 0, nothing, is everybody's
    const auto shifted = [&](std::uint32_t id) { return id == 0 ? 0 : id + shift; };
    for (std::size_t id = 1; id < findings_.size(); ++id) {
      Finding finding = findings_[id];
      finding.below = shifted(finding.below);
      all.push_back(finding);
    }
    if (shift != 0) {
      for (Range& range : ranges_) range.value = shifted(range.value);
    }
    return std::move(ranges_);
  }

 private:
  // Puts the networks of the layer in hand, which come in address order, over the ranges below.
  class Overlay {
   public:
    using Address = decltype(Range::first);

    // `expected`: about how many networks will come. A layer that covers nothing costs nothing.
    Overlay(Builder& builder, std::vector<Range>& ranges, std::size_t expected)
        : builder_(builder), out_(ranges), expected_(expected) {}

    void cover(Address first, Address last, std::uint32_t record) {
      if (below_.empty()) start();
      if (next_ < first) keep(static_cast<Address>(first - 1));
      forEachBelow(first, last, [&](std::uint32_t below) { return builder_.idOf(below, record); });
      next_ = static_cast<Address>(last + 1);
      full_ = last == kLast<Address>;
    }
    void finish() {
      if (!below_.empty() && !full_) keep(kLast<Address>);
    }

   private:
    void start() {
      below_ = std::exchange(out_, {});
      out_.reserve(below_.size() + expected_);
    }
    void keep(Address last) {
      forEachBelow(next_, last, [](std::uint32_t below) { return below; });
    }
    template <class Map>
    void forEachBelow(Address first, Address last, const Map& map) {
      for (Address at = first;;) {
        while (at_ + 1 < below_.size() && below_[at_ + 1].first <= at) ++at_;
        const std::uint32_t id = map(below_[at_].value);
        if (out_.empty() || out_.back().value != id) out_.push_back({at, id});
        if (at_ + 1 == below_.size() || below_[at_ + 1].first > last) return;
        at = below_[at_ + 1].first;
      }
    }

    Builder& builder_;
    std::vector<Range> below_;  // never empty once started
    std::vector<Range>& out_;
    std::size_t expected_;
    std::size_t at_ = 0;  // in below_
    Address next_ = 0;    // not yet in out_
    bool full_ = false;   // all of the address space is in out_
  };

  using Address = decltype(Range::first);

  Status addRecords() {
    const Mmdb& database = *source_.databases_[layer_];
    // Neighbours often have the same record: city databases leave a little more than half. Pages
    // that are reserved and not written take no memory.
    Overlay overlay(*this, ranges_, database.nodeCount() * 5 / 8);
    Status walked =
        database.walk(family_, [&](U128 first, std::uint8_t length, Mmdb::RecordNumber record) {
          const auto address = static_cast<Address>(first);
          overlay.cover(address, lastOf(address, length), record);
        });
    overlay.finish();
    database.dropPages();
    return walked;
  }

  // Nested prefixes become a sequence: `open` holds those around the address in hand.
  void addPrefixes() {
    Overlay overlay(*this, ranges_, 2 * source_.overrides_.size());
    std::vector<std::pair<Address, std::uint32_t>> open;  // last address, override
    Address next = 0;
    const auto closeBefore = [&](Address first) {
      for (; !open.empty() && open.back().first < first; open.pop_back()) {
        const auto [last, record] = open.back();
        if (next > last) continue;
        overlay.cover(next, last, record);
        next = static_cast<Address>(last + 1);
      }
      if (!open.empty() && next < first) {
        overlay.cover(next, static_cast<Address>(first - 1), open.back().second);
      }
      next = first;
    };
    for (std::uint32_t i = 0; i < source_.overrides_.size(); ++i) {
      const IpPrefix& prefix = source_.overrides_[i].prefix;
      if (prefix.address.family() != family_) continue;
      const auto first = static_cast<Address>(prefix.address.bits());
      closeBefore(first);
      open.emplace_back(lastOf(first, prefix.length), i);
    }
    closeAll(overlay, open, next);
    overlay.finish();
  }

  void closeAll(Overlay& overlay, std::vector<std::pair<Address, std::uint32_t>>& open,
                Address next) {
    for (; !open.empty(); open.pop_back()) {
      const auto [last, record] = open.back();
      if (next > last) continue;
      overlay.cover(next, last, record);
      if (last == kLast<Address>) return;
      next = static_cast<Address>(last + 1);
    }
  }

  // The id of the evidence that has `record` of the layer in hand over the evidence `below`.
  std::uint32_t idOf(std::uint32_t below, std::uint32_t record) {
    const bool located =
        layer_ == source_.databases_.size() && source_.locating_[record].has_value();
    if (located) below = 0;  // nothing of it shows
    const auto next = static_cast<std::uint32_t>(findings_.size());
    const std::uint32_t id = seen_.insert(std::uint64_t{below} << 32 | record, next);
    if (id == next) findings_.push_back({below, layer_, record});
    return id;
  }

  const AddressEvidence& source_;
  IpFamily family_;
  std::vector<Finding> findings_;
  std::vector<Range> ranges_;
  std::uint32_t layer_ = 0;  // in hand: a database, or all overrides
  IdTable seen_;             // ids of the layer in hand
};

Result<AddressEvidence> AddressEvidence::build(std::vector<std::shared_ptr<const Mmdb>> databases,
                                               std::vector<NetworkOverride> overrides) {
  AddressEvidence out;
  out.databases_ = std::move(databases);
  out.overrides_ = std::move(overrides);
  std::sort(out.overrides_.begin(), out.overrides_.end(),
            [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  out.findLocating();
  Builder<V4Range> v4(out, IpFamily::kV4);
  Builder<V6Range> v6(out, IpFamily::kV6);
  Status v6_built;
  std::thread v6_thread([&] { v6_built = v6.run(); });
  const Status v4_built = v4.run();
  v6_thread.join();
  if (!v4_built) return tl::unexpected(v4_built.error());
  if (!v6_built) return tl::unexpected(v6_built.error());
  out.findings_.push_back({});
  out.v4_ = v4.join(out.findings_);
  out.v6_ = v6.join(out.findings_);
  out.findings_.shrink_to_fit();
  return out;
}

void AddressEvidence::findLocating() {
  std::vector<std::uint32_t> around;
  for (std::uint32_t i = 0; i < overrides_.size(); ++i) {
    const IpPrefix& prefix = overrides_[i].prefix;
    while (!around.empty() && !overrides_[around.back()].prefix.contains(prefix.address)) {
      around.pop_back();
    }
    if (std::holds_alternative<Location>(overrides_[i].target)) {
      locating_.emplace_back(i);
    } else {
      locating_.push_back(around.empty() ? std::nullopt : locating_[around.back()]);
    }
    around.push_back(i);
  }
}

Result<Evidence> AddressEvidence::evidence(std::uint32_t id) const {
  if (id == 0) return Evidence{};
  const Finding& finding = findings_[id];
  auto out = evidence(finding.below);
  if (!out) return out;
  if (finding.layer < databases_.size()) {
    auto location = databases_[finding.layer]->record(finding.record);
    if (!location) return tl::unexpected(location.error());
    fillFrom(out->location, std::move(*location));
  } else {
    applyOverride(finding.record, *out);
  }
  return out;
}

void AddressEvidence::applyOverride(std::uint32_t index, Evidence& evidence) const {
  if (const auto* partition = std::get_if<std::string>(&overrides_[index].target)) {
    evidence.partition = *partition;
  }
  if (locating_[index])
    evidence.location = std::get<Location>(overrides_[*locating_[index]].target);
}

Status AddressEvidence::forEach(
    const std::function<void(std::uint32_t id, const Evidence& evidence)>& visit) const {
  for (std::uint32_t id = 0; id < findings_.size(); ++id) {
    const auto decoded = evidence(id);
    if (!decoded) return tl::unexpected(decoded.error());
    visit(id, *decoded);
  }
  for (const std::shared_ptr<const Mmdb>& database : databases_) database->dropPages();
  return {};
}

std::optional<std::uint32_t> AddressEvidence::overrideFor(const IpAddress& address) const {
  for (int length = bitsOf(address.family()); length >= 0; --length) {
    const auto bits = static_cast<std::uint8_t>(length);
    const IpPrefix prefix{address.masked(bits), bits};
    const auto found = std::lower_bound(
        overrides_.begin(), overrides_.end(), prefix,
        [](const NetworkOverride& entry, const IpPrefix& wanted) { return entry.prefix < wanted; });
    if (found != overrides_.end() && found->prefix == prefix) {
      return static_cast<std::uint32_t>(found - overrides_.begin());
    }
  }
  return std::nullopt;
}

Result<AddressFinding> AddressEvidence::find(const IpAddress& asked) const {
  const IpAddress address = withoutAlias(asked);
  AddressFinding out{{}, {address.masked(0), 0}, "nothing"};
  bool found_network = false;
  for (const std::shared_ptr<const Mmdb>& database : databases_) {
    auto found = database->lookup(address);
    if (!found) return tl::unexpected(found.error());
    if (!*found) continue;
    if (!found_network) {
      out.network = (*found)->network;
      out.source = "database " + database->path().string();
      if (!database->attribution().empty()) out.source += " (" + database->attribution() + ")";
      found_network = true;
    }
    fillFrom(out.evidence.location, std::move((*found)->location));
  }
  if (const auto index = overrideFor(address)) {
    const NetworkOverride& entry = overrides_[*index];
    applyOverride(*index, out.evidence);
    out.network = entry.prefix;
    out.source = fmt::format("override {}:{}", entry.place.file, entry.place.line);
  }
  return out;
}

}  // namespace meridian::geo
