// SigningService: signs zones with the keys they have at the moment, and knows when each has to be
// signed again.
//
// Threads: the control thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "dns/sign/zone_signer.h"
#include "dns/zone/zone_signing.h"

namespace meridian::dns {

// How a zone is to be signed at this moment.
struct ZoneSigningOrder {
  std::shared_ptr<const KeySet> keys;  // never nullptr
  SigningPolicy policy;
};

// What is known of a zone since it was signed last.
struct SigningStatus {
  WallTime next{};            // when it is signed again
  std::uint32_t max_ttl = 0;  // s; of all its records
  bool complete = false;      // every signature is by the keys that sign now
};

class SigningService final : public ZoneSigning {
 public:
  // A zone that could not be signed is tried again after that.
  static constexpr std::chrono::seconds kRetry{60};

  // `orders`: nullopt for a zone that is not to be signed here.
  SigningService(const Clock& clock,
                 std::function<std::optional<ZoneSigningOrder>(NameView apex)> orders)
      : clock_(clock), orders_(std::move(orders)) {}

  bool signs(NameView apex) override { return orders_(apex).has_value(); }
  Checked<Signed> sign(const Zone* before, const Zone& data) override;

  // Is told each zone that was signed.
  void onSigned(std::function<void(NameView apex, const SigningStatus&)> observer) {
    observer_ = std::move(observer);
  }
  // The zone's keys are others: it is due.
  void wake(NameView apex);
  // Zones that are due; they are not given again before kRetry has passed or they were signed.
  std::vector<Name> takeDue();
  // nullptr: it was never signed.
  const SigningStatus* statusOf(NameView apex) const;

  const Counter& made() const { return made_; }      // signatures
  const Counter& failed() const { return failed_; }  // zones that could not be signed

 private:
  const Clock& clock_;
  std::function<std::optional<ZoneSigningOrder>(NameView)> orders_;
  std::function<void(NameView, const SigningStatus&)> observer_ = [](NameView,
                                                                     const SigningStatus&) {};
  std::map<std::string, SigningStatus> zones_;  // by apex in wire form
  Counter made_, failed_;
};

}  // namespace meridian::dns
