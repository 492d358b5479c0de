// HttpClient: requests to one Meridian server, over libcurl.
//
// TLS certificates are verified; redirects are not followed (they would carry the token elsewhere);
// replies are bounded. Threads: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace meridian::ctl {

struct Reply {
  long status = 0;
  std::string body;
};

// Name and value; encoded into the query when sent. Empty values are left out.
using Query = std::vector<std::pair<std::string, std::string>>;

class HttpClient {
 public:
  static constexpr std::size_t kMaxReplyBytes = std::size_t{256} << 20;

  // `token` empty: none is sent.
  HttpClient(std::string url, const std::string& token);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // kUnavailable: no reply; the message says why. Any HTTP status is a reply.
  Result<Reply> get(const std::string& path, const Query& query = {},
                    std::chrono::seconds patience = std::chrono::seconds(60));
  Result<Reply> send(const std::string& method, const std::string& path, const Query& query,
                     const std::string& body);
  const std::string& url() const { return url_; }

  // One segment of a path, %-encoded.
  static std::string segment(const std::string& text);

 private:
  struct State;
  Result<Reply> perform(const std::string& path, const Query& query, std::chrono::seconds patience);

  std::string url_;
  std::unique_ptr<State> state_;
};

}  // namespace meridian::ctl
