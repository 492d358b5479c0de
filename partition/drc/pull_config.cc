#include "partition/drc/pull_config.h"

#include <algorithm>
#include <set>

namespace meridian::partition {
namespace {

constexpr std::size_t kMaxPullUrl = 2048;

Status isPullUrl(std::string_view text) {
  const bool http = text.starts_with("http://") || text.starts_with("https://");
  if (!http) return fail(ErrorKind::kInvalid, "must start with http:// or https://");
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#';
  });
  return plain ? Status{} : fail(ErrorKind::kInvalid, "must not have spaces, '?' or '#'");
}
Status isPullFile(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}

std::chrono::milliseconds pullMillis(ObjectReader& in, std::string_view name) {
  const auto& numbers = pullNumbers();
  const auto number = std::find_if(numbers.begin(), numbers.end(),
                                   [&](const PullNumber& each) { return each.name == name; });
  return std::chrono::milliseconds(
      in.integer(name, {.min = number->min, .max = number->max, .fallback = number->fallback}));
}

PullConfig decodePull(ObjectReader& in, const std::filesystem::path& folder) {
  const auto file = [&](std::string_view key) -> std::filesystem::path {
    if (!in.has(key)) return {};
    const std::filesystem::path given(in.string(key, {.check = isPullFile}));
    return given.is_absolute() ? given : folder / given;
  };
  PullConfig out;
  out.agent = in.string("agent", {.required = true, .id = true});
  out.dc = in.string("dc", {.required = true, .id = true});
  out.url = in.string("url", {.required = true, .max_bytes = kMaxPullUrl, .check = isPullUrl});
  while (out.url.ends_with('/')) out.url.pop_back();
  out.token_file = file("token_file");
  out.ca_file = file("ca_file");
  out.interval = pullMillis(in, "interval_ms");
  out.timeout = pullMillis(in, "timeout_ms");
  for (const std::string_view key : pullTexts()) in.ignore(key);
  in.finish();
  return out;
}

}  // namespace

const std::vector<PullNumber>& pullNumbers() {
  static const std::vector<PullNumber> kNumbers = {
      {"interval_ms", "ms", 100, 60000, 1000},
      {"timeout_ms", "ms", 100, 60000, 5000},
  };
  return kNumbers;
}

const std::vector<std::string_view>& pullTexts() {
  static const std::vector<std::string_view> kTexts = {"agent", "dc", "url", "token_file",
                                                       "ca_file"};
  return kTexts;
}

std::vector<PullConfig> decodePulls(ObjectReader& drc, const std::filesystem::path& folder) {
  std::vector<PullConfig> out;
  const ConfigNode::Array* items = drc.array("pull", {.max = kMaxPulls});
  if (items == nullptr) return out;
  std::set<std::string> agents;
  for (std::size_t i = 0; i < items->size(); ++i) {
    ObjectReader in((*items)[i], elementPath(drc.pathOf("pull"), i), drc.file(), drc.problems());
    PullConfig pull = decodePull(in, folder);
    if (!pull.agent.empty() && !agents.insert(pull.agent).second) {
      in.error("agent", "is fetched from elsewhere already");
    }
    out.push_back(std::move(pull));
  }
  return out;
}

}  // namespace meridian::partition
