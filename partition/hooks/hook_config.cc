#include "partition/hooks/hook_config.h"

#include <algorithm>
#include <set>

namespace meridian::partition {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxHooks = 64;
constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxSecrets = 4;
constexpr std::int64_t kMaxTimeoutMillis = 60'000;
constexpr std::int64_t kMaxAttempts = 20;

Status isUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://")
             ? Status{}
             : fail(ErrorKind::kInvalid, "must start with http:// or https://");
}
Status isPhase(std::string_view text) {
  return hookPhaseOf(text) ? Status{} : fail(ErrorKind::kInvalid, "is not a phase");
}
Status isPath(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}
Status isArgument(std::string_view text) {
  return text.find('\0') == std::string_view::npos
             ? Status{}
             : fail(ErrorKind::kInvalid, "must not have a zero byte");
}

class HookDecoder {
 public:
  HookDecoder(ObjectReader& in, const std::filesystem::path& folder) : in_(in), folder_(folder) {}

  HookConfig run() {
    HookConfig hook;
    hook.id = in_.string("id", {.required = true, .id = true});
    readTarget(hook);
    for (const std::string& name : in_.strings(
             "phases", {.required = true, .min = 1, .max = kHookPhases}, {.check = isPhase})) {
      if (const auto phase = hookPhaseOf(name)) hook.phases.set(static_cast<std::size_t>(*phase));
    }
    const std::string mode =
        in_.string("mode", {.fallback = "blocking", .one_of = {"blocking", "async"}});
    hook.mode = mode == "async" ? HookConfig::Mode::kAsync : HookConfig::Mode::kBlocking;
    const std::string on_error =
        in_.string("on_error", {.fallback = "abort", .one_of = {"abort", "continue", "park"}});
    hook.on_error = on_error == "park"       ? HookConfig::OnError::kPark
                    : on_error == "continue" ? HookConfig::OnError::kContinue
                                             : HookConfig::OnError::kAbort;
    if (hook.on_error == HookConfig::OnError::kContinue && hook.in(HookPhase::kBlock)) {
      in_.error("on_error",
                "is not for phase block: a site that was not blocked would write beside "
                "the new owner");
    }
    hook.timeout = milliseconds(in_.integer("timeout_ms", {.min = 0, .max = kMaxTimeoutMillis}));
    hook.max_attempts =
        static_cast<unsigned>(in_.integer("max_attempts", {.min = 0, .max = kMaxAttempts}));
    hook.veto = in_.boolean("veto", true);
    in_.finish();
    return hook;
  }

 private:
  std::filesystem::path joined(const std::string& text) const {
    const std::filesystem::path given(text);
    return given.is_absolute() ? given : folder_ / given;
  }

  void readTarget(HookConfig& hook) {
    if (in_.has("url") == in_.has("exec"))
      in_.error("url", "exactly one of url and exec is needed");
    if (in_.has("url")) hook.url = in_.string("url", {.max_bytes = 2048, .check = isUrl});
    if (in_.has("exec")) {
      hook.exec = in_.strings("exec", {.min = 1, .max = kMaxArguments}, {.check = isArgument});
      // The file's folder may be relative itself.
      if (!hook.exec.empty())
        hook.exec.front() = std::filesystem::absolute(joined(hook.exec.front())).string();
      if (in_.has("secret_files") || in_.has("ca_file"))
        in_.error("exec", "secret_files and ca_file are of hooks with a url");
    }
    for (const std::string& text :
         in_.strings("secret_files", {.max = kMaxSecrets}, {.check = isPath}))
      hook.secret_files.push_back(joined(text));
    if (in_.has("ca_file")) hook.ca_file = joined(in_.string("ca_file", {.check = isPath}));
    in_.ignore("url");
    in_.ignore("exec");
    in_.ignore("ca_file");
  }

  ObjectReader& in_;
  const std::filesystem::path& folder_;
};

}  // namespace

HookLimits hookLimits(const HookConfig& hook, HookPhase phase) {
  HookLimits limits{milliseconds(5'000), 8};
  if (hook.waitsIn(phase)) {
    limits = hookRole(phase) == HookRole::kVeto ? HookLimits{milliseconds(2'000), 2}
                                                : HookLimits{milliseconds(5'000), 3};
  }
  if (hook.timeout.count() > 0) limits.timeout = hook.timeout;
  if (hook.max_attempts > 0) limits.max_attempts = hook.max_attempts;
  return limits;
}

std::string_view hookModeName(HookConfig::Mode mode) {
  return mode == HookConfig::Mode::kAsync ? "async" : "blocking";
}

std::string_view hookOnErrorName(HookConfig::OnError on_error) {
  switch (on_error) {
    case HookConfig::OnError::kContinue:
      return "continue";
    case HookConfig::OnError::kPark:
      return "park";
    case HookConfig::OnError::kAbort:
      break;
  }
  return "abort";
}

std::vector<HookConfig> decodeHooks(ObjectReader& root, const std::filesystem::path& folder) {
  std::vector<HookConfig> out;
  const ConfigNode::Array* items = root.array("hooks", {.max = kMaxHooks});
  if (items == nullptr) return out;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < items->size(); ++i) {
    ObjectReader in((*items)[i], elementPath(root.pathOf("hooks"), i), root.file(),
                    root.problems());
    HookConfig hook = HookDecoder(in, folder).run();
    if (!hook.id.empty() && !ids.insert(hook.id).second) in.error("id", "another hook has this id");
    out.push_back(std::move(hook));
  }
  return out;
}

const std::vector<std::string_view>& hookConfigKeys() {
  static const std::vector<std::string_view> kKeys = {
      "id",         "url",          "exec", "phases",       "mode",   "on_error",
      "timeout_ms", "max_attempts", "veto", "secret_files", "ca_file"};
  return kKeys;
}

}  // namespace meridian::partition
