#include "partition/hooks/signature.h"

#include <charconv>

#include "base/digest.h"
#include "base/file.h"

namespace meridian::partition {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::size_t kMinKeyBytes = 24;
constexpr std::size_t kMaxKeyBytes = 64;
// Each costs one comparison with each secret's signature.
constexpr std::size_t kMaxSignatures = 16;
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxSecretBytes = 1024;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

tl::unexpected<Error> refused(std::string why) {
  return fail(ErrorKind::kUnauthorized, std::move(why));
}

}  // namespace

Result<WebhookSecret> WebhookSecret::parse(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kSecretPrefix))
    return fail(ErrorKind::kInvalid, "a secret must start with whsec_");
  auto key = fromBase64(text.substr(kSecretPrefix.size()));
  if (!key) return fail(ErrorKind::kInvalid, "what follows whsec_ is not base64");
  if (key->size() < kMinKeyBytes || key->size() > kMaxKeyBytes)
    return fail(ErrorKind::kInvalid, "a secret must have from 24 to 64 bytes");
  return WebhookSecret(std::move(*key));
}

std::string WebhookSecret::sign(std::string_view id, std::int64_t timestamp,
                                std::string_view body) const {
  std::string message(id);
  message.append(".").append(std::to_string(timestamp)).append(".").append(body);
  return "v1," + base64(hmacSha256(key_, message));
}

Result<std::vector<WebhookSecret>> readSecrets(const std::vector<std::filesystem::path>& files) {
  std::vector<WebhookSecret> out;
  for (const std::filesystem::path& file : files) {
    const auto text = readFile(file, kMaxSecretBytes);
    if (!text) return tl::unexpected(text.error());
    auto secret = WebhookSecret::parse(*text);
    if (!secret) return tl::unexpected(secret.error().within(file.string()));
    out.push_back(std::move(*secret));
  }
  return out;
}

std::string signatureHeader(const std::vector<WebhookSecret>& secrets, std::string_view id,
                            std::int64_t timestamp, std::string_view body) {
  std::string out;
  for (const WebhookSecret& secret : secrets) {
    if (!out.empty()) out += ' ';
    out += secret.sign(id, timestamp, body);
  }
  return out;
}

Status verifySignature(const std::vector<WebhookSecret>& secrets, const SignedHeaders& headers,
                       std::string_view body, WallTime now) {
  if (headers.id.empty() || headers.id.size() > kMaxIdBytes)
    return refused("webhook-id is missing or too long");
  std::int64_t timestamp = 0;
  const char* const end = headers.timestamp.data() + headers.timestamp.size();
  if (const auto read = std::from_chars(headers.timestamp.data(), end, timestamp);
      headers.timestamp.empty() || read.ec != std::errc() || read.ptr != end || timestamp < 0)
    return refused("webhook-timestamp is not a number of seconds");
  const std::int64_t seconds =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (timestamp < seconds - kMaxSignatureSkewSeconds ||
      timestamp > seconds + kMaxSignatureSkewSeconds)
    return refused("webhook-timestamp is more than 300 s from now");
  std::vector<std::string> wanted;
  wanted.reserve(secrets.size());
  for (const WebhookSecret& secret : secrets)
    wanted.push_back(secret.sign(headers.id, timestamp, body));
  bool good = false;
  std::string_view rest = headers.signature;
  for (std::size_t i = 0; i < kMaxSignatures && !rest.empty(); ++i) {
    const std::size_t space = rest.find(' ');
    const std::string_view given = rest.substr(0, space);
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    for (const std::string& signature : wanted) good = equalConstantTime(given, signature) || good;
  }
  return good ? Status{} : refused("webhook-signature is of none of the secrets");
}

}  // namespace meridian::partition
