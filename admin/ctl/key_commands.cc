// meridianctl keys: the keys that DNS zones are signed with.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

#include "admin/ctl/commands.h"
#include "base/file.h"

namespace meridian::ctl {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxKeyFile = std::size_t{16} << 10;

struct KeyArguments {
  std::string zone, role, file, reason, directory = ".";
  std::uint16_t tag = 0;
};

std::string keysPath(const KeyArguments& in, const std::string& more = "") {
  return "/v1/zones/" + HttpClient::segment(in.zone) + "/keys" + more;
}

CLI::App* addKeyCommand(CLI::App& keys, const char* name, const char* help, KeyArguments& in) {
  CLI::App* sub = keys.add_subcommand(name, help);
  sub->add_option("zone", in.zone, "Its name: example.org")->required();
  return sub;
}

void addReason(CLI::App& sub, KeyArguments& in) {
  sub.add_option("--reason", in.reason, "Why; kept in the log")->required();
}

void addRole(CLI::App& sub, KeyArguments& in) {
  sub.add_option("role", in.role, "ksk, zsk or csk")
      ->required()
      ->check(CLI::IsMember({"ksk", "zsk", "csk"}));
}

// "Kexample.org.+013+00342", with .key, .private or neither.
std::string withoutSuffix(const std::string& file) {
  for (const std::string_view suffix : {".key", ".private"}) {
    if (file.ends_with(suffix)) return file.substr(0, file.size() - suffix.size());
  }
  return file;
}

ExitCode importFrom(const Globals& globals, HttpClient& client, const KeyArguments& in) {
  const std::string base = withoutSuffix(in.file);
  const auto record = readFile(base + ".key", kMaxKeyFile);
  if (!record) return complain(ExitCode::kUsage, record.error().message);
  const auto secret = readFile(base + ".private", kMaxKeyFile);
  if (!secret) return complain(ExitCode::kUsage, secret.error().message);
  const Json body = {
      {"key", *record}, {"private", *secret}, {"role", in.role}, {"reason", in.reason}};
  return show(globals, View::kKeyChanged,
              client.send("POST", keysPath(in, "/import"), {}, bodyOf(body)));
}

// The server's reply is not to decide where a file is written.
bool isFileName(const std::string& name) {
  return name.starts_with('K') && name.find('/') == std::string::npos;
}

ExitCode exportTo(const Globals& globals, HttpClient& client, const KeyArguments& in) {
  const auto reply = client.send("POST", keysPath(in, "/" + std::to_string(in.tag) + "/export"), {},
                                 bodyOf(Json{{"reason", in.reason}}));
  if (!reply || reply->status != 200) return show(globals, View::kRaw, reply);
  const Json files = Json::parse(reply->body, nullptr, false);
  const auto text = [&](const char* name) {
    return files.is_object() && files.contains(name) && files[name].is_string()
               ? files[name].get<std::string>()
               : std::string();
  };
  const std::string name = text("name");
  if (!isFileName(name)) {
    return complain(ExitCode::kRefused, "the reply names no file to write: " + name);
  }
  const std::filesystem::path base = std::filesystem::path(in.directory) / name;
  constexpr mode_t kSecret = 0600, kPublic = 0644;
  for (const auto& [suffix, member, mode] :
       {std::tuple{".private", "private", kSecret}, std::tuple{".key", "key", kPublic}}) {
    const Status written = writeFileAtomically(base.string() + suffix, text(member), mode);
    if (!written) return complain(ExitCode::kUsage, written.error().message);
  }
  print(base.string() + "\n");
  return ExitCode::kDone;
}

void addRoll(CLI::App& keys, Globals& globals) {
  const auto in = std::make_shared<KeyArguments>();
  CLI::App* sub = addKeyCommand(keys, "roll", "Put a new key in the place of one", *in);
  addRole(*sub, *in);
  addReason(*sub, *in);
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{"role", in->role}, {"reason", in->reason}};
    return show(globals, View::kKeyChanged,
                client.send("POST", keysPath(*in, "/roll"), {}, bodyOf(body)));
  });
}

void addDsSeen(CLI::App& keys, Globals& globals) {
  const auto in = std::make_shared<KeyArguments>();
  CLI::App* sub = addKeyCommand(keys, "ds-seen", "The parent serves the DS of a key", *in);
  sub->add_option("tag", in->tag, "The key's tag")->required();
  addReason(*sub, *in);
  onRun(sub, globals, [&globals, in](HttpClient& client) {
    const Json body = {{"tag", in->tag}, {"reason", in->reason}};
    return show(globals, View::kKeyChanged,
                client.send("POST", keysPath(*in, "/ds-seen"), {}, bodyOf(body)));
  });
}

void addImport(CLI::App& keys, Globals& globals) {
  const auto in = std::make_shared<KeyArguments>();
  CLI::App* sub = addKeyCommand(keys, "import", "Take a key that BIND's or ldns's tools made", *in);
  addRole(*sub, *in);
  sub->add_option("file", in->file, "K<zone>+<algorithm>+<tag>, beside it .key and .private")
      ->required();
  addReason(*sub, *in);
  onRun(sub, globals,
        [&globals, in](HttpClient& client) { return importFrom(globals, client, *in); });
}

void addExport(CLI::App& keys, Globals& globals) {
  const auto in = std::make_shared<KeyArguments>();
  CLI::App* sub = addKeyCommand(keys, "export", "Write a key, its private half too, to files", *in);
  sub->add_option("tag", in->tag, "The key's tag")->required();
  sub->add_option("--directory", in->directory, "Where to")->capture_default_str();
  addReason(*sub, *in);
  onRun(sub, globals,
        [&globals, in](HttpClient& client) { return exportTo(globals, client, *in); });
}

}  // namespace

void addKeys(CLI::App& app, Globals& globals) {
  CLI::App* keys = app.add_subcommand("keys", "Keys that DNS zones are signed with");
  keys->require_subcommand(1);
  const auto in = std::make_shared<KeyArguments>();
  onRun(addKeyCommand(*keys, "list", "A zone's keys, and what comes next for each", *in), globals,
        [&globals, in](HttpClient& client) {
          return show(globals, View::kKeys, client.get(keysPath(*in)));
        });
  addRoll(*keys, globals);
  addDsSeen(*keys, globals);
  addImport(*keys, globals);
  addExport(*keys, globals);
}

}  // namespace meridian::ctl
