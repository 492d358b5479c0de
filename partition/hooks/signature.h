// Signatures of Standard Webhooks (https://www.standardwebhooks.com), for calls out and calls in.
//
// A message has three headers: webhook-id (the same at every attempt), webhook-timestamp (seconds
// since 1970) and webhook-signature: "v1,<base64 of HMAC-SHA256 over id.timestamp.body>", one for
// each secret, separated by spaces, so that secrets can be changed without a gap.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace meridian::partition {

class WebhookSecret {
 public:
  // "whsec_" and the base64 of 24 to 64 bytes; white space around it is not part of it. The error
  // never shows the text.
  static Result<WebhookSecret> parse(std::string_view text);

  // "v1,…" of one message.
  std::string sign(std::string_view id, std::int64_t timestamp, std::string_view body) const;

 private:
  explicit WebhookSecret(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

// One secret a file, read now: a secret is changed by writing its file. The error names the file.
Result<std::vector<WebhookSecret>> readSecrets(const std::vector<std::filesystem::path>& files);

// The header of a message that all these secrets sign.
std::string signatureHeader(const std::vector<WebhookSecret>& secrets, std::string_view id,
                            std::int64_t timestamp, std::string_view body);

// As they were received, and as hostile.
struct SignedHeaders {
  std::string_view id;
  std::string_view timestamp;
  std::string_view signature;
};
inline constexpr std::int64_t kMaxSignatureSkewSeconds = 300;

// Good when one signature is of one of the secrets and the timestamp is no further than the skew
// from `now`, to either side. kUnauthorized says which is wrong. The time it takes does not tell
// how much of a wrong signature was right.
Status verifySignature(const std::vector<WebhookSecret>& secrets, const SignedHeaders& headers,
                       std::string_view body, WallTime now);

}  // namespace meridian::partition
