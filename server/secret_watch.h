// SecretWatch: the secrets that answers are made with (of DNS cookies, of TSIG keys), from their
// files to those who answer; looked at again and again, so that they are rotated without a restart.
// Threads: the control thread.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "server/config.h"
#include "server/cookie_file.h"
#include "server/state_publisher.h"
#include "server/tsig_files.h"

namespace meridian::server {

class SecretWatch {
 public:
  // How soon a rotated secret is used; RFC 9018 §5 leaves an hour between the steps of a rotation.
  static constexpr std::chrono::seconds kEvery{2};

  // Reads all files, and gives what they say to the publisher, which must outlive this. Cookies
  // without a file get a secret of this process alone.
  static Result<SecretWatch> open(const Config& config, StatePublisher& publisher);

  // Gives on what has changed. A file that cannot be used any more is logged once; what it said
  // before stays.
  void look();

 private:
  explicit SecretWatch(StatePublisher& publisher) : publisher_(&publisher) {}
  Status openCookies(const Config& config);
  Status openTsigKeys(const Config& config);

  StatePublisher* publisher_;
  std::optional<CookieFile> cookies_;
  std::optional<TsigFiles> tsig_keys_;
};

}  // namespace meridian::server
