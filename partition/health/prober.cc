#include "partition/health/prober.h"

#include <fmt/format.h>

#include <utility>

namespace meridian::partition {

// One check's clockwork.
struct Prober::Run {
  std::unique_ptr<EventLoop::Timer> next;
  std::unique_ptr<EventLoop::Timer> deadline;
  std::unique_ptr<Probe> probe;
  MonotonicTime started{};
  bool waiting = false;
};

Prober::Prober(EventLoop& loop, const Clock& clock, const std::vector<CheckConfig>& checks,
               std::size_t max_running, Report report)
    : loop_(loop),
      clock_(clock),
      checks_(checks),
      max_running_(max_running),
      report_(std::move(report)),
      http_(loop),
      random_(std::random_device{}()) {
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    runs_.push_back(std::make_unique<Run>());
    if (!checks_[i].active()) continue;
    runs_[i]->next = loop_.after(std::chrono::milliseconds(0), [this, i] { due(i); });
  }
}

Prober::~Prober() = default;

std::chrono::milliseconds Prober::pause(const CheckConfig& check) {
  const auto most = check.interval.count() * static_cast<std::int64_t>(check.jitter_percent) / 100;
  std::uniform_int_distribution<std::int64_t> jitter(-most, most);
  return check.interval + std::chrono::milliseconds(jitter(random_));
}

void Prober::due(std::size_t check) {
  Run& run = *runs_[check];
  run.next = loop_.after(pause(checks_[check]), [this, check] { due(check); });
  if (run.probe || run.waiting) return;  // this turn is skipped: the last one is not over
  run.waiting = true;
  turn_.push_back(check);
  startWaiting();
}

void Prober::startWaiting() {
  while (running_ < max_running_ && !turn_.empty()) {
    const std::size_t check = turn_.front();
    turn_.pop_front();
    begin(check);
  }
}

void Prober::begin(std::size_t check) {
  Run& run = *runs_[check];
  run.waiting = false;
  run.started = clock_.monotonicNow();
  ++running_;
  run.deadline = loop_.after(checks_[check].timeout, [this, check] {
    end(check, {ProbeOutcome::kDown,
                fmt::format("no result within {} ms", checks_[check].timeout.count()),
                {}});
  });
  run.probe = startProbe(check);
}

std::unique_ptr<Probe> Prober::startProbe(std::size_t check) {
  const CheckConfig& config = checks_[check];
  const auto done = [this, check](ProbeResult result) { end(check, std::move(result)); };
  switch (config.kind) {
    case CheckKind::kTcp:
      return startTcpProbe(loop_, config, done);
    case CheckKind::kDns:
      return startDnsProbe(loop_, config, done);
    case CheckKind::kHttp:
    case CheckKind::kHttps: {
      const auto now = std::chrono::floor<std::chrono::seconds>(clock_.wallNow());
      return startHttpProbe(http_, config, now.time_since_epoch().count(), done);
    }
    case CheckKind::kExec:
      return startExecProbe(loop_, config, done);
    case CheckKind::kPushed:
      break;
  }
  return nullptr;
}

void Prober::end(std::size_t check, ProbeResult result) {
  Run& run = *runs_[check];
  result.took = clock_.monotonicNow() - run.started;
  run.deadline.reset();
  run.probe.reset();
  --running_;
  report_(check, std::move(result));
  startWaiting();
}

}  // namespace meridian::partition
