#include "partition/drc/feed_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/config_reader.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 16;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;  // what every JSON reader keeps exact
constexpr std::int64_t kMaxLag = std::int64_t{366} * 86'400'000;
constexpr std::int64_t kMaxTime = 253'402'300'799'999;  // the end of year 9999
constexpr std::size_t kShown = 40;

enum Field : std::uint8_t {
  kType,
  kVersion,
  kAgent,
  kDc,
  kBoot,
  kToken,
  kSeq,
  kSource,
  kTarget,
  kChannel,
  kState,
  kLagMs,
  kSrcPos,
  kAppliedPos,
  kGtidGap,
  kHbTs,
  kLastEventTs,
  kTs,
  kReason,
  kConflicts,
  kTotal,  // from here on: members of conflicts
  kLast1m,
  kUnresolved,
  kFieldCount
};
constexpr std::array<std::string_view, kFieldCount> kNames = {
    "type",    "v",           "agent",    "dc",      "boot",          "token",
    "seq",     "source",      "target",   "channel", "state",         "lag_ms",
    "src_pos", "applied_pos", "gtid_gap", "hb_ts",   "last_event_ts", "ts",
    "reason",  "conflicts",   "total",    "last_1m", "unresolved"};

using Slot = std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                          std::string, Json::value_t>;

tl::unexpected<FeedError> reject(FeedReject reason, std::string text) {
  return tl::unexpected<FeedError>(FeedError{reason, std::move(text)});
}

// Takes the known members of the line out of nlohmann's events: no tree is built, and what nobody
// knows costs no memory.
class Members final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return set(nullptr); }
  bool boolean(bool value) override { return set(value); }
  bool number_integer(std::int64_t value) override { return set(value); }
  bool number_unsigned(std::uint64_t value) override { return set(value); }
  bool number_float(double value, const std::string&) override { return set(value); }
  bool string(std::string& value) override { return set(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }  // not in JSON text

  bool start_object(std::size_t) override {
    const bool conflicts = depth_ == 1 && field_ == kConflicts;
    if (depth_ > 0 && !set(Json::value_t::object)) return false;
    if (conflicts) in_conflicts_ = true;
    return deeper();
  }
  bool end_object() override { return shallower(); }
  bool start_array(std::size_t) override { return set(Json::value_t::array) && deeper(); }
  bool end_array() override { return shallower(); }

  bool key(std::string& name) override {
    field_ = kFieldCount;
    const bool inner = depth_ == 2 && in_conflicts_;
    if (depth_ != 1 && !inner) return true;
    const auto* from = kNames.begin() + (inner ? kTotal : 0);
    const auto* to = inner ? kNames.end() : kNames.begin() + kTotal;
    const auto* found = std::find(from, to, name);
    if (found == to) return true;
    field_ = static_cast<std::size_t>(found - kNames.begin());
    if (std::holds_alternative<std::monostate>(slots_[field_])) return true;
    return failWith(FeedReject::kDuplicate, std::string(*found) + " stands twice");
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return failWith(FeedReject::kNotJson,
                    "not JSON (RFC 8259) at byte " + std::to_string(position));
  }

  Slot& slot(Field field) { return slots_[field]; }
  const FeedError& error() const { return error_; }

 private:
  bool set(Slot value) {
    if (depth_ == 0) return failWith(FeedReject::kNotObject, "a line must be a JSON object");
    if (field_ != kFieldCount && (depth_ == 1 || (depth_ == 2 && in_conflicts_))) {
      slots_[field_] = std::move(value);
    }
    return true;
  }
  bool deeper() {
    if (++depth_ <= kMaxDepth) return true;
    return failWith(FeedReject::kTooDeep,
                    "nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  bool shallower() {
    --depth_;
    if (depth_ == 1) in_conflicts_ = false;
    field_ = kFieldCount;
    return true;
  }
  bool failWith(FeedReject reason, std::string text) {
    error_ = {reason, std::move(text)};
    return false;
  }

  std::array<Slot, kFieldCount> slots_;
  FeedError error_;
  std::size_t field_ = kFieldCount;  // whose value comes next; kFieldCount: nobody's
  std::size_t depth_ = 0;
  bool in_conflicts_ = false;
};

// Reads typed members; the first error stays, what follows it is not looked at.
class Reader {
 public:
  explicit Reader(Members& members) : members_(members) {}

  std::string text(Field field, std::size_t max, bool required) {
    Slot& slot = members_.slot(field);
    if (absent(field, required)) return {};
    auto* value = std::get_if<std::string>(&slot);
    if (value == nullptr) return wrongType(field, "a string"), std::string();
    if (value->size() > max) {
      note(FeedReject::kOutOfRange, name(field) + " has " + std::to_string(value->size()) +
                                        " bytes, more than " + std::to_string(max));
      return {};
    }
    return std::move(*value);
  }

  std::string id(Field field) {
    std::string value = text(field, kMaxPosition, true);
    if (!error_ && !isId(value)) badText(field, value, "must be [a-z0-9][a-z0-9-]{0,47}");
    return value;
  }

  // Printable ASCII without spaces.
  std::string word(Field field, std::size_t max, bool required) {
    std::string value = text(field, max, required);
    const bool good =
        std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!error_ && (!good || (required && value.empty()))) {
      badText(field, value, "must be printable ASCII without spaces");
    }
    return value;
  }

  std::int64_t integer(Field field, std::int64_t min, std::int64_t max, bool required) {
    if (absent(field, required)) return 0;
    const Slot& slot = members_.slot(field);
    if (const auto* value = std::get_if<std::uint64_t>(&slot)) {
      if (*value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return outOfRange(field, std::to_string(*value), min, max);
      }
      return bounded(field, static_cast<std::int64_t>(*value), min, max);
    }
    if (const auto* value = std::get_if<std::int64_t>(&slot)) {
      return bounded(field, *value, min, max);
    }
    wrongType(field, "a whole number");
    return 0;
  }

  // Whole milliseconds, rounded up: pt-heartbeat and its like give fractions.
  std::optional<std::int64_t> lag() {
    const Slot& slot = members_.slot(kLagMs);
    if (std::holds_alternative<std::monostate>(slot)) return std::nullopt;
    if (std::holds_alternative<std::nullptr_t>(slot)) return std::nullopt;
    if (const auto* value = std::get_if<double>(&slot)) {
      const auto limit = static_cast<double>(kMaxLag);
      if (!(*value >= -limit && *value <= limit)) {
        return outOfRange(kLagMs, std::to_string(*value), -kMaxLag, kMaxLag);
      }
      return static_cast<std::int64_t>(std::ceil(*value));
    }
    return integer(kLagMs, -kMaxLag, kMaxLag, true);
  }

  LinkState state() {
    const std::string value = text(kState, kMaxPosition, true);
    if (error_) return LinkState::kUnknown;
    const auto known = linkStateOf(value);
    if (!known) {
      badText(kState, value,
              "must be RUNNING, CATCHING_UP, STALLED, PAUSED, REBASING, BROKEN or UNKNOWN");
    }
    return known.value_or(LinkState::kUnknown);
  }

  Conflicts conflicts() {
    Conflicts out;
    const Slot& slot = members_.slot(kConflicts);
    if (std::holds_alternative<std::monostate>(slot)) return out;
    const auto* kind = std::get_if<Json::value_t>(&slot);
    if (kind == nullptr || *kind != Json::value_t::object) {
      wrongType(kConflicts, "an object");
      return out;
    }
    out.total = integer(kTotal, 0, kMaxCount, false);
    out.last_1m = integer(kLast1m, 0, kMaxCount, false);
    out.unresolved = integer(kUnresolved, 0, kMaxCount, false);
    return out;
  }

  tl::expected<FeedLine, FeedError> done(FeedLine line) {
    if (error_) return tl::unexpected(std::move(*error_));
    return line;
  }

 private:
  static std::string name(Field field) {
    const bool inner = field >= kTotal;
    return (inner ? "conflicts." : "") + std::string(kNames[field]);
  }
  bool absent(Field field, bool required) {
    if (error_) return true;
    if (!std::holds_alternative<std::monostate>(members_.slot(field))) return false;
    if (required) note(FeedReject::kMissing, name(field) + " is missing");
    return true;
  }
  std::int64_t bounded(Field field, std::int64_t value, std::int64_t min, std::int64_t max) {
    if (value >= min && value <= max) return value;
    return outOfRange(field, std::to_string(value), min, max);
  }
  std::int64_t outOfRange(Field field, const std::string& value, std::int64_t min,
                          std::int64_t max) {
    note(FeedReject::kOutOfRange, name(field) + " is " + value + ", must be from " +
                                      std::to_string(min) + " to " + std::to_string(max));
    return 0;
  }
  void wrongType(Field field, std::string_view wanted) {
    note(FeedReject::kWrongType, name(field) + " must be " + std::string(wanted));
  }
  void badText(Field field, const std::string& value, std::string_view rule) {
    note(FeedReject::kBadText,
         name(field) + " is \"" + value.substr(0, kShown) + "\", " + std::string(rule));
  }
  void note(FeedReject reason, std::string text) {
    if (!error_) error_ = FeedError{reason, std::move(text)};
  }

  Members& members_;
  std::optional<FeedError> error_;
};

constexpr std::int64_t kMaxSeq = std::numeric_limits<std::int64_t>::max();

tl::expected<FeedLine, FeedError> readHello(Reader in) {
  HelloLine out;
  in.integer(kVersion, 1, 1, true);
  out.agent = in.id(kAgent);
  out.dc = in.id(kDc);
  out.boot = in.word(kBoot, 64, true);
  out.token = in.word(kToken, 512, false);
  return in.done(std::move(out));
}

tl::expected<FeedLine, FeedError> readLink(Reader in) {
  LinkLine out;
  out.seq = static_cast<std::uint64_t>(in.integer(kSeq, 1, kMaxSeq, true));
  out.source = in.id(kSource);
  out.target = in.id(kTarget);
  out.channel = in.word(kChannel, 64, false);
  if (out.channel.empty()) out.channel = "default";
  out.state = in.state();
  out.lag_ms = in.lag();
  out.src_pos = in.text(kSrcPos, kMaxPosition, false);
  out.applied_pos = in.text(kAppliedPos, kMaxPosition, false);
  out.gtid_gap = static_cast<std::uint64_t>(in.integer(kGtidGap, 0, kMaxCount, false));
  out.hb_ts = in.integer(kHbTs, 0, kMaxTime, false);
  out.last_event_ts = in.integer(kLastEventTs, 0, kMaxTime, false);
  out.ts = in.integer(kTs, 1, kMaxTime, true);
  out.conflicts = in.conflicts();
  auto line = in.done(std::move(out));
  if (!line) return line;
  const auto& link = std::get<LinkLine>(*line);
  if (link.source != link.target) return line;
  return reject(FeedReject::kBadText, "source and target are both \"" + link.source + "\"");
}

}  // namespace

std::string_view feedRejectName(FeedReject reason) {
  constexpr std::array<std::string_view, kFeedRejects> kReasons = {
      "too_long", "not_json",   "not_object",   "too_deep", "duplicate",
      "missing",  "wrong_type", "out_of_range", "bad_text"};
  return kReasons[static_cast<std::size_t>(reason)];
}

tl::expected<FeedLine, FeedError> decodeFeedLine(std::string_view line) {
  if (line.size() > kMaxFeedLine) {
    return reject(FeedReject::kTooLong, "the line has " + std::to_string(line.size()) +
                                            " bytes, more than " + std::to_string(kMaxFeedLine));
  }
  Members members;
  if (!Json::sax_parse(line.begin(), line.end(), &members)) {
    return tl::unexpected(members.error());
  }
  Reader in(members);
  const std::string type = in.text(kType, kMaxFeedLine, true);
  if (type == "link") return readLink(in);
  if (type == "hb") {
    HeartbeatLine out;
    out.seq = static_cast<std::uint64_t>(in.integer(kSeq, 1, kMaxSeq, true));
    out.ts = in.integer(kTs, 1, kMaxTime, true);
    return in.done(out);
  }
  if (type == "hello") return readHello(in);
  if (type == "ack") {
    return in.done(AckLine{static_cast<std::uint64_t>(in.integer(kSeq, 0, kMaxSeq, true))});
  }
  if (type == "bye") return in.done(ByeLine{in.text(kReason, 256, false)});
  return in.done(UnknownLine{type.substr(0, 64)});
}

}  // namespace meridian::partition
