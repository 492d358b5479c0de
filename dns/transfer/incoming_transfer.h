// IncomingTransfer: one question to a primary, and the messages that answer it: the zone's SOA, the
// zone as a whole (AXFR, RFC 5936), or the steps since a serial (IXFR, RFC 1995).
//
// Pure: bytes and the time in, what they mean out. What comes may be anything: it is bounded in
// bytes and in messages without a record, each record is checked against its type, and all is of no
// use before the last message was taken, whose signature vouches for those before (RFC 8945
// §5.3.1). What the records are as a zone is for dns/zone/difference to judge. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/wire/tsig.h"
#include "dns/zone/difference.h"
#include "dns/zone/record_reader.h"

namespace meridian::dns {

struct TransferQuestion {
  Name apex;                    // lower-cased
  RrType type = RrType::kAxfr;  // kSoa, kIxfr, kAxfr
  std::uint32_t serial = 0;     // that is here; for kIxfr
  std::uint16_t id = 0;
};

class IncomingTransfer {
 public:
  // In a row.
  static constexpr std::size_t kMaxMessagesWithoutRecord = 16;

  enum class Progress : std::uint8_t { kMore, kDone, kFailed };
  enum class Kind : std::uint8_t {
    kSerial,    // of a question for the SOA
    kUpToDate,  // of one for steps: there are none
    kZone,
    kSteps,
  };

  // `max_bytes`: of all records in wire form, uncompressed.
  IncomingTransfer(const TransferQuestion& question, std::optional<TsigKey> key,
                   std::size_t max_bytes);

  // The question's message, without the length that TCP has before it. To be called once, first.
  std::vector<std::uint8_t> request(std::uint64_t unix_time);
  // The next message of the answer. REQUIRES: it is not over.
  Progress take(std::span<const std::uint8_t> message, std::uint64_t unix_time);

  // Below: after kDone.
  Kind kind() const;
  std::uint32_t serial() const { return final_serial_; }
  const RecordList& zone() const { return zone_; }                     // of kZone
  const std::vector<ZoneDifference>& steps() const { return steps_; }  // of kSteps

  // After kFailed: why; and whether the primary said no to the question as it understood it: it may
  // still answer another one.
  const std::string& reason() const { return reason_; }
  bool wasRefused() const { return refused_; }

  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return bytes_; }  // of the messages
  std::size_t records() const { return records_; }

 private:
  enum class State : std::uint8_t {
    kStart,
    kAfterSoa,  // what the second record is decides
    kZone,      // until the SOA comes again
    kRemoved,   // a step's records to remove
    kAdded,     // a step's records to add
    kEnd,       // nothing may follow
  };

  bool fail(std::string reason);
  // False: failed.
  bool checkHeader(std::span<const std::uint8_t> message, std::uint16_t& answers, std::size_t& at);
  bool takeRecord(const MessageRecord& record);
  bool takeSoa(const MessageRecord& record);
  bool beginStep(const MessageRecord& soa, std::uint32_t serial);
  bool endIfUpToDate();
  bool add(RecordList& list, const MessageRecord& record);

  TransferQuestion question_;
  std::optional<TsigRequester> signer_;
  std::size_t max_bytes_;
  State state_ = State::kStart;
  MessageRecord soa_;  // the first record
  std::uint32_t final_serial_ = 0;
  std::uint32_t reached_ = 0;  // the serial that the steps so far lead to
  RecordList zone_;
  std::vector<ZoneDifference> steps_;
  std::size_t kept_bytes_ = 0;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
  std::size_t without_record_ = 0;  // messages in a row
  std::string reason_;
  bool refused_ = false;
};

}  // namespace meridian::dns
