// Published: what a reader sees after publish() has returned.
#include "base/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace meridian {
namespace {

TEST(Published, AnObserverSeesTheFirstAndEachLaterValue) {
  Published<int> published(std::make_shared<const int>(1));
  Published<int>::Observer observer(published);
  EXPECT_EQ(observer.read(), 1);
  published.publish(std::make_shared<const int>(2));
  published.publish(std::make_shared<const int>(3));
  EXPECT_EQ(observer.read(), 3);
  EXPECT_EQ(*published.current(), 3);
}

TEST(Published, AValueLivesWhileAnObserverMayReadIt) {
  Published<int> published(std::make_shared<const int>(1));
  Published<int>::Observer observer(published);
  const std::weak_ptr<const int> first = published.current();
  const int& seen = observer.read();
  published.publish(std::make_shared<const int>(2));
  EXPECT_FALSE(first.expired());
  EXPECT_EQ(seen, 1);
  observer.read();
  EXPECT_TRUE(first.expired());
}

// A value with an invariant that a torn read would break.
struct Pair {
  std::uint64_t number = 0;
  std::uint64_t complement = ~std::uint64_t{0};
};

// The writer notes a number once publish() has returned; a reader that saw the note before its
// read() must get that number or a later one. Run under TSan as well.
TEST(PublishedConcurrent, NeverEndsStale) {
  constexpr std::uint64_t kLast = 20'000;
  constexpr int kReaders = 3;
  Published<Pair> published(std::make_shared<const Pair>());
  std::atomic<std::uint64_t> returned{0};
  std::atomic<int> ready{0};
  std::atomic<std::uint64_t> stale{0};
  std::atomic<std::uint64_t> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      Published<Pair>::Observer observer(published);
      ++ready;
      std::uint64_t last = 0;
      while (last < kLast) {
        const std::uint64_t at_least = returned.load(std::memory_order_acquire);
        const Pair& seen = observer.read();
        if (seen.number < at_least || seen.number < last) ++stale;
        if (seen.complement != ~seen.number) ++torn;
        last = seen.number;
      }
    });
  }
  while (ready.load() < kReaders) std::this_thread::yield();
  for (std::uint64_t number = 1; number <= kLast; ++number) {
    published.publish(std::make_shared<const Pair>(Pair{number, ~number}));
    returned.store(number, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(stale.load(), 0U);
  EXPECT_EQ(torn.load(), 0U);
}

TEST(Published, WritersAreSerialised) {
  constexpr int kEach = 2000;
  Published<int> published(std::make_shared<const int>(0));
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&published, writer] {
      for (int i = 1; i <= kEach; ++i) {
        published.publish(std::make_shared<const int>(writer * kEach + i));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  Published<int>::Observer observer(published);
  EXPECT_TRUE(observer.read() == kEach || observer.read() == 2 * kEach);
  EXPECT_EQ(observer.read(), *published.current());
}

}  // namespace
}  // namespace meridian
