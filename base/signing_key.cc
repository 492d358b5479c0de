#include "base/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <new>
#include <utility>

namespace meridian {
namespace {

constexpr std::size_t kHalf = 32;             // of a signature, of a point's bytes
constexpr std::uint8_t kUncompressed = 4;     // before x and y (SEC 1 §2.3.3)
constexpr std::size_t kMaxDerSignature = 72;  // two integers of 33 bytes and three heads
// OpenSSL's parameters are not const.
char curve_name[] = "prime256v1";

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeKey>;
using SharedKey = std::shared_ptr<EVP_PKEY>;

// What cannot fail but for want of memory.
void require(bool done) {
  if (!done) throw std::bad_alloc();
}

SharedKey share(EVP_PKEY* key) {
  return {key, FreeKey()};
}

std::vector<std::uint8_t> publicBytesOf(SigningKeyKind kind, EVP_PKEY* key) {
  if (kind == SigningKeyKind::kEd25519) {
    std::vector<std::uint8_t> out(kHalf);
    std::size_t size = out.size();
    require(EVP_PKEY_get_raw_public_key(key, out.data(), &size) == 1 && size == kHalf);
    return out;
  }
  std::array<std::uint8_t, 1 + 2 * kHalf> point{};
  std::size_t size = 0;
  require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                          &size) == 1 &&
          size == point.size() && point[0] == kUncompressed);
  return {point.begin() + 1, point.end()};
}

// nullptr: no key has these. `scalar` is nullptr for a public key.
SharedKey curveKey(std::span<const std::uint8_t> point, const BIGNUM* scalar) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  require(builder != nullptr && context != nullptr);
  require(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_name,
                                          0) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                           point.size()) == 1 &&
          (scalar == nullptr ||
           OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1));
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  require(parameters != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  const int selection = scalar == nullptr ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) != 1) return nullptr;
  return share(key);
}

// The key of a scalar: its public point is the scalar times the curve's generator.
SharedKey curveKeyOf(std::span<const std::uint8_t> secret) {
  const Owned<BIGNUM> scalar(BN_bin2bn(secret.data(), static_cast<int>(secret.size()), nullptr));
  const Owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  require(scalar != nullptr && group != nullptr);
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0)
    return nullptr;
  const Owned<EC_POINT> point(EC_POINT_new(group.get()));
  std::array<std::uint8_t, 1 + 2 * kHalf> bytes{};
  require(point != nullptr &&
          EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1 &&
          EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes.data(),
                             bytes.size(), nullptr) == bytes.size());
  return curveKey(bytes, scalar.get());
}

SignatureBytes fromDer(std::span<const std::uint8_t> der) {
  const unsigned char* at = der.data();
  const Owned<ECDSA_SIG> parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  require(parsed != nullptr);
  SignatureBytes out{};
  require(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out.data(), kHalf) == kHalf &&
          BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out.data() + kHalf, kHalf) == kHalf);
  return out;
}

// Empty: no signature has these numbers.
std::vector<std::uint8_t> toDer(const SignatureBytes& signature) {
  const Owned<ECDSA_SIG> numbers(ECDSA_SIG_new());
  Owned<BIGNUM> r(BN_bin2bn(signature.data(), kHalf, nullptr));
  Owned<BIGNUM> s(BN_bin2bn(signature.data() + kHalf, kHalf, nullptr));
  require(numbers != nullptr && r != nullptr && s != nullptr);
  require(ECDSA_SIG_set0(numbers.get(), r.release(), s.release()) == 1);
  std::vector<std::uint8_t> out(kMaxDerSignature);
  unsigned char* at = out.data();
  const int size = i2d_ECDSA_SIG(numbers.get(), &at);
  require(size > 0);
  out.resize(static_cast<std::size_t>(size));
  return out;
}

const EVP_MD* hashOf(SigningKeyKind kind) {
  return kind == SigningKeyKind::kEcdsaP256 ? EVP_sha256() : nullptr;
}

}  // namespace

Result<SigningKey> SigningKey::generate(SigningKeyKind kind) {
  EVP_PKEY* made = kind == SigningKeyKind::kEcdsaP256
                       ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve_name)
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (made == nullptr) return tl::unexpected(Error{ErrorKind::kIo, "OpenSSL makes no key"});
  SharedKey key = share(made);
  std::vector<std::uint8_t> public_bytes = publicBytesOf(kind, made);
  return SigningKey(kind, std::move(key), std::move(public_bytes));
}

Result<SigningKey> SigningKey::fromPrivate(SigningKeyKind kind,
                                           std::span<const std::uint8_t> secret) {
  if (secret.size() != kPrivateBytes)
    return tl::unexpected(
        Error{ErrorKind::kInvalid, "a private key has " + std::to_string(kPrivateBytes) +
                                       " bytes, this one has " + std::to_string(secret.size())});
  SharedKey key = kind == SigningKeyKind::kEcdsaP256
                      ? curveKeyOf(secret)
                      : share(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(),
                                                           secret.size()));
  if (key == nullptr)
    return tl::unexpected(Error{ErrorKind::kInvalid, "the bytes are no private key of the curve"});
  std::vector<std::uint8_t> public_bytes = publicBytesOf(kind, key.get());
  return SigningKey(kind, std::move(key), std::move(public_bytes));
}

std::vector<std::uint8_t> SigningKey::privateBytes() const {
  std::vector<std::uint8_t> out(kPrivateBytes);
  if (kind_ == SigningKeyKind::kEd25519) {
    std::size_t size = out.size();
    require(EVP_PKEY_get_raw_private_key(key_.get(), out.data(), &size) == 1);
    return out;
  }
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1);
  const Owned<BIGNUM> scalar(number);
  require(BN_bn2binpad(number, out.data(), static_cast<int>(out.size())) ==
          static_cast<int>(out.size()));
  return out;
}

SignatureBytes SigningKey::sign(std::span<const std::uint8_t> data) const {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  require(context != nullptr &&
          EVP_DigestSignInit(context.get(), nullptr, hashOf(kind_), nullptr, key_.get()) == 1);
  std::array<std::uint8_t, kMaxDerSignature> bytes{};
  std::size_t size = bytes.size();
  require(EVP_DigestSign(context.get(), bytes.data(), &size, data.data(), data.size()) == 1);
  if (kind_ == SigningKeyKind::kEcdsaP256) return fromDer(std::span(bytes).first(size));
  SignatureBytes out{};
  require(size == out.size());
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}

bool verifies(SigningKeyKind kind, std::span<const std::uint8_t> public_bytes,
              std::span<const std::uint8_t> data, const SignatureBytes& signature) {
  SharedKey key;
  std::vector<std::uint8_t> encoded(signature.begin(), signature.end());
  if (kind == SigningKeyKind::kEcdsaP256) {
    std::vector<std::uint8_t> point{kUncompressed};
    point.insert(point.end(), public_bytes.begin(), public_bytes.end());
    key = curveKey(point, nullptr);
    encoded = toDer(signature);
  } else if (public_bytes.size() == kHalf) {
    key = share(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_bytes.data(),
                                            public_bytes.size()));
  }
  if (key == nullptr) return false;
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  require(context != nullptr);
  return EVP_DigestVerifyInit(context.get(), nullptr, hashOf(kind), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), encoded.data(), encoded.size(), data.data(),
                          data.size()) == 1;
}

}  // namespace meridian
