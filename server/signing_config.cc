#include "server/signing_config.h"

#include <string>

namespace meridian::server {
namespace {

using dns::DenialKind;
using dns::SigningAlgorithm;
using dns::SigningPolicy;
using std::chrono::seconds;

constexpr seconds kYear = std::chrono::days(366);
constexpr seconds kDay = std::chrono::days(1);

struct Bounds {
  seconds min;
  seconds max;
};

seconds durationIn(ObjectReader& in, std::string_view key, seconds fallback, Bounds bounds) {
  return seconds(in.integer(
      key, {.min = bounds.min.count(), .max = bounds.max.count(), .fallback = fallback.count()}));
}

std::string inSeconds(seconds value) {
  return std::to_string(value.count()) + " s";
}

// What each duration allows by itself may still not fit together.
void checkDurations(ObjectReader& in, const SigningPolicy& policy) {
  if (policy.refresh_before >= policy.signature_lifetime) {
    in.error("refresh_s", "must be less than signature_s, " + inSeconds(policy.signature_lifetime) +
                              ": no signature would ever be fresh");
  }
  if (policy.refresh_before <= policy.propagation_delay) {
    in.error("refresh_s", "must be more than propagation_delay_s, " +
                              inSeconds(policy.propagation_delay) +
                              ": other servers would have signatures that have ended");
  }
  const seconds publishing = policy.dnskey_ttl + policy.propagation_delay;
  const seconds zsk_roll = publishing + policy.propagation_delay + policy.signature_lifetime;
  if (policy.split_keys && policy.zsk_lifetime != seconds(0) && policy.zsk_lifetime <= zsk_roll) {
    in.error("zsk_lifetime_s",
             "must be 0, or more than a roll may take: dnskey_ttl_s, twice propagation_delay_s and "
             "signature_s, " +
                 inSeconds(zsk_roll));
  }
  seconds ksk_roll = publishing + policy.parent_propagation_delay + policy.parent_ds_ttl;
  if (!policy.split_keys) ksk_roll += policy.propagation_delay + policy.signature_lifetime;
  if (policy.ksk_lifetime != seconds(0) && policy.ksk_lifetime <= ksk_roll) {
    in.error(
        "ksk_lifetime_s",
        "must be 0, or more than a roll takes after the parent has the DS, " + inSeconds(ksk_roll));
  }
}

}  // namespace

std::optional<SigningPolicy> decodeSigning(ObjectReader& zone) {
  const ConfigNode* node = zone.object("sign");
  if (node == nullptr) return std::nullopt;
  ObjectReader in(*node, zone.pathOf("sign"), zone.file(), zone.problems());
  SigningPolicy out;
  const std::size_t problems_before = zone.problems().size();
  const std::string algorithm = in.string(
      "algorithm", {.fallback = "ecdsap256sha256", .one_of = {"ecdsap256sha256", "ed25519"}});
  if (algorithm == "ed25519") out.algorithm = SigningAlgorithm::kEd25519;
  out.split_keys =
      in.string("keys", {.fallback = "csk", .one_of = {"csk", "ksk-zsk"}}) == "ksk-zsk";
  const std::string denial =
      in.string("denial", {.fallback = "nsec", .one_of = {"nsec", "nsec3", "compact"}});
  out.denial = denial == "nsec3"     ? DenialKind::kNsec3
               : denial == "compact" ? DenialKind::kCompact
                                     : DenialKind::kNsec;
  out.signature_lifetime =
      durationIn(in, "signature_s", out.signature_lifetime, {seconds(10), kYear});
  out.refresh_before = durationIn(in, "refresh_s", out.refresh_before, {seconds(1), kYear});
  out.ksk_lifetime = durationIn(in, "ksk_lifetime_s", out.ksk_lifetime, {seconds(0), 30 * kYear});
  out.zsk_lifetime = durationIn(in, "zsk_lifetime_s", out.zsk_lifetime, {seconds(0), 30 * kYear});
  out.dnskey_ttl = durationIn(in, "dnskey_ttl_s", out.dnskey_ttl, {seconds(1), 7 * kDay});
  const Bounds delay{seconds(1), 30 * kDay};
  out.propagation_delay = durationIn(in, "propagation_delay_s", out.propagation_delay, delay);
  out.parent_propagation_delay =
      durationIn(in, "parent_propagation_delay_s", out.parent_propagation_delay, delay);
  out.parent_ds_ttl = durationIn(in, "parent_ds_ttl_s", out.parent_ds_ttl, delay);
  in.finish();
  if (zone.problems().size() == problems_before) checkDurations(in, out);
  return out;
}

}  // namespace meridian::server
