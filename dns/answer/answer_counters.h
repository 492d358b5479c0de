// What one worker counted. Each worker owns one; admin/metrics folds them.
#pragma once

#include <array>

#include "base/counter.h"
#include "dns/answer/subject_hits.h"
#include "dns/answer/subject_resolvers.h"
#include "dns/wire/cookie.h"
#include "dns/wire/tsig.h"
#include "dns/wire/types.h"

namespace meridian::dns {

// received = ignored + the sum over response codes.
struct AnswerCounters {
  Counter received;
  Counter ignored;  // no answer: too short, or itself a response
  Counter no_error, form_err, serv_fail, nx_domain, not_imp, refused, yx_domain, yx_rrset, nx_rrset,
      not_auth, not_zone, bad_vers;
  Counter truncated;
  Counter service_answers;  // answered by a service's records
  Counter client_subnet;    // of these, located by ECS
  Counter location_option;  // of these, located by the EDNS location option
  Counter unknown_places;   // geohash, city or POI that is none: the default partition answered
  Counter explained;
  Counter signatures_made;                         // while the query waited
  Counter cookies_new, cookies_good, cookies_bad;  // RFC 7873: asked for one, had ours, had another
  // Signed queries, by TsigOutcome; kNone stays 0.
  std::array<Counter, kTsigOutcomes> tsig;
  // Of questions that a subject's owner decided; a global zone's reads are none.
  SubjectHits subjects;
  SubjectResolvers resolvers;

  void count(Rcode rcode) { return rcode == Rcode::kNoError ? no_error.add() : countError(rcode); }
  void count(CookieStanding standing);

 private:
  void countError(Rcode rcode);
};

}  // namespace meridian::dns
