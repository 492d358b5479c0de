// Any bytes where a proxy's header should be: refused, or a client whose address stands in them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "dns/wire/proxy_header.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::dns;
  const std::span bytes(data, size);
  const auto client = parseProxyHeader(bytes);
  if (size < kProxyFixedBytes) {
    require(!client);
    return 0;
  }
  const auto told = proxyHeaderSize(bytes.first<kProxyFixedBytes>());
  if (!client) {
    // What only those who read from a socket can find is not found here.
    require(client.error() != ProxyRefusal::kClosed && client.error() != ProxyRefusal::kTimeout);
    require(told || told.error() == client.error());
    return 0;
  }
  require(told && *told == size && size <= kMaxProxyHeader);
  if (!*client) return 0;
  const meridian::U128 address = (**client).bits();
  const std::size_t length = (**client).isV4() ? 4 : 16;
  const std::size_t start = kProxyFixedBytes + (data[13] == 0x21 && length == 4 ? 12 : 0);
  require(size >= start + length);
  for (std::size_t i = 0; i < length; ++i) {
    require(data[start + i] == static_cast<std::uint8_t>(address >> (8 * (length - 1 - i))));
  }
  return 0;
}
