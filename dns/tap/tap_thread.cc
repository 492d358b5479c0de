#include "dns/tap/tap_thread.h"

#include <poll.h>
#include <pthread.h>

#include <array>
#include <cstring>

#include "base/digest.h"

namespace meridian::dns {
namespace {

// Of one ring, before the others and the collector have their turn.
constexpr int kRecordsOfTurn = 1'000;

}  // namespace

TapThread::TapThread(TapSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {
  if (settings_.dnstap) {
    encoder_.emplace(settings_, *settings_.dnstap);
    link_.emplace(*settings_.dnstap, clock);
  }
  if (settings_.log) log_.emplace(*settings_.log, clock);
}

TapThread::~TapThread() {
  stop();
}

Result<QueryTap*> TapThread::makeTap() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  if (Status filled = fillRandom(bytes); !filled)
    return tl::unexpected(filled.error().within("tap"));
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  const TapRates rates{settings_.dnstap ? settings_.dnstap->sample : 0,
                       settings_.log ? settings_.log->sample : 0};
  taps_.push_back(std::make_unique<QueryTap>(rates, seed));
  return taps_.back().get();
}

void TapThread::start() {
  thread_ = std::thread([this] { run(); });
}

void TapThread::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

std::uint64_t TapThread::told() const {
  std::uint64_t sum = 0;
  for (const auto& tap : taps_) sum += tap->told();
  return sum;
}

std::uint64_t TapThread::dropped() const {
  std::uint64_t sum = 0;
  for (const auto& tap : taps_) sum += tap->dropped();
  return sum;
}

void TapThread::run() {
  pthread_setname_np(pthread_self(), "tap");
  while (true) {
    const bool last = stopping_.load(std::memory_order_relaxed);  // then all is in the rings
    if (link_) link_->turn();
    bool more = false;
    for (const auto& tap : taps_) {
      more |= drain(*tap);
      if (link_) link_->turn();  // makes room for the next one's messages
    }
    if (log_) log_->turn();
    if (more) continue;
    if (last) break;
    pollfd wanted{-1, POLLIN, 0};
    if (link_) wanted.fd = link_->descriptor();
    if (link_ && link_->wantsToWrite()) wanted.events = POLLIN | POLLOUT;
    ::poll(&wanted, 1, static_cast<int>(kLookEvery.count()));
  }
  if (link_) link_->finish(clock_.monotonicNow() + kFarewell);
  if (log_) log_->flush();
}

bool TapThread::drain(QueryTap& tap) {
  for (int i = 0; i < kRecordsOfTurn; ++i) {
    const std::span<const std::uint8_t> bytes = tap.ring().front();
    if (bytes.empty()) return false;
    const TapRecord record = decodeTapRecord(bytes);
    if (record.wish.dnstap && link_) {
      if (const auto query = encoder_->query(record); !query.empty()) link_->add(query);
      if (const auto response = encoder_->response(record); !response.empty()) link_->add(response);
    }
    if (record.wish.log && log_) log_->add(record);
    tap.ring().pop();
  }
  return true;
}

}  // namespace meridian::dns
