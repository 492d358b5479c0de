#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  // Reports what close() reports: on some file systems that is where a write fails.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

tl::unexpected<Error> failErrno(const std::filesystem::path& path, std::string_view what) {
  const int code = errno;
  return fail(code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
              path.string() + ": " + std::string(what) + ": " + std::strerror(code));
}

bool writeAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> readFile(const std::filesystem::path& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a named pipe would wait for its writer; regular files do not care.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failErrno(path, "cannot open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failErrno(path, "cannot stat");
  if (!S_ISREG(info.st_mode))
    return fail(ErrorKind::kInvalid, path.string() + ": not a regular file");
  std::string content;
  char chunk[65536];
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failErrno(path, "cannot read");
    if (got == 0) return content;
    content.append(chunk, static_cast<std::size_t>(got));
    if (content.size() > max_bytes) {
      return fail(ErrorKind::kTooLarge,
                  path.string() + ": larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Status writeFileAtomically(const std::filesystem::path& path, std::string_view content,
                           mode_t mode) {
  std::filesystem::path temporary = path;
  temporary += ".new";
  {
    FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return failErrno(temporary, "cannot create");
    if (::fchmod(file.get(), mode) != 0) return failErrno(temporary, "cannot set the mode");
    if (!writeAll(file.get(), content)) return failErrno(temporary, "cannot write");
    if (::fsync(file.get()) != 0) return failErrno(temporary, "cannot sync");
    if (!file.close()) return failErrno(temporary, "cannot close");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failErrno(path, "cannot rename");
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return failErrno(folder, "cannot open");
  if (::fsync(directory.get()) != 0) return failErrno(folder, "cannot sync");
  return {};
}

}  // namespace meridian
