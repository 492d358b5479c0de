// SignedAnswer: what an answer of a signed zone carries beside its records when DO is set:
// signatures (RFC 4035 §3.1), DS at delegations, denials. Also the answers to questions for RRSIG,
// DO or not.
//
// Writes into the answer's ResponseWriter. A function that returns false did not find room: the
// answer must be truncated. Not thread-safe.
#pragma once

#include <cstdint>

#include "dns/answer/denial.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): begin() sets the rest, if it is on
class SignedAnswer {
 public:
  // For one answer out of one zone; both outlive this.
  void begin(const Zone& zone, bool dnssec_ok, RrType asked, ResponseWriter& out) {
    proves_ = dnssec_ok && zone.denial() != nullptr;
    is_on_ = proves_ || asked == RrType::kRrsig;
    if (!is_on_) return;
    zone_ = &zone;
    out_ = &out;
    if (proves_) denial_.begin(zone);
  }
  // False: nothing below need be called.
  bool isOn() const { return is_on_; }
  // The current name (lower-cased) was found so; both are read until the next call of this.
  // REQUIRES for all that follow: isOn().
  void found(const NameView& name, const Zone::Match& match) {
    name_ = &name;
    match_ = &match;
  }

  // What goes with an RRset of the answer section, owned by the name at `owner_offset`: its
  // signatures, and the proof that a wildcard was right to make it. Of type RRSIG: the signatures
  // of the other types, too.
  bool addSignatures(NodeIx node, RrType type, std::uint16_t owner_offset);
  // DS, or the proof that there is none; `cut_name` is lower-cased, and stands at `owner_offset`.
  // To be called before glue is written.
  bool addDelegationSigner(NodeIx cut, NameView cut_name, std::uint16_t owner_offset);
  // Of an address that was added last. Glue has none; others may go without (RFC 4035 §3.1.1).
  void addGlueSignatures(NodeIx node, RrType type);
  // What shows that a negative answer, whose SOA was added last, is the zone's own.
  bool addNegative();
  // Writes the denials that were collected. To be called before the additional section.
  bool finish() { return !proves_ || denial_.write(*out_); }

 private:
  bool proves_ = false;  // signatures and denials are wanted, and the zone has them
  bool is_on_ = false;   // that, or signatures were asked for by type
  const Zone* zone_;
  ResponseWriter* out_;
  const NameView* name_;
  const Zone::Match* match_;
  Denial denial_;
};

}  // namespace meridian::dns
