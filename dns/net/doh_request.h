// DohRequest: what the header fields of one HTTP request ask for (RFC 8484 §4.1), and what is wrong
// with it. Knows no HTTP/2: fields come in as names and values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::dns {

// Of replies. A DNS error is a good reply: kOk.
enum class HttpStatus : std::uint8_t {
  kOk,                // 200
  kBadRequest,        // 400
  kNotFound,          // 404
  kMethodNotAllowed,  // 405
  kTooLarge,          // 413
  kWrongMedia,        // 415
  kFieldsTooLarge     // 431
};
inline constexpr std::size_t kHttpStatuses = 7;
// As HTTP and metrics write it: "200".
std::string_view httpStatusCode(HttpStatus status);

struct HttpRefusal {
  HttpStatus status = HttpStatus::kBadRequest;
  std::string_view reason = {};  // one line, without its end; a literal
};

// Base64url without padding (RFC 4648 §5), strictly: no other character, and no bit behind the last
// byte. nullopt: anything else.
std::optional<std::vector<std::uint8_t>> decodeBase64Url(std::string_view text);

class DohRequest {
 public:
  // A field counts its name, its value and 32 bytes (RFC 9113 §6.5.2). Beyond `max_bytes` fields
  // are not looked at any more, and the request is refused.
  explicit DohRequest(std::size_t max_bytes) : left_(max_bytes) {}

  void add(std::string_view name, std::string_view value);

  // After the last field: what is wrong, before there is a body. `path` is the one that is served.
  std::optional<HttpRefusal> refusal(std::string_view path) const;
  bool isPost() const { return method_ == Method::kPost; }
  bool isHead() const { return method_ == Method::kHead; }
  // The message in the `dns` variable of a GET or HEAD. REQUIRES: no refusal.
  std::optional<std::vector<std::uint8_t>> messageOfPath() const;
  // Gives its memory back: a path may be long, and a request may last.
  void forgetPath() { std::string().swap(path_); }

 private:
  enum class Method : std::uint8_t { kGet, kHead, kPost, kOther };

  std::optional<std::string_view> variable() const;

  std::size_t left_;
  bool too_large_ = false;
  Method method_ = Method::kOther;
  std::string path_;
  bool media_named_ = false;
  bool media_wrong_ = false;  // another type, a second one, or a coding of the body
};

}  // namespace meridian::dns
