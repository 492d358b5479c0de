// FrameStream: the writer's side of a Frame Streams connection
// (https://farsightsec.github.io/fstrm): a handshake, then frames. Pure: bytes in, bytes out.
//
//   writer: READY            reader: ACCEPT, with the content type
//   writer: START, frames…, STOP      reader: FINISH
//
// Bytes from the reader are hostile: at most one control frame of kMaxControl bytes is ever kept.
// Frames wait in a buffer of `max_pending` bytes; what finds no room there is refused. Threads:
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meridian::dns {

class FrameStream {
 public:
  static constexpr std::string_view kContentType = "protobuf:dnstap.Dnstap";
  static constexpr std::size_t kMaxControl = 512;

  enum class State : std::uint8_t {
    kGreeting,   // READY was said: frames wait
    kStreaming,  // frames go out
    kEnding,     // STOP was said, after the last frame
    kEnded       // the reader has said that it has everything
  };

  explicit FrameStream(std::size_t max_pending);

  State state() const { return state_; }
  // False: there is no room, or STOP was said. REQUIRES: !frame.empty().
  bool add(std::span<const std::uint8_t> frame);
  // STOP, after what was added. REQUIRES: kStreaming.
  void end();

  // What may be sent now, and that the first `count` bytes of it were. A frame is sent when its
  // last byte is: sent() returns how many that were.
  std::span<const std::uint8_t> output() const;
  std::size_t sent(std::size_t count);
  // Frames that were added, and not sent yet.
  std::size_t pending() const { return frame_ends_.size(); }

  // What the reader said. kInvalid: it does not speak the protocol, or not for dnstap.
  Status take(std::span<const std::uint8_t> input);

 private:
  Status takeControl(std::span<const std::uint8_t> frame);
  std::size_t waiting() const { return frames_.size() - frames_sent_; }

  std::size_t max_pending_;
  State state_ = State::kGreeting;
  std::vector<std::uint8_t> input_;    // of a control frame that is not whole yet
  std::vector<std::uint8_t> control_;  // goes out before the frames
  std::size_t control_sent_ = 0;
  std::vector<std::uint8_t> frames_;
  std::size_t frames_sent_ = 0;           // bytes of frames_
  std::uint64_t gone_ = 0;                // bytes that were in frames_ before
  std::deque<std::uint64_t> frame_ends_;  // from the first byte that ever was in frames_
};

}  // namespace meridian::dns
