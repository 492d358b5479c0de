#include "dns/wire/tsig.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "dns/wire/read_name.h"
#include "dns/wire/skip_name.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kArcountOffset = 10;
constexpr std::size_t kRecordFixedBytes = 10;  // type, class, TTL, RDLENGTH
// Of the RDATA: time signed, fudge, MAC size, original ID, error, other length.
constexpr std::size_t kTsigFixedBytes = 6 + 2 + 2 + 2 + 2 + 2;
constexpr std::size_t kTimeBytes = 6;
constexpr std::size_t kLeastMac = 10;  // RFC 8945 §5.2.2.1

struct AlgorithmFacts {
  TsigAlgorithm algorithm;
  HashKind hash;
  std::string_view name;
};
constexpr AlgorithmFacts kAlgorithms[] = {
    {TsigAlgorithm::kHmacSha256, HashKind::kSha256, "hmac-sha256"},
    {TsigAlgorithm::kHmacSha224, HashKind::kSha224, "hmac-sha224"},
    {TsigAlgorithm::kHmacSha384, HashKind::kSha384, "hmac-sha384"},
    {TsigAlgorithm::kHmacSha512, HashKind::kSha512, "hmac-sha512"},
    {TsigAlgorithm::kHmacSha1, HashKind::kSha1, "hmac-sha1"}};

const AlgorithmFacts& factsOf(TsigAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

// As a name of one label.
Name wireOf(TsigAlgorithm algorithm) {
  const std::string_view text = factsOf(algorithm).name;
  std::array<std::uint8_t, 16> wire{};
  wire[0] = static_cast<std::uint8_t>(text.size());
  std::copy(text.begin(), text.end(), wire.begin() + 1);
  return Name(NameView(std::span(wire).first(text.size() + 2)));
}

struct TsigRecord {
  std::size_t start = 0;  // of the owner's name in the message
  Name owner;             // lower-cased, as is the next
  Name algorithm;
  std::uint64_t time_signed = 0;
  std::uint16_t fudge = 0;
  std::span<const std::uint8_t> mac;
  std::uint16_t original_id = 0;
  TsigError error = TsigError::kNone;
  std::span<const std::uint8_t> other;
};

// The record at in.position(), which stands before the type. False: malformed (§4.2).
bool readRecord(std::span<const std::uint8_t> message, ByteReader in, TsigRecord& out) {
  std::size_t at = out.start;
  const auto owner = readName(message, at);
  in.skip(2);  // type
  const std::uint16_t rr_class = in.u16();
  const std::uint32_t ttl = in.u32();
  ByteReader rdata(in.bytes(in.u16()));
  if (!owner || !in.ok() || in.remaining() != 0 ||
      rr_class != static_cast<std::uint16_t>(RrClass::kAny) || ttl != 0) {
    return false;
  }
  out.owner.assignLowered(*owner);
  const std::span<const std::uint8_t> bytes = message.last(rdata.remaining());
  skipName(rdata);
  // Compressed it is refused here: a pointer is no whole name.
  const auto algorithm = Name::fromWire(bytes.first(rdata.ok() ? rdata.position() : 0));
  if (!algorithm) return false;
  out.algorithm.assignLowered(*algorithm);
  out.time_signed = std::uint64_t{rdata.u16()} << 32;
  out.time_signed |= rdata.u32();
  out.fudge = rdata.u16();
  out.mac = rdata.bytes(rdata.u16());
  out.original_id = rdata.u16();
  out.error = static_cast<TsigError>(rdata.u16());
  out.other = rdata.bytes(rdata.u16());
  return rdata.ok() && rdata.remaining() == 0;
}

enum class Found : std::uint8_t { kNone, kRecord, kMalformed };

// Walks through the message: all sections have a query's form, whatever its opcode.
Found findTsig(std::span<const std::uint8_t> message, TsigRecord& out) {
  ByteReader in(message);
  in.skip(4);
  const std::uint16_t questions = in.u16();
  const std::uint32_t before = std::uint32_t{in.u16()} + in.u16();
  const std::uint16_t additionals = in.u16();
  for (std::uint16_t i = 0; i < questions && in.ok(); ++i) {
    skipName(in);
    in.skip(4);
  }
  const std::uint32_t records = before + additionals;
  for (std::uint32_t i = 0; i < records && in.ok(); ++i) {
    out.start = in.position();
    skipName(in);
    const ByteReader at_type = in;
    const std::uint16_t type = in.u16();
    if (in.ok() && type == static_cast<std::uint16_t>(RrType::kTsig)) {
      const bool last = additionals != 0 && i + 1 == records;
      return last && readRecord(message, at_type, out) ? Found::kRecord : Found::kMalformed;
    }
    in.skip(6);  // class and TTL
    in.skip(in.u16());
  }
  return Found::kNone;
}

bool macLengthIsGood(TsigAlgorithm algorithm, std::size_t size) {
  const std::size_t whole = hashBytes(factsOf(algorithm).hash);
  return size <= whole && size >= std::max(kLeastMac, whole / 2);
}

bool isWithinFudge(const TsigRecord& record, std::uint64_t unix_time) {
  const std::uint64_t apart = unix_time > record.time_signed ? unix_time - record.time_signed
                                                             : record.time_signed - unix_time;
  return apart <= record.fudge;
}

Hmac hmacOf(const TsigKey& key) {
  return {factsOf(key.algorithm).hash, key.secret};
}

// What MACs are made of (§4.3).
void addMac(Hmac& hmac, const Mac& mac) {
  std::array<std::uint8_t, 2> size{};
  ByteWriter(size).u16(static_cast<std::uint16_t>(mac.size));
  hmac.add(size);
  hmac.add(mac.view());
}

// A message without its TSIG, as it was before one was added.
void addMessage(Hmac& hmac, std::span<const std::uint8_t> message, std::uint16_t id,
                std::uint16_t additionals) {
  std::array<std::uint8_t, kHeaderBytes> header{};
  std::copy_n(message.begin(), kHeaderBytes, header.begin());
  ByteWriter out(header);
  out.u16(id);
  out.rewind(kArcountOffset);
  out.u16(additionals);
  hmac.add(header);
  hmac.add(message.subspan(kHeaderBytes));
}

void writeTime(ByteWriter& out, std::uint64_t seconds) {
  out.u16(static_cast<std::uint16_t>(seconds >> 32));
  out.u32(static_cast<std::uint32_t>(seconds));
}

void addTimers(Hmac& hmac, std::uint64_t time_signed, std::uint16_t fudge) {
  std::array<std::uint8_t, kTimeBytes + 2> bytes{};
  ByteWriter out(bytes);
  writeTime(out, time_signed);
  out.u16(fudge);
  hmac.add(bytes);
}

void addVariables(Hmac& hmac, NameView key, NameView algorithm, std::uint64_t time_signed,
                  std::uint16_t fudge, TsigError error, std::span<const std::uint8_t> other) {
  std::array<std::uint8_t, 6> bytes{};
  ByteWriter fixed(bytes);
  fixed.u16(static_cast<std::uint16_t>(RrClass::kAny));
  fixed.u32(0);  // TTL
  hmac.add(key.wire());
  hmac.add(bytes);
  hmac.add(algorithm.wire());
  addTimers(hmac, time_signed, fudge);
  ByteWriter tail(bytes);
  tail.u16(static_cast<std::uint16_t>(error));
  tail.u16(static_cast<std::uint16_t>(other.size()));
  hmac.add(tail.written());
  hmac.add(other);
}

// Of the message as it is in the wire, signed by `record`.
void addSigned(Hmac& hmac, std::span<const std::uint8_t> message, const TsigRecord& record) {
  ByteReader header(message);
  header.skip(kArcountOffset);
  addMessage(hmac, message.first(record.start), record.original_id,
             static_cast<std::uint16_t>(header.u16() - 1));
}

void addVariables(Hmac& hmac, const TsigRecord& record) {
  addVariables(hmac, record.owner, record.algorithm, record.time_signed, record.fudge, record.error,
               record.other);
}

bool isRight(const Mac& whole, std::span<const std::uint8_t> given) {
  return given.size() <= whole.size &&
         equalConstantTime(asText(whole.view().first(given.size())), asText(given));
}

Mac macOf(std::span<const std::uint8_t> bytes) {
  Mac out;
  out.size = std::min(bytes.size(), out.bytes.size());
  std::copy_n(bytes.begin(), out.size, out.bytes.begin());
  return out;
}

std::size_t recordSizeOf(NameView key, NameView algorithm, std::size_t mac, std::size_t other) {
  return key.size() + kRecordFixedBytes + algorithm.size() + kTsigFixedBytes + mac + other;
}

// What a signature is written from.
struct TsigFields {
  NameView key;
  NameView algorithm;
  std::uint64_t time_signed;
  std::uint16_t fudge;
  TsigError error = TsigError::kNone;
  std::span<const std::uint8_t> other = {};
};

bool hasRoom(std::span<const std::uint8_t> buffer, std::size_t size, std::size_t added) {
  return size + added <= std::min(buffer.size(), kMaxMessage);
}

// Adds the record; there is room for it.
std::size_t writeRecord(std::span<std::uint8_t> buffer, std::size_t size, const TsigFields& fields,
                        std::span<const std::uint8_t> mac) {
  ByteReader header(buffer);
  const std::uint16_t id = header.u16();
  header.skip(kArcountOffset - 2);
  ByteWriter out(buffer);
  out.rewind(size);
  out.patchU16(kArcountOffset, static_cast<std::uint16_t>(header.u16() + 1));
  out.bytes(fields.key.wire());
  out.u16(static_cast<std::uint16_t>(RrType::kTsig));
  out.u16(static_cast<std::uint16_t>(RrClass::kAny));
  out.u32(0);
  out.u16(static_cast<std::uint16_t>(fields.algorithm.size() + kTsigFixedBytes + mac.size() +
                                     fields.other.size()));
  out.bytes(fields.algorithm.wire());
  writeTime(out, fields.time_signed);
  out.u16(fields.fudge);
  out.u16(static_cast<std::uint16_t>(mac.size()));
  out.bytes(mac);
  out.u16(id);
  out.u16(static_cast<std::uint16_t>(fields.error));
  out.u16(static_cast<std::uint16_t>(fields.other.size()));
  out.bytes(fields.other);
  return out.position();
}

// A message as it is: its ID is the original one, and ARCOUNT has no TSIG.
void addWhole(Hmac& hmac, std::span<const std::uint8_t> message) {
  ByteReader header(message);
  const std::uint16_t id = header.u16();
  header.skip(kArcountOffset - 2);
  addMessage(hmac, message, id, header.u16());
}

TsigError errorOf(TsigOutcome outcome) {
  switch (outcome) {
    case TsigOutcome::kBadKey:
      return TsigError::kBadKey;
    case TsigOutcome::kBadSig:
      return TsigError::kBadSig;
    case TsigOutcome::kBadTime:
      return TsigError::kBadTime;
    case TsigOutcome::kNone:
    case TsigOutcome::kGood:
    case TsigOutcome::kMalformed:
      break;
  }
  return TsigError::kNone;
}

TsigFailure peerFailureOf(TsigError error) {
  switch (error) {
    case TsigError::kBadKey:
      return TsigFailure::kPeerBadKey;
    case TsigError::kBadSig:
      return TsigFailure::kPeerBadSig;
    case TsigError::kBadTime:
      return TsigFailure::kPeerBadTime;
    case TsigError::kBadTrunc:
      return TsigFailure::kPeerBadTrunc;
    case TsigError::kNone:
      break;
  }
  return TsigFailure::kPeerOtherError;
}

bool nameBefore(NameView a, NameView b) {
  return std::lexicographical_compare(a.wire().begin(), a.wire().end(), b.wire().begin(),
                                      b.wire().end());
}

}  // namespace

Result<TsigAlgorithm> parseTsigAlgorithm(std::string_view text) {
  std::string lowered;
  for (const char c : text) lowered += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lowered.ends_with('.')) lowered.pop_back();
  for (const AlgorithmFacts& each : kAlgorithms) {
    if (each.name == lowered) return each.algorithm;
  }
  if (lowered.starts_with("hmac-md5")) {
    return fail(ErrorKind::kInvalid, "MD5 is broken: use hmac-sha256");
  }
  return fail(ErrorKind::kInvalid,
              "must be hmac-sha256, hmac-sha224, hmac-sha384, hmac-sha512 or hmac-sha1");
}

std::string_view tsigAlgorithmName(TsigAlgorithm algorithm) {
  return factsOf(algorithm).name;
}

Result<TsigKeys> TsigKeys::build(std::vector<TsigKey> keys) {
  if (keys.size() > kMax) {
    return fail(ErrorKind::kInvalid, "at most " + std::to_string(kMax) + " keys");
  }
  std::sort(keys.begin(), keys.end(),
            [](const TsigKey& a, const TsigKey& b) { return nameBefore(a.name, b.name); });
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string name = "key " + keys[i].name.text() + ": ";
    if (i != 0 && keys[i - 1].name == keys[i].name) {
      return fail(ErrorKind::kInvalid, name + "stands twice");
    }
    const std::size_t size = keys[i].secret.size();
    if (size < TsigKey::kMinSecret || size > TsigKey::kMaxSecret) {
      return fail(ErrorKind::kInvalid, name + "the secret has " + std::to_string(size) +
                                           " bytes; " + std::to_string(TsigKey::kMinSecret) +
                                           " to " + std::to_string(TsigKey::kMaxSecret) +
                                           " are allowed");
    }
  }
  TsigKeys out;
  out.keys_ = std::move(keys);
  return out;
}

const TsigKey* TsigKeys::find(NameView lowered) const {
  const auto at = std::lower_bound(
      keys_.begin(), keys_.end(), lowered,
      [](const TsigKey& key, const NameView& name) { return nameBefore(key.name, name); });
  return at != keys_.end() && at->name.view() == lowered ? &*at : nullptr;
}

std::string_view tsigOutcomeName(TsigOutcome outcome) {
  switch (outcome) {
    case TsigOutcome::kNone:
      return "none";
    case TsigOutcome::kGood:
      return "good";
    case TsigOutcome::kBadKey:
      return "badkey";
    case TsigOutcome::kBadSig:
      return "badsig";
    case TsigOutcome::kBadTime:
      return "badtime";
    case TsigOutcome::kMalformed:
      break;
  }
  return "malformed";
}

Rcode TsigCheck::refusal() const {
  if (outcome == TsigOutcome::kMalformed) return Rcode::kFormErr;
  return errorOf(outcome) == TsigError::kNone ? Rcode::kNoError : Rcode::kNotAuth;
}

TsigCheck checkTsig(std::span<const std::uint8_t> message, const TsigKeys& keys,
                    std::uint64_t unix_time) {
  TsigCheck out;
  out.unsigned_size = message.size();
  TsigRecord record;
  const Found found = findTsig(message, record);
  if (found == Found::kNone) return out;
  out.outcome = TsigOutcome::kMalformed;
  if (found == Found::kMalformed) return out;

  out.unsigned_size = record.start;
  out.key_name = record.owner;
  out.algorithm = record.algorithm;
  out.mac = macOf(record.mac);
  out.time_signed = record.time_signed;
  out.fudge = record.fudge;
  out.checked_at = unix_time;
  const TsigKey* key = keys.find(record.owner);
  if (key == nullptr || !(wireOf(key->algorithm) == record.algorithm)) {
    out.outcome = TsigOutcome::kBadKey;
    return out;
  }
  if (!macLengthIsGood(key->algorithm, record.mac.size())) return out;
  Hmac hmac = hmacOf(*key);
  addSigned(hmac, message, record);
  addVariables(hmac, record);
  if (!isRight(hmac.finish(), record.mac)) {
    out.outcome = TsigOutcome::kBadSig;
    return out;
  }
  const bool in_time = isWithinFudge(record, unix_time);
  out.outcome = in_time ? TsigOutcome::kGood : TsigOutcome::kBadTime;
  out.answer_key = key;
  if (in_time) out.key = key;
  return out;
}

void TsigChain::begin(const Mac& request) {
  running_.reset();
  unsigned_ = 0;
  first_ = true;
  prior_ = request;
}

Hmac& TsigChain::next(const TsigKey& key) {
  if (!running_) {
    running_ = hmacOf(key);
    addMac(*running_, prior_);
  }
  return *running_;
}

bool TsigChain::addUnsigned(const TsigKey& key, std::span<const std::uint8_t> message) {
  if (first_ || unsigned_ == kMaxUnsigned) return false;
  addWhole(next(key), message);
  ++unsigned_;
  return true;
}

Mac TsigChain::finish() {
  const Mac whole = running_->finish();
  running_.reset();
  return whole;
}

void TsigChain::signedWith(const Mac& sent) {
  prior_ = sent;
  first_ = false;
  unsigned_ = 0;
}

TsigResponder::TsigResponder(const TsigCheck& check)
    : key_name_(check.key_name),
      algorithm_(check.algorithm),
      error_(errorOf(check.outcome)),
      fudge_(error_ == TsigError::kBadTime ? check.fudge : kTsigFudge),
      time_signed_(check.time_signed),
      checked_at_(check.checked_at) {
  if (check.answer_key != nullptr) key_ = *check.answer_key;
  chain_.begin(check.mac);
}

std::size_t TsigResponder::recordSize() const {
  return recordSizeOf(key_name_, algorithm_, key_ ? hashBytes(factsOf(key_->algorithm).hash) : 0,
                      error_ == TsigError::kBadTime ? kTimeBytes : 0);
}

std::size_t TsigResponder::sign(std::span<std::uint8_t> buffer, std::size_t size,
                                std::uint64_t unix_time) {
  if (!hasRoom(buffer, size, recordSize())) return 0;
  TsigFields fields{key_name_, algorithm_, unix_time, fudge_, error_};
  std::array<std::uint8_t, kTimeBytes> our_time{};
  if (error_ == TsigError::kBadTime) {
    // The client's own time, so that it does not find this message, too, outside the fudge.
    fields.time_signed = time_signed_;
    ByteWriter out(our_time);
    writeTime(out, checked_at_);
    fields.other = our_time;
  }
  if (!key_) return writeRecord(buffer, size, fields, {});

  Hmac& hmac = chain_.next(*key_);
  addWhole(hmac, buffer.first(size));
  if (chain_.first()) {
    addVariables(hmac, key_name_, algorithm_, fields.time_signed, fudge_, error_, fields.other);
  } else {
    addTimers(hmac, fields.time_signed, fudge_);
  }
  const Mac mac = chain_.finish();
  chain_.signedWith(mac);
  return writeRecord(buffer, size, fields, mac.view());
}

bool TsigResponder::leaveUnsigned(std::span<const std::uint8_t> message) {
  return key_ && chain_.addUnsigned(*key_, message);
}

std::string_view tsigFailureText(TsigFailure failure) {
  switch (failure) {
    case TsigFailure::kUnsigned:
      return "the answer is not signed";
    case TsigFailure::kMalformed:
      return "the answer's TSIG record is malformed";
    case TsigFailure::kOtherKey:
      return "the answer is signed with another key";
    case TsigFailure::kBadSig:
      return "the answer's signature is wrong";
    case TsigFailure::kBadTime:
      return "the answer was signed too long ago, or the clocks differ";
    case TsigFailure::kPeerBadKey:
      return "the server does not know the key (BADKEY)";
    case TsigFailure::kPeerBadSig:
      return "the server finds the signature wrong (BADSIG)";
    case TsigFailure::kPeerBadTime:
      return "the server finds the time wrong (BADTIME): the clocks differ";
    case TsigFailure::kPeerBadTrunc:
      return "the server finds the signature too short (BADTRUNC)";
    case TsigFailure::kPeerOtherError:
      break;
  }
  return "the server answers with an unknown TSIG error";
}

std::size_t TsigRequester::recordSize() const {
  return recordSizeOf(key_.name, wireOf(key_.algorithm), hashBytes(factsOf(key_.algorithm).hash),
                      0);
}

std::size_t TsigRequester::sign(std::span<std::uint8_t> buffer, std::size_t size,
                                std::uint64_t unix_time) {
  if (!hasRoom(buffer, size, recordSize())) return 0;
  const Name algorithm = wireOf(key_.algorithm);
  Hmac hmac = hmacOf(key_);
  addWhole(hmac, buffer.first(size));
  addVariables(hmac, key_.name, algorithm, unix_time, kTsigFudge, TsigError::kNone, {});
  const Mac mac = hmac.finish();
  chain_.begin(mac);
  return writeRecord(buffer, size, {key_.name, algorithm, unix_time, kTsigFudge}, mac.view());
}

tl::expected<std::size_t, TsigFailure> TsigRequester::check(std::span<const std::uint8_t> message,
                                                            std::uint64_t unix_time) {
  if (message.size() < kHeaderBytes) return tl::unexpected(TsigFailure::kMalformed);
  TsigRecord record;
  const Found found = findTsig(message, record);
  if (found == Found::kMalformed) return tl::unexpected(TsigFailure::kMalformed);
  if (found == Found::kNone) {
    if (!chain_.addUnsigned(key_, message)) return tl::unexpected(TsigFailure::kUnsigned);
    return message.size();
  }
  if (!(record.owner == key_.name) || !(record.algorithm == wireOf(key_.algorithm))) {
    return tl::unexpected(TsigFailure::kOtherKey);
  }
  if (record.mac.empty() &&
      (record.error == TsigError::kBadKey || record.error == TsigError::kBadSig)) {
    return tl::unexpected(peerFailureOf(record.error));
  }
  if (!macLengthIsGood(key_.algorithm, record.mac.size())) {
    return tl::unexpected(TsigFailure::kMalformed);
  }
  Hmac& hmac = chain_.next(key_);
  addSigned(hmac, message, record);
  if (chain_.first()) {
    addVariables(hmac, record);
  } else {
    addTimers(hmac, record.time_signed, record.fudge);
  }
  if (!isRight(chain_.finish(), record.mac)) return tl::unexpected(TsigFailure::kBadSig);
  if (record.error != TsigError::kNone) return tl::unexpected(peerFailureOf(record.error));
  if (!isWithinFudge(record, unix_time)) return tl::unexpected(TsigFailure::kBadTime);
  chain_.signedWith(macOf(record.mac));
  return record.start;
}

}  // namespace meridian::dns
