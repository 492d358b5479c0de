#include "partition/health/override_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/config_reader.h"
#include "partition/health/site_health.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kFamily = "health";

std::string encodeOverride(const HealthOverride& entry) {
  const nlohmann::json json = {{"v", 1},
                               {"id", entry.id},
                               {"glob", entry.glob},
                               {"state", healthName(entry.state)},
                               {"reason", entry.reason},
                               {"author", entry.author},
                               {"created", unixMillis(entry.created)},
                               {"expires", unixMillis(entry.expires)}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

WallTime wallOf(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

Checked<HealthOverride> decodeStored(std::string_view text) {
  auto root = parseJson(text, "store");
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", "store", problems);
  HealthOverride out;
  const std::int64_t version = in.integer("v", {.required = true, .min = 1, .max = 1});
  out.id = static_cast<std::uint64_t>(in.integer("id", {.required = true, .min = version}));
  out.glob = in.string("glob", {.required = true});
  const auto state = healthOf(in.string("state", {.required = true}));
  if (!state) in.error("state", "is no state of health");
  out.state = state.value_or(Health::kUnknown);
  out.reason = in.string("reason", {.required = true});
  out.author = in.string("author", {.required = true});
  out.created = wallOf(in.integer("created", {.required = true}));
  out.expires = wallOf(in.integer("expires", {.required = true}));
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

}  // namespace

bool globMatches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  // Where to go on when what follows the last '*' fits no longer: linear in both but for this.
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star) {
      g = *star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::vector<std::string> OverrideBook::families() {
  return {std::string(kFamily)};
}

Result<OverrideBook> OverrideBook::open(std::shared_ptr<KvStore> store) {
  auto list = ExpiringList<HealthOverride>::open(
      std::move(store),
      {std::string(kFamily), "override/", "override", kMaxOverrides, encodeOverride, decodeStored});
  if (!list) return tl::unexpected(list.error());
  return OverrideBook(std::move(*list));
}

const HealthOverride* OverrideBook::winner(std::string_view subject) const {
  const auto found = std::find_if(all().rbegin(), all().rend(), [&](const HealthOverride& each) {
    return globMatches(each.glob, subject);
  });
  return found == all().rend() ? nullptr : &*found;
}

}  // namespace meridian::partition
