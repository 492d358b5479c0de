// A KvStore over a disk that outlives it: what a test reopens after a "crash". Writes fail where
// the test says so, in either of the two ways a real disk can.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/kv_store.h"

namespace meridian::test {

// Synced content, and the plan for failures. Shared by the stores that are opened on it.
struct MemoryDisk {
  enum class Failure {
    kLost,    // reported as failed, and nothing of it is stored
    kStored,  // reported as failed, but it is all stored: the sync's answer was lost
  };

  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> families;
  std::size_t writes = 0;                   // writeSynced() calls so far
  std::optional<std::size_t> fail_at = {};  // the write with this number, from 0, fails
  Failure failure = Failure::kLost;

  std::string& at(std::string_view family, std::string_view key) {
    return families.at(std::string(family)).at(std::string(key));
  }
};

class MemoryStore final : public KvStore {
 public:
  MemoryStore(std::shared_ptr<MemoryDisk> disk, const std::vector<std::string>& families)
      : disk_(std::move(disk)) {
    for (const std::string& family : families) disk_->families.try_emplace(family);
  }

  Result<std::optional<std::string>> get(std::string_view family,
                                         std::string_view key) const override {
    const auto content = disk_->families.find(family);
    if (content == disk_->families.end()) return unknownFamily(family);
    const auto found = content->second.find(key);
    if (found == content->second.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

  Status writeSynced(const std::vector<StoreWrite>& batch) override {
    for (const StoreWrite& write : batch) {
      if (!disk_->families.contains(write.family)) return unknownFamily(write.family);
    }
    const bool fails = disk_->fail_at == disk_->writes++;
    if (!fails || disk_->failure == MemoryDisk::Failure::kStored) apply(batch);
    if (fails) return fail(ErrorKind::kIo, "writing the store: injected failure");
    return {};
  }

  Status scan(std::string_view family, std::string_view from, bool descending,
              const Visitor& visit) const override {
    const auto found = disk_->families.find(family);
    if (found == disk_->families.end()) return unknownFamily(family);
    const auto& content = found->second;
    if (!descending) {
      for (auto at = content.lower_bound(from); at != content.end(); ++at) {
        if (!visit(at->first, at->second)) break;
      }
      return {};
    }
    auto at = from.empty() ? content.end() : content.upper_bound(from);
    while (at != content.begin()) {
      --at;
      if (!visit(at->first, at->second)) break;
    }
    return {};
  }

 private:
  static tl::unexpected<Error> unknownFamily(std::string_view family) {
    return fail(ErrorKind::kInvalid, "the store has no family \"" + std::string(family) + "\"");
  }
  void apply(const std::vector<StoreWrite>& batch) {
    for (const StoreWrite& write : batch) {
      auto& content = disk_->families.at(write.family);
      if (write.value) {
        content.insert_or_assign(write.key, *write.value);
      } else if (write.until) {
        if (write.key >= *write.until) continue;
        content.erase(content.lower_bound(write.key), content.lower_bound(*write.until));
      } else {
        content.erase(write.key);
      }
    }
  }

  std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace meridian::test
