#include "dns/tap/frame_stream.h"

#include <fstrm.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string>

#include "base/big_endian.h"
#include "base/byte_reader.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kFrameLength = 4;
constexpr std::size_t kControlHeader = 8;  // the escape, a length of 0, and the control frame's

struct ControlFree {
  void operator()(fstrm_control* control) const { fstrm_control_destroy(&control); }
};
using Control = std::unique_ptr<fstrm_control, ControlFree>;

Control newControl() {
  Control control(fstrm_control_init());
  if (!control) throw std::bad_alloc();
  return control;
}

const std::uint8_t* contentTypeBytes() {
  return reinterpret_cast<const std::uint8_t*>(FrameStream::kContentType.data());
}

void appendControl(std::vector<std::uint8_t>& out, fstrm_control_type type) {
  const Control control = newControl();
  fstrm_control_set_type(control.get(), type);
  if (type != FSTRM_CONTROL_STOP) {
    fstrm_control_add_field_content_type(control.get(), contentTypeBytes(),
                                         FrameStream::kContentType.size());
  }
  std::array<std::uint8_t, kControlHeader + FrameStream::kMaxControl> bytes{};
  std::size_t size = bytes.size();
  fstrm_control_encode(control.get(), bytes.data(), &size, FSTRM_CONTROL_FLAG_WITH_HEADER);
  out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
}

tl::unexpected<Error> garbage(std::string why) {
  return fail(ErrorKind::kInvalid, std::move(why));
}

}  // namespace

FrameStream::FrameStream(std::size_t max_pending) : max_pending_(max_pending) {
  appendControl(control_, FSTRM_CONTROL_READY);
}

bool FrameStream::add(std::span<const std::uint8_t> frame) {
  if (state_ > State::kStreaming || waiting() + kFrameLength + frame.size() > max_pending_)
    return false;
  const std::uint32_t length = bigEndian(static_cast<std::uint32_t>(frame.size()));
  const auto* const prefix = reinterpret_cast<const std::uint8_t*>(&length);
  frames_.insert(frames_.end(), prefix, prefix + kFrameLength);
  frames_.insert(frames_.end(), frame.begin(), frame.end());
  frame_ends_.push_back(gone_ + frames_.size());
  return true;
}

void FrameStream::end() {
  appendControl(frames_, FSTRM_CONTROL_STOP);
  state_ = State::kEnding;
}

std::span<const std::uint8_t> FrameStream::output() const {
  if (control_sent_ < control_.size()) return std::span(control_).subspan(control_sent_);
  if (state_ == State::kGreeting) return {};
  return std::span(frames_).subspan(frames_sent_);
}

std::size_t FrameStream::sent(std::size_t count) {
  if (control_sent_ < control_.size()) {
    control_sent_ += count;
    return 0;
  }
  frames_sent_ += count;
  std::size_t frames = 0;
  while (!frame_ends_.empty() && frame_ends_.front() <= gone_ + frames_sent_) {
    frame_ends_.pop_front();
    ++frames;
  }
  // Seldom enough that moving what waits costs little, often enough that memory stays bounded.
  if (waiting() == 0 || frames_sent_ > max_pending_ / 2) {
    frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(frames_sent_));
    gone_ += frames_sent_;
    frames_sent_ = 0;
  }
  return frames;
}

Status FrameStream::take(std::span<const std::uint8_t> input) {
  while (!input.empty()) {
    std::size_t wanted = kControlHeader;
    if (input_.size() >= kControlHeader) {
      ByteReader header(input_);
      if (header.u32() != 0) return garbage("sent a frame of data");
      const std::uint32_t size = header.u32();
      if (size == 0 || size > kMaxControl) {
        return garbage("sent a control frame of " + std::to_string(size) + " bytes");
      }
      wanted += size;
    }
    const std::size_t taken = std::min(wanted - input_.size(), input.size());
    input_.insert(input_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
    input = input.subspan(taken);
    if (input_.size() < wanted || wanted == kControlHeader) continue;
    Status done = takeControl(std::span(input_).subspan(kControlHeader));
    input_.clear();
    if (!done) return done;
  }
  return {};
}

Status FrameStream::takeControl(std::span<const std::uint8_t> frame) {
  const Control control = newControl();
  fstrm_control_type type{};
  if (fstrm_control_decode(control.get(), frame.data(), frame.size(), 0) != fstrm_res_success ||
      fstrm_control_get_type(control.get(), &type) != fstrm_res_success) {
    return garbage("sent a malformed control frame");
  }
  if (state_ == State::kGreeting && type == FSTRM_CONTROL_ACCEPT) {
    if (fstrm_control_match_field_content_type(control.get(), contentTypeBytes(),
                                               kContentType.size()) != fstrm_res_success) {
      return garbage("does not take " + std::string(kContentType));
    }
    appendControl(control_, FSTRM_CONTROL_START);
    state_ = State::kStreaming;
    return {};
  }
  if (state_ == State::kEnding && type == FSTRM_CONTROL_FINISH) {
    state_ = State::kEnded;
    return {};
  }
  return garbage(std::string("sent ") + fstrm_control_type_to_str(type) + " out of turn");
}

}  // namespace meridian::dns
