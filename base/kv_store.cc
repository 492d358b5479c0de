#include "base/kv_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace meridian {
namespace {

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

tl::unexpected<Error> storeError(const rocksdb::Status& status, std::string_view doing) {
  const ErrorKind kind = status.IsCorruption() ? ErrorKind::kCorrupt : ErrorKind::kIo;
  return fail(kind, fmt::format("{}: {}", doing, status.ToString()));
}

class RocksStore final : public KvStore {
 public:
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles,
             const std::vector<std::string>& families)
      : db_(std::move(db)), handles_(std::move(handles)) {
    for (std::size_t i = 0; i < families.size(); ++i) by_name_.emplace(families[i], handles_[i]);
  }
  ~RocksStore() override {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      // Fails for a null handle only; a handle of ours is never null.
      static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
    }
  }
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  Result<std::optional<std::string>> get(std::string_view family,
                                         std::string_view key) const override {
    rocksdb::ColumnFamilyHandle* handle = find(family);
    if (handle == nullptr) return unknownFamily(family);
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handle, slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return storeError(status, "reading the store");
    return std::optional<std::string>(std::move(value));
  }

  Status writeSynced(const std::vector<StoreWrite>& batch) override {
    rocksdb::WriteBatch writes;
    for (const StoreWrite& write : batch) {
      rocksdb::ColumnFamilyHandle* handle = find(write.family);
      if (handle == nullptr) return unknownFamily(write.family);
      const rocksdb::Status status = add(writes, handle, write);
      if (!status.ok()) return storeError(status, "preparing a write");
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Write(options, &writes);
    if (!status.ok()) return storeError(status, "writing the store");
    return {};
  }

  Status scan(std::string_view family, std::string_view from, bool descending,
              const Visitor& visit) const override {
    rocksdb::ColumnFamilyHandle* handle = find(family);
    if (handle == nullptr) return unknownFamily(family);
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), handle));
    if (!descending) {
      at->Seek(slice(from));
    } else if (from.empty()) {
      at->SeekToLast();
    } else {
      at->SeekForPrev(slice(from));
    }
    for (; at->Valid(); descending ? at->Prev() : at->Next()) {
      if (!visit({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()})) {
        return {};
      }
    }
    if (!at->status().ok()) return storeError(at->status(), "scanning the store");
    return {};
  }

 private:
  static rocksdb::Status add(rocksdb::WriteBatch& writes, rocksdb::ColumnFamilyHandle* handle,
                             const StoreWrite& write) {
    if (write.value) return writes.Put(handle, slice(write.key), slice(*write.value));
    if (write.until) return writes.DeleteRange(handle, slice(write.key), slice(*write.until));
    return writes.Delete(handle, slice(write.key));
  }
  rocksdb::ColumnFamilyHandle* find(std::string_view family) const {
    const auto found = by_name_.find(family);
    return found == by_name_.end() ? nullptr : found->second;
  }
  static tl::unexpected<Error> unknownFamily(std::string_view family) {
    return fail(ErrorKind::kInvalid, fmt::format("the store has no family \"{}\"", family));
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // owned, freed before db_
  std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> by_name_;
};

rocksdb::Options storeOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // A commit cut off by a crash was never acknowledged and is dropped; damage before the end of the
  // log is an error, since acknowledged commits would be lost silently.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = true;
  // The store holds kilobytes to a few megabytes: the defaults (64 MiB a family, unbounded info
  // logs) are for stores a thousand times that size.
  options.write_buffer_size = std::size_t{4} << 20;
  options.max_log_file_size = std::size_t{1} << 20;
  options.keep_log_file_num = 2;
  return options;
}

}  // namespace

Result<std::unique_ptr<KvStore>> openRocksStore(const std::filesystem::path& folder,
                                                const std::vector<std::string>& families) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(ErrorKind::kIo,
                fmt::format("{}: cannot be made: {}", folder.string(), error.message()));
  }
  const rocksdb::Options options = storeOptions();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(families.size() + 1);
  for (const std::string& family : families) descriptors.emplace_back(family, options);
  // RocksDB wants its own first family opened even though nothing of ours is in it.
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, options);

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, folder.string(), descriptors, &handles, &db);
  if (!status.ok()) return storeError(status, "opening the store " + folder.string());
  return std::make_unique<RocksStore>(std::unique_ptr<rocksdb::DB>(db), std::move(handles),
                                      families);
}

}  // namespace meridian
