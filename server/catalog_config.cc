#include "server/catalog_config.h"

#include <string>
#include <utility>
#include <vector>

namespace meridian::server {
namespace {

constexpr std::size_t kMaxPatterns = 10'000;
constexpr std::size_t kMaxGroups = 64;
constexpr std::size_t kMaxGroupBytes = 255;  // of one character-string

Status isZonePattern(std::string_view text) {
  const auto pattern = dns::ZonePattern::parse(text);
  return pattern ? Status{} : tl::unexpected(pattern.error());
}

std::vector<dns::ZonePattern> patternsOf(ObjectReader& in, std::string_view key, bool required) {
  std::vector<dns::ZonePattern> out;
  for (const std::string& text :
       in.strings(key, {.required = required, .min = required ? 1U : 0U, .max = kMaxPatterns},
                  {.check = isZonePattern})) {
    if (const auto pattern = dns::ZonePattern::parse(text)) out.push_back(*pattern);
  }
  return out;
}

}  // namespace

Status isCatalogGroup(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::kInvalid, "must not be empty");
  return text.size() <= kMaxGroupBytes ? Status{}
                                       : fail(ErrorKind::kInvalid, "must have at most 255 bytes");
}

std::optional<dns::CatalogRule> decodeCatalogRule(ObjectReader& zone) {
  const ConfigNode* node = zone.object("catalog");
  if (node == nullptr) return std::nullopt;
  ObjectReader in(*node, zone.pathOf("catalog"), zone.file(), zone.problems());
  dns::CatalogRule out;
  out.zones = patternsOf(in, "zones", true);
  out.except = patternsOf(in, "except", false);
  const ConfigNode::Array* groups = in.array("groups", {.max = kMaxGroups});
  const std::size_t count = groups == nullptr ? 0 : groups->size();
  for (std::size_t i = 0; i < count; ++i) {
    ObjectReader each((*groups)[i], elementPath(in.pathOf("groups"), i), in.file(), in.problems());
    dns::CatalogRule::Group group;
    group.name = each.string("name", {.required = true, .check = isCatalogGroup});
    group.zones = patternsOf(each, "zones", true);
    each.finish();
    out.groups.push_back(std::move(group));
  }
  in.finish();
  return out;
}

}  // namespace meridian::server
