// Who is told and asked: the [[hooks]] tables of the configuration (docs/hooks.md).
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "partition/hooks/hook.h"

namespace meridian::partition {

struct HookConfig {
  enum class Mode : std::uint8_t {
    kBlocking,  // the phase waits for its answer
    kAsync      // told through the outbox, whatever the phase
  };
  enum class OnError : std::uint8_t { kAbort, kContinue, kPark };

  std::string id;
  std::string url;                  // http:// or https://; or …
  std::vector<std::string> exec;    // … an absolute path and arguments; exactly one of the two
  std::bitset<kHookPhases> phases;  // by the number of HookPhase
  Mode mode = Mode::kBlocking;
  OnError on_error = OnError::kAbort;
  std::chrono::milliseconds timeout{};              // of one attempt; 0: by the phase's role
  unsigned max_attempts = 0;                        // 0: by the phase's role
  bool veto = true;                                 // false: its "no" is shown and does not count
  std::vector<std::filesystem::path> secret_files;  // of signatures, read at each attempt
  std::filesystem::path ca_file;                    // empty: the system's authorities

  bool in(HookPhase phase) const { return phases.test(static_cast<std::size_t>(phase)); }
  // Notify phases never wait.
  bool waitsIn(HookPhase phase) const {
    return mode == Mode::kBlocking && hookRole(phase) != HookRole::kNotify;
  }
};

struct HookLimits {
  std::chrono::milliseconds timeout{};
  unsigned max_attempts = 0;
};
// Veto 2 s × 2, action 5 s × 3, told 5 s × 8, unless the hook says otherwise.
HookLimits hookLimits(const HookConfig& hook, HookPhase phase);

std::string_view hookModeName(HookConfig::Mode mode);
std::string_view hookOnErrorName(HookConfig::OnError on_error);

// Reads the array "hooks" of the document; every error goes to the reader's diagnostics. Relative
// paths are joined to `folder`. An absent array is no hooks.
std::vector<HookConfig> decodeHooks(ObjectReader& root, const std::filesystem::path& folder);

// The keys of one table, for the test of the documentation.
const std::vector<std::string_view>& hookConfigKeys();

}  // namespace meridian::partition
