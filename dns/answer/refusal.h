// What queries are told that get no answer.
#pragma once

#include <optional>

#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/wire/query_parser.h"

namespace meridian::dns {

struct Refusal {
  Rcode rcode;
  ExtendedError why;
};

// Of a message that has no question to answer. REQUIRES: parsed != kOk, kIgnore.
Rcode rcodeOf(ParseOutcome parsed, const AnswerSettings& settings);

// Of another class than IN and CH, and of types that nobody may ask for here: transfers come
// another way, and NXNAME is no type to ask for (RFC 9824 §3.5). nullopt: none of these.
std::optional<Refusal> refusalOfQuestion(const Query& query);

// Where ZoneSet::find() has no zone for the name: REFUSED when none here has it, and of a catalog;
// SERVFAIL, which lets the resolver ask another server, when its primary has not brought it
// (docs/transfers.md). REQUIRES: `lowered` is lower-cased, here and below.
Refusal refusalOutsideZones(const ZoneSet& zones, NameView lowered);

// The catalog that has the name, where the client may have it transferred (RFC 9432 §7); nullptr:
// there is none, or it is not the client's to see.
[[gnu::noinline]] const Zone* catalogFor(NameView lowered, const Client& client,
                                         const ServingState& state);

}  // namespace meridian::dns
