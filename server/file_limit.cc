#include "server/file_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace meridian::server {

Status raiseFileLimit(std::size_t files) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fail(ErrorKind::kIo, std::string("getrlimit: ") + std::strerror(errno));
  }
  if (limit.rlim_cur >= files) return {};
  limit.rlim_cur = std::min<rlim_t>(files, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fail(ErrorKind::kIo, std::string("setrlimit: ") + std::strerror(errno));
  }
  if (limit.rlim_cur >= files) return {};
  return fail(ErrorKind::kRefused, std::to_string(files) + " open files may be needed, and only " +
                                       std::to_string(limit.rlim_max) + " are allowed");
}

}  // namespace meridian::server
