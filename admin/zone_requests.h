// Bodies of requests about DNS zones: bytes → values, strictly, every error with its path. Pure;
// fuzzed.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "dns/zone/zone_service.h"

namespace meridian::admin {

struct ZoneEditBody {
  dns::ZoneEdit edit;
  std::string reason;
};
// {"rrsets": [{"name": TEXT, "type": TEXT, "ttl": N, "records": [TEXT…]}], "expected_serial": N,
//  "serial": "increment", "reason": TEXT}; names relative to `apex` unless they end with a dot. An
// RRset without records is deleted, and needs no TTL.
Checked<ZoneEditBody> decodeZoneEdit(std::string_view body, const dns::Name& apex);

struct ZoneTextBody {
  std::string zone;  // as a zone file
  std::string reason;
};
// {"zone": TEXT, "reason": TEXT}
Checked<ZoneTextBody> decodeZoneText(std::string_view body);

struct ZoneReloadBody {
  dns::Edits edits = dns::Edits::kKeep;
};
// {"discard_edits": false}, or nothing.
Checked<ZoneReloadBody> decodeZoneReload(std::string_view body);

struct ChallengeBody {
  dns::Name owner;
  std::string value;
  std::chrono::seconds life{};
};
// {"fqdn": TEXT, "value": TEXT, "expires_in_s": 3600}
Checked<ChallengeBody> decodeChallenge(std::string_view body);

struct ZoneRefreshBody {
  bool whole = false;
};
// {"whole": false}, or nothing.
Checked<ZoneRefreshBody> decodeZoneRefresh(std::string_view body);

}  // namespace meridian::admin
