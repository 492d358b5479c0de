#include "partition/health/check_config.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace meridian::partition {
namespace {

constexpr std::array<std::string_view, 6> kKinds = {"tcp", "http", "https",
                                                    "dns", "exec", "pushed"};

// Names on both sides of a DNS check; what monitors ask for in practice.
constexpr std::array<std::pair<std::string_view, std::uint16_t>, 8> kTypes = {{{"A", 1},
                                                                               {"NS", 2},
                                                                               {"CNAME", 5},
                                                                               {"SOA", 6},
                                                                               {"MX", 15},
                                                                               {"TXT", 16},
                                                                               {"AAAA", 28},
                                                                               {"SRV", 33}}};
constexpr std::array<std::string_view, 6> kRcodes = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                     "NXDOMAIN", "NOTIMP",  "REFUSED"};

std::uint16_t typeOf(std::string_view name) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const auto& type) { return type.first == name; });
  return found == kTypes.end() ? std::uint16_t{1} : found->second;
}

std::vector<std::string_view> typeNames() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kTypes));
  for (const auto& [name, number] : kTypes) names.push_back(name);
  return names;
}

template <std::size_t kCount>
std::size_t indexIn(const std::array<std::string_view, kCount>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? 0 : static_cast<std::size_t>(found - names.begin());
}

bool isVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Status isEndpoint(std::string_view text) {
  const auto endpoint = IpEndpoint::parse(text);
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (endpoint->port == 0) return fail(ErrorKind::kInvalid, "must have a port from 1 to 65535");
  return {};
}

Status isUrlPath(std::string_view text) {
  if (!text.empty() && text.front() == '/' && isVisible(text)) return {};
  return fail(ErrorKind::kInvalid, "must start with '/' and have neither spaces nor control bytes");
}

Status isHostName(std::string_view text) {
  const bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
  if (good && !text.empty() && text.front() != '.') return {};
  return fail(ErrorKind::kInvalid, "must be a host's name: letters, digits, '-', '_' and '.'");
}

Status isDnsName(std::string_view text) {
  if (text == ".") return {};
  const auto bad = [] {
    return fail(ErrorKind::kInvalid,
                "must be a name of labels of 1 to 63 bytes, 253 in all, without escapes");
  };
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > 253 || !isVisible(text)) return bad();
  if (text.find('\\') != std::string_view::npos) return bad();
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    if (end == at || end - at > 63) return bad();
    at = end + 1;
  }
  return {};
}

Status isProgram(std::string_view text) {
  if (!text.empty() && text.front() == '/') return {};
  return fail(ErrorKind::kInvalid, "must be an absolute path: no shell looks for it");
}

std::int64_t number(ObjectReader& in, std::string_view name) {
  const auto& all = checkNumbers();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const CheckNumber& each) { return each.name == name; });
  return in.integer(name, {.min = found->min, .max = found->max, .fallback = found->fallback});
}

// A key that another kind has is a mistake somebody should hear of, not a silent nothing.
void onlyFor(ObjectReader& in, std::string_view key, bool allowed, std::string_view kinds) {
  if (allowed || !in.has(key)) return;
  in.error(key, "is for checks of kind " + std::string(kinds) + " only");
}

void readSite(ObjectReader& in, CheckConfig& out) {
  out.datacenter = in.string("datacenter", {.id = true});
  out.ezone = in.string("ezone", {.id = true});
  if (in.has("datacenter") && in.has("ezone")) {
    in.error("ezone", "stands beside datacenter: a check is of one site");
  } else if (!in.has("datacenter") && !in.has("ezone")) {
    in.error("datacenter", "must be given, or else ezone: whose check is this?");
  }
}

void readTarget(ObjectReader& in, CheckConfig& out) {
  const bool needed = out.kind != CheckKind::kExec && out.kind != CheckKind::kPushed;
  const std::string target = in.string("target", {.check = isEndpoint});
  out.target = IpEndpoint::parse(target).value_or(IpEndpoint{});
  if (needed && !in.has("target")) in.error("target", "is needed by this kind of check");
  onlyFor(in, "target", needed, "tcp, http, https and dns");
}

void readHttp(ObjectReader& in, CheckConfig& out) {
  const bool https = out.kind == CheckKind::kHttps;
  const bool http = https || out.kind == CheckKind::kHttp;
  out.http.host = in.string("host", {.max_bytes = 253, .check = isHostName});
  out.http.path = in.string("path", {.fallback = "/", .max_bytes = 2048, .check = isUrlPath});
  out.http.status = static_cast<int>(number(in, "status"));
  out.http.body = in.string("body", {.max_bytes = 1024});
  out.http.certificate_days = number(in, "certificate_days");
  out.http.verify_certificate = in.boolean("verify_certificate", true);
  out.http.ca_file = in.string("ca_file");
  for (const std::string_view key : {"host", "path", "status", "body"}) {
    onlyFor(in, key, http, "http and https");
  }
  for (const std::string_view key : {"certificate_days", "verify_certificate", "ca_file"}) {
    onlyFor(in, key, https, "https");
  }
  if (https && out.http.verify_certificate && !in.has("host")) {
    in.error("host", "is needed by https: the name that the certificate must have");
  }
}

void readDns(ObjectReader& in, CheckConfig& out) {
  const bool dns = out.kind == CheckKind::kDns;
  out.dns.name = in.string("qname", {.max_bytes = 254, .check = isDnsName});
  out.dns.type = typeOf(in.string("qtype", {.fallback = "A", .one_of = typeNames()}));
  const std::vector<std::string_view> rcodes(kRcodes.begin(), kRcodes.end());
  out.dns.rcode = static_cast<std::uint8_t>(
      indexIn(kRcodes, in.string("rcode", {.fallback = "NOERROR", .one_of = rcodes})));
  out.dns.text = in.string("text", {.max_bytes = 255});
  if (dns && !in.has("qname")) in.error("qname", "is needed by this kind of check");
  for (const std::string_view key : {"qname", "qtype", "rcode", "text"}) {
    onlyFor(in, key, dns, "dns");
  }
}

void readExec(ObjectReader& in, CheckConfig& out) {
  const bool exec = out.kind == CheckKind::kExec;
  out.command = in.strings("command", {.min = 1, .max = 64});
  if (exec && !in.has("command")) in.error("command", "is needed by this kind of check");
  if (!out.command.empty()) {
    if (const Status good = isProgram(out.command.front()); !good) {
      in.error("command", good.error().message);
    }
  }
  onlyFor(in, "command", exec, "exec");
}

void readPace(ObjectReader& in, CheckConfig& out) {
  out.interval = std::chrono::milliseconds(number(in, "interval_ms"));
  out.timeout = std::chrono::milliseconds(number(in, "timeout_ms"));
  out.jitter_percent = static_cast<unsigned>(number(in, "jitter_percent"));
  out.rise = static_cast<unsigned>(number(in, "rise"));
  out.fall = static_cast<unsigned>(number(in, "fall"));
  out.critical = in.boolean("critical", true);
  if (out.timeout >= out.interval) {
    in.error(in.has("timeout_ms") ? "timeout_ms" : "interval_ms",
             "timeout_ms must be shorter than interval_ms: a check must end before its next start");
  }
}

}  // namespace

std::string_view checkKindName(CheckKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

const std::vector<CheckNumber>& checkNumbers() {
  static const std::vector<CheckNumber> kNumbers = {
      {"status", "HTTP status", 100, 599, 200},
      {"certificate_days", "days", 0, 3650, 0},
      {"interval_ms", "ms", 500, 3600000, 5000},
      {"timeout_ms", "ms", 50, 60000, 2000},
      {"jitter_percent", "%", 0, 50, 10},
      {"rise", "results", 1, 100, 2},
      {"fall", "results", 1, 100, 3},
  };
  return kNumbers;
}

const std::vector<std::string_view>& checkTexts() {
  static const std::vector<std::string_view> kTexts = {"id",     "datacenter", "ezone",
                                                       "kind",   "target",     "host",
                                                       "path",   "body",       "verify_certificate",
                                                       "qname",  "qtype",      "rcode",
                                                       "text",   "command",    "critical",
                                                       "ca_file"};
  return kTexts;
}

CheckConfig decodeCheck(ObjectReader& in) {
  CheckConfig out;
  out.id = in.string("id", {.required = true, .id = true});
  const std::vector<std::string_view> kinds(kKinds.begin(), kKinds.end());
  const std::string kind = in.string("kind", {.required = true, .one_of = kinds});
  out.kind = static_cast<CheckKind>(indexIn(kKinds, kind));
  readSite(in, out);
  const bool known = std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
  if (known) {
    readTarget(in, out);
    readHttp(in, out);
    readDns(in, out);
    readExec(in, out);
  } else {
    for (const std::string_view key : checkTexts()) in.ignore(key);
    for (const CheckNumber& key : checkNumbers()) in.ignore(key.name);
  }
  readPace(in, out);
  in.finish();
  return out;
}

std::vector<CheckConfig> decodeChecks(const ConfigNode::Array* checks, const std::string& path,
                                      const std::string& file, Diagnostics& problems) {
  std::vector<CheckConfig> out;
  if (checks == nullptr) return out;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < checks->size(); ++i) {
    ObjectReader in((*checks)[i], elementPath(path, i), file, problems);
    CheckConfig check = decodeCheck(in);
    if (!check.id.empty() && !ids.insert(check.id).second) {
      in.error("id", "stands twice: reports and overrides name a check by it");
    }
    out.push_back(std::move(check));
  }
  return out;
}

}  // namespace meridian::partition
