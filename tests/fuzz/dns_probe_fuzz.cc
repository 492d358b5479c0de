// What a checked DNS server may send back: never read beyond its end, and up only for a reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "partition/health/dns_probe_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::partition;
  DnsExpectation expected;
  expected.name = "www.example";
  expected.type = 16;
  expected.text = "ok";
  const auto query = dnsProbeQuery(expected, 0x0007);
  const std::span reply(data, size);
  if (!isDnsReplyTo(query, reply)) return 0;
  const ProbeResult result = judgeDnsReply(expected, query, reply);
  const bool up = result.outcome == ProbeOutcome::kUp;
  if (up != result.reason.empty() || result.outcome == ProbeOutcome::kNoSensor) std::abort();
  // Two bytes of text cannot come out of a reply that has no room for them.
  if (up && size < query.size() + 12 + expected.text.size()) std::abort();
  return 0;
}
