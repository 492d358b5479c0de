// meridianctl acme: tokens of ACME's DNS-01 challenge.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/ctl/commands.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

struct AcmeArguments {
  std::string name, value;
  std::int64_t expires_in_s = 3600;
};

CLI::App* addTokenCommand(CLI::App& acme, const char* name, const char* help, AcmeArguments& in) {
  CLI::App* sub = acme.add_subcommand(name, help);
  sub->add_option("name", in.name, "_acme-challenge.www.example.org")->required();
  sub->add_option("value", in.value, "What the certificate authority looks for")->required();
  return sub;
}

}  // namespace

void addAcme(CLI::App& app, Globals& globals) {
  CLI::App* acme = app.add_subcommand("acme", "Tokens of ACME's DNS-01 challenge");
  acme->require_subcommand(1);
  onRun(acme->add_subcommand("list", "What stands in zones, and until when"), globals,
        [&globals](HttpClient& client) {
          return show(globals, View::kChallenges, client.get("/v1/acme"));
        });
  const auto in = std::make_shared<AcmeArguments>();
  CLI::App* present = addTokenCommand(*acme, "present", "Put a token into its zone", *in);
  const std::map<std::string, std::int64_t> units = {{"s", 1}, {"m", 60}, {"h", 3600}};
  present
      ->add_option("--expires", in->expires_in_s,
                   "It is taken away after so long: 90s, 30m, 1h (default); at most 168h")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_INSENSITIVE));
  onRun(present, globals, [&globals, in](HttpClient& client) {
    const Json body = {
        {"fqdn", in->name}, {"value", in->value}, {"expires_in_s", in->expires_in_s}};
    return show(globals, View::kChallenge,
                client.send("POST", "/v1/acme/present", {}, bodyOf(body)));
  });
  onRun(addTokenCommand(*acme, "cleanup", "Take it out again", *in), globals,
        [&globals, in](HttpClient& client) {
          const Json body = {{"fqdn", in->name}, {"value", in->value}};
          return show(globals, View::kChallengeRemoved,
                      client.send("POST", "/v1/acme/cleanup", {}, bodyOf(body)));
        });
}

}  // namespace meridian::ctl
