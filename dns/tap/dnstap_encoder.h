// DnstapEncoder: a record → dnstap's messages (https://dnstap.info, Protocol Buffers).
//
// AUTH_RESPONSE has the query beside the response. AUTH_QUERY is made of queries that got no
// response, too. What is not known, as a client's port behind a proxy, is left out. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dns/tap/tap_record.h"
#include "dns/tap/tap_settings.h"

namespace meridian::dns {

class DnstapEncoder {
 public:
  DnstapEncoder(const TapSettings& settings, const DnstapSettings& dnstap);
  ~DnstapEncoder();
  DnstapEncoder(const DnstapEncoder&) = delete;
  DnstapEncoder& operator=(const DnstapEncoder&) = delete;

  // Each is good until the next call of the same; empty: this message is not made of this record.
  std::span<const std::uint8_t> query(const TapRecord& record);
  std::span<const std::uint8_t> response(const TapRecord& record);

 private:
  struct Frame;  // hides Protocol Buffers
  std::span<const std::uint8_t> serialized();

  bool queries_;
  bool responses_;
  std::unique_ptr<Frame> frame_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace meridian::dns
