#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <memory>
#include <new>
#include <vector>

namespace meridian {
namespace {

struct HashFacts {
  char name[7];  // as OpenSSL knows it; its parameters are not const
  std::size_t bytes;
};

HashFacts factsOf(HashKind kind) {
  switch (kind) {
    case HashKind::kSha1:
      return {"SHA1", 20};
    case HashKind::kSha224:
      return {"SHA224", 28};
    case HashKind::kSha256:
      return {"SHA256", 32};
    case HashKind::kSha384:
      return {"SHA384", 48};
    case HashKind::kSha512:
      break;
  }
  return {"SHA512", 64};
}

}  // namespace

Sha256 sha256(std::string_view data) {
  Sha256 out{};
  // A string's bytes are what is hashed; char and unsigned char may alias.
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data());
  return out;
}

Sha1 sha1(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second) {
  struct Free {
    void operator()(EVP_MD* method) const { EVP_MD_free(method); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  // Looked up once: OpenSSL would search its providers, under a lock, at each call.
  static const std::unique_ptr<EVP_MD, Free> method(EVP_MD_fetch(nullptr, "SHA1", nullptr));
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  Sha1 out{};
  // Cannot fail with these arguments but for want of memory.
  if (method == nullptr || context == nullptr ||
      EVP_DigestInit_ex(context.get(), method.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(context.get(), second.data(), second.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
    throw std::bad_alloc();
  return out;
}

std::uint64_t firstEightBytes(const Sha256& digest) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8U | digest[i];
  return out;
}

Sha256 hmacSha256(std::string_view key, std::string_view data) {
  Sha256 out{};
  // Cannot fail with these arguments but for want of memory.
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(),
           nullptr) == nullptr)
    throw std::bad_alloc();
  return out;
}

std::size_t hashBytes(HashKind kind) {
  return factsOf(kind).bytes;
}

void Hmac::Free::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

// None of these can fail with such arguments but for want of memory.
Hmac::Hmac(HashKind kind, std::string_view key) {
  // Looked up once: that takes a lock. Shared by all threads, and never freed.
  static EVP_MAC* const kHmac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  if (kHmac == nullptr) throw std::bad_alloc();
  context_.reset(EVP_MAC_CTX_new(kHmac));
  HashFacts facts = factsOf(kind);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, facts.name, 0),
      OSSL_PARAM_construct_end()};
  if (!context_ || EVP_MAC_init(context_.get(), reinterpret_cast<const unsigned char*>(key.data()),
                                key.size(), parameters) != 1)
    throw std::bad_alloc();
}

void Hmac::add(std::span<const std::uint8_t> part) {
  if (EVP_MAC_update(context_.get(), part.data(), part.size()) != 1) throw std::bad_alloc();
}

Mac Hmac::finish() {
  Mac out;
  if (EVP_MAC_final(context_.get(), out.bytes.data(), &out.size, out.bytes.size()) != 1)
    throw std::bad_alloc();
  return out;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  std::vector<unsigned char> out((bytes.size() + 2) / 3 * 4 + 1);  // EVP ends it with a zero
  const int size = EVP_EncodeBlock(out.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + size};
}

Result<std::string> fromBase64(std::string_view text) {
  const auto wrong = [] { return fail(ErrorKind::kInvalid, "is not base64"); };
  if (text.size() % 4 != 0) return wrong();
  if (text.empty()) return std::string();
  std::vector<unsigned char> out(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return wrong();
  // EVP counts the bytes of the padding, and lets pass what it would not have written.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  if (base64(out) != text) return wrong();
  return std::string(out.begin(), out.end());
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Status fillRandom(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) == 1) return {};
  return fail(ErrorKind::kIo, "the system's random source failed");
}

Result<std::string> randomHex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  if (Status filled = fillRandom(random); !filled) return tl::unexpected(filled.error());
  return hex(random);
}

bool equalConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace meridian
