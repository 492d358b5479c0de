// SignedAnswer: what an answer of a signed zone carries beside its records when DO is set:
// signatures (RFC 4035 §3.1), DS at delegations, denials. Also the answers to questions for RRSIG,
// DO or not.
//
// Writes into the answer's ResponseWriter. A function that returns false did not find room: the
// answer must be truncated. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counter.h"
#include "dns/answer/answerer.h"
#include "dns/answer/denial.h"
#include "dns/answer/online_answer.h"
#include "dns/answer/service_signatures.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/zone.h"
#include "dns/zone/zone_set.h"

namespace meridian::dns {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): begin() sets the rest, if it is on
class SignedAnswer {
 public:
  // For one answer out of one zone of `state`; all outlive this.
  void begin(const Zone& zone, const Query& query, const Client& client, const ServingState& state,
             ResponseWriter& out, AnswerCounters& counters) {
    proves_ = query.edns.dnssec_ok && zone.denial() != nullptr;
    is_on_ = proves_ || query.type == RrType::kRrsig;
    if (is_on_) turnOn(zone, query, client, state, out, counters);
  }
  // The answer is a service's, whose signatures were made ahead: nothing else of this is asked for,
  // but for begin() where it is not the service that answers.
  void beginAhead() {
    is_on_ = true;
    denied_name_ = false;
  }
  // What begin() or beginAhead() began is not answered from.
  void turnOff() { is_on_ = proves_ = false; }
  // False: nothing below need be called.
  bool isOn() const { return is_on_; }
  // The current name (lower-cased) was found so; both are read until the next call of this.
  // REQUIRES for all that follow: isOn().
  void found(const NameView& name, const Zone::Match& match) {
    name_ = &name;
    match_ = &match;
    service_signatures_ = nullptr;
  }

  // The current name is a service's own, that of `node` in `signatures`. All are read until the
  // next call of this or found().
  void ownedByService(const NameView& name, const ServiceSignatures& signatures, std::size_t node) {
    name_ = &name;
    service_signatures_ = &signatures;
    service_node_ = node;
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
  // Of an RRset that a service made for this name just now.
  bool addServiceSignatures(const RrsetView& rrset, std::uint16_t owner_offset);
  // What shows that a negative answer, whose SOA was added last, is the zone's own. A name that
  // does not exist has response code NXDOMAIN until then, and with a compact denial NOERROR, unless
  // the client takes the other (RFC 9824 §5).
  bool addNegative(bool name_exists);
  // Whether the question is for the very NSEC that a compact denial would have.
  bool asksForDenial() const;
  bool addDenialAsAnswer(bool name_exists);
  // Whether a name that does not exist was denied, whatever the response code says.
  bool deniedName() const { return is_on_ && denied_name_; }
  // Writes the denials that were collected. To be called before the additional section.
  bool finish() { return !proves_ || denial_.write(*out_); }

 private:
  void turnOn(const Zone& zone, const Query& query, const Client& client, const ServingState& state,
              ResponseWriter& out, AnswerCounters& counters);
  OnlineAnswer online() const { return {*online_, *zone_, unix_time_, *out_, *made_}; }
  bool addCompactDenial(Section section, bool name_exists);
  // The types of the current name, which is no service's, as a compact denial shows them.
  std::vector<RrType> typesHere(bool name_exists) const;

  bool proves_ = false;  // signatures and denials are wanted, and the zone has them
  bool is_on_ = false;   // that, or signatures were asked for by type
  bool denied_name_;
  const Zone* zone_;
  ResponseWriter* out_;
  const NameView* name_;
  const Zone::Match* match_;
  Denial denial_;
  const Query* query_;
  std::uint32_t unix_time_;
  Counter* made_;
  const OnlineKeys* online_;                     // nullptr: nothing is signed while the query waits
  const ServiceSignatures* service_signatures_;  // nullptr: the current name is no service's
  std::size_t service_node_;
};

}  // namespace meridian::dns
