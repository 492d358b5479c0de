// CheckConfig: one `[[health.checks]]` of the server's configuration (docs/config.md), decoded and
// checked.
//
// A check watches one site: it names a datacenter, or an eZone whose datacenter is meant. Sites are
// ids, not indices: the topology may change, or come, after the configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_reader.h"
#include "base/ip.h"

namespace meridian::partition {

enum class CheckKind : std::uint8_t { kTcp, kHttp, kHttps, kDns, kExec, kPushed };
std::string_view checkKindName(CheckKind kind);  // "tcp", …

struct HttpExpectation {
  std::string host;  // Host header, and SNI and the certificate's name for https
  std::string path = "/";
  int status = 200;
  std::string body;                   // must be somewhere in the reply; empty: anything
  std::int64_t certificate_days = 0;  // https: the certificate must last so long still
  bool verify_certificate = true;     // https: chain and name
  std::filesystem::path
      ca_file;  // https: PEM, for names of a private authority; empty: the system's
};

struct DnsExpectation {
  std::string name;        // presentation form, no escapes; labels of 1–63 bytes
  std::uint16_t type = 1;  // A
  std::uint8_t rcode = 0;  // NOERROR
  std::string text;        // must be somewhere in an answer's data; empty: anything
};

struct CheckConfig {
  std::string id;
  std::string datacenter, ezone;  // one of them is empty
  CheckKind kind = CheckKind::kTcp;
  IpEndpoint target;  // not for exec and pushed
  HttpExpectation http;
  DnsExpectation dns;
  std::vector<std::string> command;  // exec: absolute path, then arguments
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds timeout{2'000};  // < interval
  unsigned jitter_percent = 10;              // of the interval, to either side
  unsigned rise = 2;                         // successes in a row until UP
  unsigned fall = 3;                         // failures in a row until DOWN
  bool critical = true;                      // down: the site is DOWN; else DEGRADED

  // Whether this node measures it itself; a pushed check is measured by somebody else.
  bool active() const { return kind != CheckKind::kPushed; }
};

// A key that holds one number, as docs/config.md says it and as it is enforced.
struct CheckNumber {
  std::string_view name, unit;
  std::int64_t min = 0, max = 0, fallback = 0;
};
const std::vector<CheckNumber>& checkNumbers();
// The names of all other keys.
const std::vector<std::string_view>& checkTexts();

inline constexpr std::size_t kMaxChecks = 1024;

// Every error goes to the reader's diagnostics; look there before using the value. Calls finish().
CheckConfig decodeCheck(ObjectReader& in);
// All elements of `checks` (an array's node, or nullptr); ids are unique. `path`: of the array.
// Files are as written: relative to the configuration's folder.
std::vector<CheckConfig> decodeChecks(const ConfigNode::Array* checks, const std::string& path,
                                      const std::string& file, Diagnostics& problems);

}  // namespace meridian::partition
