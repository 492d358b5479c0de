#include "tests/support/doh_client.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstddef>

namespace meridian::test {
namespace {

nghttp2_nv fieldOf(const std::pair<std::string, std::string>& field) {
  const auto bytes = [](const std::string& text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(field.first), bytes(field.second), field.first.size(), field.second.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::string text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

struct DohClient::Callbacks {
  static DohClient& self(void* client) { return *static_cast<DohClient*>(client); }

  static int onField(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                     std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                     std::uint8_t, void* user) {
    self(user).replies_[frame->hd.stream_id].fields[text(name, name_size)] =
        text(value, value_size);
    return 0;
  }
  static int onData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* user) {
    Bytes& body = self(user).replies_[id].body;
    body.insert(body.end(), data, data + size);
    return 0;
  }
  static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(user).go_away_ = frame->goaway.error_code;
    return 0;
  }
  static int onClose(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    self(user).replies_[id].closed = true;
    self(user).replies_[id].error = error;
    return 0;
  }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& [body, sent] = *static_cast<std::pair<Bytes, std::size_t>*>(source->ptr);
    const std::size_t count = std::min(size, body.size() - sent);
    std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(sent), count, out);
    sent += count;
    if (sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
};

DohClient::DohClient(std::uint32_t window) {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_session_callbacks_new(&calls);
  nghttp2_session_callbacks_set_on_header_callback(calls, &Callbacks::onField);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &Callbacks::onData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &Callbacks::onFrame);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, &Callbacks::onClose);
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_session_client_new2(&session_, calls, this, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(calls);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
}

DohClient::~DohClient() {
  nghttp2_session_del(session_);
}

std::int32_t DohClient::get(const std::string& path, const std::string& method) {
  return request({{":method", method}, {":path", path}, {"accept", "application/dns-message"}});
}

std::int32_t DohClient::post(const std::string& path, const Bytes& body, const std::string& type) {
  return request({{":method", "POST"}, {":path", path}, {"content-type", type}}, body);
}

std::int32_t DohClient::request(const HttpFields& fields, std::optional<Bytes> body) {
  const HttpFields own = {{":scheme", "https"}, {":authority", "meridian.example"}};
  std::vector<nghttp2_nv> all;
  for (const auto& each : own) all.push_back(fieldOf(each));
  // Those of HTTP/2 come before others (RFC 9113 §8.3).
  for (const bool pseudo : {true, false}) {
    for (const auto& each : fields) {
      if (each.first.starts_with(':') == pseudo) all.push_back(fieldOf(each));
    }
  }
  nghttp2_data_provider provider{};
  const std::int32_t next = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(session_));
  if (body) {
    bodies_[next] = {std::move(*body), 0};
    provider.source.ptr = &bodies_[next];
    provider.read_callback = &Callbacks::read;
  }
  return nghttp2_submit_request(session_, nullptr, all.data(), all.size(),
                                bodies_.contains(next) ? &provider : nullptr, nullptr);
}

void DohClient::reset(std::int32_t id) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void DohClient::grant(std::int32_t id, std::uint32_t bytes) {
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, id, static_cast<std::int32_t>(bytes));
}

Bytes DohClient::take() {
  Bytes out;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) return out;
    out.insert(out.end(), bytes, bytes + size);
  }
}

bool DohClient::feed(const Bytes& bytes) {
  return nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) ==
         static_cast<ssize_t>(bytes.size());
}

std::optional<std::uint32_t> DohClient::setting(std::uint16_t id) const {
  return nghttp2_session_get_remote_settings(session_, static_cast<nghttp2_settings_id>(id));
}

std::string base64Url(const Bytes& bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k <= count; ++k) out += kDigits[bits >> (18 - 6 * k) & 63];
  }
  return out;
}

Bytes http2Preface() {
  Bytes out = bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  append(out, http2Frame(NGHTTP2_SETTINGS, 0, 0));
  return out;
}

Bytes http2Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                 const Bytes& payload) {
  Bytes out{static_cast<std::uint8_t>(payload.size() >> 16)};
  put16(out, static_cast<unsigned>(payload.size() & 0xFFFF));
  out.push_back(type);
  out.push_back(flags);
  put32(out, stream);
  append(out, payload);
  return out;
}

Bytes http2Field(std::string_view name, std::string_view value) {
  Bytes out{0, static_cast<std::uint8_t>(name.size())};
  append(out, bytesOf(name));
  out.push_back(static_cast<std::uint8_t>(value.size()));
  append(out, bytesOf(value));
  return out;
}

}  // namespace meridian::test
