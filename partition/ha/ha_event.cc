#include "partition/ha/ha_event.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/config_node.h"
#include "base/config_reader.h"
#include "base/digest.h"
#include "base/utf8.h"

namespace meridian::partition {
namespace {

constexpr const char* kEventSource = "request";
constexpr std::size_t kMaxHaIdBytes = 128;
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxGtidBytes = 8192;
// The last millisecond of the year 9999: what RFC 3339 can say.
constexpr std::int64_t kMaxTime = 253'402'300'799'999;

constexpr std::array kTypeNames = {
    std::pair{HaEventType::kFailureDetected, std::string_view("failure.detected")},
    std::pair{HaEventType::kSwitchRequest, std::string_view("switch.request")},
    std::pair{HaEventType::kSwitchStarted, std::string_view("switch.started")},
    std::pair{HaEventType::kSwitchCompleted, std::string_view("switch.completed")},
    std::pair{HaEventType::kSwitchFailed, std::string_view("switch.failed")},
    std::pair{HaEventType::kDcIsolated, std::string_view("dc.isolated")},
    std::pair{HaEventType::kDcRecovered, std::string_view("dc.recovered")},
    std::pair{HaEventType::kWriteBlocked, std::string_view("write.blocked")},
    std::pair{HaEventType::kWriteUnblocked, std::string_view("write.unblocked")},
    std::pair{HaEventType::kHeartbeat, std::string_view("heartbeat")}};
constexpr std::array kScopeNames = {std::pair{HaScope::kIntraDc, std::string_view("intra_dc")},
                                    std::pair{HaScope::kCrossDc, std::string_view("cross_dc")},
                                    std::pair{HaScope::kDc, std::string_view("dc")}};
constexpr std::array kHaReasonNames = {std::pair{HaReason::kPlanned, std::string_view("planned")},
                                       std::pair{HaReason::kFailure, std::string_view("failure")},
                                       std::pair{HaReason::kDrill, std::string_view("drill")}};

template <class Names, class Kind>
std::string_view knownName(const Names& names, Kind kind) {
  return names[static_cast<std::size_t>(kind)].second;
}
template <class Names>
auto kindNamed(const Names& names, std::string_view name) {
  using Kind = typename Names::value_type::first_type;
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const auto& each) { return each.second == name; });
  return found == names.end() ? std::optional<Kind>() : std::optional<Kind>(found->first);
}
template <class Names>
std::vector<std::string_view> namesIn(const Names& names) {
  std::vector<std::string_view> out;
  out.reserve(names.size());
  for (const auto& each : names) out.push_back(each.second);
  return out;
}

Status isEventId(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
  });
  return good ? Status{}
              : fail(ErrorKind::kInvalid, "must be 1 to 128 of A-Z, a-z, 0-9 and '._:-'");
}

Status isPrintable(std::string_view text) {
  return isPrintableUtf8(text) ? Status{} : fail(ErrorKind::kInvalid, "must be printable UTF-8");
}

bool isSwitch(HaEventType type) {
  return type == HaEventType::kSwitchRequest || type == HaEventType::kSwitchStarted ||
         type == HaEventType::kSwitchCompleted || type == HaEventType::kSwitchFailed;
}

HaPlace placeOf(ObjectReader& in, std::string_view key, bool required) {
  const ConfigNode* node = in.object(key, required);
  if (node == nullptr) return {};
  ObjectReader place(*node, in.pathOf(key), in.file(), in.problems());
  HaPlace out;
  out.host = place.string("host", {.max_bytes = kMaxHostBytes, .check = isPrintable});
  out.dc = place.string("dc", {.required = true, .id = true});
  place.finish();
  return out;
}

std::string gtidOf(ObjectReader& in) {
  const ConfigNode* node = in.object("positions");
  if (node == nullptr) return {};
  ObjectReader positions(*node, in.pathOf("positions"), in.file(), in.problems());
  std::string out =
      positions.string("gtid_executed", {.max_bytes = kMaxGtidBytes, .check = isPrintable});
  positions.finish();
  return out;
}

WallTime timeOf(ObjectReader& in, std::string_view key) {
  return WallTime(
      std::chrono::milliseconds(in.integer(key, {.required = true, .min = 0, .max = kMaxTime})));
}

void readTimes(ObjectReader& in, HaEvent& out) {
  out.occurred_at = timeOf(in, "occurred_at");
  out.expires_at = timeOf(in, "expires_at");
  if (out.expires_at <= out.occurred_at) {
    in.error("expires_at", "must be after occurred_at");
  } else if (out.expires_at - out.occurred_at > kMaxHaLife) {
    in.error("expires_at", "must be at most 72 h after occurred_at");
  }
}

void readSubjects(ObjectReader& in, HaEvent& out) {
  out.subjects = in.strings("subjects", {.max = kMaxHaSubjects}, {.id = true});
  const std::set<std::string> different(out.subjects.begin(), out.subjects.end());
  if (different.size() != out.subjects.size()) in.error("subjects", "names one twice");
  const auto epoch = in.integer("expected_epoch", {.min = 0});
  if (!in.has("expected_epoch")) return;
  out.expected_epoch = static_cast<Epoch>(epoch);
  if (out.subjects.size() != 1) in.error("expected_epoch", "is of one subject");
}

// What the members must say together.
void checkTogether(ObjectReader& in, const HaEvent& event) {
  if (isSwitch(event.type) && !event.reason) in.error("reason", "a switch needs one");
  const bool of_site =
      event.type == HaEventType::kDcIsolated || event.type == HaEventType::kDcRecovered;
  if (of_site && event.scope != HaScope::kDc) in.error("scope", "of this type it must be dc");
  if (event.scope == HaScope::kIntraDc && !event.to.dc.empty() && event.to.dc != event.from.dc) {
    in.error("to", "within a datacenter it must be the one of \"from\"");
  }
  if (event.scope != HaScope::kCrossDc) return;
  if (event.to.dc.empty() || event.to.dc == event.from.dc) {
    in.error("to", "from one datacenter to another it must name that other");
  }
  if (event.subjects.empty()) in.error("subjects", "must name what goes from one to the other");
}

}  // namespace

std::string_view haEventTypeName(HaEventType type) {
  return knownName(kTypeNames, type);
}
std::string_view haScopeName(HaScope scope) {
  return knownName(kScopeNames, scope);
}
std::string_view haReasonName(HaReason reason) {
  return knownName(kHaReasonNames, reason);
}
std::optional<HaEventType> haEventTypeOf(std::string_view name) {
  return kindNamed(kTypeNames, name);
}
std::optional<HaScope> haScopeOf(std::string_view name) {
  return kindNamed(kScopeNames, name);
}
std::optional<HaReason> haReasonOf(std::string_view name) {
  return kindNamed(kHaReasonNames, name);
}

Checked<HaEvent> decodeHaEvent(std::string_view text) {
  Diagnostics problems;
  if (text.size() > kMaxHaEventBytes) {
    problems.add({kEventSource, 0, 0}, "", "", "an event has at most 16384 bytes");
    return tl::unexpected(std::move(problems));
  }
  const auto root = parseJson(text, kEventSource);
  if (!root) return tl::unexpected(root.error());
  ObjectReader in(*root, "", kEventSource, problems);
  HaEvent out;
  out.event_id =
      in.string("event_id", {.required = true, .max_bytes = kMaxHaIdBytes, .check = isEventId});
  const std::string type = in.string("type", {.required = true, .one_of = namesIn(kTypeNames)});
  out.type = haEventTypeOf(type).value_or(HaEventType::kHeartbeat);
  out.cluster = in.string("cluster", {.required = true, .id = true});
  const std::string scope = in.string("scope", {.required = true, .one_of = namesIn(kScopeNames)});
  out.scope = haScopeOf(scope).value_or(HaScope::kIntraDc);
  readSubjects(in, out);
  out.from = placeOf(in, "from", true);
  out.to = placeOf(in, "to", false);
  const std::string reason = in.string("reason", {.one_of = namesIn(kHaReasonNames)});
  if (in.has("reason")) out.reason = haReasonOf(reason);
  out.gtid_executed = gtidOf(in);
  readTimes(in, out);
  out.automatic = in.boolean("auto", false);
  if (in.has("correlation_id")) {
    out.correlation_id =
        in.string("correlation_id", {.max_bytes = kMaxHaIdBytes, .check = isEventId});
  }
  in.finish();
  if (problems.empty()) checkTogether(in, out);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  // parseJson() has bounded the depth and refused members that come twice.
  const auto json = nlohmann::json::parse(text, nullptr, false);
  out.digest = hex(sha256(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return out;
}

}  // namespace meridian::partition
