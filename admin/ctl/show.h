// Replies of the server as text for people.
#pragma once

#include <string>
#include <string_view>

#include "admin/ctl/exit_code.h"
#include "admin/ctl/http_client.h"
#include "base/result.h"

namespace meridian::ctl {

enum class View {
  kRemap,
  kPartitions,
  kPartition,
  kTopologyPut,
  kExplain,
  kResolve,
  kTable,
  kConsumers,
  kVersions,
  kVersion,
  kDiff,
  kRollback,
  kZones,
  kZone,
  kZoneChanged,
  kZoneRemoved,
  kKeys,
  kChallenges,
  kChallenge,
  kChallengeRemoved,
  kKeyChanged,
  kZoneRefreshed,
  kPlan,
  kChanges,
  kChange,
  kLinks,
  kLinkHistory,
  kHealth,
  kOverride,
  kCleared,
  kSites,
  kSiteMoved,
  kHolds,
  kHold,
  kReleased,
  kHooks,
  kDeadLetters,
  kHandled,
  kHaEvents,
  kLoad,
  kBalancer,
  kForwarders,
  kRaw,  // as it came
};

// The body of a 2xx reply; kInvalid when it is not what this view expects (another product, another
// version).
Result<std::string> shown(View view, const std::string& body);

// Of a change's document: a line for each step after `seen`, and where it stands now.
Result<std::string> watchLines(const std::string& body, std::uint64_t seen);

// What a refusal means and what to do next; always ends with a newline.
std::string refusalText(const Reply& reply);

}  // namespace meridian::ctl
