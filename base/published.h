// Published<T> hands a whole, immutable T from one writer to many reader threads.
//
// Threads:   publish() and current() from any thread, serialised inside; each Observer belongs to
// one thread. Cost:      Observer::read() is one acquire load while nothing changed; a refresh
// copies one shared_ptr under a mutex. Guarantee: once publish(v) has returned, every Observer's
// next read() sees v or newer. The generation is stored
//            inside the mutex together with the value, and read under it, so a reader can never
//            pair an old value with a new number (tests/base/published_test.cc, NeverEndsStale).
// Lifetime:  a reference from read() is valid until the same Observer's next read(). Observers must
// not outlive
//            their Published.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace meridian {

template <class T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() = default;

  void publish(std::shared_ptr<const T> next) {
    std::shared_ptr<const T> old;  // freed after the lock is gone: a T may be large
    const std::scoped_lock lock(mutex_);
    old = std::exchange(value_, std::move(next));
    generation_.store(generation_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::shared_ptr<const T> current() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  class Observer {
   public:
    explicit Observer(const Published& source) : source_(source) { refresh(); }
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    ~Observer() = default;

    const T& read() {
      if (source_.generation_.load(std::memory_order_acquire) != generation_) refresh();
      return *value_;
    }

   private:
    void refresh() {
      std::shared_ptr<const T> old;
      const std::scoped_lock lock(source_.mutex_);
      old = std::exchange(value_, source_.value_);
      generation_ = source_.generation_.load(std::memory_order_relaxed);
    }

    const Published& source_;
    std::shared_ptr<const T> value_;
    std::uint64_t generation_ = 0;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace meridian
