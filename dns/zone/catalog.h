// Catalog zones (RFC 9432): DNS zones that list DNS zones, for secondary servers. What one says,
// and what one is to say. Pure.
//
//   version.CATALOG            TXT "2"
//   LABEL.zones.CATALOG        PTR the member; LABEL stands for it alone
//   group.LABEL.zones.CATALOG  TXT how its consumers shall treat it, in words of theirs (§4.3.2)
//   coo.LABEL.zones.CATALOG    PTR the catalog that may take it over (§4.3.1)
//
// Everything else, `ext` among it, is for others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "dns/wire/name.h"
#include "dns/zone/record_list.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

struct CatalogMember {
  Name zone;                             // lower-cased
  std::string label;                     // its bytes, lower-cased: another one is another member
  std::vector<std::string> groups = {};  // ascending
  std::optional<Name> new_owner = {};    // of coo; lower-cased

  bool operator==(const CatalogMember&) const = default;
};

// Why a zone is here that a catalog brought.
struct CatalogMembership {
  std::string catalog;  // its apex in presentation form
  std::string label;    // CatalogMember::label
  std::string group;    // of the template

  bool operator==(const CatalogMembership&) const = default;
};

// By the members' names in wire form. REQUIRES: the apex has at most kMaxCatalogName bytes. Broken,
// with every reason (§5.1): the version is another, a member has several PTR or coo, two members
// are one zone, one is the catalog itself, there are more than `max_members`.
Checked<std::vector<CatalogMember>> readCatalog(const Zone& zone, std::size_t max_members);

// Names of zones as a configuration writes them: "example.org" is that zone, "*.example.org" each
// below it, "*" each.
struct ZonePattern {
  Name name;  // lower-cased
  bool below = false;

  static Result<ZonePattern> parse(std::string_view text);
  // REQUIRES: `apex` is lower-cased.
  bool matches(NameView apex) const;
};

// Which of the zones here a catalog is to have, and with which groups.
struct CatalogRule {
  struct Group {
    std::string name;
    std::vector<ZonePattern> zones;
  };
  std::vector<ZonePattern> zones;
  std::vector<ZonePattern> except;
  std::vector<Group> groups;

  // `made_here`: false of a zone that comes from primaries, which is listed by its very name alone.
  // REQUIRES: `apex` is lower-cased.
  bool lists(NameView apex, bool made_here) const;
  std::vector<std::string> groupsOf(NameView apex) const;  // ascending
};

// No catalog's name may be longer: those below it need room.
inline constexpr std::size_t kMaxCatalogName = 200;

// The members that are to follow `before`, for the zones of `wanted` with their groups: whoever was
// there keeps its label; whoever is new gets one that no zone of this name had at an older serial,
// so that who missed that it was gone drops what he has of it (§5.6). `wanted`: each zone once; its
// `label` is not looked at.
std::vector<CatalogMember> nextMembers(std::span<const CatalogMember> before,
                                       std::vector<CatalogMember> wanted, std::uint32_t serial);
// All records of the catalog. REQUIRES: apex.size() <= kMaxCatalogName, labels and groups have at
// most 63 and 255 bytes.
RecordList catalogRecords(NameView apex, std::span<const CatalogMember> members,
                          std::uint32_t serial);

}  // namespace meridian::dns
