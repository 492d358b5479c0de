// Whatever the file, opening, walking and decoding it ends in values or errors.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "geo/address_evidence.h"
#include "geo/mmdb.h"

namespace {

// A file without a folder: libmaxminddb wants a name, the kernel has one for each descriptor.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : fd_(memfd_create("mmdb", MFD_CLOEXEC)) {
    if (fd_ < 0 || write(fd_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

// libmaxminddb 1.7.1 does not free what it has read of the metadata when the rest is refused.
// Called by LeakSanitizer (sanitizer/lsan_interface.h).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  using namespace meridian::geo;
  const MemoryFile file(data, size);
  const auto database = Mmdb::open({file.path(), {}, {}});
  if (!database) return 0;
  for (const char* address : {"192.0.2.1", "255.255.255.255", "2001:db8::1", "::"}) {
    const auto found = (*database)->lookup(*IpAddress::parse(address));
    if (found && *found && !(*found)->network.contains(*IpAddress::parse(address))) std::abort();
  }
  const auto evidence = AddressEvidence::build({*database}, {});
  if (!evidence) return 0;
  std::size_t next = 0;
  const Status decoded = evidence->forEach([&](std::uint32_t id, const Evidence& each) {
    if (id != next++) std::abort();
    const auto& point = each.location.point;
    if (point && !(point->lat >= -90 && point->lat <= 90)) std::abort();
    if (point && !(point->lon >= -180 && point->lon <= 180)) std::abort();
  });
  if (!decoded && decoded.error().kind != ErrorKind::kCorrupt) std::abort();
  return 0;
}
