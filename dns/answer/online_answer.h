// OnlineAnswer: what is signed while its query waits, written into the answer: names that a
// wildcard or a service makes, and compact denials of others than services' names (RFC 9824).
//
// A function that returns false did not find room: the answer must be truncated. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "base/counter.h"
#include "dns/sign/online_signer.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/zone.h"

namespace meridian::dns {

class OnlineAnswer {
 public:
  // All outlive this. `made` counts signatures that were in no cache.
  OnlineAnswer(const OnlineKeys& keys, const Zone& zone, std::uint32_t unix_time,
               ResponseWriter& out, Counter& made)
      : keys_(keys), zone_(zone), unix_time_(unix_time), out_(out), made_(made) {}

  // The signatures of an RRset of the answer section, of the name `owner`, which stands at
  // `owner_offset`.
  bool addSignatures(const RrsetView& rrset, NameView owner, std::uint16_t owner_offset);
  // Shows that the name has these types and no others; RRSIG and NSEC go without saying.
  // `types` ascends. Of a name that does not exist: NXNAME alone.
  bool addDenial(Section section, NameView name, std::span<const RrType> types);

 private:
  const OnlineKeys& keys_;
  const Zone& zone_;
  std::uint32_t unix_time_;
  ResponseWriter& out_;
  Counter& made_;
};

}  // namespace meridian::dns
