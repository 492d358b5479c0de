#include "partition/hold/hold_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/config_reader.h"
#include "base/log.h"
#include "partition/stored_json.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kFamily = "holds";
constexpr std::array kScopes = {std::pair{HoldScope::kPartition, std::string_view("partition")},
                                std::pair{HoldScope::kZone, std::string_view("zone")},
                                std::pair{HoldScope::kDatacenter, std::string_view("datacenter")}};

std::string encodeHold(const Hold& hold) {
  return storedText({{"v", kStoredFormat},
                     {"id", hold.id},
                     {"scope", holdScopeName(hold.scope)},
                     {"subject", hold.subject},
                     {"holder", hold.holder},
                     {"reason", hold.reason},
                     {"actor", hold.actor},
                     {"created", unixMillis(hold.created)},
                     {"expires", unixMillis(hold.expires)},
                     {"passed_by", hold.passed_by}});
}

Checked<Hold> decodeHold(std::string_view text) {
  auto root = parseJson(text, "store");
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", "store", problems);
  const auto time = [&](const char* key) {
    return WallTime(std::chrono::milliseconds(in.integer(key, {.required = true})));
  };
  Hold hold;
  const std::int64_t version = in.integer("v", {.required = true, .min = 1, .max = 1});
  hold.id = static_cast<std::uint64_t>(in.integer("id", {.required = true, .min = version}));
  const auto scope = holdScopeOf(in.string("scope", {.required = true}));
  if (!scope) in.error("scope", "is no scope of a hold");
  hold.scope = scope.value_or(HoldScope::kPartition);
  hold.subject = in.string("subject", {.required = true});
  hold.holder = in.string("holder", {.required = true});
  hold.reason = in.string("reason", {.required = true});
  hold.actor = in.string("actor", {.required = true});
  hold.created = time("created");
  hold.expires = time("expires");
  hold.passed_by = in.string("passed_by", {.required = true});
  if (!problems.empty()) return tl::unexpected(problems);
  return hold;
}

bool isAbout(const Hold& hold, const HeldMove& move) {
  switch (hold.scope) {
    case HoldScope::kPartition:
      return hold.subject == move.subject;
    case HoldScope::kZone:
      return hold.subject == move.zone;
    case HoldScope::kDatacenter:
      return hold.subject == move.from_dc || hold.subject == move.to_dc;
  }
  return true;
}

}  // namespace

std::string_view holdScopeName(HoldScope scope) {
  return nameOf(kScopes, scope);
}

std::optional<HoldScope> holdScopeOf(std::string_view name) {
  for (const auto& [scope, known] : kScopes) {
    if (known == name) return scope;
  }
  return std::nullopt;
}

std::string holdId(std::uint64_t id) {
  return fmt::format("h-{}", id);
}

std::optional<std::uint64_t> holdNumberOf(std::string_view id) {
  constexpr std::string_view kPrefix = "h-";
  if (id.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = id.data() + id.size();
  const auto [at, error] = std::from_chars(id.data() + kPrefix.size(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::string describeHold(const Hold& hold) {
  return fmt::format("{} holds {} until {} ({}): {}", hold.holder, hold.subject,
                     rfc3339(hold.expires), holdId(hold.id), hold.reason);
}

std::vector<std::string> HoldBook::families() {
  return {std::string(kFamily)};
}

Result<HoldBook> HoldBook::open(std::shared_ptr<KvStore> store) {
  auto list = ExpiringList<Hold>::open(
      std::move(store), {std::string(kFamily), "hold/", "hold", kMaxHolds, encodeHold, decodeHold});
  if (!list) return tl::unexpected(list.error());
  return HoldBook(std::move(*list));
}

Status HoldBook::passed(const std::vector<std::uint64_t>& ids, const std::string& change_id) {
  for (const std::uint64_t id : ids) {
    const auto found =
        std::find_if(all().begin(), all().end(), [&](const Hold& each) { return each.id == id; });
    if (found == all().end()) continue;
    Hold hold = *found;
    hold.passed_by = change_id;
    logWarn("hold_passed", {{"hold", holdId(id)},
                            {"holder", hold.holder},
                            {"subject", hold.subject},
                            {"change", change_id}});
    if (Status written = list_.replace(hold); !written) return written;
  }
  return {};
}

std::vector<const Hold*> HoldBook::on(const HeldMove& move, WallTime now) const {
  std::vector<const Hold*> found;
  for (const Hold& hold : all()) {
    if (hold.expires > now && isAbout(hold, move)) found.push_back(&hold);
  }
  return found;
}

}  // namespace meridian::partition
