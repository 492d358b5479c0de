// Bodies of requests about the keys of DNS zones: bytes → values, strictly, every error with its
// path. Pure; fuzzed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "dns/sign/key_plan.h"

namespace meridian::admin {

struct KeyRollBody {
  dns::KeyRole role = dns::KeyRole::kCsk;
  std::string reason;
};
// {"role": "ksk" | "zsk" | "csk", "reason": TEXT}
Checked<KeyRollBody> decodeKeyRoll(std::string_view body);

struct DsSeenBody {
  std::uint16_t tag = 0;
  std::string reason;
};
// {"tag": N, "reason": TEXT}
Checked<DsSeenBody> decodeDsSeen(std::string_view body);

struct KeyImportBody {
  std::string record;  // the .key file
  std::string secret;  // the .private file
  dns::KeyRole role = dns::KeyRole::kCsk;
  std::string reason;
};
// {"key": TEXT, "private": TEXT, "role": "csk", "reason": TEXT}. No error shows the private key.
Checked<KeyImportBody> decodeKeyImport(std::string_view body);

// {"reason": TEXT} → the reason
Checked<std::string> decodeKeyExport(std::string_view body);

}  // namespace meridian::admin
