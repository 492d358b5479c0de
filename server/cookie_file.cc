#include "server/cookie_file.h"

#include "base/file.h"

namespace meridian::server {
namespace {

constexpr std::size_t kMaxBytes = 4096;

}  // namespace

Result<std::optional<dns::CookieSecrets>> CookieFile::look() {
  const auto text = readFile(path_, kMaxBytes);
  const std::string now = text ? *text : text.error().message;
  if (now == seen_) return std::nullopt;
  seen_ = now;
  if (!text) return tl::unexpected(text.error().within("cookie secrets"));
  auto secrets = dns::CookieSecrets::parse(*text);
  if (!secrets) return tl::unexpected(secrets.error().within(path_.string()));
  return std::move(*secrets);
}

}  // namespace meridian::server
