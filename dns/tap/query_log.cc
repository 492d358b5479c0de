#include "dns/tap/query_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/digest.h"
#include "base/log.h"
#include "dns/tap/log_line.h"

namespace meridian::dns {
namespace {

constexpr std::string_view kFilePrefix = "queries-";
constexpr std::string_view kFileSuffix = ".jsonl";
constexpr std::size_t kDateLength = 10;  // 2026-05-01
constexpr mode_t kFileMode = 0640;
constexpr std::filesystem::perms kFolderMode{0750};

std::string fileNameOf(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{}{:04}-{:02}-{:02}{}", kFilePrefix, static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     kFileSuffix);
}

// The day of a file that this log made; nullopt: it made no file of this name.
std::optional<std::chrono::sys_days> dayOf(const std::string& name) {
  if (name.size() != kFilePrefix.size() + kDateLength + kFileSuffix.size()) return std::nullopt;
  const char* const at = name.data() + kFilePrefix.size();
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  std::from_chars(at, at + 4, year);
  std::from_chars(at + 5, at + 7, month);
  std::from_chars(at + 8, at + 10, day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_days found(date);
  return fileNameOf(found) == name ? std::optional(found) : std::nullopt;
}

tl::unexpected<Error> failFile(const std::filesystem::path& path, const char* what, int code) {
  return meridian::fail(ErrorKind::kIo,
                        path.string() + ": cannot " + what + ": " + std::strerror(code));
}

}  // namespace

QueryLog::QueryLog(QueryLogSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {}

QueryLog::~QueryLog() {
  flush();
  if (file_ >= 0) ::close(file_);
}

void QueryLog::add(const TapRecord& record) {
  turn();
  if (!salt_) return counters_.lost.add();
  if (buffer_.empty()) flush_at_ = clock_.monotonicNow() + kFlushEvery;
  buffer_ += logLine(record, *salt_);
  ++buffered_lines_;
  if (buffer_.size() >= kMaxBuffered) flush();
}

void QueryLog::turn() {
  const Day today = std::chrono::floor<std::chrono::days>(clock_.wallNow());
  if (day_ != today) {
    flush();
    beginDay(today);
  }
  if (!buffer_.empty() && clock_.monotonicNow() >= flush_at_) flush();
}

void QueryLog::beginDay(Day day) {
  day_ = day;
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  salt_.emplace();
  if (const Status filled = fillRandom(*salt_); !filled) {
    salt_.reset();
    fail(filled.error());
  }
  forgetOld();
}

void QueryLog::flush() {
  if (buffer_.empty()) return;
  Status done;
  const bool tried = file_ >= 0 || clock_.monotonicNow() >= retry_at_;
  if (tried && file_ < 0) done = open();
  if (tried && done) done = write();
  if (tried && done) {
    counters_.lines.add(buffered_lines_);
    failure_said_ = false;
  } else {
    counters_.lost.add(buffered_lines_);
    if (tried) fail(done.error());
  }
  buffer_.clear();
  buffered_lines_ = 0;
}

Status QueryLog::open() {
  std::error_code failed;
  const bool made = std::filesystem::create_directories(settings_.folder, failed);
  if (made) std::filesystem::permissions(settings_.folder, kFolderMode, failed);
  if (failed) return failFile(settings_.folder, "make it", failed.value());
  const std::filesystem::path path = settings_.folder / fileNameOf(*day_);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  file_ = ::open(path.c_str(), kFlags, kFileMode);
  if (file_ < 0) return failFile(path, "open it", errno);
  struct stat found {};
  if (::fstat(file_, &found) != 0 || !S_ISREG(found.st_mode)) {
    ::close(std::exchange(file_, -1));
    return failFile(path, "write it", EINVAL);
  }
  return {};
}

// All that waits, or nothing: what a full disk took of it is taken back, so that no line is half.
Status QueryLog::write() {
  struct stat before {};
  int code = ::fstat(file_, &before) == 0 ? 0 : errno;
  std::size_t written = 0;
  while (code == 0 && written < buffer_.size()) {
    const ssize_t done = ::write(file_, buffer_.data() + written, buffer_.size() - written);
    if (done > 0) {
      written += static_cast<std::size_t>(done);
    } else if (done == 0 || errno != EINTR) {
      code = done == 0 ? ENOSPC : errno;
    }
  }
  if (code == 0) return {};
  [[maybe_unused]] const int cut = written == 0 ? 0 : ::ftruncate(file_, before.st_size);
  ::close(std::exchange(file_, -1));
  return failFile(settings_.folder / fileNameOf(*day_), "write it", code);
}

void QueryLog::forgetOld() const {
  std::error_code failed;
  std::filesystem::directory_iterator at(settings_.folder, failed);
  for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
    const auto day = dayOf(at->path().filename().string());
    if (!day || *day >= *day_ - std::chrono::days(settings_.keep_days)) continue;
    std::error_code ignored;  // it is tried again tomorrow
    if (at->symlink_status(ignored).type() == std::filesystem::file_type::regular)
      std::filesystem::remove(at->path(), ignored);
  }
}

void QueryLog::fail(const Error& error) {
  retry_at_ = clock_.monotonicNow() + kRetry;
  counters_.failures.add();
  if (std::exchange(failure_said_, true)) return;
  logError("query_log_not_written",
           {{"why", error.message}, {"next", "it is tried again each second"}});
}

}  // namespace meridian::dns
