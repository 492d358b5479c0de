#include "partition/drc/collector.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/token_file.h"

namespace meridian::partition {
namespace {

std::string withoutControl(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

std::string_view pullStateName(PullState state) {
  constexpr std::array<std::string_view, 3> kNames = {"waiting", "up", "down"};
  return kNames[static_cast<std::size_t>(state)];
}

std::chrono::milliseconds pullDelay(std::chrono::milliseconds interval,
                                    std::chrono::milliseconds took, unsigned failures,
                                    double spread) {
  if (failures == 0) return std::max(std::chrono::milliseconds(0), interval - took);
  const std::chrono::milliseconds longest = std::max(kLongestPullDelay, interval);
  std::chrono::milliseconds delay = interval;
  for (unsigned i = 0; i < failures && delay < longest; ++i) delay *= 2;
  delay = std::min(delay, longest);
  const double factor = 0.8 + 0.4 * spread;
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor));
}

Collector::Collector(EventLoop& loop, const Clock& clock, FeedIntake& intake,
                     std::vector<PullConfig> configs)
    : loop_(loop), clock_(clock), intake_(intake), random_(std::random_device{}()), http_(loop) {
  sources_.reserve(configs.size());
  for (PullConfig& config : configs) {
    Source& source = sources_.emplace_back(Source{std::move(config), {}});
    source.status.since = clock_.wallNow();
    std::uniform_int_distribution<std::int64_t> first(0, source.config.interval.count() - 1);
    wait(source, sources_.size() - 1, std::chrono::milliseconds(first(random_)));
  }
}

Collector::~Collector() = default;

void Collector::wait(Source& source, std::size_t number, std::chrono::milliseconds delay) {
  source.timer = loop_.after(delay, [this, number] { poll(number); });
}

void Collector::poll(std::size_t number) {
  Source& source = sources_[number];
  source.begun = clock_.monotonicNow();
  HttpExchange exchange;
  const auto agent = intake_.book().agent(source.config.agent);
  exchange.url = source.config.url + "/v1/links?since=" + std::to_string(agent ? agent->seq : 0);
  exchange.headers = {{"User-Agent", "meridian"}, {"Accept", "application/x-ndjson"}};
  if (!source.config.token_file.empty()) {
    const auto token = readTokenFile(source.config.token_file);
    if (!token) return ended(number, "token file " + token.error().message);
    exchange.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  exchange.timeout = source.config.timeout;
  exchange.max_reply_bytes = kMaxBody;
  exchange.ca_file = source.config.ca_file.string();
  source.exchange =
      http_.start(std::move(exchange),
                  [this, number](const Result<HttpAnswer>& answer) { answered(number, answer); });
}

void Collector::answered(std::size_t number, const Result<HttpAnswer>& answer) {
  if (!answer) return ended(number, answer.error().message);
  if (answer->status >= 300 && answer->status < 400) {
    return ended(number,
                 "status " + std::to_string(answer->status) + ": redirects are not followed");
  }
  if (answer->status != 200) return ended(number, "status " + std::to_string(answer->status));
  Source& source = sources_[number];
  source.taking.reset(
      new Taking{answer->body, FeedStream(intake_, source.config.agent, source.config.dc)});
  takeSlice(number);
}

void Collector::takeSlice(std::size_t number) {
  Source& source = sources_[number];
  Taking& taking = *source.taking;
  const FeedTime now{clock_.monotonicNow(), clock_.wallNow()};
  const std::string_view body = taking.body;
  for (std::size_t lines = 0; lines < kLinesATurn && taking.at < body.size(); ++lines) {
    const std::size_t end = std::min(body.find('\n', taking.at), body.size());
    taking.stream.line(body.substr(taking.at, end - taking.at), now);
    taking.at = end + 1;
  }
  if (taking.at < body.size()) {
    // Through the loop, not post(): what is ready there has its turn first.
    source.timer = loop_.after(std::chrono::milliseconds(0), [this, number] { takeSlice(number); });
    return;
  }
  const bool spoke = taking.stream.session().has_value();
  source.taking.reset();
  if (spoke) return ended(number, std::nullopt);
  ended(number, "the body has no hello of " + source.config.agent + " at " + source.config.dc);
}

void Collector::ended(std::size_t number, const std::optional<std::string>& problem) {
  Source& source = sources_[number];
  PullStatus& status = source.status;
  const PullState next = problem ? PullState::kDown : PullState::kUp;
  if (problem) {
    ++status.failures;
    ++status.failures_in_a_row;
    status.why = withoutControl(*problem);
  } else {
    ++status.polls;
    status.failures_in_a_row = 0;
    status.answered_at = clock_.wallNow();
  }
  if (next != status.state) {
    status.state = next;
    status.since = clock_.wallNow();
    if (problem) {
      logWarn("drc_pull_down", {{"agent", source.config.agent}, {"why", status.why}});
    } else {
      logInfo("drc_pull_up", {{"agent", source.config.agent}});
    }
  }
  std::uniform_real_distribution<double> spread(0, 1);
  const auto took = clock_.monotonicNow() - source.begun;
  wait(source, number,
       pullDelay(source.config.interval, took, status.failures_in_a_row, spread(random_)));
}

}  // namespace meridian::partition
