// Router: one table of routes; finds the route, checks the caller's role and the query parameters,
// calls the handler.
//
// Order of refusals: 404 unknown path, 405 with Allow, 401, 403, 400 bad parameters. So a caller
// without a token learns which paths exist (they are public documentation), and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/auth.h"
#include "admin/http_server.h"
#include "base/result.h"

namespace meridian::admin {

// A request that passed the router: decoded, allowed, with known parameters only.
struct ApiCall {
  HttpRequest http;
  std::map<std::string, std::string, std::less<>> params;  // of the path
  std::map<std::string, std::string, std::less<>> query;
  Principal caller;  // empty for routes without a role

  // The parameter's value, or nullopt when absent.
  std::optional<std::string> parameter(std::string_view name) const;
  // A whole number in [min, max]; `fallback` when absent; kInvalid names the parameter.
  Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback, std::uint64_t min,
                               std::uint64_t max) const;
  // "1", "true" or "0", "false"; false when absent.
  Result<bool> flag(std::string_view name) const;
};

// nullopt: the handler keeps the responder and replies later.
using RouteHandler = std::function<std::optional<HttpReply>(
    const ApiCall& call, const std::shared_ptr<Responder>& responder)>;

struct Route {
  HttpMethod method = HttpMethod::kGet;
  std::string path;  // "/v1/partitions/{id}/remap"; literal segments win over {params}
  std::optional<Role> role = Role::kViewer;  // nullopt: no token needed
  bool also_agents = false;                  // agents may use it too, whom no other role includes
  std::vector<std::string> query = {};       // parameters it takes
  RouteHandler handler = {};
};

class Router {
 public:
  // What happened to requests, for metrics.
  struct Counters {
    std::map<int, std::uint64_t> replies;  // by status; replies that came later count as 200
    std::uint64_t unauthorized = 0;
    std::uint64_t forbidden = 0;
  };

  explicit Router(Authenticator authenticator) : authenticator_(std::move(authenticator)) {}

  // REQUIRES: no other route has this method and path.
  void add(Route route);
  void handle(HttpRequest request, const std::shared_ptr<Responder>& responder);
  const Counters& counters() const { return counters_; }
  const Authenticator& authenticator() const { return authenticator_; }

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
  };
  std::optional<HttpReply> reply(HttpRequest request, const std::shared_ptr<Responder>& responder);
  std::optional<HttpReply> admit(const Entry& entry, ApiCall& call);

  Authenticator authenticator_;
  std::vector<Entry> entries_;
  Counters counters_;
};

// %-decoding (RFC 3986 §2.1); kInvalid for a broken escape, a zero byte or bytes that are no UTF-8.
Result<std::string> percentDecode(std::string_view text);
// "a=1&b=2"; '+' is a plus. kInvalid: a name twice, a broken escape.
Result<std::map<std::string, std::string, std::less<>>> parseQuery(std::string_view query);

}  // namespace meridian::admin
