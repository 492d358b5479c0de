#include "server/listener_config.h"

#include <set>
#include <string>
#include <utility>

namespace meridian::server {
namespace {

constexpr std::size_t kMaxProxyNetworks = 256;

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

std::optional<TlsFiles> readFiles(ObjectReader& in, const std::filesystem::path& folder,
                                  const std::string& transport) {
  const auto file = [&](std::string_view key) -> std::filesystem::path {
    if (!in.has(key)) return {};
    const std::filesystem::path given(in.string(key, {.check = isListenerFile}));
    return given.is_absolute() ? given : folder / given;
  };
  TlsFiles files{file("certificate_file"), file("key_file"), {}};
  for (const char* key : {"certificate_file", "key_file"}) {
    if (transport == "tls" && !in.has(key)) in.error(key, "is missing: the transport tls needs it");
    if (transport == "tcp" && in.has(key)) in.error(key, "is for the transport tls only");
  }
  if (transport != "tls") return std::nullopt;
  return files;
}

ListenerConfig decodeListener(ObjectReader& in, const std::filesystem::path& folder) {
  ListenerConfig out;
  out.address = IpEndpoint::parse(in.string("address", {.required = true, .check = isEndpoint}))
                    .value_or(IpEndpoint{});
  const std::string transport =
      in.string("transport", {.required = true, .one_of = {"tcp", "tls"}});
  out.tls = readFiles(in, folder, transport);
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
  static const std::vector<std::string_view> kKeys = {"address", "transport", "certificate_file",
                                                      "key_file", "proxy_from"};
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
