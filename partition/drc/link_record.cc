#include "partition/drc/link_record.h"

#include <algorithm>
#include <utility>

#include "partition/drc/position.h"

namespace meridian::partition {
namespace {

constexpr std::chrono::milliseconds kWindow{60'000};
// Longer under way than any link is kept: only the order of magnitude matters.
constexpr std::int64_t kMaxTransit = std::int64_t{2} * 86'400'000;

}  // namespace

bool LinkRecord::spoken(const Report& report, MonotonicTime now) const {
  return now - report.measured_at <= limits_.stale;
}

bool LinkRecord::authorityLives(MonotonicTime now) const {
  return std::any_of(reports_.begin(), reports_.end(), [&](const Report& each) {
    return each.side != Side::kSource && spoken(each, now);
  });
}

std::optional<std::int64_t> LinkRecord::lag(MonotonicTime now,
                                            std::chrono::milliseconds slack) const {
  if (!authorityLives(now)) return std::nullopt;
  std::int64_t worst = 0;
  for (const Report& each : reports_) {
    if (!spoken(each, now)) continue;
    if (!each.line.lag_ms) {
      if (each.side == Side::kSource) continue;
      return std::nullopt;
    }
    const auto age = now - each.measured_at;
    worst = std::max(
        worst, std::max<std::int64_t>(*each.line.lag_ms, 0) + (age > slack ? age.count() : 0));
  }
  return worst + std::max<std::int64_t>(limits_.skew_bound.count(), skew(now));
}

bool LinkRecord::report(const std::string& agent, Side side, LinkLine line, const FeedTime& now) {
  auto at = std::find_if(reports_.begin(), reports_.end(),
                         [&](const Report& each) { return each.agent == agent; });
  if (at == reports_.end() && reports_.size() >= limits_.max_reporters) {
    at = std::min_element(reports_.begin(), reports_.end(), [](const Report& a, const Report& b) {
      return a.measured_at < b.measured_at;
    });
    if (spoken(*at, now.mono)) return false;
  }
  // What the link was until now belongs to the last minute: a late report must not hide how late.
  const auto before = lag(now.mono, limits_.on_time);
  if (before) worst_.add(now.mono, *before);
  if (!before) known_since_.reset();

  const std::int64_t wall = unixMillis(now.wall);
  const std::int64_t transit = std::clamp<std::int64_t>(wall - line.ts, 0, kMaxTransit);
  skew_.add(now.mono, std::max({std::int64_t{0}, line.ts - wall, -line.lag_ms.value_or(0)}));
  if (at == reports_.end()) {
    at = reports_.insert(reports_.end(), Report{});
  } else if (at->agent == agent && line.conflicts.unresolved > at->line.conflicts.unresolved) {
    grew_at_ = now.mono;
  }
  *at = Report{agent,    side,    std::move(line), now.mono - std::chrono::milliseconds(transit),
               now.mono, now.wall};

  const auto after = lag(now.mono, limits_.on_time);
  if (after) worst_.add(now.mono, *after);
  if (!after) known_since_.reset();
  if (after && !known_since_) known_since_ = now.mono;
  return true;
}

Freshness LinkRecord::freshness(MonotonicTime now) const {
  if (!lag(now, limits_.on_time)) return Freshness::kUnknown;
  std::chrono::milliseconds oldest{0};
  for (const Report& each : reports_) {
    const bool counts = spoken(each, now) && (each.side != Side::kSource || each.line.lag_ms);
    if (counts) oldest = std::max(oldest, now - each.measured_at);
  }
  return oldest <= limits_.fresh ? Freshness::kFresh : Freshness::kStale;
}

LinkState LinkRecord::state(MonotonicTime now) const {
  if (!authorityLives(now)) return LinkState::kUnknown;
  LinkState worst = LinkState::kRunning;
  for (const Report& each : reports_) {
    if (spoken(each, now)) worst = worseState(worst, each.line.state);
  }
  return worst;
}

void LinkRecord::positions(LinkView& out, MonotonicTime now) const {
  const bool source_speaks = std::any_of(reports_.begin(), reports_.end(), [&](const Report& each) {
    return each.side == Side::kSource && spoken(each, now) && !each.line.src_pos.empty();
  });
  MonotonicTime applied_at{};
  for (const Report& each : reports_) {
    if (!spoken(each, now)) continue;
    if (!each.line.src_pos.empty() && (!source_speaks || each.side == Side::kSource)) {
      out.src_pos = laterPosition(out.src_pos, each.line.src_pos);
      // A barrier is as good as the oldest report in it.
      const std::int64_t age = (now - each.measured_at).count();
      out.src_pos_age_ms = std::max(out.src_pos_age_ms.value_or(0), age);
    }
    if (each.side == Side::kSource || each.line.applied_pos.empty()) continue;
    if (out.applied_pos.empty() || each.measured_at > applied_at) {
      out.applied_pos = each.line.applied_pos;
      applied_at = each.measured_at;
    }
  }
  out.src_seq = positionSeq(out.src_pos).value_or(0);
  out.applied_seq = positionSeq(out.applied_pos).value_or(0);
}

LinkView LinkRecord::view(MonotonicTime now) const {
  LinkView out;
  out.state = state(now);
  out.freshness = freshness(now);
  out.effective_lag_ms = lag(now, std::chrono::milliseconds(0));
  out.skew_ms = skew(now);
  out.skewed = out.skew_ms > limits_.max_skew.count();
  const auto worst_now = lag(now, limits_.on_time);
  if (worst_now && !out.skewed && known_since_ && now - *known_since_ >= kWindow) {
    out.worst_lag_60s_ms = std::max(*worst_now, worst_.max(now));
  }
  positions(out, now);
  for (const Report& each : reports_) {
    if (!spoken(each, now)) continue;
    out.gtid_gap = std::max(out.gtid_gap, each.line.gtid_gap);
    out.unresolved = std::max(out.unresolved, each.line.conflicts.unresolved);
  }
  out.conflicts_growing = grew_at_ && now - *grew_at_ <= kWindow;
  return out;
}

bool LinkRecord::contains(std::string_view barrier, MonotonicTime now) const {
  bool proven = false;
  for (const Report& each : reports_) {
    const bool counts =
        spoken(each, now) && each.side != Side::kSource && !each.line.applied_pos.empty();
    if (!counts) continue;
    if (!positionContains(each.line.applied_pos, barrier)) return false;
    proven = true;
  }
  return proven;
}

std::optional<LinkSample> LinkRecord::sample(const FeedTime& now) {
  LinkSample next{now.wall, state(now.mono), freshness(now.mono),
                  lag(now.mono, std::chrono::milliseconds(0))};
  ++span_.looks;
  span_.worst = worseState(span_.worst, next.state);
  if (next.effective_lag_ms) {
    span_.max_lag_ms = std::max(span_.max_lag_ms.value_or(0), *next.effective_lag_ms);
  } else {
    ++span_.unknown;
  }
  const bool changed = history_.empty() || history_.back().state != next.state ||
                       history_.back().freshness != next.freshness;
  if (!changed && sampled_at_ && now.mono - *sampled_at_ < kSampleEvery) return std::nullopt;
  next.changed = changed;
  sampled_at_ = now.mono;
  history_.push_back(next);
  if (history_.size() > kHistory) history_.pop_front();
  return next;
}

MonotonicTime LinkRecord::lastHeard() const {
  MonotonicTime out = MonotonicTime::min();
  for (const Report& each : reports_) out = std::max(out, each.heard_at);
  return out;
}

}  // namespace meridian::partition
