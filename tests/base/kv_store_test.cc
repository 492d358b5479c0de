// The real store: what is written is there after a reopen, a kill and a torn log; and only whole
// batches are.
#include "base/kv_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"

namespace meridian {
namespace {

const std::vector<std::string> kFamilies = {"a", "b"};

std::unique_ptr<KvStore> openStore(const std::filesystem::path& folder) {
  auto store = openRocksStore(folder, kFamilies);
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

std::vector<std::string> keys(const KvStore& store, std::string_view from, bool descending,
                              std::size_t limit = 100) {
  std::vector<std::string> out;
  const Status scanned = store.scan("a", from, descending, [&](std::string_view key, auto) {
    out.emplace_back(key);
    return out.size() < limit;
  });
  EXPECT_TRUE(scanned);
  return out;
}

constexpr std::string_view kAbsent = "(absent)";

std::string stored(const KvStore& store, std::string_view family, std::string_view key) {
  const auto value = store.get(family, key);
  EXPECT_TRUE(value) << value.error().message;
  return value ? value->value_or(std::string(kAbsent)) : "(error)";
}

TEST(RocksStore, KeepsABatchOverAReopen) {
  const test::TempDir folder;
  const std::string binary("\0z", 2);
  {
    const auto store = openStore(folder.path());
    ASSERT_TRUE(store->writeSynced({{"a", "k", "1"}, {"b", "k", "2"}, {"a", "gone", "3"}}));
    ASSERT_TRUE(store->writeSynced({{"a", "gone", std::nullopt}, {"b", binary, ""}}));
  }
  const auto store = openStore(folder.path());
  EXPECT_EQ(stored(*store, "a", "k"), "1");
  EXPECT_EQ(stored(*store, "b", "k"), "2");
  EXPECT_EQ(stored(*store, "a", "gone"), kAbsent);
  EXPECT_EQ(stored(*store, "b", binary), "");
}

TEST(RocksStore, DeletesARangeUpToAndWithoutItsEnd) {
  using Keys = std::vector<std::string>;
  const test::TempDir folder;
  {
    const auto store = openStore(folder.path());
    ASSERT_TRUE(store->writeSynced(
        {{"a", "a", ""}, {"a", "b", ""}, {"a", "c", ""}, {"a", "d", ""}, {"b", "b", "kept"}}));
    ASSERT_TRUE(store->writeSynced({{"a", "b", std::nullopt, "d"}, {"a", "e", ""}}));
    ASSERT_TRUE(store->writeSynced({{"a", "", std::nullopt, "b"}}));
  }
  const auto store = openStore(folder.path());
  EXPECT_EQ(keys(*store, "", false), (Keys{"d", "e"}));
  EXPECT_EQ(stored(*store, "b", "b"), "kept");
}

TEST(RocksStore, ScansBothWaysFromAKey) {
  using Keys = std::vector<std::string>;
  const test::TempDir folder;
  const auto store = openStore(folder.path());
  ASSERT_TRUE(store->writeSynced(
      {{"a", "b", ""}, {"a", "d", ""}, {"a", std::string("\xff"), ""}, {"b", "c", ""}}));
  EXPECT_EQ(keys(*store, "", false), (Keys{"b", "d", "\xff"}));
  EXPECT_EQ(keys(*store, "c", false), (Keys{"d", "\xff"}));
  EXPECT_EQ(keys(*store, "", true), (Keys{"\xff", "d", "b"}));
  EXPECT_EQ(keys(*store, "d", true), (Keys{"d", "b"}));
  EXPECT_EQ(keys(*store, "c", true), (Keys{"b"}));
  EXPECT_EQ(keys(*store, "a", true), Keys{});
  EXPECT_EQ(keys(*store, "", false, 2), (Keys{"b", "d"}));
}

TEST(RocksStore, RefusesAnUnknownFamilyAndWritesNothingOfTheBatch) {
  const test::TempDir folder;
  const auto store = openStore(folder.path());
  EXPECT_EQ(store->writeSynced({{"a", "k", "1"}, {"c", "k", "1"}}).error().kind,
            ErrorKind::kInvalid);
  EXPECT_EQ(store->get("c", "k").error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(store->scan("c", "", false, [](auto, auto) { return true; }));
  EXPECT_EQ(stored(*store, "a", "k"), kAbsent);
}

TEST(RocksStore, OpensOnceAtATime) {
  const test::TempDir folder;
  const auto store = openStore(folder.path());
  const auto second = openRocksStore(folder.path(), kFamilies);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kIo);
}

TEST(RocksStore, SaysWhichFolderCannotBeMade) {
  const test::TempDir folder;
  const std::filesystem::path file = folder.path() / "file";
  std::ofstream(file) << "x";
  const auto store = openRocksStore(file / "store", kFamilies);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kIo);
  EXPECT_NE(store.error().message.find(file.string()), std::string::npos);
}

constexpr int kDied = 9;

// In a child: writes 0, 1, … to both families, each number in one batch, tells `acks` what was
// acknowledged, and dies after `count` without closing anything.
[[noreturn]] void writeAndDie(const std::filesystem::path& folder, int acks, int count) {
  auto store = openRocksStore(folder, kFamilies);
  if (!store) _exit(1);
  for (int n = 0; n < count; ++n) {
    const std::string value = std::to_string(n);
    if (!(*store)->writeSynced({{"a", "n", value}, {"b", "n", value}})) _exit(2);
    if (::write(acks, &n, sizeof n) != sizeof n) _exit(3);
  }
  _exit(kDied);
}

// Runs the child and returns the last number it was acknowledged, -1 for none.
int runAndKill(const std::filesystem::path& folder, int count) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) writeAndDie(folder, ends[1], count);
  ::close(ends[1]);
  int last = -1;
  for (int n = 0; ::read(ends[0], &n, sizeof n) == sizeof n;) last = n;
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kDied) << status;
  return last;
}

TEST(RocksStore, KeepsEveryAcknowledgedBatchWhenTheProcessDies) {
  const test::TempDir folder;
  for (const int count : {1, 40, 300}) {
    const int last = runAndKill(folder.path(), count);
    ASSERT_EQ(last, count - 1);
    const auto store = openStore(folder.path());
    EXPECT_EQ(stored(*store, "a", "n"), std::to_string(last));
    EXPECT_EQ(stored(*store, "b", "n"), std::to_string(last));
  }
}

// The write-ahead log that holds the newest writes; empty when there is none.
std::filesystem::path newestLog(const std::filesystem::path& folder) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".log" || entry.file_size() == 0) continue;
    if (newest < entry.path()) newest = entry.path();
  }
  return newest;
}

TEST(RocksStore, DropsATornLastBatchWhole) {
  const test::TempDir folder;
  ASSERT_EQ(runAndKill(folder.path(), 10), 9);
  const std::filesystem::path log = newestLog(folder.path());
  ASSERT_FALSE(log.empty());
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 5);
  const auto store = openStore(folder.path());
  EXPECT_EQ(stored(*store, "a", "n"), "8");
  EXPECT_EQ(stored(*store, "b", "n"), "8");
}

TEST(RocksStore, RefusesALogThatIsDamagedBeforeItsEnd) {
  const test::TempDir folder;
  ASSERT_EQ(runAndKill(folder.path(), 10), 9);
  const std::filesystem::path log = newestLog(folder.path());
  ASSERT_FALSE(log.empty());
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(log) / 2);
  std::fstream(log, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(middle)
      .write("\x5a\x5a\x5a\x5a", 4);
  const auto store = openRocksStore(folder.path(), kFamilies);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace meridian
