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

}  // namespace meridian::admin
