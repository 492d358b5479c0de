// The keys of the zones that are signed here, among the parts of the server: which zones there are,
// when time has passed, and who is told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/kv_store.h"
#include "dns/answer/serving_state.h"
#include "dns/sign/key_service.h"
#include "server/config.h"

namespace meridian::server {

class KeyWatch {
 public:
  static std::vector<std::string> families() { return dns::KeyService::families(); }
  // Each of `zones` that is to be signed has keys afterwards. `loop` and `clock` must outlive this.
  // kIo, kCorrupt.
  static Result<std::unique_ptr<KeyWatch>> open(EventLoop& loop, const Clock& clock,
                                                const std::shared_ptr<KvStore>& store,
                                                const Config& config,
                                                const dns::AnswerSettings& settings,
                                                const dns::ZoneSet& zones);

  // A zone is new, or has changed. Walks all of one that is to be signed.
  void zoneServed(const dns::LoadedZone& zone);
  dns::KeyService& service() { return service_; }

 private:
  KeyWatch(EventLoop& loop, dns::KeyService service,
           std::shared_ptr<const dns::ZonePolicies> policies);
  Status see(const dns::LoadedZone& zone);

  dns::KeyService service_;
  std::shared_ptr<const dns::ZonePolicies> policies_;
  std::unique_ptr<EventLoop::Timer> tick_;
};

}  // namespace meridian::server
