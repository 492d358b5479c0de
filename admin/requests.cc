#include "admin/requests.h"

#include "base/config_node.h"
#include "base/config_reader.h"

namespace meridian::admin {
namespace {

constexpr const char* kSource = "request";

constexpr std::int64_t kMaxAheadSeconds = std::int64_t{72} * 3600;

partition::ChangeMode modeOf(ObjectReader& in) {
  const std::string mode = in.string(
      "mode", {.fallback = "planned", .one_of = {"planned", "gradual", "emergency", "drill"}});
  return partition::changeModeOf(mode).value_or(partition::ChangeMode::kPlanned);
}

std::optional<WallTime> timeAhead(ObjectReader& in, std::string_view key, WallTime now) {
  const auto seconds = in.integer(key, {.min = 1, .max = kMaxAheadSeconds});
  if (!in.has(key)) return std::nullopt;
  return now + std::chrono::seconds(seconds);
}

void readTargets(ObjectReader& in, partition::ChangeRequest& out) {
  const std::string to = in.string("to", {.required = true, .id = true});
  const auto subjects = in.strings(
      "subjects", {.required = true, .min = 1, .max = partition::kMaxTargets}, {.id = true});
  for (const std::string& subject : subjects) out.targets.push_back({subject, to, {}});
  const auto epoch = in.integer("expected_epoch", {.min = 0});
  if (!in.has("expected_epoch")) return;
  if (subjects.size() != 1) {
    in.error("expected_epoch", "is of one subject; leave it out for several");
    return;
  }
  out.targets.front().expected_epoch = static_cast<partition::Epoch>(epoch);
}

void readOverrides(ObjectReader& in, std::vector<partition::RuleOverride>& out) {
  const ConfigNode::Array* overrides = in.array("overrides", {.max = 16});
  if (overrides == nullptr) return;
  for (std::size_t i = 0; i < overrides->size(); ++i) {
    ObjectReader each((*overrides)[i], elementPath("overrides", i), in.file(), in.problems());
    out.push_back(
        {each.string("rule", {.required = true,
                              .one_of = {"S2", "S3", "S4", "S5", "S6", "S7", "S8", "S14"}}),
         reasonOf(each)});
    each.finish();
  }
}

Status isHealth(std::string_view text) {
  if (partition::healthOf(text)) return {};
  return fail(ErrorKind::kInvalid, "must be one of UP, DEGRADED, DOWN, UNKNOWN");
}

}  // namespace

std::string reasonOf(ObjectReader& in) {
  std::string reason = in.string("reason", {.required = true, .max_bytes = kMaxReason});
  if (in.has("reason") && reason.empty()) in.error("reason", "must not be empty");
  return reason;
}

Checked<partition::RemapRequest> decodeRemap(std::string_view body) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  partition::RemapRequest out;
  out.to = in.string("to", {.required = true, .id = true});
  out.expected_epoch =
      static_cast<partition::Epoch>(in.integer("expected_epoch", {.required = true, .min = 0}));
  out.reason = reasonOf(in);
  out.dry_run = in.boolean("dry_run", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<RollbackBody> decodeRollback(std::string_view body) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  RollbackBody out;
  const auto expected = in.integer("expected_rev", {.min = 1});
  if (in.has("expected_rev")) out.expected_rev = static_cast<partition::Rev>(expected);
  out.reason = reasonOf(in);
  out.dry_run = in.boolean("dry_run", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<partition::ChangeRequest> decodeChangeRequest(std::string_view body, WallTime now) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  partition::ChangeRequest out;
  const std::string kind = in.string("kind", {.fallback = "shift", .one_of = {"shift", "switch"}});
  out.kind = partition::changeKindOf(kind).value_or(partition::ChangeKind::kShift);
  out.mode = modeOf(in);
  const std::string policy = in.string(
      "data_policy", {.fallback = "lossless", .one_of = {"lossless", "bounded", "force"}});
  out.data_policy = partition::dataPolicyOf(policy).value_or(partition::DataPolicy::kLossless);
  readTargets(in, out);
  out.not_before = timeAhead(in, "start_in_s", now);
  out.expires_at = timeAhead(in, "expires_in_s", now);
  out.wait_for_holds = in.boolean("wait_for_holds", false);
  readOverrides(in, out.overrides);
  out.reason = reasonOf(in);
  out.dry_run = in.boolean("dry_run", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<UndoBody> decodeUndo(std::string_view body) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  UndoBody out;
  out.mode = modeOf(in);
  out.reason = reasonOf(in);
  out.dry_run = in.boolean("dry_run", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<partition::OverrideRequest> decodeOverride(std::string_view body) {
  using partition::OverrideBook;
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  partition::OverrideRequest out;
  out.glob = in.string("glob", {.required = true, .max_bytes = OverrideBook::kMaxGlob});
  if (in.has("glob") && out.glob.empty()) in.error("glob", "must not be empty");
  const std::string state = in.string("state", {.required = true, .check = isHealth});
  out.state = partition::healthOf(state).value_or(partition::Health::kUnknown);
  out.reason = reasonOf(in);
  out.life = std::chrono::seconds(
      in.integer("expires_in_s", {.min = 1,
                                  .max = OverrideBook::kMaxLife.count(),
                                  .fallback = OverrideBook::kDefaultLife.count()}));
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<partition::SiteRequest> decodeSiteRequest(std::string_view body) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  partition::SiteRequest out;
  const std::string mode =
      in.string("mode", {.fallback = "gradual", .one_of = {"planned", "gradual", "emergency"}});
  out.mode = partition::changeModeOf(mode).value_or(partition::ChangeMode::kGradual);
  readOverrides(in, out.overrides);
  out.wait_for_holds = in.boolean("wait_for_holds", false);
  out.reason = reasonOf(in);
  out.dry_run = in.boolean("dry_run", false);
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<HoldRequest> decodeHold(std::string_view body) {
  using partition::HoldBook;
  using partition::HoldScope;
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  HoldRequest out;
  int given = 0;
  for (const HoldScope scope : {HoldScope::kPartition, HoldScope::kZone, HoldScope::kDatacenter}) {
    const std::string key(partition::holdScopeName(scope));
    const std::string subject = in.string(key.c_str(), {.id = true});
    if (!in.has(key.c_str())) continue;
    ++given;
    out.hold.scope = scope;
    out.hold.subject = subject;
  }
  if (given != 1) in.error("partition", "one of partition, zone and datacenter must be given");
  out.hold.holder = in.string("holder", {.required = true, .id = true});
  out.hold.reason = reasonOf(in);
  out.life = std::chrono::seconds(in.integer(
      "expires_in_s",
      {.min = 1, .max = HoldBook::kMaxLife.count(), .fallback = HoldBook::kDefaultLife.count()}));
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Checked<HealthReport> decodeReport(std::string_view body) {
  auto root = parseJson(body, kSource);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kSource, problems);
  HealthReport out;
  out.check = in.string("check", {.required = true, .id = true});
  out.up = in.string("state", {.required = true, .one_of = {"up", "down"}}) == "up";
  out.reason = in.string("reason", {.max_bytes = kMaxReason});
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

}  // namespace meridian::admin
