// The client's side of an HTTP/2 connection, bytes in and bytes out, and frames made by hand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/dns_message.h"

struct nghttp2_session;

namespace meridian::test {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpReply {
  std::map<std::string, std::string> fields = {};
  Bytes body = {};
  bool closed = false;
  std::uint32_t error = 0;  // that closed it; 0: none

  std::string status() const { return field(":status"); }
  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class DohClient {
 public:
  // `window`: how many bytes of a reply's body the server may send before grant().
  explicit DohClient(std::uint32_t window = 65'535);
  ~DohClient();
  DohClient(const DohClient&) = delete;
  DohClient& operator=(const DohClient&) = delete;

  // Each returns the stream's id.
  std::int32_t get(const std::string& path, const std::string& method = "GET");
  std::int32_t post(const std::string& path, const Bytes& body,
                    const std::string& type = "application/dns-message");
  // `fields` beside :scheme and :authority.
  std::int32_t request(const HttpFields& fields, std::optional<Bytes> body = {});
  void reset(std::int32_t id);
  void grant(std::int32_t id, std::uint32_t bytes);

  Bytes take();
  // False: the server broke HTTP/2.
  bool feed(const Bytes& bytes);
  const HttpReply& reply(std::int32_t id) { return replies_[id]; }
  // The error of the server's GOAWAY.
  std::optional<std::uint32_t> goAway() const { return go_away_; }
  std::optional<std::uint32_t> setting(std::uint16_t id) const;

 private:
  struct Callbacks;

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, HttpReply> replies_;
  std::map<std::int32_t, std::pair<Bytes, std::size_t>> bodies_;
  std::optional<std::uint32_t> go_away_;
};

// Base64url without padding (RFC 4648 §5).
std::string base64Url(const Bytes& bytes);

// What a connection begins with, and an empty SETTINGS frame.
Bytes http2Preface();
// RFC 9113 §4.1.
Bytes http2Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                 const Bytes& payload = {});
// A literal field that no table keeps (RFC 7541 §6.2.2). REQUIRES: both below 127 bytes.
Bytes http2Field(std::string_view name, std::string_view value);

}  // namespace meridian::test
