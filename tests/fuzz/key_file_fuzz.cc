// Any bytes as the two files of a key, a zero byte between them: refused with a reason, or a key
// that is written and read again as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/sign/key_file.h"

namespace {

using namespace meridian::dns;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = std::min(text.find('\0'), size);
  const std::string_view secret = text.substr(std::min(middle + 1, size));
  const auto read = readKeyFiles(text.substr(0, middle), secret);
  if (!read) {
    require(!read.error().message.empty());
    return 0;
  }
  static_cast<void>(mayBeUsed(*read, meridian::WallTime{}));
  KeyRecord record;
  record.key = read->key;
  const KeyFiles written = writeKeyFiles(read->owner, record);
  const auto again = readKeyFiles(written.record, written.secret);
  require(again.has_value());
  require(again->owner == read->owner && again->key->dnskey() == read->key->dnskey());
  require(again->key->key().privateBytes() == read->key->key().privateBytes());
  return 0;
}
