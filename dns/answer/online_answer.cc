#include "dns/answer/online_answer.h"

#include <array>
#include <vector>

#include "dns/sign/compact_denial.h"

namespace meridian::dns {

bool OnlineAnswer::addSignatures(const RrsetView& rrset, NameView owner,
                                 std::uint16_t owner_offset) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): what was written is all that is read
  std::array<std::uint8_t, kMaxOnlineSigners * kMaxRenderedSignature> buffer;
  const OnlineSignatures signatures =
      signOnline(keys_, zone_.apex(), owner, rrset, unix_time_, buffer);
  made_.add(signatures.made);
  return out_.add(Section::kAnswer, signatures.rrset, owner_offset);
}

bool OnlineAnswer::addDenial(Section section, NameView name, std::span<const RrType> types) {
  std::vector<std::uint8_t> rendered;
  const RrsetView record =
      compactDenial(name, zone_.apex(), types, zone_.negativeSoa().ttl, rendered);  // RFC 9077 §3

  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): what was written is all that is read
  std::array<std::uint8_t, kMaxOnlineSigners * kMaxRenderedSignature> buffer;
  const OnlineSignatures signatures =
      signOnline(keys_, zone_.apex(), name, record, unix_time_, buffer);
  made_.add(signatures.made);
  return out_.add(section, record, name) &&
         out_.add(section, signatures.rrset, out_.lastOwnerOffset());
}

}  // namespace meridian::dns
