#include "admin/ctl/show_keys.h"

#include <nlohmann/json.hpp>

#include "admin/ctl/show_json.h"
#include "admin/ctl/text_table.h"

namespace meridian::ctl {

using Json = nlohmann::json;

std::string keysText(const Json& reply) {
  TextTable table({"TAG", "ROLE", "ALGORITHM", "STATE", "SINCE", "NEXT", "WHEN"});
  std::string for_parent;
  for (const Json& each : reply.at("keys")) {
    const bool waits = !each.at("waits_for").is_null();
    table.add({field(each, "tag"), field(each, "role"), field(each, "algorithm"),
               field(each, "state"), field(each, "since"), field(each, "next"),
               waits ? "waits for " + field(each, "waits_for") : field(each, "next_at")});
    const std::string state = field(each, "state");
    if (each.at("ds").is_null() || (state != "ready" && state != "active")) continue;
    for_parent = field(each, "ds");
  }
  std::string out = table.text();
  if (!reply.at("signed_here").get<bool>()) {
    out += "not signed here: no [dns.zones.sign] of the configuration is about the zone\n";
  } else {
    out += for_parent.empty() ? "nothing for the parent yet\n"
                              : "for the parent: " + for_parent + "\n";
  }
  return out;
}

std::string keyChangedText(const Json& reply) {
  const std::string key = field(reply, "zone") + " key " + field(reply, "tag");
  return key + (reply.at("changed").get<bool>() ? ": done\n" : ": it is so already\n");
}

}  // namespace meridian::ctl
