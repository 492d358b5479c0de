// Values of the model as JSON, shared by the routes. For .cc files only: nlohmann stays out of
// headers that others include.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/context.h"
#include "admin/http_server.h"
#include "partition/explain.h"
#include "partition/journal.h"
#include "partition/model.h"
#include "partition/moved_places.h"
#include "partition/table.h"

namespace meridian::admin {

// Compact, keys sorted, bytes that are no UTF-8 replaced.
std::string dumpJson(const nlohmann::json& json);
// null for an empty text
nlohmann::json nullable(const std::string& text);
// null for what is not known
nlohmann::json nullable(const std::optional<double>& value);
// 200 with this body.
HttpReply jsonReply(const nlohmann::json& json);

// {partition | global_zone, zone, ezone, dc, prev_ezone, epoch, rev, since, reason, actor}
nlohmann::json assignmentJson(const partition::Topology& topology,
                              const partition::Assignment& assignment);
// [{zone, primary, stale_above_ms, fresh_again_ms, fallback, copies: [{ezone, fresh}],
// least_stale}]
nlohmann::json readsJson(const ServingView& view);
nlohmann::json moveJson(const partition::AssignmentMove& move);
// [{zone, places, moved, of, percent}]
nlohmann::json confirmationJson(const std::vector<partition::MovedPlaces>& places);
nlohmann::json recordJson(const partition::JournalRecord& record);
// {accepted, dry_run, change, verdicts}
nlohmann::json planJson(const Context& context, const partition::ChangePlan& plan, bool dry_run);
nlohmann::json explanationJson(const partition::Explanation& explanation);
// {endpoints, candidates, answered: [ID], up_share, min_up_share}; null where there is none.
nlohmann::json poolJson(const partition::Explanation& explanation);

}  // namespace meridian::admin
