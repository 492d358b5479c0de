// Closed-loop UDP load: replays prebuilt DNS packets (2-byte big-endian length and bytes, repeated)
// from S sockets with up to W queries in flight on each, until N answers came or T seconds passed,
// and prints what came back and the CPU time that the named processes used meanwhile.
//
// usage: udpload FILE PORT ANSWERS PID[,PID...] [SOCKETS=4] [WINDOW=32] [SECONDS=20]
//                [HOST=127.0.0.1]
//
// Output, one line: sent N answered N lost N qps N avg_bytes N cpu_us_per_q N (user N sys N)
// rcode0 N other N. cpu_us_per_q is the scheduler's nanosecond count; user and sys are clock ticks,
// so they are coarse and need not add up to it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Packet = std::span<const std::uint8_t>;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kQueryBytesMax = 512;
constexpr std::size_t kAnswerBytesMax = 2048;
constexpr int kReceiveBufferBytes = 4 << 20;
// Queries that saw no answer for this long count as lost and make room for others.
constexpr auto kLossTimeout = std::chrono::milliseconds(200);

struct Options {
  std::string file;
  std::uint16_t port = 0;
  std::uint64_t answers = 0;
  std::vector<int> pids;
  std::size_t sockets = 4;
  std::size_t window = 32;
  std::chrono::duration<double> limit{20};
  std::string host = "127.0.0.1";
};

struct CpuSeconds {
  double user = 0;
  double sys = 0;
  double run = 0;  // from the scheduler, so finer than user + sys
};

struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t lost = 0;
  std::uint64_t bytes = 0;
  std::uint64_t noerror = 0;
};

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "udpload: %s\n", reason.c_str());
  std::exit(1);
}

std::vector<std::uint8_t> readFile(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::vector<std::uint8_t> bytes(error ? 0 : size);
  std::ifstream file(path, std::ios::binary);
  if (error ||
      !file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    fail(path + ": cannot be read");
  }
  return bytes;
}

// The packets are views into `bytes`.
std::vector<Packet> splitPackets(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  std::vector<Packet> packets;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length =
        at + 2 <= bytes.size() ? static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]) : 0;
    if (length < 2 || length > kQueryBytesMax || at + 2 + length > bytes.size()) {
      fail(path + ": bad packet at byte " + std::to_string(at));
    }
    packets.push_back(Packet(bytes).subspan(at + 2, length));
    at += 2 + length;
  }
  if (packets.empty()) {
    fail(path + ": no packets");
  }
  return packets;
}

void addTicks(int pid, CpuSeconds& total) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat, '\0');
  // Fields are counted from the end of the command name, which may hold anything.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) {
    fail("process " + std::to_string(pid) + " is gone");
  }
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; i++) {
    fields >> skipped;
  }
  double user = 0;
  double sys = 0;
  fields >> user >> sys;
  const auto ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  total.user += user / ticks_a_second;
  total.sys += sys / ticks_a_second;
}

void addSchedulerTime(int pid, CpuSeconds& total) {
  std::error_code error;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::ifstream file(task.path() / "schedstat");
    double nanoseconds = 0;
    if (file >> nanoseconds) {
      total.run += nanoseconds / 1e9;
    }
  }
}

CpuSeconds cpuOf(const std::vector<int>& pids) {
  CpuSeconds total;
  for (const int pid : pids) {
    addTicks(pid, total);
    addSchedulerTime(pid, total);
  }
  return total;
}

int openSocket(const Options& options) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
    fail(options.host + ": not an IPv4 address");
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect: " + std::string(std::strerror(errno)));
  }
  return fd;
}

// Hands out the packets in file order, over and over, each with the next message id.
class Replay {
 public:
  explicit Replay(std::vector<Packet> packets) : packets_(std::move(packets)) {}

  std::size_t next(std::array<std::uint8_t, kQueryBytesMax>& out) {
    const Packet packet = packets_[next_];
    next_ = next_ + 1 == packets_.size() ? 0 : next_ + 1;
    std::memcpy(out.data(), packet.data(), packet.size());
    out[0] = static_cast<std::uint8_t>(id_ >> 8);
    out[1] = static_cast<std::uint8_t>(id_ & 0xff);
    id_++;
    return packet.size();
  }

 private:
  std::vector<Packet> packets_;
  std::size_t next_ = 0;
  std::uint16_t id_ = 0;
};

// One batch of messages, each with a buffer of its own.
template <std::size_t kBytes>
struct Batch {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  std::array<std::array<std::uint8_t, kBytes>, kBatch> buffers{};

  void set(std::size_t i, std::size_t bytes) {
    vectors[i] = {buffers[i].data(), bytes};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
};

class Connection {
 public:
  Connection(int fd, std::size_t window) : fd_(fd), window_(window) {}

  // Sends once half the window is free, so that the server sees bursts and not single packets.
  void send(Replay& replay, Totals& totals) {
    const std::size_t room = window_ - in_flight_;
    if (room < window_ / 2 && room <= 32) {
      return;
    }
    const std::size_t count = std::min(room, kBatch);
    for (std::size_t i = 0; i < count; i++) {
      out_.set(i, replay.next(out_.buffers[i]));
    }
    const int sent = sendmmsg(fd_, out_.messages.data(), static_cast<unsigned>(count), 0);
    if (sent > 0) {
      totals.sent += static_cast<std::uint64_t>(sent);
      in_flight_ += static_cast<std::size_t>(sent);
    }
  }

  void receive(Totals& totals) {
    for (std::size_t i = 0; i < kBatch; i++) {
      in_.set(i, kAnswerBytesMax);
    }
    const int got = recvmmsg(fd_, in_.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got > 0) {
      take(static_cast<std::size_t>(got), totals);
    } else if (in_flight_ > 0 && Clock::now() - last_answer_ > kLossTimeout) {
      totals.lost += in_flight_;
      in_flight_ = 0;
      last_answer_ = Clock::now();
    }
  }

 private:
  void take(std::size_t count, Totals& totals) {
    totals.answered += count;
    // An answer that comes after it was counted as lost must not make the window larger.
    in_flight_ -= std::min(count, in_flight_);
    last_answer_ = Clock::now();
    for (std::size_t i = 0; i < count; i++) {
      totals.bytes += in_.messages[i].msg_len;
      totals.noerror += (in_.buffers[i][3] & 15U) == 0 ? 1U : 0U;
    }
  }

  int fd_;
  std::size_t window_;
  std::size_t in_flight_ = 0;
  Clock::time_point last_answer_ = Clock::now();
  Batch<kQueryBytesMax> out_;
  Batch<kAnswerBytesMax> in_;
};

Totals run(const Options& options, Replay replay, double& seconds) {
  std::vector<Connection> connections;
  connections.reserve(options.sockets);
  for (std::size_t i = 0; i < options.sockets; i++) {
    connections.emplace_back(openSocket(options), options.window);
  }
  Totals totals;
  const auto start = Clock::now();
  while (totals.answered < options.answers && Clock::now() - start < options.limit) {
    for (Connection& connection : connections) {
      connection.send(replay, totals);
      connection.receive(totals);
    }
  }
  seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return totals;
}

void print(const Totals& totals, double seconds, const CpuSeconds& before,
           const CpuSeconds& after) {
  const auto answered = static_cast<double>(totals.answered);
  const auto each = [&](double amount) { return totals.answered > 0 ? amount / answered : 0; };
  std::printf(
      "sent %llu answered %llu lost %llu qps %.0f avg_bytes %.0f cpu_us_per_q %.3f "
      "(user %.3f sys %.3f) rcode0 %llu other %llu\n",
      static_cast<unsigned long long>(totals.sent),
      static_cast<unsigned long long>(totals.answered),
      static_cast<unsigned long long>(totals.lost), answered / seconds,
      each(static_cast<double>(totals.bytes)), each((after.run - before.run) * 1e6),
      each((after.user - before.user) * 1e6), each((after.sys - before.sys) * 1e6),
      static_cast<unsigned long long>(totals.noerror),
      static_cast<unsigned long long>(totals.answered - totals.noerror));
}

std::vector<int> parsePids(const std::string& list) {
  std::vector<int> pids;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    pids.push_back(std::atoi(item.c_str()));
  }
  return pids;
}

bool parse(int argc, char** argv, Options& options) {
  if (argc < 5 || argc > 9) {
    return false;
  }
  const auto number = [&](int i, std::size_t fallback) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : fallback;
  };
  options.file = argv[1];
  options.port = static_cast<std::uint16_t>(number(2, 0));
  options.answers = number(3, 0);
  options.pids = parsePids(argv[4]);
  options.sockets = number(5, options.sockets);
  options.window = number(6, options.window);
  if (argc > 7) {
    options.limit = std::chrono::duration<double>(std::atof(argv[7]));
  }
  if (argc > 8) {
    options.host = argv[8];
  }
  return options.port > 0 && options.answers > 0 && options.sockets > 0 && options.window > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: udpload FILE PORT ANSWERS PID[,PID...] [SOCKETS=4] [WINDOW=32] "
                 "[SECONDS=20] [HOST=127.0.0.1]\n");
    return 2;
  }
  const std::vector<std::uint8_t> bytes = readFile(options.file);
  Replay replay(splitPackets(bytes, options.file));
  const CpuSeconds before = cpuOf(options.pids);
  double seconds = 0;
  const Totals totals = run(options, std::move(replay), seconds);
  // The scheduler's counters lag a running thread; a short rest lets the server go to sleep first.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  print(totals, seconds, before, cpuOf(options.pids));
  return 0;
}
