// UpdateService: dynamic updates (RFC 2136) from their messages to the zones, and the answers.
//
// In the order of §3: signature, form, zone, grants, prerequisites, the records; then the zone is
// changed as by any edit (dns/zone/zone_service.h): checked, stored, published before the answer.
// Who may not is told REFUSED before anything of the zone is looked at. A NOTIFY (RFC 1996) is told
// to who has the zones that come from elsewhere. Threads: the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/update/update_message.h"
#include "dns/zone/zone_service.h"

namespace meridian::dns {

class UpdateService {
 public:
  // The code that a notice of a change of `zone`, lower-cased, is answered with; `key`: who signed.
  using OnNotice = std::function<Rcode(NameView zone, const Client& client, const TsigKey* key)>;

  // `settings` gives those of the moment. All must outlive this.
  UpdateService(ZoneService& zones, const Clock& clock,
                std::function<const AnswerSettings&()> settings, OnNotice on_notice)
      : zones_(zones),
        clock_(clock),
        settings_(std::move(settings)),
        on_notice_(std::move(on_notice)) {}

  // The response to a message of opcode UPDATE or NOTIFY; `message` may be any other bytes behind
  // its header.
  std::vector<std::uint8_t> answer(std::span<const std::uint8_t> message, const Client& client);

  // Updates answered, by response code.
  const std::map<Rcode, std::uint64_t>& counts() const { return counts_; }

 private:
  Rcode notice(const Query& head, const Client& client, const TsigKey* key) const;
  Rcode update(std::span<const std::uint8_t> message, const Client& client, const TsigKey* key);

  ZoneService& zones_;
  const Clock& clock_;
  std::function<const AnswerSettings&()> settings_;
  OnNotice on_notice_;
  std::map<Rcode, std::uint64_t> counts_;
};

}  // namespace meridian::dns
