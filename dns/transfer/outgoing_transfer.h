// OutgoingTransfer: a zone on its way to somebody who asked for it, whole (AXFR, RFC 5936) or as
// the steps since a serial (IXFR, RFC 1995), message by message.
//
// The zone is the one of the moment in which it was asked for, whatever becomes of it meanwhile. A
// client that has the newest serial, or a newer one, gets the SOA alone; one whose serial is not
// known any more, or for whom the steps are longer than the zone, gets the zone as a whole.
// Messages are signed where the request was. Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "dns/answer/answerer.h"
#include "dns/answer/signed_query.h"

namespace meridian::dns {

enum class TransferOutcome : std::uint8_t {
  kAxfr,      // the zone as a whole
  kIxfr,      // steps
  kUpToDate,  // the SOA alone
  kRefused,   // the policy admits no such client
  kNotAuth,   // no such zone here, or a signature that is not good
  kMalformed,
};
inline constexpr std::size_t kTransferOutcomes = 6;
std::string_view transferOutcomeName(TransferOutcome outcome);  // as metrics name it: "axfr"

struct TransferCounters {
  std::array<Counter, kTransferOutcomes> started;
  Counter bytes;
  Counter finished;  // the last message of a transfer that was not refused was made
};

// Whether a message asks for a transfer, well or badly. Costs a look at its question.
bool asksForTransfer(std::span<const std::uint8_t> message);

class OutgoingTransfer {
 public:
  // REQUIRES: asksForTransfer(message). Counts how it begins; a refusal is one message too.
  OutgoingTransfer(std::span<const std::uint8_t> message, const Client& client,
                   const ServingState& state, TransferCounters& counters);
  ~OutgoingTransfer();
  OutgoingTransfer(OutgoingTransfer&&) noexcept;
  OutgoingTransfer& operator=(OutgoingTransfer&&) = delete;
  OutgoingTransfer(const OutgoingTransfer&) = delete;
  OutgoingTransfer& operator=(const OutgoingTransfer&) = delete;

  TransferOutcome outcome() const;
  bool done() const;
  // The next message into `out`; its size. 0: it cannot be made (a record that fits into no message
  // beside the signature): the connection is to end. REQUIRES: !done(), out.size() >= kMaxMessage.
  std::size_t next(std::span<std::uint8_t> out, std::uint64_t unix_time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meridian::dns
