#include "partition/drc/link_history.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/log.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kHistoryFamily = "drc_history";
constexpr std::uint8_t kRowFormat = 1;
constexpr std::size_t kRowValueBytes = 22;
constexpr std::uint32_t kNoLag = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kLastHour = 70'389'527;  // of year 9999: what is above is no hour of ours
constexpr std::size_t kHistoryStates = 7;
constexpr std::size_t kHistoryFreshnesses = 3;
constexpr std::chrono::seconds kHour{3'600};

std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class Number>
Number atMost(std::int64_t value, Number most) {
  return static_cast<Number>(std::clamp<std::int64_t>(value, 0, std::int64_t{most}));
}

std::uint32_t storedLag(const std::optional<std::int64_t>& lag) {
  return lag ? atMost<std::uint32_t>(*lag, kNoLag - 1) : kNoLag;
}
std::optional<std::int64_t> lagOf(std::uint32_t stored) {
  return stored == kNoLag ? std::nullopt : std::optional<std::int64_t>(stored);
}

template <std::size_t Size, class Fill>
std::string packed(Fill fill) {
  std::array<std::uint8_t, Size> buffer{};
  ByteWriter out(buffer);
  fill(out);
  return std::string(asText(out.written()));
}

std::string hourKey(std::uint32_t hour) {
  return packed<4>([&](ByteWriter& out) { out.u32(hour); });
}

std::uint32_t hourOf(WallTime at) {
  const auto hour = std::chrono::floor<std::chrono::hours>(at.time_since_epoch()).count();
  return atMost<std::uint32_t>(hour, kLastHour);
}

// All of a link's key but the second in the hour.
std::string linkKey(std::uint32_t hour, const LinkId& link) {
  std::string out = hourKey(hour);
  for (const std::string_view part : {link.source, link.target, link.channel}) {
    out += part;
    out += '\0';
  }
  return out;
}

std::string secondKey(std::uint16_t second) {
  return packed<2>([&](ByteWriter& out) { out.u16(second); });
}

HistoryRow rowOf(const LinkRow& link, const LinkSpan& span, WallTime at) {
  HistoryRow out;
  out.at = at;
  out.state = link.view.state;
  out.worst_state = worseState(span.worst, link.view.state);
  out.freshness = link.view.freshness;
  out.last_lag_ms = link.view.effective_lag_ms;
  out.max_lag_ms = span.max_lag_ms;
  if (out.last_lag_ms) {
    out.max_lag_ms = std::max(out.max_lag_ms.value_or(0), *out.last_lag_ms);
  }
  out.unknown_s = atMost<std::uint16_t>(span.unknown, std::numeric_limits<std::uint16_t>::max());
  std::int64_t conflicts = 0;
  for (const LinkRecord::Report& each : link.record.reports()) {
    conflicts = std::max(conflicts, each.line.conflicts.total);
  }
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  out.unresolved = atMost<std::uint32_t>(link.view.unresolved, kMost);
  out.conflicts = atMost<std::uint32_t>(conflicts, kMost);
  return out;
}

}  // namespace

std::string historyKey(const LinkId& link, WallTime at) {
  const auto since_hour = at.time_since_epoch() - kHour * std::int64_t{hourOf(at)};
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(since_hour).count();
  return linkKey(hourOf(at), link) + secondKey(atMost<std::uint16_t>(second, 3'599));
}

std::string historyValue(const HistoryRow& row) {
  return packed<kRowValueBytes>([&](ByteWriter& out) {
    out.u8(kRowFormat);
    out.u8(static_cast<std::uint8_t>(row.state));
    out.u8(static_cast<std::uint8_t>(row.worst_state));
    out.u8(static_cast<std::uint8_t>(row.freshness));
    out.u32(storedLag(row.last_lag_ms));
    out.u32(storedLag(row.max_lag_ms));
    out.u16(row.unknown_s);
    out.u32(row.unresolved);
    out.u32(row.conflicts);
  });
}

std::optional<HistoryRow> readHistoryValue(std::string_view value) {
  ByteReader in(bytesOf(value));
  const std::uint8_t format = in.u8();
  const std::uint8_t state = in.u8();
  const std::uint8_t worst = in.u8();
  const std::uint8_t freshness = in.u8();
  HistoryRow out;
  out.last_lag_ms = lagOf(in.u32());
  out.max_lag_ms = lagOf(in.u32());
  out.unknown_s = in.u16();
  out.unresolved = in.u32();
  out.conflicts = in.u32();
  const bool whole = in.ok() && in.remaining() == 0 && format == kRowFormat;
  if (!whole || state >= kHistoryStates || worst >= kHistoryStates ||
      freshness >= kHistoryFreshnesses) {
    return std::nullopt;
  }
  out.state = static_cast<LinkState>(state);
  out.worst_state = static_cast<LinkState>(worst);
  out.freshness = static_cast<Freshness>(freshness);
  return out;
}

std::vector<std::string> LinkHistory::families() {
  return {std::string(kHistoryFamily)};
}

Result<LinkHistory> LinkHistory::open(std::shared_ptr<KvStore> store, const HistoryPolicy& policy) {
  LinkHistory out(std::move(store), policy);
  if (const Status found = out.findHours(); !found) return tl::unexpected(found.error());
  std::vector<StoreWrite> batch;
  out.trim(batch);
  if (batch.empty()) return out;
  if (const Status written = out.store_->writeSynced(batch); !written) {
    return tl::unexpected(written.error());
  }
  return out;
}

Status LinkHistory::findHours() {
  // From hour to hour: one look each, however many rows there are.
  std::string from;
  for (bool found = true; found;) {
    found = false;
    Status scanned =
        store_->scan(kHistoryFamily, from, false, [&](std::string_view key, std::string_view) {
          ByteReader in(bytesOf(key));
          const std::uint32_t hour = in.u32();
          if (in.ok() && hour <= kLastHour) {
            hours_.push_back(hour);
            from = hourKey(hour + 1);
            found = true;
            return false;
          }
          ++unreadable_;
          return !in.ok();  // too short for a key; those of no hour stand behind all that are
        });
    if (!scanned) return scanned;
  }
  return {};
}

void LinkHistory::trim(std::vector<StoreWrite>& batch) {
  const std::size_t most = policy_.keep_hours + 1;
  if (hours_.size() <= most) return;
  hours_.erase(hours_.begin(), hours_.end() - static_cast<std::ptrdiff_t>(most));
  batch.push_back({std::string(kHistoryFamily), "", std::nullopt, hourKey(hours_.front())});
}

void LinkHistory::tick(FeedIntake& intake, const FeedTime& now) {
  if (policy_.max_links == 0) return;
  const std::int64_t interval =
      std::chrono::floor<std::chrono::seconds>(now.wall.time_since_epoch()) / policy_.every;
  if (interval_ && *interval_ != interval) write(intake, now.mono);
  interval_ = interval;
}

void LinkHistory::write(FeedIntake& intake, MonotonicTime now) {
  const WallTime at(policy_.every * *interval_);
  std::vector<StoreWrite> batch;
  intake.takeSpans(now, [&](const LinkRow& link, const LinkSpan& span) {
    if (span.looks == 0) return;  // it came since the last look
    if (batch.size() >= policy_.max_links) {
      ++left_out_;
      return;
    }
    batch.push_back({std::string(kHistoryFamily),
                     historyKey({link.source, link.target, link.channel}, at),
                     historyValue(rowOf(link, span, at))});
  });
  if (batch.empty()) return;
  const std::size_t rows = batch.size();
  const auto place = std::lower_bound(hours_.begin(), hours_.end(), hourOf(at));
  if (place == hours_.end() || *place != hourOf(at)) hours_.insert(place, hourOf(at));
  trim(batch);
  const Status written = store_->writeSynced(batch);
  (written ? written_ : lost_) += rows;
  if (!written && !failing_) logError("drc_history_lost", {{"why", written.error().message}});
  if (written && failing_) logInfo("drc_history_written_again", {});
  failing_ = !written;
}

Status LinkHistory::readHour(std::uint32_t hour, const LinkId& link, WallTime since,
                             std::size_t limit, Page& page) {
  const std::string prefix = linkKey(hour, link);
  const WallTime begin{kHour * std::int64_t{hour}};
  return store_->scan(kHistoryFamily, prefix, false,
                      [&](std::string_view key, std::string_view value) {
                        if (key.substr(0, prefix.size()) != prefix) return false;
                        ByteReader in(bytesOf(key.substr(prefix.size())));
                        const std::chrono::seconds second{in.u16()};
                        const bool ours = in.ok() && in.remaining() == 0 && second < kHour;
                        auto row = ours ? readHistoryValue(value) : std::nullopt;
                        if (!row) {
                          ++unreadable_;
                          return true;
                        }
                        row->at = begin + second;
                        if (row->at < since) return true;
                        page.more = page.rows.size() >= limit;
                        if (!page.more) page.rows.push_back(*row);
                        return !page.more;
                      });
}

Result<LinkHistory::Page> LinkHistory::read(const LinkId& link, WallTime since, std::size_t limit) {
  Page page;
  for (auto hour = std::lower_bound(hours_.begin(), hours_.end(), hourOf(since));
       hour != hours_.end() && !page.more; ++hour) {
    if (const Status read = readHour(*hour, link, since, limit, page); !read) {
      return tl::unexpected(read.error());
    }
  }
  return page;
}

}  // namespace meridian::partition
