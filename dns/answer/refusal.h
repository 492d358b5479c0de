// What queries are told that get no answer.
#pragma once

#include "dns/answer/serving_state.h"
#include "dns/wire/query_parser.h"

namespace meridian::dns {

struct Refusal {
  Rcode rcode;
  ExtendedError why;
};

// Of a message that has no question to answer. REQUIRES: parsed != kOk, kIgnore.
Rcode rcodeOf(ParseOutcome parsed, const AnswerSettings& settings);

// Where ZoneSet::find() has no zone for the name: REFUSED when none here has it; SERVFAIL, which
// lets the resolver ask another server, when its primary has not brought it (docs/transfers.md).
Refusal refusalOutsideZones(const ZoneSet& zones, NameView lowered);

}  // namespace meridian::dns
