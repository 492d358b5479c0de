#include "server/tsig_files.h"

#include <utility>

#include "base/digest.h"
#include "base/token_file.h"

namespace meridian::server {

Result<std::optional<dns::TsigKeys>> TsigFiles::look() {
  std::vector<Result<std::string>> texts;
  std::vector<std::string> now;
  for (const TsigKeyConfig& key : keys_) {
    texts.push_back(readTokenFile(key.secret_file));
    now.push_back(texts.back() ? *texts.back() : texts.back().error().message);
  }
  if (now == seen_) return std::nullopt;
  seen_ = std::move(now);
  std::vector<dns::TsigKey> keys;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const std::string what = "tsig key " + keys_[i].name.text();
    if (!texts[i]) return tl::unexpected(texts[i].error().within(what));
    auto secret = fromBase64(*texts[i]);
    if (!secret) {
      return tl::unexpected(secret.error().within(keys_[i].secret_file.string()).within(what));
    }
    keys.push_back({keys_[i].name, keys_[i].algorithm, std::move(*secret)});
  }
  auto built = dns::TsigKeys::build(std::move(keys));
  if (!built) return tl::unexpected(built.error().within("tsig"));
  return std::move(*built);
}

}  // namespace meridian::server
