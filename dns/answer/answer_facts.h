// AnswerFacts: what a response is counted for by those who limit responses (dns/net/rate_limiter):
// its kind, and the name that equal responses have in common; and how it came about, for dns/tap.
//
// Not always the question's name: whoever varies the question at will must not get a name of its
// own each time. So a response that a wildcard, a DNAME, a zone cut or a service's computed names
// made is counted for that one owner, and a name that does not exist for the zone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dns/answer/answer_decision.h"
#include "dns/wire/query.h"

namespace meridian::dns {

enum class AnswerKind : std::uint8_t {
  kPositive,  // records in the answer section, or too many for the datagram
  kReferral,
  kNoData,
  kNxDomain,
  kError,  // every other response code, and what has no question
};
inline constexpr std::size_t kAnswerKinds = 5;

struct AnswerFacts {
  AnswerKind kind = AnswerKind::kError;
  bool good_cookie = false;  // the client receives what is sent to its address
  // A hash, the same for responses that repeat each other; without a key, so that whoever counts
  // must add its own. 0 for errors: they are of nobody's name.
  std::uint64_t imputed = 0;
  bool good_tsig = false;  // the client is one of those that have a key
  AnswerDecision decision = {};
  std::optional<std::uint8_t> scope = {};  // of the answer's client subnet; nullopt: it has none
};

// Sets kind and imputed. `response` is the finished message: its header tells the kind. `source` is
// the owner that made the answer in the question's place, empty: the question's name did. `scope`
// is the client subnet option's in the response.
//
// Positive answers: name, type, and where the answer was located by a client subnet the subnet as
// far as the scope goes, because a large resolver asks for one name once for each of them. Referral
// and no data: name alone. REQUIRES: response.size() >= kHeaderBytes.
void describe(const Query& query, std::span<const std::uint8_t> response,
              std::span<const std::uint8_t> source, std::uint8_t scope, AnswerFacts& out);

}  // namespace meridian::dns
