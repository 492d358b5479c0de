// Notifier: tells other servers that a zone has changed (RFC 1996), again and again until they say
// that they heard it, over UDP, signed where the policy has a key.
//
// One pending notice for each zone and server: a zone that changes once more begins anew. Notices
// go out at most kMaxInFlight at a time; the others wait. Threads: the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/event_loop.h"
#include "base/socket.h"
#include "dns/wire/tsig.h"
#include "dns/zone/zone.h"
#include "dns/zone/zone_policy.h"

namespace meridian::dns {

struct NotifyCounters {
  Counter sent;      // messages, those sent again among them
  Counter heard;     // NOERROR came back
  Counter refused;   // something else came back
  Counter given_up;  // nothing came back to any of kAttempts messages
};

class Notifier {
 public:
  static constexpr int kAttempts = 6;
  static constexpr std::size_t kMaxInFlight = 100;

  // `first_wait`: for an answer to the first message; to each further one twice as long as to the
  // one before. `keys` gives the keys of the moment. The loop must outlive this.
  Notifier(EventLoop& loop, const Clock& clock,
           std::function<std::shared_ptr<const TsigKeys>()> keys,
           std::chrono::milliseconds first_wait = std::chrono::seconds(2));
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void notify(const std::shared_ptr<const Zone>& zone, const std::vector<NotifyTarget>& targets);
  const NotifyCounters& counters() const { return counters_; }

 private:
  struct Notice;
  using Key = std::pair<std::string, std::string>;  // apex, server

  void startNext();
  void send(Notice& notice);
  void onReadable(const Socket& socket);
  void onAnswer(std::span<const std::uint8_t> message, const IpEndpoint& from);
  void finish(const Notice& notice, Counter& counter, const char* event, const std::string& why);
  const Socket* socketFor(const IpAddress& address);

  EventLoop& loop_;
  const Clock& clock_;
  std::function<std::shared_ptr<const TsigKeys>()> keys_;
  std::chrono::milliseconds first_wait_;
  NotifyCounters counters_;
  std::map<Key, std::unique_ptr<Notice>> notices_;
  std::deque<Key> waiting_;
  std::size_t in_flight_ = 0;
  struct Channel {
    Socket socket;
    std::unique_ptr<EventLoop::Timer> readable;
  };
  std::optional<Channel> v4_, v6_;
};

}  // namespace meridian::dns
