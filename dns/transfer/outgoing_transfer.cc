#include "dns/transfer/outgoing_transfer.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/query_parser.h"
#include "dns/wire/response_writer.h"
#include "dns/wire/skip_name.h"
#include "dns/zone/serial.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {
namespace {

// A message is sent when it has so much: what is longer cannot be pointed into anyway (RFC 1035
// §4.1.4).
constexpr std::size_t kFullMessage = 16'384;
constexpr std::uint16_t kPointer = 0xC000;
constexpr std::size_t kMaxPointer = 0x3FFF;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kAuthoritativeAnswer = 0x0400;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::size_t kAnswerCountAt = 6;
constexpr std::size_t kAdditionalCountAt = 10;
constexpr std::size_t kRecordFixed = 10;  // type, class, TTL, RDLENGTH

// The serial of the SOA in the authority section of an IXFR request (RFC 1995 §3). Its names may
// be compressed, its numbers are the RDATA's end all the same. REQUIRES: the message was parsed.
std::optional<std::uint32_t> clientSerial(std::span<const std::uint8_t> message,
                                          const Query& query) {
  ByteReader in(message);
  in.skip(8);
  const std::uint16_t authorities = in.u16();
  in.skip(2 + query.question.size());
  if (authorities != 1) return std::nullopt;
  skipName(in);
  const auto type = static_cast<RrType>(in.u16());
  in.skip(6);
  const auto rdata = in.bytes(in.u16());
  if (!in.ok() || type != RrType::kSoa) return std::nullopt;
  return serialOf(rdata);
}

RecordView soaRecord(const Zone& zone) {
  const RrsetView soa = zone.rrset(zone.apexNode(), RrType::kSoa);
  return {zone.nodeName(zone.apexNode()), RrType::kSoa, soa.ttl, soa.firstRdata()};
}

// The records of a transfer in order; one may be looked at before it is taken.
class TransferRecords {
 public:
  // The SOA alone.
  explicit TransferRecords(std::shared_ptr<const Zone> zone)
      : zone_(std::move(zone)), next_(soaRecord(*zone_)) {}

  void addZone() {
    body_.emplace(*zone_);
    has_end_ = true;
  }
  void addSteps(std::span<const ZoneHistory::Step> steps) {
    steps_.assign(steps.begin(), steps.end());
    has_end_ = true;
  }

  const std::optional<RecordView>& peek() const { return next_; }
  void pop() { next_ = following(); }

 private:
  std::optional<RecordView> following() {
    while (body_ && !body_->atEnd()) {
      const RecordView record = body_->next();
      if (record.type != RrType::kSoa) return record;
    }
    while (list_ < 2 * steps_.size()) {
      const ZoneDifference& step = *steps_[list_ / 2];
      if (!in_list_) in_list_.emplace(list_ % 2 == 0 ? step.removed : step.added);
      if (!in_list_->atEnd()) return in_list_->next();
      in_list_.reset();
      ++list_;
    }
    if (!std::exchange(has_end_, false)) return std::nullopt;
    return soaRecord(*zone_);
  }

  std::shared_ptr<const Zone> zone_;
  std::optional<ZoneCursor> body_;
  std::vector<ZoneHistory::Step> steps_;
  std::size_t list_ = 0;  // removed and added of each step, in turn
  std::optional<RecordCursor> in_list_;
  bool has_end_ = false;  // the SOA stands at the end once more
  std::optional<RecordView> next_;
};

std::size_t bytesOf(std::span<const ZoneHistory::Step> steps) {
  std::size_t out = 0;
  for (const ZoneHistory::Step& step : steps) out += step->bytes();
  return out;
}

}  // namespace

std::string_view transferOutcomeName(TransferOutcome outcome) {
  constexpr std::string_view kNames[kTransferOutcomes] = {"axfr",    "ixfr",    "up_to_date",
                                                          "refused", "notauth", "formerr"};
  return kNames[static_cast<std::size_t>(outcome)];
}

bool asksForTransfer(std::span<const std::uint8_t> message) {
  if (message.size() < kHeaderBytes) return false;
  ByteReader in(message);
  in.skip(2);
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16();
  if ((flags & 0xF800) != 0 || questions != 1) return false;  // a response, or another opcode
  in.skip(6);
  skipName(in);
  const auto type = static_cast<RrType>(in.u16());
  const std::uint16_t rr_class = in.u16();
  return in.ok() && rr_class == static_cast<std::uint16_t>(RrClass::kIn) &&
         (type == RrType::kAxfr || type == RrType::kIxfr);
}

struct OutgoingTransfer::State {
  State(std::span<const std::uint8_t> message, const Client& client, const ServingState& state,
        TransferCounters& counted)
      : counters(counted),
        signer(message, state.settings->tsig_keys.get(), client.unix_time),
        request(message.begin(), message.end()),
        outcome(begin(client, state)) {
    counters.started[static_cast<std::size_t>(outcome)].add();
  }

  TransferOutcome begin(const Client& client, const ServingState& state) {
    const ParseOutcome parsed = parseQuery(request, state.settings->location_option_code, query);
    opt.udp_payload = state.settings->udp_payload_max;
    if (parsed != ParseOutcome::kOk) {
      return refuse(parsed == ParseOutcome::kBadVers ? Rcode::kBadVers : Rcode::kFormErr,
                    TransferOutcome::kMalformed);
    }
    const Signature& signature = signer.signature();
    if (signature.refusal != Rcode::kNoError) {
      return refuse(signature.refusal, TransferOutcome::kNotAuth);
    }
    const LoadedZone* loaded = state.zones->at(query.lowered);
    if (loaded == nullptr) return refuse(Rcode::kNotAuth, TransferOutcome::kNotAuth);
    const ZonePolicy& policy = state.settings->zone_policies->of(query.lowered);
    if (!admits(policy.transfer_to, client.address, signature.key)) {
      opt.extended = ExtendedError::kProhibited;
      return refuse(Rcode::kRefused, TransferOutcome::kRefused);
    }
    // What has expired is nobody's to pass on.
    if (loaded->availability != Availability::kServed) {
      opt.extended = ExtendedError::kNotReady;
      return refuse(Rcode::kServFail, TransferOutcome::kRefused);
    }
    records.emplace(loaded->zone);
    if (query.type == RrType::kAxfr) return wholeZone();
    const std::optional<std::uint32_t> have = clientSerial(request, query);
    if (!have) {
      records.reset();
      return refuse(Rcode::kFormErr, TransferOutcome::kMalformed);
    }
    const std::uint32_t newest = loaded->zone->serial();
    if (*have == newest || isNewerSerial(*have, newest)) return TransferOutcome::kUpToDate;
    const auto steps = loaded->history ? loaded->history->since(*have) : std::nullopt;
    if (!steps || bytesOf(*steps) > loaded->zone->bytes()) return wholeZone();
    records->addSteps(*steps);
    return TransferOutcome::kIxfr;
  }
  TransferOutcome wholeZone() {
    records->addZone();
    return TransferOutcome::kAxfr;
  }
  TransferOutcome refuse(Rcode with, TransferOutcome as) {
    rcode = with;
    return as;
  }

  // Header, question, and as many records as make a full message; 0: not even one.
  std::size_t fill(std::span<std::uint8_t> out) {
    const std::size_t opt_size = first && query.edns.present ? optSize(opt) : 0;
    const std::size_t kept = signer.signature().answer_bytes + opt_size;
    ByteWriter writer(out.first(kMaxMessage - kept));
    writer.u16(query.id);
    writer.u16(static_cast<std::uint16_t>(kResponse | kAuthoritativeAnswer |
                                          (query.flags & kRecursionDesired)));
    writer.u16(1);
    for (int i = 0; i < 3; ++i) writer.u16(0);
    writer.bytes(query.question);
    std::uint16_t count = 0;
    owner_at = apex_at = kHeaderBytes;
    owner = query.name;
    apex = query.name.wire();
    while (records->peek() && writer.position() < kFullMessage && write(writer, *records->peek())) {
      records->pop();
      ++count;
    }
    if (count == 0) return 0;
    writer.patchU16(kAnswerCountAt, count);
    if (opt_size == 0) return writer.position();
    ByteWriter rest(out.subspan(writer.position()));
    writeOpt(rest, opt, Rcode::kNoError);
    writer.patchU16(kAdditionalCountAt, 1);
    return writer.position() + rest.position();
  }

  // The owner is written as a pointer where it is the one before, and otherwise with one to the
  // zone's name, where that stands in the very case that the zone has (RFC 5936 §3.4); the question
  // may have it in another. False: it does not fit, and nothing was written.
  bool write(ByteWriter& writer, const RecordView& record) {
    const std::size_t start = writer.position();
    if (record.owner == owner && owner_at <= kMaxPointer) {
      writer.u16(static_cast<std::uint16_t>(kPointer | owner_at));
    } else {
      const std::size_t labels = record.owner.size() - query.name.size();
      const auto tail = record.owner.wire().subspan(labels);
      if (std::equal(tail.begin(), tail.end(), apex.begin(), apex.end())) {
        writer.bytes(record.owner.wire().first(labels));
        writer.u16(static_cast<std::uint16_t>(kPointer | apex_at));
      } else {
        writer.bytes(record.owner.wire());
        if (start + labels <= kMaxPointer) {
          apex = tail;
          apex_at = start + labels;
        }
      }
    }
    writer.u16(static_cast<std::uint16_t>(record.type));
    writer.u16(static_cast<std::uint16_t>(RrClass::kIn));
    writer.u32(record.ttl);
    writer.u16(static_cast<std::uint16_t>(record.rdata.size()));
    writer.bytes(record.rdata);
    if (!writer.ok()) {
      writer.rewind(start);
      return false;
    }
    if (record.owner != owner) {
      owner = record.owner;
      owner_at = start;
    }
    return true;
  }

  TransferCounters& counters;
  SignedQuery signer;
  std::vector<std::uint8_t> request;  // what `query` points into
  Query query;
  OptReply opt;
  Rcode rcode = Rcode::kNoError;
  std::optional<TransferRecords> records;  // none: a refusal
  TransferOutcome outcome;                 // after what begin() fills
  bool first = true;
  // Of the message that is being made: the owner written last, and where it stands.
  NameView owner;
  std::size_t owner_at = kHeaderBytes;
  // The zone's name as it was written last, and where.
  std::span<const std::uint8_t> apex;
  std::size_t apex_at = kHeaderBytes;
};

OutgoingTransfer::OutgoingTransfer(std::span<const std::uint8_t> message, const Client& client,
                                   const ServingState& state, TransferCounters& counters)
    : state_(std::make_unique<State>(message, client, state, counters)) {}

OutgoingTransfer::~OutgoingTransfer() = default;
OutgoingTransfer::OutgoingTransfer(OutgoingTransfer&&) noexcept = default;

TransferOutcome OutgoingTransfer::outcome() const {
  return state_->outcome;
}

bool OutgoingTransfer::done() const {
  return state_->records ? !state_->records->peek() : !state_->first;
}

std::size_t OutgoingTransfer::next(std::span<std::uint8_t> out, std::uint64_t unix_time) {
  State& state = *state_;
  std::size_t size = 0;
  if (state.records) {
    size = state.fill(out);
    if (size != 0 && done()) state.counters.finished.add();
  } else {
    size = writeRefusal(state.query, state.rcode, state.query.edns.present ? &state.opt : nullptr,
                        out);
  }
  state.first = false;
  size = state.signer.sign(out, size, unix_time);
  state.counters.bytes.add(size);
  return size;
}

}  // namespace meridian::dns
