// meridianctl zones: the DNS zones that are served, and edits of them.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "admin/ctl/commands.h"
#include "base/file.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxZoneText = std::size_t{64} << 20;

std::string zonePath(const std::string& zone, const std::string& more = "") {
  return "/v1/zones/" + HttpClient::segment(zone) + more;
}

struct ZoneArguments {
  std::string zone, name, type, file, reason, serial = "increment";
  std::vector<std::string> records;
  std::int64_t ttl = 3600;
  std::optional<std::uint32_t> expected_serial;
  bool discard_edits = false;
  bool whole = false;
};

CLI::App* addCommand(CLI::App& zones, const char* name, const char* help, ZoneArguments& in) {
  CLI::App* sub = zones.add_subcommand(name, help);
  sub->add_option("zone", in.zone, "Its name: example.org")->required();
  return sub;
}

void addReload(CLI::App& zones, Globals& globals) {
  CLI::App* sub = zones.add_subcommand("reload", "Read all zone files again, or one zone's");
  const auto in = std::make_shared<ZoneArguments>();
  sub->add_option("zone", in->zone, "Only this one");
  sub->add_flag("--discard-edits", in->discard_edits, "Give up what was edited since")
      ->needs(sub->get_option("zone"));
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    if (in->zone.empty()) {
      return show(globals, View::kZones, client.send("POST", "/v1/zones/reload", {}, ""));
    }
    const Json body = {{"discard_edits", in->discard_edits}};
    return show(globals, View::kZoneChanged,
                client.send("POST", zonePath(in->zone, "/reload"), {}, bodyOf(body)));
  });
}

void addSet(CLI::App& zones, Globals& globals) {
  const auto in = std::make_shared<ZoneArguments>();
  CLI::App* sub = addCommand(zones, "set", "Make an RRset of a zone what is given", *in);
  sub->add_option("name", in->name, "Owner, relative to the zone or with a final dot; @: the apex")
      ->required();
  sub->add_option("type", in->type, "Type of the records: A, MX, …")->required();
  sub->add_option("records", in->records, "RDATA, one argument a record; none: the RRset goes");
  sub->add_option("--ttl", in->ttl, "In seconds")->capture_default_str();
  sub->add_option("--reason", in->reason, "Why; kept in the log")->required();
  sub->add_option("--expected-serial", in->expected_serial, "Refuse unless this is the serial");
  sub->add_option("--serial", in->serial, "How the serial goes on")
      ->check(CLI::IsMember({"increment", "unixtime", "date"}))
      ->capture_default_str();
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json rrset = {
        {"name", in->name}, {"type", in->type}, {"ttl", in->ttl}, {"records", in->records}};
    Json body = {{"rrsets", Json::array({rrset})}, {"serial", in->serial}, {"reason", in->reason}};
    if (in->expected_serial) body["expected_serial"] = *in->expected_serial;
    return show(globals, View::kZoneChanged,
                client.send("POST", zonePath(in->zone, "/rrsets"), {}, bodyOf(body)));
  });
}

void addPut(CLI::App& zones, Globals& globals) {
  const auto in = std::make_shared<ZoneArguments>();
  CLI::App* sub = addCommand(zones, "put", "Serve a zone from a text, without a file", *in);
  sub->add_option("file", in->file, "Zone file to send")->required();
  sub->add_option("--reason", in->reason, "Why; kept in the log")->required();
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Result<std::string> text = readFile(in->file, kMaxZoneText);
    if (!text) return complain(ExitCode::kUsage, text.error().message);
    const Json body = {{"zone", *text}, {"reason", in->reason}};
    return show(globals, View::kZoneChanged,
                client.send("PUT", zonePath(in->zone), {}, bodyOf(body)));
  });
}

void addRefresh(CLI::App& zones, Globals& globals) {
  const auto in = std::make_shared<ZoneArguments>();
  CLI::App* sub = addCommand(zones, "refresh", "Ask a zone's primaries for it now", *in);
  sub->add_flag("--whole", in->whole, "Take the whole zone (AXFR), whatever its serial");
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{"whole", in->whole}};
    return show(globals, View::kZoneRefreshed,
                client.send("POST", zonePath(in->zone, "/refresh"), {}, bodyOf(body)));
  });
}

}  // namespace

void addZones(CLI::App& app, Globals& globals) {
  CLI::App* zones = app.add_subcommand("zones", "DNS zones");
  zones->require_subcommand(1);
  onRun(zones->add_subcommand("list", "What is served"), globals, [&globals](HttpClient& client) {
    return show(globals, View::kZones, client.get("/v1/zones"));
  });
  const auto in = std::make_shared<ZoneArguments>();
  onRun(addCommand(*zones, "show", "One zone", *in), globals, [&globals, in](HttpClient& client) {
    return show(globals, View::kZone, client.get(zonePath(in->zone)));
  });
  onRun(addCommand(*zones, "export", "The zone as a zone file", *in), globals,
        [&globals, in](HttpClient& client) {
          return show(globals, View::kRaw, client.get(zonePath(in->zone, "/file")));
        });
  onRun(addCommand(*zones, "remove", "Serve a zone that has no file no longer", *in), globals,
        [&globals, in](HttpClient& client) {
          return show(globals, View::kZoneRemoved,
                      client.send("DELETE", zonePath(in->zone), {}, ""));
        });
  addReload(*zones, globals);
  addRefresh(*zones, globals);
  addSet(*zones, globals);
  addPut(*zones, globals);
}

}  // namespace meridian::ctl
