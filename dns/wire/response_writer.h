// ResponseWriter: one response, section by section, within a size limit.
//
// The question is copied from the query, so its name stands at offset 12: rendered RRsets point
// there (dns/wire/rrset_view.h). An RRset goes in whole or not at all. Room for OPT is kept from
// the start, so that it always fits. Owners: either an offset in this message (a suffix of the
// question's name, or RDATA written before), or a name, which is written with a pointer into the
// question's name where its tail is the same.
#pragma once

#include <cstdint>
#include <span>

#include "base/byte_writer.h"
#include "dns/wire/edns.h"
#include "dns/wire/name.h"
#include "dns/wire/query.h"
#include "dns/wire/rrset_view.h"

namespace meridian::dns {

enum class Section : std::uint8_t { kAnswer, kAuthority, kAdditional };

class ResponseWriter {
 public:
  // REQUIRES: buffer.size() >= 512 and holds header, question and OPT; `query.question` is not
  // empty. `opt`: nullptr for a query without OPT; else it is written by finish().
  ResponseWriter(const Query& query, std::span<std::uint8_t> buffer, std::size_t limit,
                 OptReply* opt);

  // Position of a suffix of the question's name. REQUIRES: `bytes` <= size of the name.
  std::uint16_t suffixOffset(std::size_t suffix_bytes) const {
    return static_cast<std::uint16_t>(kHeaderBytes + query_.name.size() - suffix_bytes);
  }

  // False: did not fit, nothing was written.
  bool add(Section section, const RrsetView& rrset, std::uint16_t owner_offset);
  bool add(Section section, const RrsetView& rrset, NameView owner);
  // A single CNAME with `labels` (no root) followed by a pointer to `tail_offset`, or a whole
  // uncompressed name. Returns the offset of the target in the message, 0 when it did not fit.
  std::uint16_t addCname(std::uint16_t owner_offset, std::uint32_t ttl,
                         std::span<const std::uint8_t> labels, std::uint16_t tail_offset);
  std::uint16_t addCname(std::uint16_t owner_offset, std::uint32_t ttl, NameView target);
  // One TXT record of the question's name, each element a character-string of at most 255 bytes.
  // False: did not fit.
  bool addTxt(std::span<const std::string> strings, RrClass rr_class, std::uint32_t ttl);

  // Where the owner stands that add() was given as a name last.
  std::uint16_t lastOwnerOffset() const { return last_owner_; }
  // Where the RDATA of the RRset added last begins (its first record).
  std::uint16_t lastRdataOffset() const { return last_rdata_; }

  void setAuthoritative(bool value) { authoritative_ = value; }
  void setRcode(Rcode rcode) { rcode_ = rcode; }
  Rcode rcode() const { return rcode_; }
  bool truncated() const { return truncated_; }
  // Takes all records back and sets TC (RFC 2181 §9).
  void truncate();

  // Writes OPT and the header; returns the message's size.
  std::size_t finish();

 private:
  // Writes the name that stands at `offset`: a pointer to it, or its bytes once more where no
  // pointer reaches (beyond 16,383, RFC 1035 §4.1.4).
  void writeNameAt(std::size_t offset);
  // The records, owned by the name at `owner_offset`; the first `owners_written` owners are there.
  void addRecords(const RrsetView& rrset, std::size_t owner_offset, std::uint16_t owners_written);
  bool close(Section section, std::size_t start, std::uint16_t records);

  const Query& query_;
  ByteWriter out_;
  OptReply* opt_;
  std::size_t limit_;
  std::size_t body_start_;
  std::uint16_t counts_[3] = {0, 0, 0};
  std::uint16_t last_owner_ = 0;
  std::uint16_t last_rdata_ = 0;
  Rcode rcode_ = Rcode::kNoError;
  bool authoritative_ = false;
  bool truncated_ = false;
  std::span<std::uint8_t> buffer_;
};

// A response without records, for refusals before there is a Query to answer. Copies the question
// when it was read.
std::size_t writeRefusal(const Query& query, Rcode rcode, const OptReply* opt,
                         std::span<std::uint8_t> buffer);

}  // namespace meridian::dns
