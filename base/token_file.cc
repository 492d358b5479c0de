#include "base/token_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace meridian {

Result<std::string> readTokenFile(const std::filesystem::path& file) {
  constexpr std::size_t kMaxTokenBytes = 4096;
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    return fail(ErrorKind::kNotFound, file.string() + ": " + std::strerror(errno));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorKind::kForbidden,
                file.string() + ": group or others may use this token file; run: chmod 600 " +
                    file.string());
  }
  auto text = readFile(file, kMaxTokenBytes);
  if (!text) return tl::unexpected(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  const bool visible =
      std::all_of(text->begin(), text->end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (text->empty() || !visible) {
    return fail(ErrorKind::kInvalid, file.string() + ": must hold one token and nothing else");
  }
  return text;
}

}  // namespace meridian
