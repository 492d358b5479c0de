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

std::optional<Refusal> refusalOfQuestion(const Query& query) {
  if (query.rr_class != static_cast<std::uint16_t>(RrClass::kIn)) {
    return Refusal{Rcode::kRefused, ExtendedError::kNotAuthoritative};
  }
  if (query.type == RrType::kNxname) {
    return Refusal{Rcode::kFormErr, ExtendedError::kInvalidQueryType};
  }
  const bool transfer = query.type == RrType::kAxfr || query.type == RrType::kIxfr ||
                        query.type == RrType::kMaila || query.type == RrType::kMailb;
  if (transfer) return Refusal{Rcode::kRefused, ExtendedError::kProhibited};
  return std::nullopt;
}

Refusal refusalOutsideZones(const ZoneSet& zones, NameView lowered) {
  const LoadedZone* held = zones.covering(lowered);
  if (held == nullptr) return {Rcode::kRefused, ExtendedError::kNotAuthoritative};
  if (held->availability == Availability::kServed) {
    return {Rcode::kRefused, ExtendedError::kProhibited};  // a catalog
  }
  return {Rcode::kServFail, held->availability == Availability::kExpired
                                ? ExtendedError::kInvalidData
                                : ExtendedError::kNotReady};
}

const Zone* catalogFor(NameView lowered, const Client& client, const ServingState& state) {
  const LoadedZone* held = state.zones->covering(lowered);
  if (held == nullptr || !held->catalog || held->availability != Availability::kServed) {
    return nullptr;
  }
  const ZonePolicy& policy = state.settings->zone_policies->of(held->zone->apex());
  const TsigKey* signer = client.signature == nullptr ? nullptr : client.signature->key;
  return admits(policy.transfer_to, client.address, signer) ? held->zone.get() : nullptr;
}

}  // namespace meridian::dns
