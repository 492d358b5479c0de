#include "dns/transfer/incoming_transfer.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/read_name.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/serial.h"

namespace meridian::dns {
namespace {

constexpr std::uint16_t kIsResponse = 0x8000;
constexpr std::uint16_t kOpcodeBits = 0x7800;
constexpr std::uint16_t kIsAuthoritative = 0x0400;
constexpr std::uint16_t kIsTruncated = 0x0200;
constexpr std::size_t kRecordOverhead = 10;  // type, class, TTL, RDLENGTH
constexpr std::size_t kMaxRequest = 2048;    // two names, a SOA, a TSIG
constexpr std::size_t kSoaNumberBytes = 20;

std::string rcodeText(unsigned rcode) {
  constexpr std::string_view kNames[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                         "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                         "NXRRSET", "NOTAUTH", "NOTZONE"};
  return rcode < std::size(kNames) ? std::string(kNames[rcode]) : "rcode " + std::to_string(rcode);
}

// A SOA that says nothing but its serial (RFC 1995 §3).
void writeClientSoa(ByteWriter& out, const TransferQuestion& question) {
  out.bytes(question.apex.view().wire());
  out.u16(static_cast<std::uint16_t>(RrType::kSoa));
  out.u16(static_cast<std::uint16_t>(RrClass::kIn));
  out.u32(0);
  out.u16(2 + kSoaNumberBytes);
  out.u16(0);  // two names, the root each
  out.u32(question.serial);
  for (int i = 0; i < 4; ++i) out.u32(0);
}

}  // namespace

IncomingTransfer::IncomingTransfer(const TransferQuestion& question, std::optional<TsigKey> key,
                                   std::size_t max_bytes)
    : question_(question), max_bytes_(max_bytes) {
  if (key) signer_.emplace(std::move(*key));
}

std::vector<std::uint8_t> IncomingTransfer::request(std::uint64_t unix_time) {
  const bool for_steps = question_.type == RrType::kIxfr;
  std::vector<std::uint8_t> out(kMaxRequest);
  ByteWriter writer(out);
  writer.u16(question_.id);
  writer.u16(0);
  writer.u16(1);
  writer.u16(0);
  writer.u16(for_steps ? 1 : 0);
  writer.u16(0);
  writer.bytes(question_.apex.view().wire());
  writer.u16(static_cast<std::uint16_t>(question_.type));
  writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
  if (for_steps) writeClientSoa(writer, question_);
  std::size_t size = writer.position();
  if (signer_) size = signer_->sign(out, size, unix_time);
  out.resize(size);
  return out;
}

bool IncomingTransfer::fail(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

IncomingTransfer::Progress IncomingTransfer::take(std::span<const std::uint8_t> message,
                                                  std::uint64_t unix_time) {
  ++messages_;
  bytes_ += message.size();
  std::uint16_t answers = 0;
  std::size_t at = 0;
  if (!checkHeader(message, answers, at)) return Progress::kFailed;
  if (signer_) {
    const auto checked = signer_->check(message, unix_time);
    const unsigned rcode = message[3] & 0xFU;
    if (!checked) {
      reason_ = std::string(tsigFailureText(checked.error()));
      if (rcode != 0) reason_ = rcodeText(rcode) + "; " + reason_;
      return Progress::kFailed;
    }
    message = message.first(*checked);
  }
  if (const unsigned rcode = message[3] & 0xFU; rcode != 0) {
    reason_ = rcodeText(rcode);
    refused_ = true;
    return Progress::kFailed;
  }
  MessageRecord record;
  for (std::uint16_t i = 0; i < answers; ++i) {
    if (const Status read = readMessageRecord(message, at, record); !read) {
      fail("record " + std::to_string(records_) + ": " + read.error().message);
      return Progress::kFailed;
    }
    if (!takeRecord(record)) return Progress::kFailed;
    ++records_;
  }
  without_record_ = answers == 0 ? without_record_ + 1 : 0;
  if (without_record_ > kMaxMessagesWithoutRecord) {
    fail("messages without a record");
    return Progress::kFailed;
  }
  if (question_.type == RrType::kSoa && state_ == State::kStart) {
    fail("no SOA in the answer");
    return Progress::kFailed;
  }
  if (state_ != State::kEnd) return Progress::kMore;
  if (signer_ && !signer_->complete()) {
    fail("the last message is not signed");
    return Progress::kFailed;
  }
  return Progress::kDone;
}

bool IncomingTransfer::checkHeader(std::span<const std::uint8_t> message, std::uint16_t& answers,
                                   std::size_t& at) {
  ByteReader in(message);
  const std::uint16_t id = in.u16();
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16();
  answers = in.u16();
  in.skip(4);
  if (!in.ok()) return fail("a message shorter than its header");
  if (id != question_.id) return fail("a message with another id");
  if ((flags & kIsResponse) == 0 || (flags & kOpcodeBits) != 0) return fail("no response");
  // A refusal may lack anything else.
  if ((flags & 0xFU) != 0) return true;
  if ((flags & kIsTruncated) != 0) return fail("a truncated message");
  if (question_.type == RrType::kSoa && (flags & kIsAuthoritative) == 0) {
    return fail("the server is not authoritative for the zone");
  }
  at = in.position();
  // Only the first message must repeat the question (RFC 5936 §2.2.1).
  if (questions > 1 || (questions == 0 && messages_ == 1)) return fail("not one question");
  if (questions == 0) return true;
  const auto name = readName(message, at);
  ByteReader rest(message.subspan(at));
  const auto type = static_cast<RrType>(rest.u16());
  const std::uint16_t rr_class = rest.u16();
  if (!name || !rest.ok() || name->lowered() != question_.apex || type != question_.type ||
      rr_class != static_cast<std::uint16_t>(RrClass::kIn)) {
    return fail("an answer to another question");
  }
  at += rest.position();
  return true;
}

bool IncomingTransfer::add(RecordList& list, const MessageRecord& record) {
  kept_bytes_ += record.owner.view().size() + kRecordOverhead + record.rdata.size();
  if (kept_bytes_ > max_bytes_) {
    return fail("more than " + std::to_string(max_bytes_) + " bytes of records");
  }
  list.add({record.owner, record.type, record.ttl, record.rdata});
  return true;
}

bool IncomingTransfer::takeRecord(const MessageRecord& record) {
  if (record.rr_class != static_cast<std::uint16_t>(RrClass::kIn) || !isDataType(record.type)) {
    return fail(record.owner.text() + " " + rrTypeName(record.type) + ": stands in no zone");
  }
  if (record.type == RrType::kSoa) return takeSoa(record);
  switch (state_) {
    case State::kStart:
      return fail("the first record is not the SOA");
    case State::kAfterSoa:
      state_ = State::kZone;
      return add(zone_, soa_) && add(zone_, record);
    case State::kZone:
      return add(zone_, record);
    case State::kRemoved:
      return add(steps_.back().removed, record);
    case State::kAdded:
      return add(steps_.back().added, record);
    case State::kEnd:
      break;
  }
  return fail("records behind the end");
}

bool IncomingTransfer::takeSoa(const MessageRecord& record) {
  if (record.owner.lowered() != question_.apex) {
    return fail("the SOA of another zone: " + record.owner.text());
  }
  const std::optional<std::uint32_t> serial = serialOf(record.rdata);
  if (!serial) return fail("a SOA that cannot be read");
  switch (state_) {
    case State::kStart:
      soa_ = record;
      final_serial_ = *serial;
      return endIfUpToDate();
    case State::kAfterSoa:
      if (question_.type == RrType::kIxfr && *serial == question_.serial) {
        reached_ = question_.serial;
        return beginStep(record, *serial);
      }
      return fail("two SOA at the beginning");
    case State::kZone:
      if (*serial != final_serial_) return fail("it ends with another serial than it began with");
      state_ = State::kEnd;
      return true;
    case State::kRemoved:
      if (!isNewerSerial(*serial, reached_)) return fail("a step that leads to no newer serial");
      reached_ = *serial;
      state_ = State::kAdded;
      return add(steps_.back().added, record);
    case State::kAdded:
      if (reached_ != final_serial_) return beginStep(record, *serial);
      if (*serial != final_serial_) return fail("steps behind the last serial");
      state_ = State::kEnd;
      return true;
    case State::kEnd:
      break;
  }
  return fail("records behind the end");
}

bool IncomingTransfer::beginStep(const MessageRecord& soa, std::uint32_t serial) {
  if (serial != reached_) return fail("a step that does not begin where the last one ended");
  state_ = State::kRemoved;
  steps_.emplace_back();
  return add(steps_.back().removed, soa);
}

bool IncomingTransfer::endIfUpToDate() {
  // To a question for steps the SOA alone is the answer where nothing is newer (RFC 1995 §2).
  const bool up_to_date =
      question_.type == RrType::kIxfr && !isNewerSerial(final_serial_, question_.serial);
  state_ = question_.type == RrType::kSoa || up_to_date ? State::kEnd : State::kAfterSoa;
  return true;
}

IncomingTransfer::Kind IncomingTransfer::kind() const {
  if (question_.type == RrType::kSoa) return Kind::kSerial;
  if (!steps_.empty()) return Kind::kSteps;
  return zone_.empty() ? Kind::kUpToDate : Kind::kZone;
}

}  // namespace meridian::dns
