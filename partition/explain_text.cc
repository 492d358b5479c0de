// An explanation as lines of text.
#include <fmt/format.h>

#include <algorithm>

#include "partition/explain.h"

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxTxtString = 255;  // RFC 1035 §3.3

// What made this eZone the choice or not, in a stateless zone.
std::string shareText(const Explanation::Candidate& candidate) {
  if (candidate.distance_class == 0) return {};
  std::string out = fmt::format(" class={} weight={}", candidate.distance_class, candidate.weight);
  if (candidate.spill > 0) out += fmt::format(" spill={}", candidate.spill);
  return out;
}

std::string locationText(const geo::Location& location) {
  std::string out;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? "" : " ", key, value);
  };
  if (location.point) {
    add("point", fmt::format("{:.4f},{:.4f}", location.point->lat, location.point->lon));
  }
  add("country", location.country);
  add("subdivision", location.subdivision);
  add("city", location.city);
  if (location.asn != 0) add("asn", std::to_string(location.asn));
  return out.empty() ? "location=unknown" : out;
}

// Cut at a character's start, so that what is left stays UTF-8.
std::string shortened(std::string line) {
  if (line.size() <= kMaxTxtString) return line;
  std::size_t end = kMaxTxtString;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  line.resize(end);
  return line;
}

}  // namespace

std::vector<std::string> explanationLines(const Explanation& e) {
  std::vector<std::string> out;
  const std::string service = e.service.empty() ? "" : "service=" + e.service + " ";
  out.push_back(fmt::format("{}zone={} kind={}", service, e.zone, zoneKindName(e.kind)));
  std::string place = "place=" + e.place;
  if (!e.source.empty()) place += " source=" + e.source;
  if (!e.network.empty()) place += " network=" + e.network;
  if (e.scope) place += fmt::format(" scope={}", *e.scope);
  out.push_back(std::move(place));
  if (!e.source.empty()) out.push_back(locationText(e.location));
  if (!e.partition.empty()) {
    out.push_back(
        fmt::format("partition={} placed-by={} epoch={}", e.partition, e.placed_by, e.epoch));
  }
  out.push_back(fmt::format("ezone={} dc={} rev={}", e.ezone, e.dc, e.rev));
  if (!e.change_id.empty()) {
    out.push_back(fmt::format("change={} write={}{}", e.change_id, writeStateName(e.write_state),
                              e.prepared ? fmt::format(" ttl<={}", kPreparedTtl) : ""));
  }
  if (!e.basis.empty()) {
    out.push_back(fmt::format("choice={} among={}", e.shared ? "share" : "nearest", e.basis));
  }
  for (const Explanation::Candidate& each : e.candidates) {
    out.push_back(fmt::format("{} {}: {} {} {}{}", each.why == RejectedFor::kChosen ? "is" : "not",
                              each.ezone, rejectedForName(each.why),
                              adminStateName(each.admin_state), healthName(each.health),
                              shareText(each)));
  }
  if (e.pool) {
    out.push_back(fmt::format("pool endpoints={} candidates={} answered={} up-share={} min={}",
                              e.pool->endpoints, e.pool->candidates, e.pool->answered.size(),
                              e.pool->up_share, e.pool->min_up_share));
    out.push_back(fmt::format("endpoints {}", fmt::join(e.pool->answered, " ")));
  }
  std::transform(out.begin(), out.end(), out.begin(), shortened);
  return out;
}

}  // namespace meridian::partition
