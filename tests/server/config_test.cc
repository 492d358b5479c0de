// docs/config.md is the contract: keys, ranges, defaults and units are read from its table. Errors
// are checked to the column.
#include "server/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <sstream>

#include "base/file.h"
#include "server/config_keys.h"

namespace meridian::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A row of the documentation's table.
struct Row {
  std::string key, type, unit, range, fallback;
};

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// The texts between backticks.
std::vector<std::string> codeSpans(const std::string& cell) {
  std::vector<std::string> out;
  for (std::size_t open = cell.find('`'); open != std::string::npos;) {
    const std::size_t close = cell.find('`', open + 1);
    if (close == std::string::npos) break;
    out.push_back(cell.substr(open + 1, close - open - 1));
    open = cell.find('`', close + 1);
  }
  return out;
}

std::vector<Row> documentedRows() {
  const auto text =
      readFile(std::filesystem::path(MERIDIAN_SOURCE_DIR) / "docs/config.md", std::size_t{1} << 20);
  std::vector<Row> rows;
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    std::vector<std::string> cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
    if (cells.size() < 6) {
      ADD_FAILURE() << "a row of docs/config.md has too few columns: " << line;
      continue;
    }
    rows.push_back({codeSpans(cells[0]).at(0), cells[1], cells[2], cells[3], cells[4]});
  }
  return rows;
}

// "1–64": an en dash between two numbers.
std::optional<std::pair<std::int64_t, std::int64_t>> bounds(const std::string& range) {
  constexpr std::string_view kDash = "–";
  const std::size_t dash = range.find(kDash);
  if (dash == std::string::npos) return std::nullopt;
  std::int64_t min = 0;
  std::int64_t max = 0;
  const char* const end = range.data() + range.size();
  if (std::from_chars(range.data(), range.data() + dash, min).ptr != range.data() + dash ||
      std::from_chars(range.data() + dash + kDash.size(), end, max).ptr != end) {
    return std::nullopt;
  }
  return std::pair(min, max);
}

// What a check needs beside the key under test, so that the key is all that can be wrong.
std::string checkAround(const std::string& name, const std::string& literal) {
  static const std::map<std::string, std::string> kKinds = {
      {"target", "http"},   {"host", "http"},
      {"path", "http"},     {"status", "http"},
      {"body", "http"},     {"certificate_days", "https"},
      {"qname", "dns"},     {"verify_certificate", "https"},
      {"ca_file", "https"}, {"qtype", "dns"},
      {"rcode", "dns"},     {"text", "dns"},
      {"command", "exec"}};
  std::string kind = name == "kind" ? literal.substr(1, literal.size() - 2) : "pushed";
  if (const auto found = kKinds.find(name); found != kKinds.end()) kind = found->second;
  std::map<std::string, std::string> lines = {
      {"id", "\"c\""}, {"kind", "\"" + kind + "\""}, {"datacenter", "\"d\""}};
  if (kind == "exec") lines["command"] = "[\"/bin/true\"]";
  if (kind == "dns") lines["qname"] = "\"example.org\"";
  if (kind == "https") lines["host"] = "\"example.org\"";
  if (kind != "exec" && kind != "pushed") lines["target"] = "\"192.0.2.1:1\"";
  if (name == "timeout_ms") lines["interval_ms"] = "3600000";
  if (name == "interval_ms") lines["timeout_ms"] = "50";
  if (name == "ezone") lines.erase("datacenter");
  lines.erase(name);
  std::string out;
  for (const auto& [key, value] : lines) out += key + " = " + value + "\n";
  return out;
}

// What a table of drc.pull needs beside the key under test.
std::string pullAround(const std::string& name) {
  std::string out;
  if (name != "agent") out += "agent = \"a\"\n";
  if (name != "dc") out += "dc = \"d\"\n";
  if (name != "url") out += "url = \"http://127.0.0.1\"\n";
  return out;
}

// What a table of dns.listeners needs beside the key under test.
std::string listenerAround(const std::string& name, const std::string& literal) {
  const bool https = literal == "\"https\"" || name == "path";
  const bool tls =
      https || literal == "\"tls\"" || name == "certificate_file" || name == "key_file";
  std::string out;
  if (name != "address") out += "address = \"127.0.0.1:0\"\n";
  const std::string transport = https ? "https" : tls ? "tls" : "tcp";
  if (name != "transport") out += "transport = \"" + transport + "\"\n";
  if (tls && name != "certificate_file") out += "certificate_file = \"c\"\n";
  if (tls && name != "key_file") out += "key_file = \"k\"\n";
  return out;
}

// What a table of tsig.keys needs beside the key under test.
std::string tsigKeyAround(const std::string& name) {
  return std::string(name == "name" ? "" : "name = \"k\"\n") +
         (name == "secret_file" ? "" : "secret_file = \"s\"\n");
}

// A document that gives `key` the value `literal`. Of an array's table it is the only element.
std::string documentWith(const std::string& key, const std::string& literal) {
  const std::size_t dot = key.rfind('.');
  std::string section = key.substr(0, dot);
  const std::string line = key.substr(dot + 1) + " = " + literal + "\n";
  if (section.size() < 2 || section.substr(section.size() - 2) != "[]")
    return "[" + section + "]\n" + line;
  section.resize(section.size() - 2);
  return "[[" + section + "]]\n" + line +
         (section == "dns.listeners" ? listenerAround(key.substr(dot + 1), literal) : "") +
         (section == "tsig.keys" ? tsigKeyAround(key.substr(dot + 1)) : "") +
         (section == "health.checks" ? checkAround(key.substr(dot + 1), literal) : "") +
         (section == "drc.pull" ? pullAround(key.substr(dot + 1)) : "");
}

// The key as errors name it: of the first element.
std::string firstElement(std::string key) {
  if (const std::size_t at = key.find("[]"); at != std::string::npos) key.insert(at + 1, "0");
  return key;
}

std::string errorsOf(const std::string& text) {
  const auto config = parseConfig(text, "m.toml");
  return config ? "" : config.error().text();
}

std::string changeText(const partition::ChangePolicy& change) {
  std::string text =
      fmt::format("change {} {} {} {} {} {}", change.max_lag_ms, change.max_wave_partitions,
                  change.max_moving_share, change.max_utilisation, change.max_utilisation_emergency,
                  change.freeze_windows.size());
  for (const std::chrono::milliseconds each :
       {change.precheck, change.block_ack, change.catch_up, change.verify, change.veto,
        change.block_budget, change.block_lease, change.max_clock_skew, change.reroute,
        change.unblock, change.drain_max, change.soak, change.soak_max, change.cooldown}) {
    text += " " + std::to_string(each.count());
  }
  return text;
}

std::string evacuationText(const partition::PatrolPolicy& policy) {
  return fmt::format("evacuation {} {} {} {}", patrolModeName(policy.evacuate),
                     patrolModeName(policy.bring_home), policy.watch.hold_down.count(),
                     policy.watch.return_hold_down.count());
}

std::string balancerText(const partition::BalancePolicy& policy) {
  return fmt::format("balancer {} {} {} {} {} {} {} {} {} {} {}", policy.gap_start, policy.gap_stop,
                     policy.high, policy.sustained.count(), policy.max_share, policy.max_partitions,
                     policy.max_rounds_per_hour, policy.dwell.count(), policy.max_target,
                     policy.max_growth_km, policy.max_lag_ms);
}

std::string spillText(const partition::SpillPolicy& policy) {
  return fmt::format("spill {} {} {} {} {} {}", policy.enabled, policy.start, policy.stop,
                     policy.max, policy.max_step, policy.period.count());
}

// Everything that a configuration says, a line each. The lists of networks do not tell what is in
// them, so they are asked about addresses inside and beside the documented defaults.
std::vector<std::string> shown(const Config& config) {
  std::vector<std::string> out{
      "node_id " + config.node_id,
      "state_dir " + config.state_dir.string(),
      "log_level " + std::to_string(static_cast<int>(config.log_level)),
      "udp_workers " + std::to_string(config.udp_workers),
      "udp_payload_max " + std::to_string(config.udp_payload_max),
      "cookies " + std::to_string(config.cookies),
      "cookie_secret_file " + config.cookie_secret_file.string(),
      "tcp_max_connections " + std::to_string(config.tcp_max_connections),
      "tcp_max_per_client " + std::to_string(config.tcp_max_per_client),
      "tcp_idle_timeout " + std::to_string(config.tcp_idle_timeout.count()),
      "handshake " + std::to_string(config.handshake_timeout.count()),
      "tcp_fast_open " + std::to_string(config.tcp_fast_open),
      "tcp_write_timeout " + std::to_string(config.tcp_write_timeout.count()),
      "location_option_code " + std::to_string(config.location_option_code),
      fmt::format("transfers_in {} {} {} {}", config.transfers_in.max_transfers,
                  config.transfers_in.max_zone_bytes, config.transfers_in.timeouts.idle.count(),
                  config.transfers_in.timeouts.whole.count()),
      "zones_dir " + config.zones_dir.string(),
      fmt::format("tsig_keys {} networks {}", config.tsig_keys.size(), config.networks.size()),
      "topology_file " + config.topology_file.string(),
      "max_moved_percent " + std::to_string(config.max_moved_percent),
      fmt::format("health {} {}", config.health_max_probes, config.health_checks.size()),
      "admin_listen " + config.admin_listen.text(),
      "admin_max_body_bytes " + std::to_string(config.admin_max_body_bytes),
      "admin_max_connections " + std::to_string(config.admin_max_connections),
      "admin_idle_timeout " + std::to_string(config.admin_idle_timeout.count()),
      "drc_max_agents " + std::to_string(config.drc_limits.max_agents),
      "drc_max_links " + std::to_string(config.drc_limits.max_links),
      "drc_skew_bound " + std::to_string(config.drc_limits.skew_bound.count()),
      "drc_history " + std::to_string(config.drc_history.every.count()) + " " +
          std::to_string(config.drc_history.keep_hours) + " " +
          std::to_string(config.drc_history.max_links),
      "drc_listen " + (config.drc_listen ? config.drc_listen->text() : "none"),
      "drc_max_connections " + std::to_string(config.drc_max_connections),
      "drc_tls " + std::to_string(config.drc_tls.has_value()) + " " +
          std::to_string(config.drc_tls_handshake.count()),
      "drc_pulls " + std::to_string(config.drc_pulls.size()),
      "drc_idle_timeout " + std::to_string(config.drc_idle_timeout.count()),
      "ha_senders " + std::to_string(config.ha.senders.size()),
      "ha_secret_files " + std::to_string(config.ha.secret_files.size()),
      "ha_frozen " + std::to_string(config.ha.frozen),
      changeText(config.change),
      evacuationText(config.evacuation),
      "balancer_mode " + std::string(balanceModeName(config.balancer_mode)),
      balancerText(config.balancer),
      spillText(config.spill),
      "location_option_from empty " + std::to_string(config.location_option_from.empty()),
  };
  for (const IpEndpoint& endpoint : config.dns_listen) out.push_back("listen " + endpoint.text());
  for (const char* address : {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0",
                              "::", "::1", "::2", "192.0.2.1"}) {
    out.push_back("explain_from " + std::string(address) + " " +
                  std::to_string(config.explain_from.contains(IpAddress::parse(address).value())));
  }
  for (const geo::FenceSource& fence : config.fences) {
    out.push_back("fence " + fence.id + " " + fence.path.string() + " " + fence.id_property + " " +
                  std::to_string(static_cast<int>(fence.crs)) + " " +
                  std::to_string(static_cast<int>(fence.edge_model)));
  }
  return out;
}

TEST(ConfigDocumentation, NamesEveryKeyAndNoOther) {
  std::vector<std::string> documented;
  for (const Row& row : documentedRows()) documented.push_back(row.key);
  std::sort(documented.begin(), documented.end());
  EXPECT_EQ(documented, configKeyPaths());
}

TEST(ConfigDocumentation, NumbersHaveTheRangeDefaultAndUnitItSays) {
  std::map<std::string, Row> documented;
  for (const Row& row : documentedRows()) {
    if (row.type == "integer") documented[row.key] = row;
  }
  EXPECT_THAT(documented, SizeIs(numericKeys().size()));
  for (const ConfigKey& key : numericKeys()) {
    const Row& row = documented[std::string(key.section) + "." + std::string(key.name)];
    EXPECT_EQ(row.type, key.type) << key.name;
    EXPECT_EQ(row.unit, key.unit) << key.name;
    EXPECT_EQ(bounds(row.range), std::pair(key.min, key.max)) << key.name;
    EXPECT_EQ(row.fallback, std::to_string(key.fallback)) << key.name;
  }
}

TEST(ConfigDocumentation, NumbersAreTakenWithinTheRangeItSaysAndRefusedBesideIt) {
  for (const Row& row : documentedRows()) {
    if (row.type != "integer") continue;
    const auto range = bounds(row.range);
    ASSERT_TRUE(range) << row.key << ": " << row.range;
    for (const std::int64_t good : {range->first, range->second}) {
      const std::string errors = errorsOf(documentWith(row.key, std::to_string(good)));
      // A budget at its end may not go with the defaults of the others: said of the whole section.
      if (row.key.rfind("change.", 0) == 0) {
        EXPECT_THAT(errors, Not(HasSubstr(row.key + ":"))) << row.key;
      } else {
        EXPECT_EQ(errors, "") << row.key;
      }
    }
    const std::size_t column = row.key.size() - row.key.rfind('.') + 3;
    for (const std::int64_t bad : {range->first - 1, range->second + 1}) {
      EXPECT_EQ(errorsOf(documentWith(row.key, std::to_string(bad))),
                "m.toml:2:" + std::to_string(column) + ": " + firstElement(row.key) + ": " +
                    std::to_string(bad) + ": must be from " + std::to_string(range->first) +
                    " to " + std::to_string(range->second) + "\n");
    }
  }
}

TEST(ConfigDocumentation, ArraysHaveTheSizesItSays) {
  std::size_t arrays = 0;
  for (const Row& row : documentedRows()) {
    const auto range = bounds(row.range);
    if (row.type.rfind("array", 0) != 0) continue;
    ASSERT_TRUE(range) << row.key << ": " << row.range;
    ++arrays;
    std::string element = row.key == "dns.listen" ? "\"127.0.0.1:0\"" : "\"192.0.2.0/24\"";
    if (row.key == "health.checks[].command") element = "\"/bin/true\"";
    if (row.key == "change.freeze_windows") element = "\"10:30-13:30 +08:00\"";
    if (row.key == "ha.senders") element = "\"emha-1\"";
    const auto errors = [&](std::int64_t count) {
      std::string literal = "[";
      for (std::int64_t i = 0; i < count; ++i) literal += (i == 0 ? "" : ", ") + element;
      return errorsOf(documentWith(row.key, literal + "]"));
    };
    EXPECT_EQ(errors(range->first), "") << row.key;
    EXPECT_EQ(errors(range->second), "") << row.key;
    EXPECT_THAT(errors(range->second + 1), HasSubstr(firstElement(row.key) + ": has ")) << row.key;
    if (range->first > 0) {
      EXPECT_THAT(errors(range->first - 1), HasSubstr(firstElement(row.key) + ": has ")) << row.key;
    }
  }
  EXPECT_EQ(arrays, 10U);
}

TEST(ConfigDocumentation, StringsHaveTheLengthsItSays) {
  std::size_t strings = 0;
  for (const Row& row : documentedRows()) {
    const auto range = bounds(row.range);
    if (row.type != "string" || !range) continue;
    ++strings;
    const auto errors = [&](std::int64_t size) {
      return errorsOf(
          documentWith(row.key, "\"" + std::string(static_cast<std::size_t>(size), 'x') + "\""));
    };
    EXPECT_THAT(errors(range->second), Not(HasSubstr("is longer"))) << row.key;
    EXPECT_THAT(errors(range->second + 1),
                HasSubstr("is longer than " + std::to_string(range->second) + " bytes"))
        << row.key;
  }
  EXPECT_EQ(strings, 7U);
}

TEST(ConfigDocumentation, ListedValuesAreTheOnlyOnes) {
  std::size_t listed = 0;
  for (const Row& row : documentedRows()) {
    const auto values = codeSpans(row.range);
    if (row.type != "string" || values.size() < 2) continue;
    ++listed;
    for (const std::string& value : values) {
      EXPECT_THAT(errorsOf(documentWith(row.key, "\"" + value + "\"")), Not(HasSubstr(value)))
          << row.key;
    }
    EXPECT_THAT(errorsOf(documentWith(row.key, "\"other\"")), HasSubstr(": other: ")) << row.key;
  }
  EXPECT_EQ(listed, 12U);
}

TEST(ConfigDocumentation, RequiredKeysAreMissed) {
  const std::string errors = errorsOf(
      "[[geo.databases]]\n[[geo.fences]]\n[[geo.catalogues]]\n[[health.checks]]\n"
      "[[drc.pull]]\n[[dns.listeners]]\n[[tsig.keys]]\n");
  for (const Row& row : documentedRows()) {
    const std::string path = firstElement(row.key);
    EXPECT_EQ(errors.find(": " + path + ": is missing\n") != std::string::npos,
              row.fallback == "required")
        << row.key;
  }
}

TEST(ConfigDocumentation, AnEmptyFileHasTheDefaultsItSays) {
  // What the table gives as defaults, written out: a file that says nothing new.
  std::map<std::string, std::string> sections;
  std::string fence;
  for (const Row& row : documentedRows()) {
    // Other tables that may stand many times have tests of their own.
    if (row.key.find("[].") != std::string::npos && row.key.rfind("geo.", 0) != 0) continue;
    const std::size_t dot = row.key.rfind('.');
    const std::string name = row.key.substr(dot + 1) + " = ";
    const auto values = codeSpans(row.fallback);
    const bool exact = values.size() == 1 && row.fallback == "`" + values[0] + "`";
    if (row.type == "integer") {
      sections[row.key.substr(0, dot)] += name + row.fallback + "\n";
    } else if (row.type == "boolean" || row.type.rfind("array", 0) == 0) {
      sections[row.key.substr(0, dot)] += name + values.at(0) + "\n";
    } else if (row.key.find("[]") == std::string::npos && row.fallback == "none") {
      EXPECT_TRUE(values.empty()) << "absent is its default: nothing to spell out";
    } else if (row.key.rfind("geo.fences[].", 0) == 0 && exact) {
      fence += name + "\"" + values[0] + "\"\n";
    } else if (row.key.find("[]") == std::string::npos) {
      sections[row.key.substr(0, dot)] += name + "\"" + values.at(0) + "\"\n";
    }
  }
  std::string written;
  for (const auto& [section, lines] : sections) written += "[" + section + "]\n" + lines;
  const std::string one_fence = "[[geo.fences]]\nid = \"f\"\npath = \"p\"\n";

  const auto empty = parseConfig(one_fence, "folder/m.toml");
  ASSERT_TRUE(empty) << empty.error().text();
  const auto spelled_out = parseConfig(written + one_fence + fence, "folder/m.toml");
  ASSERT_TRUE(spelled_out) << spelled_out.error().text();
  EXPECT_EQ(shown(*empty), shown(*spelled_out));
  EXPECT_THAT(shown(*empty), ::testing::Contains("listen 127.0.0.1:5300"));
  EXPECT_THAT(written, AllOf(HasSubstr("udp_workers = 0\n"), HasSubstr("zones_dir = \"zones\"\n")));
}

TEST(Config, TheBalancersDefaultsAreThoseOfItsPolicy) {
  EXPECT_EQ(balancerText(parseConfig("", "m.toml")->balancer),
            balancerText(partition::BalancePolicy{}));
}

TEST(Config, TheBalancersBoundsMustFitTogether) {
  EXPECT_EQ(errorsOf("[balancer]\ngap_start_percent = 12\ngap_stop_percent = 11\n"), "");
  EXPECT_EQ(errorsOf("[balancer]\ngap_start_percent = 12\ngap_stop_percent = 12\n"),
            "m.toml:1:1: balancer: the gap to stop at must be below that to start\n");
  EXPECT_THAT(errorsOf("[balancer]\nhigh_percent = 71\nmax_target_percent = 71\n"),
              HasSubstr("balancer: a target may not become so full"));
}

TEST(Config, TheSpillsDefaultsAreThoseOfItsPolicyAndItsBoundsFit) {
  EXPECT_EQ(spillText(parseConfig("", "m.toml")->spill), spillText(partition::SpillPolicy{}));
  EXPECT_EQ(spillText(parseConfig("[spill]\nenabled = false\nperiod_s = 7\n", "m.toml")->spill),
            "spill false 0.85 0.75 0.8 0.05 7");
  EXPECT_EQ(errorsOf("[spill]\nstart_percent = 80\nstop_percent = 80\n"),
            "m.toml:1:1: spill: spill must stop below the load that it starts at\n");
}

TEST(Config, HooksAreRead) {
  const auto config = parseConfig(
      "[[hooks]]\nid = \"dal\"\nexec = [\"hooks/dal\"]\nphases = [\"block\"]\n", "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_THAT(config->hooks, SizeIs(1));
  EXPECT_THAT(config->hooks[0].exec, ElementsAre("/etc/hooks/dal"));
  EXPECT_THAT(errorsOf("[[hooks]]\nid = \"a\"\nurl = \"x\"\nphases = []\n"),
              AllOf(HasSubstr("m.toml:3:7: hooks[0].url: x: "), HasSubstr("hooks[0].phases: ")));
}

TEST(Config, PullsAreRead) {
  const std::string one = "agent = \"drc-sh-1\"\ndc = \"sh\"\nurl = \"https://sh.example/drc/\"\n";
  const auto config = parseConfig(
      "[[drc.pull]]\n" + one + "token_file = \"sh.token\"\nca_file = \"/ca.pem\"\n", "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_THAT(config->drc_pulls, SizeIs(1));
  const partition::PullConfig& pull = config->drc_pulls[0];
  EXPECT_EQ(pull.agent + " " + pull.dc + " " + pull.url, "drc-sh-1 sh https://sh.example/drc");
  EXPECT_EQ(pull.token_file, "/etc/sh.token");
  EXPECT_EQ(pull.ca_file, "/ca.pem");
  EXPECT_EQ(pull.interval.count(), 1'000);
  EXPECT_EQ(pull.timeout.count(), 5'000);
  EXPECT_THAT(errorsOf("[[drc.pull]]\n" + one + "[[drc.pull]]\n" + one),
              HasSubstr("drc.pull[1].agent: drc-sh-1: is fetched from elsewhere already"));
  for (const char* url : {"ftp://a", "http://a/?b", "http://a b", "a"}) {
    EXPECT_THAT(
        errorsOf("[[drc.pull]]\nagent = \"a\"\ndc = \"d\"\nurl = \"" + std::string(url) + "\"\n"),
        HasSubstr("drc.pull[0].url: "));
  }
}

TEST(Config, HaIsRead) {
  const auto config = parseConfig(
      "[ha]\nsenders = [\"emha-1\"]\nsecret_files = [\"s\"]\nfrozen = true\n", "/etc/m.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_THAT(config->ha.senders, ElementsAre("emha-1"));
  EXPECT_THAT(config->ha.secret_files, ElementsAre("/etc/s"));
  EXPECT_TRUE(config->ha.frozen);
  EXPECT_THAT(errorsOf("[ha]\nsenders = [\"A B\"]\nsecret_files = [\"\"]\n"),
              AllOf(HasSubstr("ha.senders[0]"), HasSubstr("ha.secret_files[0]")));
}

}  // namespace
}  // namespace meridian::server
