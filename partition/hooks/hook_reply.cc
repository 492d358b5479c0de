#include "partition/hooks/hook_reply.h"

#include <nlohmann/json.hpp>

#include "base/config_reader.h"
#include "base/utf8.h"

namespace meridian::partition {
namespace {

using Json = nlohmann::json;
using Kind = HookReply::Kind;

constexpr int kExitWarning = 10;  // as MHA's scripts have it
constexpr int kExitDefer = 20;

bool isBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string_view firstLine(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  return text.substr(0, text.find('\n'));
}

HookReply permanent(const std::string& why) {
  return {Kind::kPermanent, shownText(why), {}};
}

HookReply readDecision(std::string_view body) {
  const auto root = parseJson(body, "reply");
  if (!root) return permanent(root.error().entries().front().text());
  Diagnostics problems;
  ObjectReader in(*root, "", "reply", problems);
  const std::string decision =
      in.string("decision", {.required = true, .one_of = {"allow", "veto", "defer"}});
  const std::string reason = in.string("reason", {.max_bytes = kMaxHookReplyBytes});
  const bool has_evidence = in.object("evidence") != nullptr;
  // Further members are the receiver's own.
  if (!problems.empty()) return permanent(problems.entries().front().text());
  HookReply reply;
  reply.kind = decision == "veto" ? Kind::kVeto : decision == "defer" ? Kind::kDefer : Kind::kAllow;
  reply.reason = shownText(reason);
  if (has_evidence) {
    // parseJson() has bounded the depth.
    const Json json = Json::parse(body, nullptr, false);
    reply.evidence = json.is_object() ? json.at("evidence").dump() : std::string();
    if (reply.evidence.size() > kMaxHookEvidenceBytes)
      return permanent("the evidence is longer than " + std::to_string(kMaxHookEvidenceBytes) +
                       " bytes");
  }
  return reply;
}

}  // namespace

std::string shownText(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    // Not into the middle of a character.
    while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80)
      --max_bytes;
    text = text.substr(0, max_bytes);
  }
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  if (isPrintableUtf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

HookReply readHttpReply(int status, std::string_view body, HookRole role) {
  if (status == 409) return {Kind::kAllow, "done already (409)", {}};
  if (status >= 200 && status < 300) {
    if (role == HookRole::kNotify || isBlank(body)) return {};
    return readDecision(body);
  }
  const std::string said = isBlank(body) ? "" : ": " + std::string(firstLine(body));
  const bool wrong = status >= 400 && status < 500;
  return {wrong ? Kind::kPermanent : Kind::kRetry,
          shownText("status " + std::to_string(status) + said),
          {}};
}

HookReply readExecEnd(int exit_code, std::string_view output, std::string_view problem) {
  const std::string line(firstLine(isBlank(output) ? problem : output));
  switch (exit_code) {
    case 0:
      return {Kind::kAllow, {}, {}};
    case kExitWarning:
      return {Kind::kAllow, shownText(line.empty() ? "warning (exit code 10)" : line), {}};
    case kExitDefer:
      return {Kind::kDefer, shownText(line), {}};
    default:
      return {
          Kind::kRetry,
          shownText("exit code " + std::to_string(exit_code) + (line.empty() ? "" : ": " + line)),
          {}};
  }
}

HookReply readFailure(const Error& error) {
  return {error.kind == ErrorKind::kUnavailable ? Kind::kRetry : Kind::kPermanent,
          shownText(error.message),
          {}};
}

}  // namespace meridian::partition
