#include "partition/drc/link_book.h"

#include <algorithm>
#include <utility>

#include "partition/drc/position.h"

namespace meridian::partition {
namespace {

// The worst of both; positions are joined where they are GTID sets, else not known.
LinkView worseOf(LinkView a, const LinkView& b) {
  const auto larger = [](const std::optional<std::int64_t>& x,
                         const std::optional<std::int64_t>& y) {
    return x && y ? std::optional(std::max(*x, *y)) : std::nullopt;
  };
  const auto joined = [](const std::string& x, const std::string& y) {
    const auto set_x = GtidSet::parse(x);
    const auto set_y = GtidSet::parse(y);
    return set_x && set_y ? set_x->unionWith(*set_y).text() : std::string();
  };
  a.state = worseState(a.state, b.state);
  a.freshness = std::max(a.freshness, b.freshness);
  a.effective_lag_ms = larger(a.effective_lag_ms, b.effective_lag_ms);
  a.worst_lag_60s_ms = larger(a.worst_lag_60s_ms, b.worst_lag_60s_ms);
  a.src_pos = joined(a.src_pos, b.src_pos);
  a.applied_pos = joined(a.applied_pos, b.applied_pos);
  a.src_pos_age_ms = a.src_pos.empty() ? std::nullopt : larger(a.src_pos_age_ms, b.src_pos_age_ms);
  a.src_seq = 0;
  a.applied_seq = 0;
  a.gtid_gap += b.gtid_gap;
  a.conflicts_growing = a.conflicts_growing || b.conflicts_growing;
  a.unresolved += b.unresolved;
  a.skew_ms = std::max(a.skew_ms, b.skew_ms);
  a.skewed = a.skewed || b.skewed;
  return a;
}

}  // namespace

std::string_view feedOutcomeName(FeedOutcome outcome) {
  constexpr std::array<std::string_view, kFeedOutcomes> kNames = {
      "accepted",     "old_seq",       "old_boot",        "no_hello",       "foreign",
      "unauthorized", "moved",         "too_many_agents", "too_many_links", "too_many_reporters",
      "tls_failed",   "tls_untrusted", "tls_timeout"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view feedOutcomeText(FeedOutcome outcome) {
  constexpr std::array<std::string_view, kFeedOutcomes> kTexts = {
      "accepted",
      "seq is not above the last one of this boot",
      "this boot was replaced by a newer one",
      "a hello line must come first",
      "another agent or site may speak here",
      "no token that may feed",
      "this agent and boot spoke for another dc before",
      "too many agents (drc.max_agents)",
      "too many links (drc.max_links)",
      "too many agents report this link",
      "the TLS handshake failed",
      "the client has no certificate of the authority",
      "the TLS handshake took too long"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

FeedOutcome LinkBook::counted(FeedOutcome outcome) {
  ++counts_[static_cast<std::size_t>(outcome)];
  return outcome;
}

FeedOutcome LinkBook::hello(const HelloLine& line, const FeedTime& now) {
  auto found = agents_.find(line.agent);
  if (found == agents_.end()) {
    if (agents_.size() >= limits_.max_agents) return counted(FeedOutcome::kTooManyAgents);
    found = agents_.try_emplace(line.agent).first;
    found->second.status = {line.agent, line.dc, line.boot, 0, now.mono, now.wall};
    return counted(FeedOutcome::kAccepted);
  }
  Agent& agent = found->second;
  if (agent.status.boot == line.boot) {
    if (agent.status.dc != line.dc) return counted(FeedOutcome::kMoved);
  } else {
    std::vector<std::string>& old = agent.old_boots;
    if (std::find(old.begin(), old.end(), line.boot) != old.end()) {
      return counted(FeedOutcome::kOldBoot);
    }
    old.push_back(agent.status.boot);
    if (old.size() > kOldBoots) old.erase(old.begin());
    agent.status.boot = line.boot;
    agent.status.dc = line.dc;
    agent.status.seq = 0;
  }
  agent.status.heard_at = now.mono;
  agent.status.heard_wall = now.wall;
  return counted(FeedOutcome::kAccepted);
}

FeedOutcome LinkBook::admit(const FeedSession& from, std::uint64_t seq, Agent*& agent) {
  const auto found = agents_.find(from.agent);
  if (found == agents_.end()) return FeedOutcome::kNoHello;
  agent = &found->second;
  if (agent->status.boot != from.boot) return FeedOutcome::kOldBoot;
  return seq > agent->status.seq ? FeedOutcome::kAccepted : FeedOutcome::kOldSeq;
}

void LinkBook::heard(Agent& agent, std::uint64_t seq, const FeedTime& now) {
  agent.status.seq = seq;
  agent.status.heard_at = now.mono;
  agent.status.heard_wall = now.wall;
}

LinkRecord* LinkBook::recordOf(const LinkLine& line) {
  const auto direction = directions_.find({line.source, line.target});
  if (direction != directions_.end()) {
    const auto found = direction->second.find(line.channel);
    if (found != direction->second.end()) return &found->second;
  }
  if (links_ >= limits_.max_links) return nullptr;
  ++links_;
  Channels& channels = directions_[{line.source, line.target}];
  return &channels.try_emplace(line.channel, limits_).first->second;
}

FeedOutcome LinkBook::link(const FeedSession& from, LinkLine line, const FeedTime& now) {
  Agent* agent = nullptr;
  if (const FeedOutcome admitted = admit(from, line.seq, agent);
      admitted != FeedOutcome::kAccepted) {
    return counted(admitted);
  }
  LinkRecord* record = recordOf(line);
  if (record == nullptr) return counted(FeedOutcome::kTooManyLinks);
  LinkRecord::Side side = LinkRecord::Side::kOther;
  if (agent->status.dc == line.target) side = LinkRecord::Side::kTarget;
  if (agent->status.dc == line.source) side = LinkRecord::Side::kSource;
  const std::uint64_t seq = line.seq;
  if (!record->report(from.agent, side, std::move(line), now)) {
    return counted(FeedOutcome::kTooManyReporters);
  }
  heard(*agent, seq, now);
  return counted(FeedOutcome::kAccepted);
}

FeedOutcome LinkBook::heartbeat(const FeedSession& from, const HeartbeatLine& line,
                                const FeedTime& now) {
  Agent* agent = nullptr;
  const FeedOutcome admitted = admit(from, line.seq, agent);
  if (admitted == FeedOutcome::kAccepted) heard(*agent, line.seq, now);
  return counted(admitted);
}

bool LinkBook::markRebasing(std::string_view source, std::string_view target, MonotonicTime until,
                            MonotonicTime now) {
  std::erase_if(rebasing_, [&](const auto& each) { return each.second <= now; });
  Direction direction(source, target);
  if (rebasing_.size() >= limits_.max_links && rebasing_.count(direction) == 0) return false;
  rebasing_.insert_or_assign(std::move(direction), until);
  return true;
}

const LinkBook::Channels* LinkBook::channelsOf(std::string_view source,
                                               std::string_view target) const {
  const auto found = directions_.find(Direction(source, target));
  return found == directions_.end() ? nullptr : &found->second;
}

void LinkBook::applyRebasing(const Direction& direction, MonotonicTime now, LinkView& view) const {
  const auto mark = rebasing_.find(direction);
  if (mark == rebasing_.end() || mark->second <= now) return;
  if (view.state != LinkState::kBroken) view.state = LinkState::kRebasing;
}

LinkView LinkBook::view(std::string_view source, std::string_view target, MonotonicTime now) const {
  std::optional<LinkView> worst;
  if (const Channels* channels = channelsOf(source, target)) {
    for (const auto& [name, record] : *channels) {
      LinkView next = record.view(now);
      worst = worst ? worseOf(std::move(*worst), next) : std::move(next);
    }
  }
  LinkView out = worst ? std::move(*worst) : LinkView{};
  applyRebasing(Direction(source, target), now, out);
  return out;
}

bool LinkBook::contains(std::string_view source, std::string_view target, std::string_view barrier,
                        MonotonicTime now) const {
  const Channels* channels = channelsOf(source, target);
  if (channels == nullptr) return false;
  if (channels->size() == 1) return channels->begin()->second.contains(barrier, now);
  const auto wanted = GtidSet::parse(barrier);
  if (!wanted) return false;
  std::optional<GtidSet> covered;
  for (const auto& [name, record] : *channels) {
    const LinkView view = record.view(now);
    const auto sources = GtidSet::parse(laterPosition(view.src_pos, view.applied_pos));
    if (!sources) return false;  // nobody knows what this channel carries
    const GtidSet part = wanted->onlySourcesOf(*sources);
    if (!part.empty() && !record.contains(part.text(), now)) return false;
    covered = covered ? covered->unionWith(part) : part;
  }
  return covered && covered->contains(*wanted);
}

void LinkBook::visit(const LinkFilter& filter, MonotonicTime now,
                     const std::function<bool(const LinkRow&)>& visitor) const {
  const auto fits = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  for (const auto& [direction, channels] : directions_) {
    if (!fits(filter.source, direction.first) || !fits(filter.target, direction.second)) continue;
    for (const auto& [channel, record] : channels) {
      if (!fits(filter.channel, channel)) continue;
      LinkView view = record.view(now);
      applyRebasing(direction, now, view);
      if (!visitor({direction.first, direction.second, channel, record, view})) return;
    }
  }
}

std::optional<AgentStatus> LinkBook::agent(std::string_view name) const {
  const auto found = agents_.find(std::string(name));
  if (found == agents_.end()) return std::nullopt;
  return found->second.status;
}

std::vector<AgentStatus> LinkBook::agents() const {
  std::vector<AgentStatus> out;
  out.reserve(agents_.size());
  for (const auto& [name, agent] : agents_) out.push_back(agent.status);
  std::sort(out.begin(), out.end(),
            [](const AgentStatus& a, const AgentStatus& b) { return a.agent < b.agent; });
  return out;
}

void LinkBook::tick(const FeedTime& now, const SampleSink& sink) {
  const auto silent = [&](MonotonicTime heard_at) { return now.mono - heard_at > limits_.keep; };
  std::erase_if(agents_, [&](const auto& each) { return silent(each.second.status.heard_at); });
  std::erase_if(rebasing_, [&](const auto& each) { return each.second <= now.mono; });
  for (auto at = directions_.begin(); at != directions_.end();) {
    Channels& channels = at->second;
    links_ -=
        std::erase_if(channels, [&](const auto& each) { return silent(each.second.lastHeard()); });
    for (auto& [channel, record] : channels) {
      const auto sample = record.sample(now);
      if (!sample) continue;
      LinkView view = record.view(now.mono);
      applyRebasing(at->first, now.mono, view);
      sink({at->first.first, at->first.second, channel, record, view}, *sample);
    }
    at = channels.empty() ? directions_.erase(at) : std::next(at);
  }
}

void LinkBook::takeSpans(MonotonicTime now, const SpanSink& sink) {
  for (auto& [direction, channels] : directions_) {
    for (auto& [channel, record] : channels) {
      LinkView view = record.view(now);
      applyRebasing(direction, now, view);
      sink({direction.first, direction.second, channel, record, view}, record.takeSpan());
    }
  }
}

}  // namespace meridian::partition
