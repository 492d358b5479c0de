// Bodies of requests: bytes → values, strictly, every error with its path. Pure; fuzzed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/config_reader.h"
#include "base/diagnostics.h"
#include "partition/change/engine.h"
#include "partition/health/health_service.h"
#include "partition/hold/hold_book.h"
#include "partition/map_service.h"
#include "partition/site/site_mover.h"

namespace meridian::admin {

inline constexpr std::size_t kMaxReason = 512;
// The member "reason", which every change has: 1 to kMaxReason bytes.
std::string reasonOf(ObjectReader& in);

// {"to": EZONE, "expected_epoch": N, "reason": TEXT, "dry_run": false}; subject and actor come from
// the path and the token.
Checked<partition::RemapRequest> decodeRemap(std::string_view body);

struct RollbackBody {
  std::optional<partition::Rev> expected_rev;
  std::string reason;
  bool dry_run = false;
};
// {"expected_rev": N, "reason": TEXT, "dry_run": false}
Checked<RollbackBody> decodeRollback(std::string_view body);

// {"kind": "shift" | "switch", "mode": "planned", "data_policy": "lossless", "subjects": [ID…],
// "to": EZONE,
//  "expected_epoch": N, "start_in_s": N, "expires_in_s": N, "wait_for_holds": false, "overrides":
//  [{"rule": "S3", "reason": TEXT}], "reason": TEXT, "dry_run": false}
// Times count from `now`. "expected_epoch" only with one subject.
Checked<partition::ChangeRequest> decodeChangeRequest(std::string_view body, WallTime now);

struct UndoBody {
  partition::ChangeMode mode = partition::ChangeMode::kPlanned;
  std::string reason;
  bool dry_run = false;
};
// {"mode": "planned", "reason": TEXT, "dry_run": false}
Checked<UndoBody> decodeUndo(std::string_view body);
// {"glob": TEXT, "state": UP | DEGRADED | DOWN | UNKNOWN, "reason": TEXT, "expires_in_s": 14400};
// the author comes from the token.
Checked<partition::OverrideRequest> decodeOverride(std::string_view body);

// {"mode": "gradual", "reason": TEXT, "overrides": […], "wait_for_holds": false, "dry_run": false};
// the datacenter and the actor come from the path and the token.
Checked<partition::SiteRequest> decodeSiteRequest(std::string_view body);

struct HoldRequest {
  partition::Hold hold;  // scope, subject, holder, reason
  std::chrono::seconds life{};
};
// {"partition" | "zone" | "datacenter": ID, "holder": TEXT, "reason": TEXT, "expires_in_s": 14400}
Checked<HoldRequest> decodeHold(std::string_view body);

struct HealthReport {
  std::string check;
  bool up = false;
  std::string reason;  // may be empty
};
// {"check": ID, "state": "up" | "down", "reason": TEXT}
Checked<HealthReport> decodeReport(std::string_view body);

}  // namespace meridian::admin
