// ExpiringList: what operators and systems say for a while, each entry with an id and an end. Kept
// in the store: an entry outlives a restart.
//
// In its family, "PREFIX" + id (20 digits) → the entry, "next" → the next id; ids are never used
// again. The entries' own text is the owner's (encode, decode). Threads: the control thread.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/kv_store.h"
#include "base/result.h"

namespace meridian::partition {

// Entry has `std::uint64_t id` and `WallTime expires`.
template <class Entry>
class ExpiringList {
 public:
  struct Form {
    std::string family, prefix;  // "health", "override/"
    std::string noun;            // "override", for messages
    std::size_t most = 256;
    std::string (*encode)(const Entry&) = nullptr;
    Checked<Entry> (*decode)(std::string_view text) = nullptr;
  };

  // kCorrupt: an entry cannot be read; without it what somebody forbade would be allowed.
  static Result<ExpiringList> open(std::shared_ptr<KvStore> store, Form form) {
    ExpiringList list(std::move(store), std::move(form));
    const auto next = list.store_->get(list.form_.family, kNextKey);
    if (!next) return tl::unexpected(next.error());
    if (const Status read = list.readNext(*next); !read) return tl::unexpected(read.error());
    std::optional<Error> wrong;
    const std::string& prefix = list.form_.prefix;
    const Status scanned = list.store_->scan(list.form_.family, prefix, false,
                                             [&](std::string_view key, std::string_view value) {
                                               if (key.substr(0, prefix.size()) != prefix)
                                                 return false;
                                               Result<Entry> entry = list.readEntry(key, value);
                                               if (!entry) {
                                                 wrong = entry.error();
                                                 return false;
                                               }
                                               list.entries_.push_back(std::move(*entry));
                                               return true;
                                             });
    if (!scanned) return tl::unexpected(scanned.error());
    if (wrong) return tl::unexpected(*wrong);
    return list;
  }

  // kRefused: there are too many. When it returns, a restart keeps it.
  Result<Entry> add(Entry entry) {
    if (entries_.size() >= form_.most) {
      return fail(ErrorKind::kRefused, fmt::format("there are {} {}s already; remove one first",
                                                   entries_.size(), form_.noun));
    }
    entry.id = next_;
    const Status written =
        store_->writeSynced({{form_.family, keyOf(entry.id), form_.encode(entry)},
                             {form_.family, std::string(kNextKey), std::to_string(next_ + 1)}});
    // A failed write may still be on the disk: its id is not used for anything else.
    ++next_;
    if (!written) return tl::unexpected(written.error());
    entries_.push_back(entry);
    return entry;
  }
  // The entry of this id, otherwise as given. kNotFound.
  Status replace(const Entry& entry) {
    const auto found = find(entry.id);
    if (found == entries_.end()) return unknown(entry.id);
    Status written = store_->writeSynced({{form_.family, keyOf(entry.id), form_.encode(entry)}});
    if (written) *found = entry;
    return written;
  }
  // kNotFound.
  Status remove(std::uint64_t id) {
    const auto found = find(id);
    if (found == entries_.end()) return unknown(id);
    Status written = store_->writeSynced({{form_.family, keyOf(id), std::nullopt}});
    if (written) entries_.erase(found);
    return written;
  }
  // Forgets what ended, in the store too. True when there was any. When the store fails they end
  // all the same: the clock decides, and a restart forgets them again.
  Result<bool> expire(WallTime now) {
    std::vector<StoreWrite> batch;
    for (const Entry& each : entries_) {
      if (each.expires <= now) batch.push_back({form_.family, keyOf(each.id), std::nullopt});
    }
    if (batch.empty()) return false;
    std::erase_if(entries_, [&](const Entry& each) { return each.expires <= now; });
    const Status written = store_->writeSynced(batch);
    if (!written) return tl::unexpected(written.error());
    return true;
  }
  // Oldest first.
  const std::vector<Entry>& all() const { return entries_; }

 private:
  static constexpr std::string_view kNextKey = "next";

  ExpiringList(std::shared_ptr<KvStore> store, Form form)
      : store_(std::move(store)), form_(std::move(form)) {}

  std::string keyOf(std::uint64_t id) const { return fmt::format("{}{:020}", form_.prefix, id); }
  auto find(std::uint64_t id) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const Entry& each) { return each.id == id; });
  }
  Status unknown(std::uint64_t id) const {
    return fail(ErrorKind::kNotFound, fmt::format("there is no {} {}", form_.noun, id));
  }
  Status readNext(const std::optional<std::string>& stored) {
    if (!stored) return {};
    const bool digits = !stored->empty() && stored->size() < 19 &&
                        stored->find_first_not_of("0123456789") == std::string::npos;
    if (!digits) return fail(ErrorKind::kCorrupt, form_.family + ": next: is no number");
    next_ = std::stoull(*stored);
    return {};
  }
  Result<Entry> readEntry(std::string_view key, std::string_view value) const {
    const auto corrupt = [&](const std::string& why) {
      return fail(ErrorKind::kCorrupt, fmt::format("{}: {}: {}", form_.family, key, why));
    };
    Checked<Entry> entry = form_.decode(value);
    if (!entry) return corrupt(entry.error().text());
    if (keyOf(entry->id) != key) return corrupt("has the id of another");
    if (entry->id >= next_) return corrupt("is newer than next");
    return std::move(*entry);
  }

  std::shared_ptr<KvStore> store_;
  Form form_;
  std::vector<Entry> entries_;
  std::uint64_t next_ = 1;
};

}  // namespace meridian::partition
