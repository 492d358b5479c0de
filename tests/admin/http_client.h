// HTTP from outside, for tests: libcurl for well-behaved clients, a raw socket for the others.
#pragma once

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace meridian::test {

struct HttpAnswer {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // names in lower case
};

struct HttpCall {
  std::string method = "GET";
  std::string target = {};  // path and query
  std::string token = {};
  std::string body = {};
  std::string header = {};  // one more, "Name: value"
};

namespace detail {

inline std::size_t appendBody(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<HttpAnswer*>(into)->body.append(data, size * count);
  return size * count;
}

inline std::size_t appendHeader(char* data, std::size_t size, std::size_t count, void* into) {
  const std::string line(data, size * count);
  const std::size_t colon = line.find(": ");
  if (colon != std::string::npos) {
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string value = line.substr(colon + 2);
    value.erase(value.find_last_not_of("\r\n") + 1);
    static_cast<HttpAnswer*>(into)->headers[name] = value;
  }
  return size * count;
}

}  // namespace detail

// One request over a connection that is kept between calls of the same HttpUser.
class HttpUser {
 public:
  explicit HttpUser(std::uint16_t port)
      : base_("http://127.0.0.1:" + std::to_string(port)), curl_(curl_easy_init()) {
    if (curl_ == nullptr) throw std::runtime_error("curl_easy_init failed");
  }
  ~HttpUser() { curl_easy_cleanup(curl_); }
  HttpUser(const HttpUser&) = delete;
  HttpUser& operator=(const HttpUser&) = delete;

  HttpAnswer call(const HttpCall& what) {
    HttpAnswer out;
    curl_easy_reset(curl_);
    curl_slist* headers = nullptr;
    if (!what.token.empty()) {
      headers = curl_slist_append(headers, ("Authorization: Bearer " + what.token).c_str());
    }
    if (!what.header.empty()) headers = curl_slist_append(headers, what.header.c_str());
    curl_easy_setopt(curl_, CURLOPT_URL, (base_ + what.target).c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    if (what.method == "HEAD") {
      curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    } else if (what.method != "GET") {
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, what.method.c_str());
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(what.body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, what.body.c_str());
    }
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &detail::appendBody);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &out);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &detail::appendHeader);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &out);
    out.code = curl_easy_perform(curl_);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &out.status);
    curl_slist_free_all(headers);
    return out;
  }

  // Whether the last call opened a connection.
  bool connected() {
    long opened = 0;
    curl_easy_getinfo(curl_, CURLINFO_NUM_CONNECTS, &opened);
    return opened > 0;
  }

 private:
  std::string base_;
  CURL* curl_;
};

// A socket that sends what no decent client would.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("connect failed");
    }
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // False when the server refused to take it all.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finishSending() const { ::shutdown(fd_, SHUT_WR); }
  // All that comes until the server closes, or until `enough` was seen. Throws on a reset.
  std::string receive(std::string_view enough = {}) {
    std::string out;
    char chunk[4096];
    for (;;) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 30'000) != 1) throw std::runtime_error("nothing came: " + out);
      const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got < 0) throw std::runtime_error("the connection was reset after: " + out);
      if (got == 0) return out;
      out.append(chunk, static_cast<std::size_t>(got));
      if (!enough.empty() && out.find(enough) != std::string::npos) return out;
    }
  }

 private:
  int fd_;
};

}  // namespace meridian::test
