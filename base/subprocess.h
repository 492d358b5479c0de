// Runs a program with a bounded life, bounded output and no shell, and calls back when it ended.
//
// Threads: the loop's thread. The program is the leader of a process group of its own, gets the
// given environment and nothing else, and at its deadline the whole group is killed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"

namespace meridian {

struct SubprocessCall {
  std::vector<std::string> command;  // absolute path of the program, then its arguments
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string input = {};  // on standard input, then its end
  std::chrono::milliseconds timeout{5'000};
  std::size_t max_output_bytes = std::size_t{64} << 10;  // of standard output; more is an error
};

struct SubprocessEnd {
  int exit_code = 0;    // 128 + signal when a signal ended it
  std::string output;   // standard output
  std::string problem;  // the first kilobyte of standard error
};

class Subprocess {
 public:
  // kInvalid: no absolute path; kUnavailable: could not be started, or the time-out; kTooLarge.
  using Done = std::function<void(Result<SubprocessEnd>)>;

  // `done` is called exactly once unless the result goes first (the group is then killed and
  // reaped), and never from inside start().
  static std::unique_ptr<Subprocess> start(EventLoop& loop, SubprocessCall call, Done done);
  virtual ~Subprocess() = default;
};

}  // namespace meridian
