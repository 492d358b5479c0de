// TapRecord: what is told of one query: who asked whom, when, the messages, and how the answer came
// about. As bytes it travels through a TapRing, within one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "dns/answer/answer_decision.h"
#include "dns/answer/answerer.h"
#include "partition/ids.h"

namespace meridian::dns {

// Who is to be told of a query.
struct TapWish {
  bool dnstap = false;
  bool log = false;

  bool any() const { return dnstap || log; }
};

// The views of a record that was read point into the bytes it was read from.
struct TapRecord {
  TapWish wish = {};
  Transport transport = Transport::kUdp;
  IpEndpoint client = {};  // port 0: not known, as behind a proxy
  IpEndpoint local = {};   // port 0: not known
  // Nanoseconds since 1970: when the query was taken up, and when its answer was there.
  std::uint64_t asked_at = 0;
  std::uint64_t answered_at = 0;
  std::span<const std::uint8_t> query = {};
  std::span<const std::uint8_t> response = {};  // for the log alone: its header
  std::size_t response_size = 0;                // 0: none was sent

  partition::Rev rev = 0;
  PlaceSource place = PlaceSource::kNone;
  std::optional<std::uint8_t> scope = {};
  std::optional<partition::Epoch> epoch = {};  // of the subject
  std::span<const std::uint8_t> zone = {};     // apex of the DNS zone, wire form; empty: none
  std::span<const std::uint8_t> service = {};  // its name, wire form; empty: no service's records
  std::string_view model_zone = {};            // of the service
  std::string_view subject = {};               // empty: none
  std::string_view ezone = {};
};

std::size_t encodedSize(const TapRecord& record);
// REQUIRES: out.size() == encodedSize(record).
void encode(const TapRecord& record, std::span<std::uint8_t> out);
// REQUIRES: `bytes` are what encode() wrote.
TapRecord decodeTapRecord(std::span<const std::uint8_t> bytes);

// "client-subnet", …; of kNone "none".
std::string_view placeSourceName(PlaceSource source);
// One line of "key=value", as the `extra` of dnstap has it (docs/observation.md).
std::string decisionText(const TapRecord& record);

}  // namespace meridian::dns
