#include "dns/sign/signing_service.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/log.h"
#include "dns/sign/online_signer.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kMinRenewals = 10'000;  // a quarter of a second

std::string keyOf(NameView apex) {
  return std::string(asText(apex.wire()));
}

}  // namespace

Checked<ZoneSigning::Signed> SigningService::sign(const Zone* before, const Zone& data) {
  const WallTime now = clock_.wallNow();
  SigningStatus& status = zones_[keyOf(data.apex())];
  status.next = now + kRetry;
  const Result<ZoneSigningOrder> order = order_(data);
  if (!order) {
    failed_.add();
    Diagnostics problems;
    problems.add({}, data.apex().text(), "", order.error().message);
    return tl::unexpected(std::move(problems));
  }
  // Large zones come to an end in a score of passes, which each walk the zone.
  const std::size_t renewals = std::max(kMinRenewals, data.recordCount() / 20);
  auto outcome = signZone({before, data, *order->keys, order->policy, now, renewals});
  if (!outcome) {
    failed_.add();
    return tl::unexpected(std::move(outcome.error()));
  }
  made_.add(outcome->made);
  status = {outcome->next, order->keys, outcome->left == 0};
  if (outcome->changed) {
    logInfo("zone_signed", {{"zone", data.apex().text()},
                            {"signatures_made", std::to_string(outcome->made)},
                            {"signatures_kept", std::to_string(outcome->kept)},
                            {"left_for_the_next_pass", std::to_string(outcome->left)}});
  }
  Signed out{std::move(outcome->zone), outcome->changed};
  if (order->policy.denial == DenialKind::kCompact) {
    out.online = std::make_shared<const OnlineKeys>(
        OnlineKeys{order->keys, order->policy.signature_lifetime, order->policy.refresh_before});
  }
  return out;
}

void SigningService::wake(NameView apex) {
  const auto found = zones_.find(keyOf(apex));
  if (found != zones_.end()) found->second.next = clock_.wallNow();
}

std::vector<Name> SigningService::takeDue() {
  const WallTime now = clock_.wallNow();
  std::vector<Name> out;
  for (auto& [key, status] : zones_) {
    if (status.next > now) continue;
    status.next = now + kRetry;
    const auto name =
        Name::fromWire(std::span(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()));
    if (name) out.push_back(*name);
  }
  return out;
}

const SigningStatus* SigningService::statusOf(NameView apex) const {
  const auto found = zones_.find(keyOf(apex));
  return found == zones_.end() ? nullptr : &found->second;
}

}  // namespace meridian::dns
