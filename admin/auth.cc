#include "admin/auth.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/config_node.h"
#include "base/config_reader.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"

namespace meridian::admin {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kMaxTokens = 1000;

constexpr std::string_view kRoles[] = {"agent", "viewer", "operator", "admin"};

bool isDigest(std::string_view text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "Bearer TOKEN"; the scheme's case does not matter (RFC 9110 §11.1).
std::optional<std::string_view> bearerOf(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return std::nullopt;
  const bool same = std::equal(kScheme.begin(), kScheme.end(), header.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
  });
  if (!same) return std::nullopt;
  header.remove_prefix(kScheme.size());
  const std::size_t first = header.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  return header.substr(first);
}

// The token file is written first: a crash between the two files leaves no tokens.json, and the
// next start makes both anew.
Result<std::string> makeFirstToken(const std::filesystem::path& state_dir) {
  const auto token = randomHex(kTokenBytes);
  if (!token) return tl::unexpected(token.error());
  const std::filesystem::path token_file = state_dir / "admin.token";
  if (auto written = writeFileAtomically(token_file, *token + "\n", 0600); !written) {
    return tl::unexpected(written.error());
  }
  const nlohmann::json document = {
      {"format", 1},
      {"tokens", {{{"name", "admin"}, {"role", "admin"}, {"sha256", hex(sha256(*token))}}}}};
  std::string text = document.dump(2) + "\n";
  if (auto written = writeFileAtomically(state_dir / "tokens.json", text, 0600); !written) {
    return tl::unexpected(written.error());
  }
  logInfo("admin_token_made", {{"file", token_file.string()}, {"role", "admin"}});
  return text;
}

}  // namespace

std::string_view roleName(Role role) {
  return kRoles[static_cast<std::size_t>(role)];
}

bool mayUse(Role caller, Role needed) {
  if (needed == Role::kAgent) return caller == Role::kAgent || caller >= Role::kOperator;
  return caller >= needed;
}

Checked<Authenticator> Authenticator::load(const std::filesystem::path& state_dir) {
  const std::filesystem::path file = state_dir / "tokens.json";
  auto text = readFile(file, kMaxTokensFileBytes);
  if (!text && text.error().kind == ErrorKind::kNotFound) text = makeFirstToken(state_dir);
  if (!text) {
    Diagnostics problems;
    problems.add({}, "", "", text.error().message);  // names the file
    return tl::unexpected(problems);
  }
  return parse(*text, file.string());
}

Checked<Authenticator> Authenticator::parse(std::string_view text, const std::string& file) {
  auto root = parseJson(text, file);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  Authenticator out;
  std::set<std::string> names;
  std::set<std::string> digests;
  ObjectReader in(*root, "", file, problems);
  in.integer("format", {.required = true, .min = 1, .max = 1});
  if (const auto* tokens = in.array("tokens", {.required = true, .max = kMaxTokens})) {
    for (std::size_t i = 0; i < tokens->size(); ++i) {
      ObjectReader entry((*tokens)[i], elementPath("tokens", i), file, problems);
      Token token;
      token.principal.name = entry.string("name", {.required = true, .id = true});
      const std::string role = entry.string(
          "role", {.required = true, .one_of = {kRoles[0], kRoles[1], kRoles[2], kRoles[3]}});
      const auto* known = std::find(std::begin(kRoles), std::end(kRoles), role);
      if (known != std::end(kRoles)) token.principal.role = static_cast<Role>(known - kRoles);
      token.sha256 = entry.string("sha256", {.required = true});
      if (entry.has("sha256") && !isDigest(token.sha256)) {
        entry.error("sha256", "must be 64 lower-case hex digits");
      }
      entry.finish();
      if (!names.insert(token.principal.name).second) {
        entry.error("name", "stands twice in this file");
      }
      if (!digests.insert(token.sha256).second) {
        entry.error("sha256", "stands twice in this file");
      }
      out.tokens_.push_back(std::move(token));
    }
  }
  in.finish();
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

Result<Principal> Authenticator::authenticate(
    const std::optional<std::string>& authorization) const {
  if (!authorization) {
    return fail(ErrorKind::kUnauthorized, "a token is needed: Authorization: Bearer TOKEN");
  }
  const auto token = bearerOf(*authorization);
  if (!token) {
    return fail(ErrorKind::kUnauthorized,
                "the Authorization header is not of the form Bearer TOKEN");
  }
  const std::string digest = hex(sha256(*token));
  const Token* match = nullptr;
  for (const Token& known : tokens_) {
    if (equalConstantTime(known.sha256, digest)) match = &known;
  }
  if (match == nullptr) return fail(ErrorKind::kUnauthorized, "the token is not known");
  return match->principal;
}

}  // namespace meridian::admin
