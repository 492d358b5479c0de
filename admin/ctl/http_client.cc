#include "admin/ctl/http_client.h"

#include <curl/curl.h>

#include <array>
#include <string_view>

namespace meridian::ctl {
namespace {

constexpr std::chrono::seconds kConnectTimeout{5};

struct HeadersDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, HeadersDeleter>;

Headers headersFor(const std::string& token) {
  Headers out(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!token.empty()) {
    // curl_slist_append returns the list's head, which does not change once there is one.
    curl_slist_append(out.get(), ("Authorization: Bearer " + token).c_str());
  }
  return out;
}

std::size_t collect(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > HttpClient::kMaxReplyBytes) return 0;  // curl: write error
  body.append(data, size * count);
  return size * count;
}

// RFC 3986 §2.3: all but the unreserved characters.
std::string encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace

struct HttpClient::State {
  explicit State(const std::string& token) : curl(curl_easy_init()), headers(headersFor(token)) {}
  ~State() { curl_easy_cleanup(curl); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  CURL* curl;
  Headers headers;
  std::array<char, CURL_ERROR_SIZE> error{};
};

HttpClient::HttpClient(std::string url, const std::string& token)
    : url_(std::move(url)), state_(std::make_unique<State>(token)) {
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
}

HttpClient::~HttpClient() = default;

std::string HttpClient::segment(const std::string& text) {
  return encoded(text);
}

Result<Reply> HttpClient::get(const std::string& path, const Query& query,
                              std::chrono::seconds patience) {
  if (state_->curl == nullptr) return fail(ErrorKind::kUnavailable, "libcurl does not start");
  curl_easy_reset(state_->curl);
  return perform(path, query, patience);
}

Result<Reply> HttpClient::send(const std::string& method, const std::string& path,
                               const Query& query, const std::string& body) {
  if (state_->curl == nullptr) return fail(ErrorKind::kUnavailable, "libcurl does not start");
  curl_easy_reset(state_->curl);
  curl_easy_setopt(state_->curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(state_->curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(state_->curl, CURLOPT_POSTFIELDS, body.c_str());
  return perform(path, query, std::chrono::seconds(120));
}

Result<Reply> HttpClient::perform(const std::string& path, const Query& query,
                                  std::chrono::seconds patience) {
  CURL* curl = state_->curl;
  std::string address = url_ + path;
  char mark = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    address += mark + name + "=" + encoded(value);
    mark = '&';
  }
  Reply reply;
  state_->error[0] = '\0';
  curl_easy_setopt(curl, CURLOPT_URL, address.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectTimeout.count());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, patience.count());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, state_->headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "meridianctl");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, state_->error.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    const char* why = state_->error[0] != '\0' ? state_->error.data() : curl_easy_strerror(code);
    return fail(ErrorKind::kUnavailable, url_ + ": " + why);
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

}  // namespace meridian::ctl
