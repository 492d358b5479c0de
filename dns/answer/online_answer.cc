#include "dns/answer/online_answer.h"

#include <algorithm>
#include <array>
#include <vector>

#include "dns/sign/successor.h"
#include "dns/sign/type_bitmap.h"
#include "dns/wire/render_record.h"

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
  const Name next = successorOf(name, zone_.apex());
  std::vector<std::uint8_t> rdata(next.view().wire().begin(), next.view().wire().end());
  std::vector<RrType> all(types.begin(), types.end());
  for (const RrType type : {RrType::kRrsig, RrType::kNsec}) {
    const auto at = std::lower_bound(all.begin(), all.end(), type);
    if (at == all.end() || *at != type) all.insert(at, type);
  }
  appendTypeBitmap(all, rdata);

  const std::uint32_t ttl = zone_.negativeSoa().ttl;  // RFC 9077 §3
  std::vector<std::uint8_t> rendered;
  renderRecord(RrType::kNsec, ttl, rdata, rendered);
  const RrsetView record{RrType::kNsec, 1, ttl, rendered};

  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): what was written is all that is read
  std::array<std::uint8_t, kMaxOnlineSigners * kMaxRenderedSignature> buffer;
  const OnlineSignatures signatures =
      signOnline(keys_, zone_.apex(), name, record, unix_time_, buffer);
  made_.add(signatures.made);
  return out_.add(section, record, name) &&
         out_.add(section, signatures.rrset, out_.lastOwnerOffset());
}

}  // namespace meridian::dns
