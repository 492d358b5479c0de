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
constexpr std::string_view kPrefix = "override/";
constexpr std::string_view kNextKey = "next";

std::string keyOf(std::uint64_t id) {
  return fmt::format("{}{:020}", kPrefix, id);
}

std::string encode(const HealthOverride& entry) {
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

Result<HealthOverride> decode(std::string_view key, std::string_view value) {
  const auto corrupt = [&](const std::string& why) {
    return fail(ErrorKind::kCorrupt, fmt::format("health: {}: {}", key, why));
  };
  auto root = parseJson(value, "store");
  if (!root) return corrupt(root.error().text());
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
  if (!problems.empty()) return corrupt(problems.text());
  if (keyOf(out.id) != key) return corrupt("has the id of another");
  return out;
}

Result<std::uint64_t> decodeNext(const std::optional<std::string>& stored) {
  if (!stored) return std::uint64_t{1};
  const bool digits = !stored->empty() && stored->size() < 19 &&
                      stored->find_first_not_of("0123456789") == std::string::npos;
  if (!digits) return fail(ErrorKind::kCorrupt, "health: next: is no number");
  return std::stoull(*stored);
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
  OverrideBook book(std::move(store));
  const auto stored = book.store_->get(kFamily, kNextKey);
  if (!stored) return tl::unexpected(stored.error());
  const auto next = decodeNext(*stored);
  if (!next) return tl::unexpected(next.error());
  book.next_ = *next;
  std::optional<Error> wrong;
  const Status scanned =
      book.store_->scan(kFamily, kPrefix, false, [&](std::string_view key, std::string_view value) {
        if (key.substr(0, kPrefix.size()) != kPrefix) return false;
        auto entry = decode(key, value);
        if (entry && entry->id >= book.next_) {
          entry = fail(ErrorKind::kCorrupt, fmt::format("health: {}: is newer than next", key));
        }
        if (!entry) {
          wrong = entry.error();
          return false;
        }
        book.overrides_.push_back(std::move(*entry));
        return true;
      });
  if (!scanned) return tl::unexpected(scanned.error());
  if (wrong) return tl::unexpected(*wrong);
  return book;
}

Result<HealthOverride> OverrideBook::add(HealthOverride entry) {
  if (overrides_.size() >= kMaxOverrides) {
    return fail(ErrorKind::kRefused,
                fmt::format("there are {} overrides already; remove one first", overrides_.size()));
  }
  entry.id = next_;
  const std::string family(kFamily);
  const Status written =
      store_->writeSynced({{family, keyOf(entry.id), encode(entry)},
                           {family, std::string(kNextKey), std::to_string(next_ + 1)}});
  // A failed write may still be on the disk: its id is not used for anything else.
  ++next_;
  if (!written) return tl::unexpected(written.error());
  overrides_.push_back(entry);
  return entry;
}

Status OverrideBook::remove(std::uint64_t id) {
  const auto found = std::find_if(overrides_.begin(), overrides_.end(),
                                  [&](const HealthOverride& each) { return each.id == id; });
  if (found == overrides_.end()) {
    return fail(ErrorKind::kNotFound, fmt::format("there is no override {}", id));
  }
  Status written = store_->writeSynced({{std::string(kFamily), keyOf(id), std::nullopt}});
  if (!written) return written;
  overrides_.erase(found);
  return {};
}

Result<bool> OverrideBook::expire(WallTime now) {
  std::vector<StoreWrite> batch;
  for (const HealthOverride& each : overrides_) {
    if (each.expires <= now) batch.push_back({std::string(kFamily), keyOf(each.id), std::nullopt});
  }
  if (batch.empty()) return false;
  std::erase_if(overrides_, [&](const HealthOverride& each) { return each.expires <= now; });
  const Status written = store_->writeSynced(batch);
  if (!written) return tl::unexpected(written.error());
  return true;
}

const HealthOverride* OverrideBook::winner(std::string_view subject) const {
  const auto found =
      std::find_if(overrides_.rbegin(), overrides_.rend(),
                   [&](const HealthOverride& each) { return globMatches(each.glob, subject); });
  return found == overrides_.rend() ? nullptr : &*found;
}

}  // namespace meridian::partition
