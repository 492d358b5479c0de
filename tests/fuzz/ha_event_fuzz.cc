// An HA event of any bytes: refused with a reason, or an event that keeps its bounds, means the
// same when it is decoded again, and is judged without a fault whatever is known.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/config_reader.h"
#include "base/utf8.h"
#include "partition/ha/ha_policy.h"

namespace {

using meridian::partition::HaEvent;

void checkBounds(const HaEvent& event) {
  using namespace meridian::partition;
  if (event.event_id.empty() || event.event_id.size() > 128 || !meridian::isId(event.cluster) ||
      !meridian::isId(event.from.dc) || event.subjects.size() > kMaxHaSubjects ||
      event.expires_at <= event.occurred_at || event.expires_at - event.occurred_at > kMaxHaLife ||
      !meridian::isPrintableUtf8(event.from.host) || event.digest.size() != 64 ||
      (event.scope == HaScope::kCrossDc && event.to.dc.empty()) ||
      (event.expected_epoch && event.subjects.size() != 1))
    std::abort();
}

void checkVerdict(const HaEvent& event) {
  using namespace meridian::partition;
  HaFacts facts;
  facts.from_known = true;
  facts.to_known = true;
  facts.now = event.occurred_at;
  for (const std::string& id : event.subjects) {
    facts.subjects.push_back({id, SubjectKind::kGlobalZone, 64, event.from.dc, "ez"});
  }
  const HaVerdict verdict = judge(event, facts);
  const bool asks = event.type == HaEventType::kSwitchRequest && event.scope == HaScope::kCrossDc &&
                    event.reason != HaReason::kFailure;
  // Nothing but a person's request between datacenters moves a global zone.
  if (verdict.start && (!asks || event.automatic)) std::abort();
  if (verdict.start.has_value() != (verdict.answer.decision == HaDecision::kAccepted)) std::abort();
  if (verdict.answer.rule.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto event = meridian::partition::decodeHaEvent(text);
  if (!event) {
    if (event.error().empty()) std::abort();
    return 0;
  }
  checkBounds(*event);
  checkVerdict(*event);
  const auto again = meridian::partition::decodeHaEvent(text);
  if (!again || again->digest != event->digest) std::abort();
  return 0;
}
