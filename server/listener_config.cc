#include "server/listener_config.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace meridian::server {
namespace {

constexpr std::size_t kMaxProxyNetworks = 256;
constexpr std::size_t kMaxPath = 255;
constexpr const char* kDefaultPath = "/dns-query";

Status isEndpoint(std::string_view text) {
  const auto value = IpEndpoint::parse(text);
  return value ? Status{} : tl::unexpected(value.error());
}
Status isNetwork(std::string_view text) {
  const auto value = IpPrefix::parse(text);
  return value ? Status{} : tl::unexpected(value.error());
}
Status isListenerFile(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}

// As it stands in a request: no query, and nothing that a client would have to escape.
Status isUrlPath(std::string_view text) {
  const bool fits = text.starts_with('/') && text.size() <= kMaxPath &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return c > ' ' && c < 0x7F &&
                             std::string_view("\"#%<>?\\^`{|}").find(c) == std::string_view::npos;
                    });
  return fits ? Status{}
              : fail(ErrorKind::kInvalid, "must begin with / and be a path as a URL has it");
}

std::optional<TlsFiles> readFiles(ObjectReader& in, const std::filesystem::path& folder,
                                  const std::string& transport) {
  const auto file = [&](std::string_view key) -> std::filesystem::path {
    if (!in.has(key)) return {};
    const std::filesystem::path given(in.string(key, {.check = isListenerFile}));
    return given.is_absolute() ? given : folder / given;
  };
  TlsFiles files{file("certificate_file"), file("key_file"), {}};
  for (const char* key : {"certificate_file", "key_file"}) {
    if (transport == "tcp" && in.has(key)) {
      in.error(key, "is for the transports tls and https only");
    } else if ((transport == "tls" || transport == "https") && !in.has(key)) {
      in.error(key, "is missing: the transport " + transport + " needs it");
    }
  }
  if (transport != "tls" && transport != "https") return std::nullopt;
  return files;
}

ListenerConfig decodeListener(ObjectReader& in, const std::filesystem::path& folder) {
  ListenerConfig out;
  out.address = IpEndpoint::parse(in.string("address", {.required = true, .check = isEndpoint}))
                    .value_or(IpEndpoint{});
  const std::string transport =
      in.string("transport", {.required = true, .one_of = {"tcp", "tls", "https"}});
  out.tls = readFiles(in, folder, transport);
  if (transport == "https") {
    out.doh_path = in.has("path") ? in.string("path", {.check = isUrlPath}) : kDefaultPath;
  } else if (in.has("path")) {
    in.error("path", "is for the transport https only");
  }
  std::vector<IpPrefix> proxies;
  for (const std::string& text :
       in.strings("proxy_from", {.max = kMaxProxyNetworks}, {.check = isNetwork})) {
    if (const auto network = IpPrefix::parse(text)) proxies.push_back(*network);
  }
  out.proxy_from = IpPrefixList(std::move(proxies));
  for (const std::string_view key : listenerKeys()) in.ignore(key);
  in.finish();
  return out;
}

}  // namespace

const std::vector<std::string_view>& listenerKeys() {
  static const std::vector<std::string_view> kKeys = {"address",  "transport", "certificate_file",
                                                      "key_file", "path",      "proxy_from"};
  return kKeys;
}

std::vector<ListenerConfig> decodeListeners(ObjectReader& dns, const std::filesystem::path& folder,
                                            const std::vector<IpEndpoint>& taken) {
  std::vector<ListenerConfig> out;
  const ConfigNode::Array* items = dns.array("listeners", {.max = kMaxListeners});
  if (items == nullptr) return out;
  std::set<std::string> addresses;
  for (const IpEndpoint& each : taken) addresses.insert(each.text());
  for (std::size_t i = 0; i < items->size(); ++i) {
    ObjectReader in((*items)[i], elementPath(dns.pathOf("listeners"), i), dns.file(),
                    dns.problems());
    ListenerConfig listener = decodeListener(in, folder);
    if (listener.address.port != 0 && !addresses.insert(listener.address.text()).second) {
      in.error("address", "is listened on already");
    }
    out.push_back(std::move(listener));
  }
  return out;
}

}  // namespace meridian::server
