#include "dns/wire/response_writer.h"

#include <algorithm>
#include <cstring>

namespace meridian::dns {
namespace {

constexpr std::uint16_t kPointerBits = 0xC000;
constexpr std::size_t kMaxPointer = 0x3FFF;
constexpr std::uint16_t kResponseFlag = 0x8000;
constexpr std::uint16_t kAuthoritativeFlag = 0x0400;
constexpr std::uint16_t kTruncatedFlag = 0x0200;
// RD and CD are the client's and go back as they came; opcode too (RFC 1035 §4.1.1).
constexpr std::uint16_t kEchoedFlags = 0x7910;

void writeHeader(std::span<std::uint8_t> buffer, const Query& query, std::uint16_t flags,
                 Rcode rcode, std::uint16_t questions, const std::uint16_t (&counts)[3]) {
  ByteWriter header(buffer.first(kHeaderBytes));
  const auto all_flags =
      static_cast<std::uint16_t>(kResponseFlag | flags | (query.flags & kEchoedFlags) |
                                 (static_cast<std::uint16_t>(rcode) & 0xF));
  header.numbers(query.id, all_flags, questions, counts[0], counts[1], counts[2]);
}

}  // namespace

ResponseWriter::ResponseWriter(const Query& query, std::span<std::uint8_t> buffer,
                               std::size_t limit, OptReply* opt)
    : query_(query),
      out_(buffer.first(std::min(limit, buffer.size()) - (opt == nullptr ? 0 : optSize(*opt)))),
      opt_(opt),
      limit_(std::min(limit, buffer.size())),
      body_start_(kHeaderBytes + query.question.size()),
      buffer_(buffer) {
  std::memcpy(buffer.data() + kHeaderBytes, query.question.data(), query.question.size());
  out_.rewind(body_start_);
}

bool ResponseWriter::close(Section section, std::size_t start, std::uint16_t records) {
  if (!out_.ok()) {
    out_.rewind(start);
    return false;
  }
  counts_[static_cast<std::size_t>(section)] =
      static_cast<std::uint16_t>(counts_[static_cast<std::size_t>(section)] + records);
  return true;
}

void ResponseWriter::writeNameAt(std::size_t offset) {
  if (offset <= kMaxPointer) return out_.u16(static_cast<std::uint16_t>(kPointerBits | offset));
  std::size_t end = offset;
  while (buffer_[end] != 0 && buffer_[end] <= kMaxLabel) end += 1 + std::size_t{buffer_[end]};
  end += buffer_[end] == 0 ? std::size_t{1}
                           : std::size_t{2};  // the root, or the pointer that the name ends in
  out_.bytes(buffer_.subspan(offset, end - offset));
}

bool ResponseWriter::add(Section section, const RrsetView& rrset, std::uint16_t owner_offset) {
  const std::size_t start = out_.position();
  if (owner_offset > kMaxPointer) {
    addRecords(rrset, owner_offset, 0);
    return close(section, start, rrset.count);
  }
  out_.bytes(rrset.rendered);
  if (!close(section, start, rrset.count)) return false;
  last_rdata_ = static_cast<std::uint16_t>(start + kRenderedFixedBytes);
  if (owner_offset == kHeaderBytes) return true;
  const auto pointer = static_cast<std::uint16_t>(kPointerBits | owner_offset);
  std::size_t at = start;
  for (std::uint16_t i = 0; i < rrset.count; ++i) {
    out_.patchU16(at, pointer);
    const std::uint8_t* record = buffer_.data() + at;
    at += kRenderedFixedBytes + static_cast<std::size_t>(record[10] << 8 | record[11]);
  }
  return true;
}

bool ResponseWriter::add(Section section, const RrsetView& rrset, NameView owner) {
  // The longest common tail with the question's name, byte for byte: case is kept, at the price of
  // a few bytes where the question was asked in another case.
  NameView tail = owner;
  while (!tail.isRoot() && !query_.name.isWithin(tail)) tail = tail.parent();
  if (tail.size() == owner.size() && !tail.isRoot()) {
    last_owner_ = suffixOffset(tail.size());
    return add(section, rrset, last_owner_);
  }

  const std::size_t start = out_.position();
  last_owner_ = static_cast<std::uint16_t>(start);
  out_.bytes(owner.wire().first(owner.size() - tail.size()));
  if (tail.isRoot()) {
    out_.u8(0);
  } else {
    writeNameAt(suffixOffset(tail.size()));
  }
  addRecords(rrset, start, 1);
  return close(section, start, rrset.count);
}

void ResponseWriter::addRecords(const RrsetView& rrset, std::size_t owner_offset,
                                std::uint16_t owners_written) {
  std::span<const std::uint8_t> rest = rrset.rendered;
  for (std::uint16_t i = 0; i < rrset.count && out_.ok(); ++i) {
    const std::size_t size =
        kRenderedFixedBytes + static_cast<std::size_t>(rest[10] << 8 | rest[11]);
    if (i >= owners_written) writeNameAt(owner_offset);
    if (i == 0) {
      last_rdata_ = static_cast<std::uint16_t>(out_.position() + kRenderedFixedBytes - 2);
    }
    out_.bytes(rest.subspan(2, size - 2));
    rest = rest.subspan(size);
  }
}

std::uint16_t ResponseWriter::addCname(std::uint16_t owner_offset, std::uint32_t ttl,
                                       std::span<const std::uint8_t> labels,
                                       std::uint16_t tail_offset) {
  const std::size_t start = out_.position();
  writeNameAt(owner_offset);
  out_.u16(static_cast<std::uint16_t>(RrType::kCname));
  out_.u16(static_cast<std::uint16_t>(RrClass::kIn));
  out_.u32(ttl);
  const bool has_tail = tail_offset != 0;
  out_.u16(static_cast<std::uint16_t>(labels.size() + (has_tail ? 2 : 0)));
  const auto target = static_cast<std::uint16_t>(out_.position());
  out_.bytes(labels);
  if (has_tail) out_.u16(static_cast<std::uint16_t>(kPointerBits | tail_offset));
  return close(Section::kAnswer, start, 1) ? target : std::uint16_t{0};
}

std::uint16_t ResponseWriter::addCname(std::uint16_t owner_offset, std::uint32_t ttl,
                                       NameView target) {
  return addCname(owner_offset, ttl, target.wire(), 0);
}

bool ResponseWriter::addTxt(std::span<const std::string> strings, RrClass rr_class,
                            std::uint32_t ttl) {
  const std::size_t start = out_.position();
  std::size_t size = 0;
  for (const std::string& text : strings) size += 1 + std::min<std::size_t>(text.size(), 255);
  if (size > kMaxMessage) return false;
  out_.u16(kQnamePointer);
  out_.u16(static_cast<std::uint16_t>(RrType::kTxt));
  out_.u16(static_cast<std::uint16_t>(rr_class));
  out_.u32(ttl);
  out_.u16(static_cast<std::uint16_t>(size));
  for (const std::string& text : strings) {
    const std::string_view shown = std::string_view(text).substr(0, 255);
    out_.u8(static_cast<std::uint8_t>(shown.size()));
    for (const char c : shown) out_.u8(static_cast<std::uint8_t>(c));
  }
  return close(Section::kAnswer, start, 1);
}

void ResponseWriter::truncate() {
  out_.rewind(body_start_);
  std::fill(std::begin(counts_), std::end(counts_), std::uint16_t{0});
  truncated_ = true;
}

std::size_t ResponseWriter::finish() {
  std::size_t size = out_.position();
  if (opt_ != nullptr) {
    // Said after room for OPT was kept: only where there is more.
    if (opt_->extended && size + optSize(*opt_) > limit_) opt_->extended.reset();
    ByteWriter tail(buffer_.subspan(size));
    writeOpt(tail, *opt_, rcode_);
    size += tail.position();
    if (opt_->padded) size = addPadding(buffer_.first(limit_), size, out_.position());
    ++counts_[static_cast<std::size_t>(Section::kAdditional)];
  }
  const auto flags = static_cast<std::uint16_t>((authoritative_ ? kAuthoritativeFlag : 0) |
                                                (truncated_ ? kTruncatedFlag : 0));
  writeHeader(buffer_, query_, flags, rcode_, 1, counts_);
  return size;
}

std::size_t writeRefusal(const Query& query, Rcode rcode, const OptReply* opt,
                         std::span<std::uint8_t> buffer) {
  std::uint16_t counts[3] = {0, 0, 0};
  ByteWriter out(buffer);
  out.rewind(kHeaderBytes);
  out.bytes(query.question);
  std::size_t size = out.position();
  if (opt != nullptr) {
    const std::size_t opt_offset = out.position();
    writeOpt(out, *opt, rcode);
    size = out.position();
    if (opt->padded) size = addPadding(buffer, size, opt_offset);
    counts[static_cast<std::size_t>(Section::kAdditional)] = 1;
  }
  writeHeader(buffer, query, 0, rcode, query.question.empty() ? 0 : 1, counts);
  return size;
}

}  // namespace meridian::dns
