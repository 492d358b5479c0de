#include "dns/answer/refusal.h"

namespace meridian::dns {

Rcode rcodeOf(ParseOutcome parsed, const AnswerSettings& settings) {
  switch (parsed) {
    case ParseOutcome::kNotImp:
      return Rcode::kNotImp;
    case ParseOutcome::kBadVers:
      return Rcode::kBadVers;
    case ParseOutcome::kCookieOnly:
      return settings.cookies != nullptr ? Rcode::kNoError : Rcode::kFormErr;
    case ParseOutcome::kFormErr:
    case ParseOutcome::kIgnore:
    case ParseOutcome::kOk:
      break;
  }
  return Rcode::kFormErr;
}

Refusal refusalOutsideZones(const ZoneSet& zones, NameView lowered) {
  const LoadedZone* held = zones.covering(lowered);
  if (held == nullptr) return {Rcode::kRefused, ExtendedError::kNotAuthoritative};
  return {Rcode::kServFail, held->availability == Availability::kExpired
                                ? ExtendedError::kInvalidData
                                : ExtendedError::kNotReady};
}

}  // namespace meridian::dns
