#include "partition/hooks/hook.h"

#include <array>
#include <utility>

namespace meridian::partition {
namespace {
constexpr std::array<std::string_view, kHookPhases> kNames = {
    "on_detect", "pre_check", "pre_block", "block",        "verify",     "pre_commit",  "committed",
    "reroute",   "unblock",   "drained",   "post_success", "post_abort", "post_failure"};
}  // namespace

std::string_view hookPhaseName(HookPhase phase) {
  return kNames[static_cast<std::size_t>(phase)];
}
std::optional<HookPhase> hookPhaseOf(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<HookPhase>(i);
  }
  return std::nullopt;
}
HookRole hookRole(HookPhase phase) {
  using enum HookPhase;
  if (phase == kPreCheck || phase == kPreBlock || phase == kPreCommit) return HookRole::kVeto;
  if (phase == kBlock || phase == kVerify || phase == kReroute || phase == kUnblock) {
    return HookRole::kAction;
  }
  return HookRole::kNotify;
}

}  // namespace meridian::partition
