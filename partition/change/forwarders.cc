#include "partition/change/forwarders.h"

namespace meridian::partition {

void Forwarders::committed(const Change& change, std::size_t wave, WallTime at) {
  for (const ChangeItem& item : change.waves[wave]) {
    if (!item.moved) continue;
    moves_[{item.subject, item.from}] = {change.number, at};
    moves_.erase({item.subject, item.to});
    commits_[change.number] = at;
  }
}

void Forwarders::forget(std::uint64_t change) {
  std::erase_if(moves_, [&](const auto& each) { return each.second.change == change; });
  commits_.erase(change);
}

void Forwarders::expire(WallTime now) {
  std::erase_if(moves_, [&](const auto& each) { return each.second.at + kFor <= now; });
  std::erase_if(commits_, [&](const auto& each) { return each.second + kFor <= now; });
}

std::vector<Forwarder> Forwarders::open(const MapSnapshot& map, WallTime now) const {
  std::map<std::string_view, const Assignment*> table;
  if (!moves_.empty()) {
    for (const Assignment& each : map.table->assignments) table.emplace(each.subject, &each);
  }
  std::vector<Forwarder> out;
  for (const auto& [key, move] : moves_) {
    const auto& [subject, from] = key;
    const auto found = table.find(subject);
    if (move.at + kFor <= now || found == table.end()) continue;
    const Assignment& held = *found->second;
    const std::string& owner = map.topology->ezones[held.ezone.index()].id;
    if (owner == from) continue;
    out.push_back({subject, from, owner, held.epoch, move.change, move.at + kFor});
  }
  return out;
}

std::optional<WallTime> Forwarders::until(std::uint64_t change) const {
  const auto found = commits_.find(change);
  if (found == commits_.end()) return std::nullopt;
  return found->second + kFor;
}

std::vector<std::pair<std::size_t, WallTime>> commitsIn(const std::vector<ChangeLogEntry>& log) {
  std::vector<std::pair<std::size_t, WallTime>> out;
  for (const ChangeLogEntry& each : log) {
    if (each.state == ChangeState::kShifting) out.emplace_back(each.wave, each.at);
  }
  return out;
}

}  // namespace meridian::partition
