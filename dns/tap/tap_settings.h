// What is told of queries, and to whom: [dnstap] and [query_log] of docs/config.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/ip.h"

namespace meridian::dns {

struct DnstapSettings {
  std::string socket = {};  // path of a unix socket; empty: `address`
  IpEndpoint address = {};
  std::uint32_t sample = 1;  // one query of so many
  // Which messages are made of a query that is told of; at least one.
  bool queries = false;
  bool responses = true;
};

struct QueryLogSettings {
  std::filesystem::path folder = {};
  std::uint32_t sample = 1;
  int keep_days = 7;  // files of earlier days are deleted
};

struct TapSettings {
  std::string identity = {};  // of this server, in dnstap
  std::string version = {};
  std::optional<DnstapSettings> dnstap = {};
  std::optional<QueryLogSettings> log = {};

  bool any() const { return dnstap || log; }
};

}  // namespace meridian::dns
