#include "dns/zone/catalog.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/digest.h"

namespace meridian::dns {
namespace {

constexpr std::array<std::uint8_t, 2> kVersionRdata{1, '2'};  // TXT "2"
constexpr std::size_t kLabelBytes = 32;                       // 128 bits of a hash, in hexadecimal
constexpr std::uint32_t kTtl = 0;                             // nobody is to cache it
// As RFC 9432 §4 has them: who loses the producer keeps what it said.
constexpr std::uint32_t kRefresh = 3600, kRetry = 600, kExpire = 2'147'483'646, kMinimum = 0;

bool lessName(NameView a, NameView b) {
  return std::lexicographical_compare(a.wire().begin(), a.wire().end(), b.wire().begin(),
                                      b.wire().end());
}
bool lessZone(const CatalogMember& a, const CatalogMember& b) {
  return lessName(a.zone, b.zone);
}

Name childOf(std::string_view label, NameView parent) {
  std::array<std::uint8_t, kMaxName> bytes{};
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(label.size()));
  for (const char c : label) out.u8(static_cast<std::uint8_t>(c));
  out.bytes(parent.wire());
  return *Name::fromWire(out.written());
}

std::vector<std::uint8_t> textRdata(std::string_view text) {
  std::vector<std::uint8_t> out(1 + text.size());
  out[0] = static_cast<std::uint8_t>(text.size());
  std::copy(text.begin(), text.end(), out.begin() + 1);
  return out;
}

// Calls visit(RDATA) for each record.
template <class Visit>
void forEachRdata(const RrsetView& rrset, const Visit& visit) {
  ByteReader in(rrset.rendered);
  for (std::uint16_t i = 0; i < rrset.count; ++i) {
    in.skip(kRenderedFixedBytes - 2);
    visit(in.bytes(in.u16()));
  }
}

// All its strings as one.
std::string textOf(std::span<const std::uint8_t> rdata) {
  std::string out;
  for (ByteReader in(rdata); in.ok() && in.remaining() != 0;) out += asText(in.bytes(in.u8()));
  return out;
}

class Reader {
 public:
  Reader(const Zone& zone, std::size_t max_members)
      : zone_(zone), max_members_(max_members), apex_labels_(zone.apex().labelCount()) {}

  Checked<std::vector<CatalogMember>> run() {
    checkVersion();
    const Name zones = childOf("zones", zone_.apex());
    for (std::uint32_t i = 0; i < zone_.nodeCount(); ++i) {
      const Name name = Name(zone_.nodeName(NodeIx(i))).lowered();
      const std::size_t labels = name.view().labelCount();
      if (labels < apex_labels_ + 2 || labels > apex_labels_ + 3) continue;
      if (!name.view().isWithin(zones)) continue;
      if (labels == apex_labels_ + 2) {
        takeMember(NodeIx(i), name);
      } else {
        takeProperty(NodeIx(i), name);
      }
    }
    if (members_.size() > max_members_) {
      problem(zones, std::to_string(members_.size()) + " members are more than " +
                         std::to_string(max_members_));
    }
    auto out = joined();
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    return out;
  }

 private:
  void problem(NameView place, std::string reason) {
    problems_.add({}, place.text(), "", std::move(reason));
  }

  void checkVersion() {
    const Name name = childOf("version", zone_.apex());
    const auto node = zone_.nodeOf(name);
    const RrsetView rrset = node ? zone_.rrset(*node, RrType::kTxt) : RrsetView{};
    if (rrset.empty()) return problem(name, "there is no version");
    if (rrset.count != 1) return problem(name, "there are several versions");
    // One string, or it is another value.
    if (asText(rrset.firstRdata()) != asText(kVersionRdata)) {
      problem(name, "the version is not 2");
    }
  }

  // The one name of the RRset; nullopt: there are several, which is told.
  std::optional<Name> onlyName(const RrsetView& rrset, NameView place) {
    if (rrset.count == 1) {
      if (const auto name = Name::fromWire(rrset.firstRdata())) return name->lowered();
    }
    problem(place, "there is not one PTR but " + std::to_string(rrset.count));
    return std::nullopt;
  }

  // A name without PTR is no member, whatever else it has.
  void takeMember(NodeIx node, const Name& name) {
    const RrsetView rrset = zone_.rrset(node, RrType::kPtr);
    if (rrset.empty()) return;
    const auto member = onlyName(rrset, name);
    if (!member) return;
    if (*member == Name(zone_.apex())) return problem(name, "the catalog is its own member");
    members_.push_back({*member, std::string(asText(name.view().firstLabel()))});
  }

  // Only its own type makes a property (§4.2).
  void takeProperty(NodeIx node, const Name& name) {
    const std::string_view property = asText(name.view().firstLabel());
    const std::string label(asText(name.view().parent().firstLabel()));
    if (property == "group") {
      std::set<std::string> groups;
      forEachRdata(zone_.rrset(node, RrType::kTxt),
                   [&](std::span<const std::uint8_t> rdata) { groups.insert(textOf(rdata)); });
      if (!groups.empty()) groups_[label].assign(groups.begin(), groups.end());
    } else if (property == "coo") {
      const RrsetView rrset = zone_.rrset(node, RrType::kPtr);
      if (rrset.empty()) return;
      if (const auto owner = onlyName(rrset, name)) new_owners_.emplace(label, *owner);
    }
  }

  std::vector<CatalogMember> joined() {
    for (CatalogMember& member : members_) {
      if (const auto groups = groups_.find(member.label); groups != groups_.end()) {
        member.groups = std::move(groups->second);
      }
      if (const auto owner = new_owners_.find(member.label); owner != new_owners_.end()) {
        member.new_owner = owner->second;
      }
    }
    std::sort(members_.begin(), members_.end(), lessZone);
    for (std::size_t i = 1; i < members_.size(); ++i) {
      if (members_[i].zone == members_[i - 1].zone) {
        problem(members_[i].zone, "two members are this zone");
      }
    }
    return std::move(members_);
  }

  const Zone& zone_;
  std::size_t max_members_;
  std::size_t apex_labels_;
  std::vector<CatalogMember> members_;
  std::map<std::string, std::vector<std::string>> groups_;  // by label
  std::map<std::string, Name> new_owners_;                  // by label
  Diagnostics problems_;
};

bool anyMatches(const std::vector<ZonePattern>& patterns, NameView apex) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const ZonePattern& each) { return each.matches(apex); });
}

std::vector<std::uint8_t> soaRdata(std::uint32_t serial) {
  std::vector<std::uint8_t> out;
  const Name invalid = childOf("invalid", NameView());
  for (int i = 0; i < 2; ++i) {
    out.insert(out.end(), invalid.view().wire().begin(), invalid.view().wire().end());
  }
  std::array<std::uint8_t, 20> numbers{};
  ByteWriter writer(numbers);
  for (const std::uint32_t number : {serial, kRefresh, kRetry, kExpire, kMinimum}) {
    writer.u32(number);
  }
  out.insert(out.end(), numbers.begin(), numbers.end());
  return out;
}

std::string labelOf(const Name& zone, std::uint32_t serial) {
  std::string text(asText(zone.view().wire()));
  return hex(sha256(text + std::to_string(serial))).substr(0, kLabelBytes);
}

}  // namespace

Checked<std::vector<CatalogMember>> readCatalog(const Zone& zone, std::size_t max_members) {
  return Reader(zone, max_members).run();
}

Result<ZonePattern> ZonePattern::parse(std::string_view text) {
  ZonePattern out;
  if (text == "*") {
    out.below = true;
    return out;
  }
  out.below = text.starts_with("*.");
  const auto name = Name::parse(out.below ? text.substr(2) : text);
  if (!name) return tl::unexpected(name.error());
  out.name = name->lowered();
  return out;
}

bool ZonePattern::matches(NameView apex) const {
  if (!below) return name == Name(apex);
  return apex.isWithin(name) && (name.view().isRoot() || apex != name.view());
}

bool CatalogRule::lists(NameView apex, bool made_here) const {
  const bool listed = std::any_of(zones.begin(), zones.end(), [&](const ZonePattern& each) {
    return (made_here || !each.below) && each.matches(apex);
  });
  return listed && !anyMatches(except, apex);
}

std::vector<std::string> CatalogRule::groupsOf(NameView apex) const {
  std::set<std::string> out;
  for (const Group& group : groups) {
    if (anyMatches(group.zones, apex)) out.insert(group.name);
  }
  return {out.begin(), out.end()};
}

std::vector<CatalogMember> nextMembers(std::span<const CatalogMember> before,
                                       std::vector<CatalogMember> wanted, std::uint32_t serial) {
  std::sort(wanted.begin(), wanted.end(), lessZone);
  auto known = before.begin();
  for (CatalogMember& member : wanted) {
    while (known != before.end() && lessZone(*known, member)) ++known;
    const bool was_there = known != before.end() && known->zone == member.zone;
    member.label = was_there ? known->label : labelOf(member.zone, serial);
  }
  return wanted;
}

RecordList catalogRecords(NameView apex, std::span<const CatalogMember> members,
                          std::uint32_t serial) {
  RecordList out;
  out.add({apex, RrType::kSoa, kTtl, soaRdata(serial)});
  const Name invalid = childOf("invalid", NameView());
  out.add({apex, RrType::kNs, kTtl, invalid.view().wire()});
  const Name version = childOf("version", apex);
  out.add({version, RrType::kTxt, kTtl, kVersionRdata});
  const Name zones = childOf("zones", apex);
  for (const CatalogMember& member : members) {
    const Name owner = childOf(member.label, zones);
    out.add({owner, RrType::kPtr, kTtl, member.zone.view().wire()});
    const Name group = childOf("group", owner);
    for (const std::string& each : member.groups) {
      out.add({group, RrType::kTxt, kTtl, textRdata(each)});
    }
    if (!member.new_owner) continue;
    const Name coo = childOf("coo", owner);
    out.add({coo, RrType::kPtr, kTtl, member.new_owner->view().wire()});
  }
  return out;
}

}  // namespace meridian::dns
