#include "base/event_loop.h"

#include <event2/event.h>
#include <event2/thread.h>

#include <deque>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace meridian {
namespace {

timeval toTimeval(std::chrono::milliseconds duration) {
  return {duration.count() / 1000, duration.count() % 1000 * 1000};
}

// One libevent event with the task that it runs.
class EventHandle final : public EventLoop::Timer {
 public:
  EventHandle(event_base* base, int descriptor, short flags, std::function<void()> task)
      : task_(std::make_shared<const std::function<void()>>(std::move(task))),
        event_(event_new(base, descriptor, flags, &EventHandle::fired, this)) {
    if (event_ == nullptr) throw std::bad_alloc();
  }
  ~EventHandle() override { event_free(event_); }
  EventHandle(const EventHandle&) = delete;
  EventHandle& operator=(const EventHandle&) = delete;

  void arm(const timeval* timeout) {
    if (event_add(event_, timeout) != 0) throw std::runtime_error("event_add failed");
  }
  void activate() { event_active(event_, 0, 0); }

 private:
  static void fired(int, short, void* self) {
    // Held here: the task may end the handle that owns it.
    const auto task = static_cast<EventHandle*>(self)->task_;
    (*task)();
  }

  std::shared_ptr<const std::function<void()>> task_;
  event* event_;
};

event_base* newBase() {
  // Once a process: lets post() and stop() wake a loop that waits in another thread.
  static const int threads_ready = evthread_use_pthreads();
  event_base* base = threads_ready == 0 ? event_base_new() : nullptr;
  if (base == nullptr) throw std::runtime_error("libevent could not make an event base");
  return base;
}

}  // namespace

struct EventLoop::Inbox {
  std::mutex mutex;
  std::deque<std::function<void()>> tasks;
  std::unique_ptr<EventHandle> wake;

  void drain() {
    std::deque<std::function<void()>> ready;
    {
      const std::scoped_lock lock(mutex);
      ready.swap(tasks);
    }
    for (auto& task : ready) task();
  }
};

EventLoop::EventLoop() : base_(newBase()), inbox_(std::make_unique<Inbox>()) {
  inbox_->wake = std::make_unique<EventHandle>(base_, -1, EV_PERSIST, [this] { inbox_->drain(); });
  inbox_->wake->arm(nullptr);
}

EventLoop::~EventLoop() {
  inbox_.reset();
  event_base_free(base_);
}

void EventLoop::run() {
  event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
}

void EventLoop::stop() {
  post([this] { event_base_loopbreak(base_); });
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::scoped_lock lock(inbox_->mutex);
    inbox_->tasks.push_back(std::move(task));
  }
  inbox_->wake->activate();
}

std::unique_ptr<EventLoop::Timer> EventLoop::every(std::chrono::milliseconds period,
                                                   std::function<void()> task) {
  auto handle = std::make_unique<EventHandle>(base_, -1, EV_PERSIST, std::move(task));
  const timeval timeout = toTimeval(period);
  handle->arm(&timeout);
  return handle;
}

std::unique_ptr<EventLoop::Timer> EventLoop::after(std::chrono::milliseconds delay,
                                                   std::function<void()> task) {
  auto handle = std::make_unique<EventHandle>(base_, -1, short{0}, std::move(task));
  const timeval timeout = toTimeval(delay);
  handle->arm(&timeout);
  return handle;
}

std::unique_ptr<EventLoop::Timer> EventLoop::onReadable(int descriptor,
                                                        std::function<void()> task) {
  auto handle =
      std::make_unique<EventHandle>(base_, descriptor, EV_READ | EV_PERSIST, std::move(task));
  handle->arm(nullptr);
  return handle;
}

std::unique_ptr<EventLoop::Timer> EventLoop::onWritable(int descriptor,
                                                        std::function<void()> task) {
  auto handle =
      std::make_unique<EventHandle>(base_, descriptor, EV_WRITE | EV_PERSIST, std::move(task));
  handle->arm(nullptr);
  return handle;
}

std::unique_ptr<EventLoop::Timer> EventLoop::onSignal(int signal, std::function<void()> task) {
  auto handle =
      std::make_unique<EventHandle>(base_, signal, EV_SIGNAL | EV_PERSIST, std::move(task));
  handle->arm(nullptr);
  return handle;
}

}  // namespace meridian
