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
  WallTime next{};                          // when it is signed again
  std::shared_ptr<const KeySet> keys = {};  // that it was signed with; nullptr: it could not be
  bool complete = false;                    // every signature is by those that sign now
};

class SigningService final : public ZoneSigning {
 public:
  // A zone that could not be signed is tried again after that.
  static constexpr std::chrono::seconds kRetry{60};

  // `signs` says which zones are to be signed, `order` how; `data` is such a zone.
  SigningService(const Clock& clock, std::function<bool(NameView apex)> signs,
                 std::function<Result<ZoneSigningOrder>(const Zone& data)> order)
      : clock_(clock), signs_(std::move(signs)), order_(std::move(order)) {}

  bool signs(NameView apex) override { return signs_(apex); }
  Checked<Signed> sign(const Zone* before, const Zone& data) override;

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
  std::function<bool(NameView)> signs_;
  std::function<Result<ZoneSigningOrder>(const Zone&)> order_;
  std::map<std::string, SigningStatus> zones_;  // by apex in wire form
  Counter made_, failed_;
};

}  // namespace meridian::dns
