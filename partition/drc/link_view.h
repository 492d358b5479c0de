// What is known of the replication from one site to another, for those who decide by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::partition {

enum class Freshness : std::uint8_t { kFresh, kStale, kUnknown };
enum class LinkState : std::uint8_t {
  kRunning,
  kCatchingUp,
  kStalled,
  kPaused,
  kRebasing,
  kBroken,
  kUnknown
};
std::string_view freshnessName(Freshness freshness);
std::string_view linkStateName(LinkState state);

struct LinkView {
  LinkState state = LinkState::kUnknown;
  Freshness freshness = Freshness::kUnknown;
  std::optional<std::int64_t> effective_lag_ms = {};
  std::optional<std::int64_t> worst_lag_60s_ms = {};
  std::string src_pos = {}, applied_pos = {};
  std::uint64_t src_seq = 0, applied_seq = 0;
  std::uint64_t gtid_gap = 0;
  bool conflicts_growing = false;
  std::int64_t unresolved = 0;
  std::int64_t skew_ms = 0;
  bool skewed = false;
};

class LinkSource {
 public:
  virtual ~LinkSource() = default;
  virtual LinkView link(std::string_view source_dc, std::string_view target_dc) const = 0;
  virtual bool contains(std::string_view source_dc, std::string_view target_dc,
                        std::string_view barrier) const = 0;
};

}  // namespace meridian::partition
