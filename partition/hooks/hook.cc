#include "partition/hooks/hook.h"

#include <array>

namespace meridian::partition {
namespace {

struct PhaseFact {
  std::string_view name;
  HookRole role;
};
// In the order of HookPhase.
constexpr std::array<PhaseFact, kHookPhases> kPhases = {{{"on_detect", HookRole::kNotify},
                                                         {"pre_check", HookRole::kVeto},
                                                         {"pre_block", HookRole::kVeto},
                                                         {"block", HookRole::kAction},
                                                         {"verify", HookRole::kAction},
                                                         {"pre_commit", HookRole::kVeto},
                                                         {"committed", HookRole::kNotify},
                                                         {"reroute", HookRole::kAction},
                                                         {"unblock", HookRole::kAction},
                                                         {"drained", HookRole::kNotify},
                                                         {"post_success", HookRole::kNotify},
                                                         {"post_abort", HookRole::kNotify},
                                                         {"post_failure", HookRole::kNotify}}};

}  // namespace

std::string_view hookPhaseName(HookPhase phase) {
  return kPhases[static_cast<std::size_t>(phase)].name;
}

std::optional<HookPhase> hookPhaseOf(std::string_view name) {
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    if (kPhases[i].name == name) return static_cast<HookPhase>(i);
  }
  return std::nullopt;
}

HookRole hookRole(HookPhase phase) {
  return kPhases[static_cast<std::size_t>(phase)].role;
}

}  // namespace meridian::partition
