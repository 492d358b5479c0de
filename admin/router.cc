#include "admin/router.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "admin/reply.h"

namespace meridian::admin {
namespace {

constexpr std::size_t kMaxParameters = 32;

std::vector<std::string> splitPath(std::string_view path) {
  std::vector<std::string> out;
  std::size_t at = 1;  // after the first '/'
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    out.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool isParameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Length of the UTF-8 sequence at `at`, 0 when there is none (RFC 3629 §4).
std::size_t utf8At(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string shownText(std::string_view text) {
  constexpr std::size_t kShown = 80;
  return "\"" + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "…\"" : "\"");
}

}  // namespace

std::optional<std::string> ApiCall::parameter(std::string_view name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

Result<std::uint64_t> ApiCall::number(std::string_view name, std::uint64_t fallback,
                                      std::uint64_t min, std::uint64_t max) const {
  const auto text = parameter(name);
  if (!text) return fallback;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < min || value > max) {
    return fail(ErrorKind::kInvalid, std::string(name) + "=" + shownText(*text) +
                                         ": must be a whole number from " + std::to_string(min) +
                                         " to " + std::to_string(max));
  }
  return value;
}

Result<bool> ApiCall::flag(std::string_view name) const {
  const auto text = parameter(name);
  if (!text || *text == "0" || *text == "false") return false;
  if (*text == "1" || *text == "true") return true;
  return fail(ErrorKind::kInvalid, std::string(name) + "=" + shownText(*text) + ": must be 0 or 1");
}

void Router::add(Route route) {
  std::vector<std::string> segments = splitPath(route.path);
  // Literal segments first, so that /v1/versions/diff is not taken for a revision.
  const auto before = [](const Entry& a, const Entry& b) {
    return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(),
                                        b.segments.end(),
                                        [](const std::string& x, const std::string& y) {
                                          return !isParameter(x) && isParameter(y);
                                        });
  };
  Entry entry{std::move(route), std::move(segments)};
  entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), entry, before),
                  std::move(entry));
}

void Router::handle(HttpRequest request, const std::shared_ptr<Responder>& responder) {
  std::optional<HttpReply> now = reply(std::move(request), responder);
  ++counters_.replies[now ? now->status : 200];
  if (now) responder->send(std::move(*now));
}

std::optional<HttpReply> Router::reply(HttpRequest request,
                                       const std::shared_ptr<Responder>& responder) {
  const std::vector<std::string> segments = splitPath(request.path);
  std::set<std::string_view> allowed;
  ApiCall call;
  call.http = std::move(request);
  for (const Entry& entry : entries_) {
    if (entry.segments.size() != segments.size()) continue;
    std::map<std::string, std::string, std::less<>> params;
    bool matches = true;
    for (std::size_t i = 0; matches && i < segments.size(); ++i) {
      const std::string& pattern = entry.segments[i];
      if (!isParameter(pattern)) {
        matches = pattern == segments[i];
      } else if (const auto value = percentDecode(segments[i]); value && !value->empty()) {
        params[pattern.substr(1, pattern.size() - 2)] = *value;
      } else {
        matches = false;
      }
    }
    if (!matches) continue;
    if (entry.route.method != call.http.method) {
      allowed.insert(httpMethodName(entry.route.method));
      continue;
    }
    call.params = std::move(params);
    if (auto refusal = admit(entry, call)) return refusal;
    return entry.route.handler(call, responder);
  }
  if (allowed.empty()) {
    return errorReply(404, "not_found", "no route " + shownText(call.http.path));
  }
  std::string list;
  for (const std::string_view method : allowed) {
    list += (list.empty() ? "" : ", ") + std::string(method);
  }
  HttpReply refusal = errorReply(405, "method_not_allowed", "this path takes " + list);
  refusal.headers.emplace_back("Allow", list);
  return refusal;
}

std::optional<HttpReply> Router::admit(const Entry& entry, ApiCall& call) {
  if (entry.route.role) {
    auto caller = authenticator_.authenticate(call.http.authorization);
    if (!caller) {
      ++counters_.unauthorized;
      HttpReply refusal = errorReply(caller.error());
      refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"meridian\"");
      return refusal;
    }
    const bool as_agent = entry.route.also_agents && caller->role == Role::kAgent;
    if (!as_agent && !mayUse(caller->role, *entry.route.role)) {
      ++counters_.forbidden;
      return errorReply(403, "forbidden",
                        "needs the role " + std::string(roleName(*entry.route.role)) + "; " +
                            caller->name + " has " + std::string(roleName(caller->role)));
    }
    call.caller = std::move(*caller);
  }
  auto query = parseQuery(call.http.query);
  if (!query) return errorReply(query.error());
  for (const auto& [name, value] : *query) {
    const auto& known = entry.route.query;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string takes;
    for (const std::string& each : known) takes += (takes.empty() ? "" : ", ") + each;
    return errorReply(400, "invalid",
                      "query parameter " + shownText(name) +
                          " is not known here; this path takes " +
                          (takes.empty() ? "none" : takes));
  }
  call.query = std::move(*query);
  return std::nullopt;
}

Result<std::string> percentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(ErrorKind::kInvalid,
                    shownText(text) + ": % must be followed by two hex digits");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return fail(ErrorKind::kInvalid, "a zero byte in the URL");
    out += c;
  }
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t length = utf8At(out, at);
    if (length == 0) return fail(ErrorKind::kInvalid, shownText(text) + ": not UTF-8");
    at += length;
  }
  return out;
}

Result<std::map<std::string, std::string, std::less<>>> parseQuery(std::string_view query) {
  std::map<std::string, std::string, std::less<>> out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percentDecode(pair.substr(0, equals));
    if (!name) return tl::unexpected(name.error().within("query"));
    const auto value = percentDecode(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return tl::unexpected(value.error().within("query parameter " + *name));
    if (!out.emplace(*name, *value).second) {
      return fail(ErrorKind::kInvalid, "query parameter " + shownText(*name) + " stands twice");
    }
    if (out.size() > kMaxParameters) return fail(ErrorKind::kInvalid, "too many query parameters");
  }
  return out;
}

}  // namespace meridian::admin
