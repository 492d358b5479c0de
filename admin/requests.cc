#include "admin/requests.h"

#include "base/config_node.h"
#include "base/config_reader.h"

namespace meridian::admin {
namespace {

constexpr const char* kSource = "request";

std::string reasonOf(ObjectReader& in) {
  std::string reason = in.string("reason", {.required = true, .max_bytes = kMaxReason});
  if (in.has("reason") && reason.empty()) in.error("reason", "must not be empty");
  return reason;
}

Status isHealth(std::string_view text) {
  if (partition::healthOf(text)) return {};
  return fail(ErrorKind::kInvalid, "must be one of UP, DEGRADED, DOWN, UNKNOWN");
}

}  // namespace

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
