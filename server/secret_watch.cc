#include "server/secret_watch.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace meridian::server {
namespace {

void logUnread(std::string_view event, const Error& error) {
  logError(event, {{"why", error.message}, {"next", "those read before stay; mend the file"}});
}

}  // namespace

Result<SecretWatch> SecretWatch::open(const Config& config, StatePublisher& publisher) {
  SecretWatch out(publisher);
  if (Status opened = out.openCookies(config); !opened) return tl::unexpected(opened.error());
  if (Status opened = out.openTsigKeys(config); !opened) return tl::unexpected(opened.error());
  return out;
}

Status SecretWatch::openCookies(const Config& config) {
  if (!config.cookies) return {};
  if (config.cookie_secret_file.empty()) {
    auto secrets = dns::CookieSecrets::random();
    if (!secrets) return tl::unexpected(secrets.error().within("cookie secret"));
    publisher_->setCookies(std::make_shared<const dns::CookieSecrets>(std::move(*secrets)));
    return {};
  }
  cookies_.emplace(config.cookie_secret_file);
  auto secrets = cookies_->look();
  if (!secrets) return tl::unexpected(secrets.error());
  publisher_->setCookies(std::make_shared<const dns::CookieSecrets>(std::move(**secrets)));
  return {};
}

Status SecretWatch::openTsigKeys(const Config& config) {
  if (config.tsig_keys.empty()) return {};
  tsig_keys_.emplace(config.tsig_keys);
  auto keys = tsig_keys_->look();
  if (!keys) return tl::unexpected(keys.error());
  publisher_->setTsigKeys(std::make_shared<const dns::TsigKeys>(std::move(**keys)));
  return {};
}

void SecretWatch::look() {
  if (cookies_) {
    auto secrets = cookies_->look();
    if (!secrets) {
      logUnread("cookie_secrets_not_read", secrets.error());
    } else if (*secrets) {
      logInfo("cookie_secrets_read", {{"count", std::to_string((*secrets)->size())}});
      publisher_->setCookies(std::make_shared<const dns::CookieSecrets>(std::move(**secrets)));
    }
  }
  if (tsig_keys_) {
    auto keys = tsig_keys_->look();
    if (!keys) {
      logUnread("tsig_secrets_not_read", keys.error());
    } else if (*keys) {
      logInfo("tsig_secrets_read", {{"count", std::to_string((*keys)->size())}});
      publisher_->setTsigKeys(std::make_shared<const dns::TsigKeys>(std::move(**keys)));
    }
  }
}

}  // namespace meridian::server
