#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // which glibc 2.36 forgot in this header
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace meridian {
namespace {

constexpr std::size_t kMaxProblemBytes = 1024;
// How long the loop waits at most for a killed program to be gone: it takes microseconds, unless
// the program hangs in the kernel; then init reaps it after us.
constexpr int kReapMillis = 1000;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

tl::unexpected<Error> systemError(std::string_view what) {
  return fail(ErrorKind::kUnavailable, std::string(what) + ": " + std::strerror(errno));
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> makePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return systemError("pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  // Our end only: the program expects waiting reads and writes.
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return systemError("fcntl");
  return pipe;
}

// All of the input is there before the program starts, so nobody has to feed it.
Result<Descriptor> inputFile(std::string_view input) {
  Descriptor file(memfd_create("stdin", MFD_CLOEXEC));
  if (file.get() < 0) return systemError("memfd_create");
  while (!input.empty()) {
    const ssize_t written = write(file.get(), input.data(), input.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return systemError("writing the input");
    input.remove_prefix(static_cast<std::size_t>(written));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return systemError("lseek");
  return file;
}

Status checkCall(const SubprocessCall& call) {
  if (call.command.empty() || call.command.front().empty() || call.command.front()[0] != '/')
    return fail(ErrorKind::kInvalid, "the program must be an absolute path");
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (std::any_of(call.command.begin(), call.command.end(), has_nul))
    return fail(ErrorKind::kInvalid, "an argument has a zero byte");
  for (const auto& [name, value] : call.environment) {
    if (name.empty() || has_nul(name) || has_nul(value) || name.find('=') != std::string::npos)
      return fail(ErrorKind::kInvalid, "not an environment variable: " + name);
  }
  return {};
}

std::vector<char*> pointersOf(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// What posix_spawn is told; owns the system's objects.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // 0 or an errno.
  int spawn(pid_t& child, int input, int output, int problem, SubprocessCall& call) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    std::vector<std::string> variables;
    for (const auto& [name, value] : call.environment)
      variables.emplace_back(name).append("=").append(value);
    const std::vector<char*> arguments = pointersOf(call.command);
    const std::vector<char*> environment = pointersOf(variables);
    for (const int failed :
         {posix_spawnattr_setflags(
              &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK),
          posix_spawnattr_setpgroup(&attributes_, 0),
          // Nothing of our signal handling: we ignore SIGPIPE, a script should not.
          posix_spawnattr_setsigmask(&attributes_, &none),
          posix_spawnattr_setsigdefault(&attributes_, &all),
          posix_spawn_file_actions_adddup2(&actions_, input, 0),
          posix_spawn_file_actions_adddup2(&actions_, output, 1),
          posix_spawn_file_actions_adddup2(&actions_, problem, 2),
          posix_spawn_file_actions_addclosefrom_np(&actions_, 3)}) {
      if (failed != 0) return failed;
    }
    return posix_spawn(&child, arguments[0], &actions_, &attributes_, arguments.data(),
                       environment.data());
  }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

class Running final : public Subprocess {
 public:
  Running(EventLoop& loop, SubprocessCall call, Done done)
      : loop_(loop), call_(std::move(call)), done_(std::move(done)) {}
  ~Running() override { endGroup(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void start() {
    const Status started = launch();
    if (started) return;
    timer_ = loop_.after(std::chrono::milliseconds(0), [this, error = started.error()] {
      finish(tl::unexpected(error.within(call_.command.empty() ? "" : call_.command.front())));
    });
  }

 private:
  Status launch();
  // Reads what is there; false when the output got too long.
  bool readOutput();
  void readProblem();
  void onOutput();
  void onExit();
  void onDeadline();
  // Kills what is left of the group and reaps its leader; nullopt: it was not running any more.
  std::optional<int> endGroup();
  void finish(Result<SubprocessEnd> result);

  EventLoop& loop_;
  SubprocessCall call_;
  Done done_;
  pid_t child_ = -1;  // > 0 until reaped
  SubprocessEnd end_;
  Descriptor process_;
  Descriptor output_;
  Descriptor problem_;
  // After the descriptors: a handle goes before what it watches.
  std::unique_ptr<EventLoop::Timer> on_exit_;
  std::unique_ptr<EventLoop::Timer> on_output_;
  std::unique_ptr<EventLoop::Timer> on_problem_;
  std::unique_ptr<EventLoop::Timer> timer_;
};

Status Running::launch() {
  if (Status checked = checkCall(call_); !checked) return checked;
  auto input = inputFile(call_.input);
  if (!input) return tl::unexpected(input.error());
  auto output = makePipe();
  if (!output) return tl::unexpected(output.error());
  auto problem = makePipe();
  if (!problem) return tl::unexpected(problem.error());
  SpawnPlan plan;
  if (const int failed =
          plan.spawn(child_, input->get(), output->write.get(), problem->write.get(), call_);
      failed != 0) {
    child_ = -1;
    return fail(ErrorKind::kUnavailable, std::strerror(failed));
  }
  output_ = std::move(output->read);
  problem_ = std::move(problem->read);
  process_ = Descriptor(pidfd_open(child_, 0));
  if (process_.get() < 0) {
    auto failed = systemError("pidfd_open");
    endGroup();
    return failed;
  }
  on_exit_ = loop_.onReadable(process_.get(), [this] { onExit(); });
  on_output_ = loop_.onReadable(output_.get(), [this] { onOutput(); });
  on_problem_ = loop_.onReadable(problem_.get(), [this] { readProblem(); });
  timer_ = loop_.after(call_.timeout, [this] { onDeadline(); });
  return {};
}

// Reads until nothing is there; true: the other end is closed.
template <class Take>
bool drain(int descriptor, Take take) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno != EAGAIN;
    if (got == 0) return true;
    if (!take(std::string_view(buffer.data(), static_cast<std::size_t>(got)))) return false;
  }
}

bool Running::readOutput() {
  bool fits = true;
  const bool closed = drain(output_.get(), [&](std::string_view piece) {
    fits = piece.size() <= call_.max_output_bytes - end_.output.size();
    if (fits) end_.output.append(piece);
    return fits;
  });
  if (closed) on_output_.reset();
  return fits;
}

void Running::readProblem() {
  // One buffer a turn is enough: it is thrown away after the first kilobyte.
  const bool closed = drain(problem_.get(), [&](std::string_view piece) {
    end_.problem.append(piece.substr(0, kMaxProblemBytes - end_.problem.size()));
    return false;
  });
  if (closed) on_problem_.reset();
}

void Running::onOutput() {
  if (readOutput()) return;
  endGroup();
  finish(fail(ErrorKind::kTooLarge, call_.command.front() + ": wrote more than " +
                                        std::to_string(call_.max_output_bytes) + " bytes"));
}

void Running::onExit() {
  const std::optional<int> code = endGroup();
  if (!readOutput()) {
    finish(fail(ErrorKind::kTooLarge, call_.command.front() + ": wrote more than " +
                                          std::to_string(call_.max_output_bytes) + " bytes"));
    return;
  }
  readProblem();
  if (!code) {
    finish(fail(ErrorKind::kUnavailable, call_.command.front() + ": its end was not seen"));
    return;
  }
  end_.exit_code = *code;
  finish(std::move(end_));
}

void Running::onDeadline() {
  endGroup();
  finish(fail(ErrorKind::kUnavailable, call_.command.front() + ": not ended after " +
                                           std::to_string(call_.timeout.count()) + " ms"));
}

std::optional<int> Running::endGroup() {
  if (child_ <= 0) return std::nullopt;
  // Before the leader is reaped: until then its number, the group's name, belongs to nobody else.
  kill(-child_, SIGKILL);
  kill(child_, SIGKILL);
  const pid_t child = std::exchange(child_, -1);
  pollfd waiting{process_.get(), POLLIN, 0};
  if (process_.get() >= 0) poll(&waiting, 1, kReapMillis);
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void Running::finish(Result<SubprocessEnd> result) {
  on_exit_.reset();
  on_output_.reset();
  on_problem_.reset();
  timer_.reset();
  // The last act: `done` may end this object.
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace

std::unique_ptr<Subprocess> Subprocess::start(EventLoop& loop, SubprocessCall call, Done done) {
  auto running = std::make_unique<Running>(loop, std::move(call), std::move(done));
  running->start();
  return running;
}

}  // namespace meridian
