// DohSession: the server's side of one HTTP/2 connection (RFC 9113) that carries DNS (RFC 8484).
// Bytes in, bytes out; knows no socket, no TLS and no clock.
//
// A request is answered as soon as it is complete and there is room: replies that nobody takes, or
// for which the client opens no window, are bounded, and requests wait meanwhile. What waits is
// bounded, too: a stream that would exceed it is refused, and may be tried again (REFUSED_STREAM).
// Frames that bring nothing, and streams that are reset before their reply, have a budget which
// replies fill again; without it the connection ends with ENHANCE_YOUR_CALM. So floods are told
// from use by their share of all that is done, and time has no part in it.
//
// Replies say `private` (RFC 9111 §5.2.2.7): what is answered may depend on who asks.
//
// Threads: one. Counters may be read by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "dns/net/doh_request.h"

struct nghttp2_session;

namespace meridian::dns {

struct DohLimits {
  std::uint32_t streams = 100;                         // open at once
  std::uint32_t field_bytes = 16 << 10;                // header fields of a request
  std::size_t request_bytes = std::size_t{128} << 10;  // messages that wait, of all streams
  std::size_t unsent_bytes = std::size_t{256} << 10;   // replies: at this much, requests wait
  std::uint32_t spare_frames = 1'000;                  // that bring nothing
  std::uint32_t frames_per_reply = 32;                 // which a reply gives back
  std::uint32_t spare_resets = 100;                    // a reply gives back one
};

struct DohCounters {
  std::array<Counter, kHttpStatuses> replies;  // by HttpStatus
  Counter resets;                              // streams that clients gave up
  Counter refused_streams;                     // for want of room
  Counter floods;                              // connections that were ended as one
  Counter malformed;                           // connections that broke HTTP/2
};

class DohSession {
 public:
  // Answers one DNS message; empty: it is no query. Valid until the next call.
  using Answer = std::function<std::span<const std::uint8_t>(std::span<const std::uint8_t>)>;

  // `counters` must outlive the session; `path` is the one that is served, e.g. "/dns-query".
  DohSession(std::string path, Answer answer, DohCounters& counters, const DohLimits& limits = {});
  ~DohSession();
  DohSession(const DohSession&) = delete;
  DohSession& operator=(const DohSession&) = delete;

  // Bytes of the client. They may end anywhere. Take what there is to send afterwards, always: a
  // session that is only fed would collect its own control frames.
  void feed(std::span<const std::uint8_t> bytes);
  // The next bytes to send, valid until the next call of anything; empty: none for now.
  std::span<const std::uint8_t> take();
  // Nothing more comes out, and nothing more is heard: the connection may be closed.
  bool ended() const;
  // Tells the client that this is the end, and which requests were heard (GOAWAY); take it.
  void goAway();
  // Replies so far, of all kinds: who counts none for long is idle.
  std::uint64_t replies() const { return replies_; }

 private:
  struct Stream;
  struct Callbacks;  // of nghttp2

  void onField(Stream& stream, std::string_view name, std::string_view value) noexcept;
  void onHeadersEnd(Stream& stream) noexcept;
  void onBody(Stream& stream, std::span<const std::uint8_t> bytes) noexcept;
  void onRequestEnd(Stream& stream) noexcept;
  void onClosed(std::int32_t id) noexcept;
  bool reserve(Stream& stream, std::size_t bytes);
  void release(Stream& stream);
  void replyToWaiting();
  void replyTo(Stream& stream);
  void refuse(Stream& stream, const HttpRefusal& why);
  void send(Stream& stream, HttpStatus status, std::string_view type, std::string_view cache);
  void spend(std::uint32_t& budget);
  Stream* find(std::int32_t id);

  std::string path_;
  Answer answer_;
  DohCounters& counters_;
  DohLimits limits_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::deque<std::int32_t> waiting_;  // complete requests without a reply
  std::size_t held_ = 0;              // bytes of messages in streams_
  std::size_t unsent_ = 0;            // bytes of replies in streams_
  std::uint32_t spare_frames_;
  std::uint32_t spare_resets_;
  std::uint64_t replies_ = 0;
  bool ending_ = false;  // the client is told so; nothing more is heard
  bool failed_ = false;
};

}  // namespace meridian::dns
