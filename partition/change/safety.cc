#include "partition/change/safety.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <set>

namespace meridian::partition {
namespace {

constexpr std::chrono::hours kMaxExpiry{72};
constexpr int kMaxOffsetMinutes = 14 * 60;

class RuleBook {
 public:
  RuleBook(const Change& change, const SafetyView& view) : change_(change), view_(view) {}

  std::vector<RuleVerdict> all() {
    targets();
    room();
    replication();
    freezeWindows();
    cooldown();
    concurrency();
    toggles();
    expiry();
    epochs();
    holds();
    fence();
    return std::move(verdicts_);
  }
  std::vector<RuleVerdict> watched() {
    targets();
    if (change_.mode == ChangeMode::kGradual) room();
    replication();
    return std::move(verdicts_);
  }

 private:
  void add(std::string rule, bool holds, bool hard, std::string text) {
    RuleVerdict verdict{std::move(rule), holds, hard, false, std::move(text)};
    if (!holds && !hard) {
      verdict.overridden =
          std::any_of(change_.overrides.begin(), change_.overrides.end(),
                      [&](const RuleOverride& each) { return each.rule == verdict.rule; });
    }
    verdicts_.push_back(std::move(verdict));
  }

  bool emergency() const { return change_.mode == ChangeMode::kEmergency; }

  const Datacenter* site(const std::string& ezone) const {
    const auto found = view_.topology.findEZone(ezone);
    return found ? &view_.topology.dcOf(*found) : nullptr;
  }
  Health healthOf(const std::string& ezone) const {
    const auto found = view_.topology.findEZone(ezone);
    if (!found) return Health::kUnknown;
    return view_.health->datacenters[view_.topology.ezones[found->index()].dc.index()];
  }

  // S1: the target serves.
  void targets() {
    for (const ChangeItem& item : change_.items()) {
      const Datacenter* to = site(item.to);
      if (to == nullptr) {
        add("S1", false, true, fmt::format("eZone {} is not in the topology", item.to));
      } else if (to->admin_state != AdminState::kInService) {
        add("S1", false, true,
            fmt::format("datacenter {} is {}", to->id, adminStateName(to->admin_state)));
      } else if (healthOf(item.to) == Health::kDown) {
        add("S1", false, true, fmt::format("datacenter {} is DOWN", to->id));
      } else {
        add("S1", true, true,
            fmt::format("datacenter {} is in service, health {}", to->id,
                        healthName(healthOf(item.to))));
      }
    }
  }

  // S2: the target carries what it has, what this wave brings and what others are bringing.
  void room() {
    const LoadPicture load =
        view_.load == nullptr ? LoadPicture{} : view_.load->picture(view_.topology, view_.table);
    if (!load.reported) {
      add("S2", true, false, "unknown: nobody reports load");
      return;
    }
    std::set<std::string> seen;
    for (const ChangeItem& item : change_.items()) {
      const auto to = view_.topology.findEZone(item.to);
      if (to && seen.insert(item.to).second) roomAt(load, *to);
    }
  }
  void roomAt(const LoadPicture& load, EZoneIx to) {
    const std::string& name = view_.topology.ezones[to.index()].id;
    const double bound =
        emergency() ? view_.policy.max_utilisation_emergency : view_.policy.max_utilisation;
    const EZoneLoad& now = load.ezones[to.index()];
    if (!now.utilisation()) {
      add("S2", emergency(), false,
          fmt::format("the {} of eZone {} is unknown", now.units ? "capacity" : "load", name));
      return;
    }
    Arrivals coming = arrivals(load, change_, name, false);
    for (const Change* other : view_.others) {
      if (!brings(other->state)) continue;
      coming += arrivals(load, *other, name, underWay(other->state));
    }
    const double predicted = (*now.units + coming.units) / *now.capacity;
    std::string text =
        fmt::format("eZone {}: {:.1f} % full now, {:.1f} % with {} to come; bound {:.1f} %", name,
                    100 * *now.utilisation(), 100 * predicted, coming.count, 100 * bound);
    if (coming.unknown > 0) text += fmt::format("; the load of {} is unknown", coming.unknown);
    // In an emergency the source is often silent: what is known decides.
    const bool known = coming.unknown == 0 || emergency();
    add("S2", known && predicted <= bound, false, std::move(text));
  }

  // Partitions on their way to an eZone, and the load they bring.
  struct Arrivals {
    double units = 0;
    std::size_t count = 0, unknown = 0;
    Arrivals& operator+=(const Arrivals& other) {
      units += other.units;
      count += other.count;
      unknown += other.unknown;
      return *this;
    }
  };
  static bool brings(ChangeState state) {
    return state != ChangeState::kScheduled && state != ChangeState::kAborting;
  }
  // Moved in the table, and most clients still go to the old place.
  static bool underWay(ChangeState state) {
    return state == ChangeState::kShifting || state == ChangeState::kUnblocking ||
           state == ChangeState::kDraining;
  }
  // `moved`: those of the current wave that have moved count, too. A global zone brings nothing
  // that anybody could report as its own.
  Arrivals arrivals(const LoadPicture& load, const Change& change, const std::string& to,
                    bool moved) const {
    Arrivals out;
    for (const ChangeItem& item : change.items()) {
      if (item.to != to || item.kind != SubjectKind::kPartition || (item.moved && !moved)) continue;
      ++out.count;
      const auto partition = view_.topology.findPartition(item.subject);
      const auto units =
          partition ? load.partitions[partition->index()].units : std::optional<double>();
      out.units += units.value_or(0);
      if (!units) ++out.unknown;
    }
    return out;
  }

  // S3, S4: the copy is there and stays, and there is a way back.
  void replication() {
    for (const ChangeItem& item : change_.items()) {
      const Datacenter* from = site(item.from);
      const Datacenter* to = site(item.to);
      if (from == nullptr || to == nullptr || from->id == to->id) continue;
      const LinkView link = view_.links.link(from->id, to->id);
      lag(*from, *to, link);
      if (emergency()) continue;
      running(*from, *to, link);
      running(*to, *from, view_.links.link(to->id, from->id));
    }
  }
  void lag(const Datacenter& from, const Datacenter& to, const LinkView& link) {
    const std::string name = fmt::format("{} to {}", from.id, to.id);
    if (emergency()) {
      add("S3", true, false,
          link.effective_lag_ms
              ? fmt::format("{}: up to {} ms of writes may be lost", name, *link.effective_lag_ms)
              : fmt::format("{}: how much may be lost is unknown", name));
      return;
    }
    if (link.freshness != Freshness::kFresh || !link.worst_lag_60s_ms || link.skewed) {
      add("S3", false, false,
          fmt::format("{}: lag is {}{}", name, freshnessName(link.freshness),
                      link.skewed ? ", and the clocks differ by too much"
                      : link.freshness == Freshness::kFresh
                          ? ", and was not known for the last 60 s"
                          : ""));
      return;
    }
    add("S3", *link.worst_lag_60s_ms <= view_.policy.max_lag_ms, false,
        fmt::format("{}: lag in the last 60 s was at most {} ms; bound {} ms", name,
                    *link.worst_lag_60s_ms, view_.policy.max_lag_ms));
  }
  void running(const Datacenter& from, const Datacenter& to, const LinkView& link) {
    const bool up = link.freshness == Freshness::kFresh && link.state == LinkState::kRunning;
    add("S4", up && !link.conflicts_growing, false,
        fmt::format("{} to {}: {}, {}, {} unresolved conflicts{}", from.id, to.id,
                    linkStateName(link.state), freshnessName(link.freshness), link.unresolved,
                    link.conflicts_growing ? " and growing" : ""));
  }

  void freezeWindows() {
    if (emergency() || view_.policy.freeze_windows.empty()) return;
    for (const std::string& text : view_.policy.freeze_windows) {
      const Result<DayWindow> window = DayWindow::parse(text);
      if (window && !window->contains(view_.now)) continue;
      add("S5", false, false, fmt::format("inside the freeze window {}", text));
      return;
    }
    add("S5", true, false, "outside every freeze window");
  }

  bool undoing() const {
    return change_.kind == ChangeKind::kRollback || change_.kind == ChangeKind::kRevert;
  }
  std::optional<LastMove> lastMove(const ChangeItem& item) const {
    return view_.last_move ? view_.last_move(item.subject) : std::nullopt;
  }

  void cooldown() {
    if (emergency() || undoing()) return;
    for (const ChangeItem& item : change_.items()) {
      const auto last = lastMove(item);
      if (!last || view_.now - last->at >= view_.policy.cooldown) continue;
      add("S6", false, false,
          fmt::format(
              "{} moved {} s ago; it rests for {} s", item.subject,
              std::chrono::duration_cast<std::chrono::seconds>(view_.now - last->at).count(),
              std::chrono::duration_cast<std::chrono::seconds>(view_.policy.cooldown).count()));
      return;
    }
    add("S6", true, false, "nothing of it moved lately");
  }

  // S7: one change a subject, one switch at a time, and not too much of a zone at once.
  void concurrency() {
    const bool global = change_.items().front().kind == SubjectKind::kGlobalZone;
    for (const Change* other : view_.others) {
      if (other->state == ChangeState::kScheduled) continue;  // it holds nothing yet
      for (const auto& wave : other->waves) {
        for (const ChangeItem& theirs : wave) clash(*other, theirs, global);
      }
    }
    if (!global && !emergency()) share();
  }
  void clash(const Change& other, const ChangeItem& theirs, bool global) {
    for (const auto& wave : change_.waves) {
      for (const ChangeItem& ours : wave) {
        if (ours.subject != theirs.subject) continue;
        add("S7", false, true,
            fmt::format("{} is part of change {}", ours.subject, changeId(other.number)));
      }
    }
    if (global && theirs.kind == SubjectKind::kGlobalZone) {
      add("S7", false, false,
          fmt::format("another switch is under way: {}", changeId(other.number)));
    }
  }
  double weightOf(const std::string& subject) const {
    const auto found = view_.topology.findPartition(subject);
    return found ? view_.topology.partitions[found->index()].weight_units : 0;
  }
  double moving(const std::string& zone, const std::vector<ChangeItem>& items) const {
    double weight = 0;
    for (const ChangeItem& item : items) {
      if (item.zone == zone) weight += weightOf(item.subject);
    }
    return weight;
  }
  void share() {
    const std::string& zone = change_.items().front().zone;
    double whole = 0;
    for (const Partition& partition : view_.topology.partitions) {
      if (view_.topology.zones[partition.zone.index()].id == zone) whole += partition.weight_units;
    }
    double weight = moving(zone, change_.items());
    std::size_t subjects = change_.items().size();
    for (const Change* other : view_.others) {
      if (other->state == ChangeState::kScheduled) continue;
      weight += moving(zone, other->items());
      subjects += other->items().size();
    }
    const double part = whole > 0 ? weight / whole : 0;
    // A single partition is never too much: it cannot be split.
    add("S7", subjects == 1 || part <= view_.policy.max_moving_share, false,
        fmt::format("{:.1f} % of zone {} moves at once; bound {:.1f} %", 100 * part, zone,
                    100 * view_.policy.max_moving_share));
  }

  void toggles() {
    for (const ChangeItem& item : change_.items()) {
      const auto last = lastMove(item);
      if (!last || last->from != item.to || view_.now - last->at >= view_.policy.toggle_wait) {
        continue;
      }
      add("S8", false, false,
          fmt::format("{} came from {} less than {} ms ago", item.subject, item.to,
                      view_.policy.toggle_wait.count()));
    }
  }

  void expiry() {
    if (change_.mode == ChangeMode::kDrill && !undoing()) {
      add("S9", change_.expires_at.has_value(), true, "a drill must say when it goes back");
    }
    if (change_.expires_at) {
      const auto ahead = *change_.expires_at - view_.now;
      add("S9", ahead.count() > 0 && ahead <= kMaxExpiry, true,
          fmt::format("expires in {} s; at most {} h ahead",
                      std::chrono::duration_cast<std::chrono::seconds>(ahead).count(),
                      kMaxExpiry.count()));
    }
  }

  void epochs() {
    for (const ChangeItem& item : change_.items()) {
      const auto subject = view_.table.find(item.subject);
      if (!subject) {
        add("S13", false, true, fmt::format("{} is not in the table", item.subject));
        continue;
      }
      const Assignment& now = view_.table.assignments[subject->index()];
      add("S13", now.epoch == item.epoch, true,
          fmt::format("{} is at epoch {}, expected {}", item.subject, now.epoch, item.epoch));
    }
  }

  // S14: somebody needs the data to stay. An emergency goes over it, and says so.
  void holds() {
    if (view_.holds == nullptr) return;
    const std::vector<const Hold*> found = holdsOn(change_, view_);
    if (found.empty()) add("S14", true, false, "nobody holds it");
    for (const Hold* hold : found) {
      const std::string text = describeHold(*hold);
      add("S14", emergency(), false, emergency() ? "goes over a hold: " + text : text);
    }
  }

  // S15: a global zone's writes are not blocked by an emergency. Whoever may still write at the old
  // primary must be known to be stopped, or two would.
  void fence() {
    for (const ChangeItem& item : change_.items()) {
      if (!emergency() || item.kind != SubjectKind::kGlobalZone) continue;
      const std::string dc = view_.topology.dcIdOf(item.from);
      const auto proof = view_.fenced ? view_.fenced(dc, item.subject) : std::nullopt;
      add("S15", proof.has_value(), false,
          proof ? *proof
                : fmt::format("nobody has said that writes of {} at {} are fenced off",
                              item.subject, dc));
    }
  }

  const Change& change_;
  const SafetyView& view_;
  std::vector<RuleVerdict> verdicts_;
};

std::optional<int> minuteOf(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  int hour = 0;
  int minute = 0;
  const auto first = std::from_chars(text.data(), text.data() + 2, hour);
  const auto second = std::from_chars(text.data() + 3, text.data() + 5, minute);
  if (first.ec != std::errc() || first.ptr != text.data() + 2 || second.ec != std::errc() ||
      second.ptr != text.data() + 5) {
    return std::nullopt;
  }
  const int total = hour * 60 + minute;
  if (hour < 0 || minute < 0 || minute > 59 || total > 24 * 60) return std::nullopt;
  return total;
}

}  // namespace

bool stops(const RuleVerdict& verdict) {
  return !verdict.holds && !verdict.overridden;
}

std::vector<const Hold*> holdsOn(const Change& change, const SafetyView& view) {
  std::vector<const Hold*> all;
  if (view.holds == nullptr) return all;
  for (const ChangeItem& item : change.items()) {
    const std::string from = view.topology.dcIdOf(item.from);
    const std::string to = view.topology.dcIdOf(item.to);
    const HeldMove move{item.subject, item.zone, from, to};
    for (const Hold* hold : view.holds->on(move, view.now)) {
      if (std::find(all.begin(), all.end(), hold) == all.end()) all.push_back(hold);
    }
  }
  return all;
}

bool onlyHeld(const std::vector<RuleVerdict>& verdicts) {
  bool held = false;
  for (const RuleVerdict& verdict : verdicts) {
    if (!stops(verdict)) continue;
    if (verdict.rule != "S14") return false;
    held = true;
  }
  return held;
}

std::vector<RuleVerdict> checkRules(const Change& change, const SafetyView& view) {
  return RuleBook(change, view).all();
}

std::vector<RuleVerdict> checkWatchedRules(const Change& change, const SafetyView& view) {
  return RuleBook(change, view).watched();
}

bool DayWindow::contains(WallTime time) const {
  const auto local = time + ahead;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const auto minute = std::chrono::duration_cast<std::chrono::minutes>(local - day).count();
  if (from_minute <= to_minute) return minute >= from_minute && minute < to_minute;
  return minute >= from_minute || minute < to_minute;
}

Result<DayWindow> DayWindow::parse(std::string_view text) {
  const std::string_view whole = text;
  std::chrono::minutes ahead{};
  if (const std::size_t space = text.find(' '); space != std::string_view::npos) {
    const std::string_view offset = text.substr(space + 1);
    text = text.substr(0, space);
    const auto minutes = offset.empty() ? std::nullopt : minuteOf(offset.substr(1));
    const bool known = minutes && *minutes <= kMaxOffsetMinutes &&
                       (offset.front() == '+' || offset.front() == '-');
    if (!known) {
      return fail(
          ErrorKind::kInvalid,
          fmt::format("{}: after the space an offset from UTC like +08:00, at most 14 h", whole));
    }
    ahead = std::chrono::minutes(offset.front() == '+' ? *minutes : -*minutes);
  }
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto from = minuteOf(text.substr(0, dash));
    const auto to = minuteOf(text.substr(dash + 1));
    if (from && to && *from != *to) return DayWindow{*from, *to, ahead};
  }
  return fail(ErrorKind::kInvalid,
              "must be like 10:30-13:30 or 10:30-13:30 +08:00, two different times of the day");
}

}  // namespace meridian::partition
