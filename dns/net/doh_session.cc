#include "dns/net/doh_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include "base/byte_reader.h"
#include "dns/wire/freshness.h"
#include "dns/wire/types.h"

namespace meridian::dns {
namespace {

constexpr std::string_view kMessageType = "application/dns-message";
constexpr std::string_view kTextType = "text/plain; charset=utf-8";
constexpr std::string_view kAllowed = "GET, HEAD, POST";

// nghttp2 copies both, and changes neither.
nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

template <class Number>
std::string_view decimal(Number value, std::span<char> buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
}

std::string_view textOf(nghttp2_rcbuf* buffer) {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

// Of frames that bring neither a request nor a part of one.
bool bringsNothing(const nghttp2_frame_hd& frame) {
  if (frame.type == NGHTTP2_HEADERS) return false;
  if (frame.type != NGHTTP2_DATA) return true;
  return frame.length == 0 && (frame.flags & NGHTTP2_FLAG_END_STREAM) == 0;
}

}  // namespace

struct DohSession::Stream {
  enum class State : std::uint8_t { kReading, kWaiting, kReplied };

  std::int32_t id = 0;
  State state = State::kReading;
  DohRequest request;
  bool fields_done = false;                 // of the head; what comes later are trailers
  bool request_done = false;                // the client has sent all of it
  bool reply_done = false;                  // all of it was taken
  std::optional<HttpRefusal> refused = {};  // told when the request is complete
  std::vector<std::uint8_t> message = {};
  std::vector<std::uint8_t> reply = {};  // its body
  std::size_t taken = 0;                 // of it
};

// What nghttp2 calls. It is C: nothing may be thrown through it.
struct DohSession::Callbacks {
  static DohSession& self(void* session) { return *static_cast<DohSession*>(session); }

  static int onBeginFrame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user) noexcept {
    DohSession& session = self(user);
    if (bringsNothing(*frame)) session.spend(session.spare_frames_);
    return 0;
  }
  static int onBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    DohSession& session = self(user);
    const std::int32_t id = frame->hd.stream_id;
    session.streams_.emplace(
        id, std::make_unique<Stream>(
                Stream{.id = id, .request = DohRequest(session.limits_.field_bytes)}));
    return 0;
  }
  static int onField(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                     nghttp2_rcbuf* value, std::uint8_t, void* user) noexcept {
    DohSession& session = self(user);
    if (Stream* const stream = session.find(frame->hd.stream_id)) {
      session.onField(*stream, textOf(name), textOf(value));
    }
    return 0;
  }
  static int onData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* user) noexcept {
    DohSession& session = self(user);
    if (Stream* const stream = session.find(id)) session.onBody(*stream, {data, size});
    return 0;
  }
  static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    DohSession& session = self(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      session.counters_.resets.add();
      session.spend(session.spare_resets_);
      return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* const stream = session.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (!stream->fields_done) session.onHeadersEnd(*stream);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) session.onRequestEnd(*stream);
    return 0;
  }
  static int onSent(nghttp2_session* raw, const nghttp2_frame* frame, void* user) noexcept {
    DohSession& session = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY && !session.ending_ &&
        frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      session.counters_.malformed.add();
    }
    // Who makes the server reset streams has them for nothing, as who resets them does.
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
      session.spend(session.spare_resets_);
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* const stream = session.find(frame->hd.stream_id);
    if (stream == nullptr || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    stream->reply_done = true;
    // RFC 9113 §8.1: the rest of a request that has its reply is not wanted.
    if (!stream->request_done) {
      nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }
  static int onClose(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) noexcept {
    self(user).onClosed(id);
    return 0;
  }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source* source, void* user) noexcept {
    auto& stream = *static_cast<Stream*>(source->ptr);
    const std::size_t count = std::min(size, stream.reply.size() - stream.taken);
    std::memcpy(out, stream.reply.data() + stream.taken, count);
    stream.taken += count;
    self(user).unsent_ -= count;
    if (stream.taken == stream.reply.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  static nghttp2_session* make(DohSession& owner) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_option* options = nullptr;
    if (nghttp2_session_callbacks_new(&calls) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(calls, &onBeginFrame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, &onBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback2(calls, &onField);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &onData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &onFrame);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, &onSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &onClose);
    nghttp2_session* session = nullptr;
    bool made = nghttp2_option_new(&options) == 0;
    if (made) {
      nghttp2_option_set_no_closed_streams(options, 1);  // only priorities would need them
      made = nghttp2_session_server_new2(&session, calls, &owner, options) == 0;
    }
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(calls);
    if (!made) throw std::bad_alloc();
    return session;
  }
};

DohSession::DohSession(std::string path, Answer answer, DohCounters& counters,
                       const DohLimits& limits)
    : path_(std::move(path)),
      answer_(std::move(answer)),
      counters_(counters),
      limits_(limits),
      session_(Callbacks::make(*this)),
      spare_frames_(limits.spare_frames),
      spare_resets_(limits.spare_resets) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.field_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  if (nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) != 0) {
    nghttp2_session_del(session_);
    throw std::bad_alloc();
  }
}

DohSession::~DohSession() {
  nghttp2_session_del(session_);
}

void DohSession::feed(std::span<const std::uint8_t> bytes) {
  if (failed_ || ending_) return;
  const ssize_t used = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  if (used >= 0) return;
  failed_ = true;
  (used == NGHTTP2_ERR_FLOODED ? counters_.floods : counters_.malformed).add();
}

std::span<const std::uint8_t> DohSession::take() {
  if (failed_) return {};
  replyToWaiting();
  const std::uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
  if (size < 0) failed_ = true;
  return size > 0 ? std::span(bytes, static_cast<std::size_t>(size))
                  : std::span<const std::uint8_t>{};
}

bool DohSession::ended() const {
  return failed_ ||
         (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

void DohSession::goAway() {
  if (failed_ || ending_) return;
  ending_ = true;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
}

DohSession::Stream* DohSession::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void DohSession::spend(std::uint32_t& budget) {
  if (ending_) return;
  if (budget > 0) {
    --budget;
    return;
  }
  ending_ = true;
  counters_.floods.add();
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

void DohSession::onField(Stream& stream, std::string_view name, std::string_view value) noexcept {
  if (!stream.fields_done) stream.request.add(name, value);
}

void DohSession::onHeadersEnd(Stream& stream) noexcept {
  stream.fields_done = true;
  stream.refused = stream.request.refusal(path_);
  if (stream.refused || stream.request.isPost()) return stream.request.forgetPath();
  auto message = stream.request.messageOfPath();
  stream.request.forgetPath();
  if (!message) {
    stream.refused = {HttpStatus::kBadRequest, "dns is not base64url without padding"};
  } else if (reserve(stream, message->size())) {
    stream.message = std::move(*message);
  }
}

void DohSession::onBody(Stream& stream, std::span<const std::uint8_t> bytes) noexcept {
  if (stream.state != Stream::State::kReading || stream.refused || !stream.request.isPost()) return;
  if (stream.message.size() + bytes.size() > kMaxMessage) {
    return refuse(stream, {HttpStatus::kTooLarge, "a DNS message has at most 65535 bytes"});
  }
  if (!reserve(stream, bytes.size())) return;
  stream.message.insert(stream.message.end(), bytes.begin(), bytes.end());
}

void DohSession::onRequestEnd(Stream& stream) noexcept {
  stream.request_done = true;
  if (stream.state != Stream::State::kReading) return;
  stream.state = Stream::State::kWaiting;
  waiting_.push_back(stream.id);
  replyToWaiting();
}

void DohSession::onClosed(std::int32_t id) noexcept {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = *found->second;
  if (stream.reply_done) {
    spare_frames_ = std::min(spare_frames_ + limits_.frames_per_reply, limits_.spare_frames);
    spare_resets_ = std::min(spare_resets_ + 1, limits_.spare_resets);
  }
  release(stream);
  unsent_ -= stream.reply.size() - stream.taken;
  if (stream.state == Stream::State::kWaiting) std::erase(waiting_, id);
  streams_.erase(found);
}

// False: there is no room, and the stream is refused.
bool DohSession::reserve(Stream& stream, std::size_t bytes) {
  if (bytes <= limits_.request_bytes - held_) {
    held_ += bytes;
    return true;
  }
  release(stream);
  stream.state = Stream::State::kReplied;
  counters_.refused_streams.add();
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_REFUSED_STREAM);
  return false;
}

void DohSession::release(Stream& stream) {
  held_ -= stream.message.size();
  std::vector<std::uint8_t>().swap(stream.message);  // and its memory
}

void DohSession::replyToWaiting() {
  while (!waiting_.empty() && unsent_ < limits_.unsent_bytes && !ending_) {
    Stream& stream = *streams_.at(waiting_.front());
    waiting_.pop_front();
    replyTo(stream);
  }
}

void DohSession::replyTo(Stream& stream) {
  if (stream.refused) return refuse(stream, *stream.refused);
  if (stream.message.size() < kHeaderBytes) {
    return refuse(stream, {HttpStatus::kBadRequest, "a DNS message has at least 12 bytes"});
  }
  const std::span<const std::uint8_t> answer = answer_(stream.message);
  if (answer.empty()) return refuse(stream, {HttpStatus::kBadRequest, "not a DNS query"});
  stream.reply.assign(answer.begin(), answer.end());
  char seconds[16];
  const std::string cache =
      "private, max-age=" + std::string(decimal(freshSeconds(answer), seconds));
  send(stream, HttpStatus::kOk, kMessageType, cache);
}

void DohSession::refuse(Stream& stream, const HttpRefusal& why) {
  stream.reply.assign(why.reason.begin(), why.reason.end());
  stream.reply.push_back('\n');
  send(stream, why.status, kTextType, "no-store");
}

void DohSession::send(Stream& stream, HttpStatus status, std::string_view type,
                      std::string_view cache) {
  release(stream);
  stream.state = Stream::State::kReplied;
  char size[24];
  std::array<nghttp2_nv, 5> fields = {field(":status", httpStatusCode(status)),
                                      field("content-type", type),
                                      field("content-length", decimal(stream.reply.size(), size)),
                                      field("cache-control", cache), field("allow", kAllowed)};
  const std::size_t count = fields.size() - (status == HttpStatus::kMethodNotAllowed ? 0 : 1);
  if (stream.request.isHead()) std::vector<std::uint8_t>().swap(stream.reply);
  unsent_ += stream.reply.size();
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = &Callbacks::read;
  // What fails here is memory, or a stream that is closing: its end is told as any other's.
  if (nghttp2_submit_response(session_, stream.id, fields.data(), count,
                              stream.reply.empty() ? nullptr : &body) != 0) {
    return;
  }
  ++replies_;
  counters_.replies[static_cast<std::size_t>(status)].add();
}

}  // namespace meridian::dns
