// The store seam: ordered bytes → bytes in named families, written in atomic batches that are
// synced when they say so.
//
// openRocksStore() is the real one; tests use tests/support/memory_store.h, which can lose what was
// not synced and fail at a chosen write. The meaning of keys belongs to the owner of a family
// (partition/journal). Threads: all calls from any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meridian {

struct StoreWrite {
  std::string family;
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
  // Without a value: every key in [key, until) is deleted.
  std::optional<std::string> until = {};
};

class KvStore {
 public:
  virtual ~KvStore() = default;

  // nullopt: no such key. kIo, kCorrupt.
  virtual Result<std::optional<std::string>> get(std::string_view family,
                                                 std::string_view key) const = 0;

  // All of the batch or none of it. When this returns, it survives a crash of the machine.
  virtual Status writeSynced(const std::vector<StoreWrite>& batch) = 0;

  // Keys from `from` upwards (or downwards when `descending`: from the last key <= `from`; an empty
  // `from` means the end), in byte order, until the visitor returns false.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Status scan(std::string_view family, std::string_view from, bool descending,
                      const Visitor& visit) const = 0;
};

// Opens or creates a RocksDB store with these families. An unclean end is recovered from the log;
// kIo, kCorrupt.
Result<std::unique_ptr<KvStore>> openRocksStore(const std::filesystem::path& folder,
                                                const std::vector<std::string>& families);

}  // namespace meridian
