#include "server/tsig_config.h"

#include <set>
#include <string>
#include <utility>

namespace meridian::server {
namespace {

Status isKeyName(std::string_view text) {
  const auto name = dns::Name::parse(text);
  if (!name) return tl::unexpected(name.error());
  return name->view().isRoot() ? fail(ErrorKind::kInvalid, "must not be the root") : Status{};
}
Status isKeyAlgorithm(std::string_view text) {
  const auto algorithm = dns::parseTsigAlgorithm(text);
  return algorithm ? Status{} : tl::unexpected(algorithm.error());
}
Status isSecretFile(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}

TsigKeyConfig decodeTsigKey(ObjectReader& in, const std::filesystem::path& folder) {
  TsigKeyConfig out;
  const auto name = dns::Name::parse(in.string("name", {.required = true, .check = isKeyName}));
  if (name) out.name = name->lowered();
  out.algorithm = dns::parseTsigAlgorithm(
                      in.string("algorithm", {.fallback = "hmac-sha256", .check = isKeyAlgorithm}))
                      .value_or(dns::TsigAlgorithm::kHmacSha256);
  const std::filesystem::path file(
      in.string("secret_file", {.required = true, .check = isSecretFile}));
  out.secret_file = file.is_absolute() ? file : folder / file;
  in.finish();
  return out;
}

}  // namespace

const std::vector<std::string_view>& tsigKeyKeys() {
  static const std::vector<std::string_view> kKeys = {"name", "algorithm", "secret_file"};
  return kKeys;
}

std::vector<TsigKeyConfig> decodeTsigKeys(ObjectReader& root, const std::filesystem::path& folder) {
  std::vector<TsigKeyConfig> out;
  const ConfigNode* section = root.object("tsig");
  if (section == nullptr) return out;
  ObjectReader tsig(*section, root.pathOf("tsig"), root.file(), root.problems());
  const ConfigNode::Array* items = tsig.array("keys", {.max = dns::TsigKeys::kMax});
  const std::size_t count = items == nullptr ? 0 : items->size();
  std::set<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    ObjectReader in((*items)[i], elementPath(tsig.pathOf("keys"), i), root.file(), root.problems());
    TsigKeyConfig key = decodeTsigKey(in, folder);
    if (!key.name.view().isRoot() && !names.insert(key.name.text()).second) {
      in.error("name", "is another key's already");
    }
    out.push_back(std::move(key));
  }
  tsig.finish();
  return out;
}

}  // namespace meridian::server
