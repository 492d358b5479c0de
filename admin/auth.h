// Who calls, and what they may do: bearer tokens with roles (docs/api.md).
//
// STATE_DIR/tokens.json keeps names, roles and SHA-256 digests, never a token:
//   {"format": 1, "tokens": [{"name": "alice", "role": "operator", "sha256": "64 hex digits"}]}
// Without that file a first admin token is made: STATE_DIR/admin.token, mode 0600.
// Tokens never reach a log or an error. Threads: the control thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"

namespace meridian::admin {

// From viewer on each may do what those before may; an agent may feed replication status only.
enum class Role : std::uint8_t { kAgent, kViewer, kOperator, kAdmin };
// A route for agents is open to operators and admins too.
bool mayUse(Role caller, Role needed);
std::string_view roleName(Role role);

struct Principal {
  std::string name;  // the actor of journal records
  Role role = Role::kAgent;
};

class Authenticator {
 public:
  static constexpr std::size_t kMaxTokensFileBytes = std::size_t{1} << 20;

  // Reads STATE_DIR/tokens.json, or makes the first token and says where in the log. REQUIRES: the
  // folder exists.
  static Checked<Authenticator> load(const std::filesystem::path& state_dir);
  // `file` names the text in errors.
  static Checked<Authenticator> parse(std::string_view text, const std::string& file);

  // The caller that an Authorization header proves. kUnauthorized says what is wrong with it.
  // Compares with every token in constant time.
  Result<Principal> authenticate(const std::optional<std::string>& authorization) const;

  std::size_t size() const { return tokens_.size(); }

 private:
  struct Token {
    Principal principal;
    std::string sha256;  // lower-case hex
  };
  std::vector<Token> tokens_;
};

}  // namespace meridian::admin
