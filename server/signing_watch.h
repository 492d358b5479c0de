// What signs zones, among the parts of the server: their keys, when time has passed, and who is
// told what is served.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/kv_store.h"
#include "dns/answer/serving_state.h"
#include "dns/sign/key_service.h"
#include "dns/sign/signing_service.h"
#include "dns/zone/zone_service.h"
#include "server/config.h"

namespace meridian::server {

class SigningWatch {
 public:
  static std::vector<std::string> families() { return dns::KeyService::families(); }
  // `clock` must outlive this. kIo, kCorrupt.
  static Result<std::unique_ptr<SigningWatch>> open(const Clock& clock,
                                                    const std::shared_ptr<KvStore>& store,
                                                    const Config& config,
                                                    const dns::AnswerSettings& settings);

  // What ZoneService signs with.
  dns::ZoneSigning& signing() { return signing_; }
  dns::KeyService& keys() { return keys_; }
  // From now on what is due is signed. To be called when the zones are served; both must outlive
  // this.
  void start(EventLoop& loop, dns::ZoneService& zones);
  // What is to be signed from now on.
  void setPolicies(std::shared_ptr<const dns::ZonePolicies> policies) {
    policies_ = std::move(policies);
  }
  // A zone is new, or has changed, and is served. Walks all of one that is to be signed.
  void zoneServed(const dns::LoadedZone& zone);

 private:
  SigningWatch(const Clock& clock, dns::KeyService keys,
               std::shared_ptr<const dns::ZonePolicies> policies);
  Result<dns::ZoneSigningOrder> orderFor(const dns::Zone& data);
  void tick(dns::ZoneService& zones);
  // To the keys, on which their next steps wait.
  void report(dns::NameView apex);

  dns::KeyService keys_;
  std::shared_ptr<const dns::ZonePolicies> policies_;
  dns::SigningService signing_;
  std::unique_ptr<EventLoop::Timer> tick_;
};

}  // namespace meridian::server
