#include "dns/answer/answerer.h"

#include "dns/answer/answering.h"
#include "dns/answer/refusal.h"
#include "dns/answer/response_limit.h"
#include "dns/answer/signed_query.h"
#include "dns/wire/query_parser.h"

namespace meridian::dns {
std::size_t answer(std::span<const std::uint8_t> message, const Client& client,
                   const ServingState& state, std::span<std::uint8_t> out, AnswerCounters& counters,
                   AnswerFacts* facts) {
  const AnswerSettings& settings = *state.settings;
  Query query;
  const ParseOutcome parsed = parseQuery(message, settings.location_option_code, query);
  if (query.has_tsig && client.signature == nullptr)
    return answerSigned(message, client, state, out, counters, facts);
  counters.received.add();
  if (parsed == ParseOutcome::kIgnore) {
    counters.ignored.add();
    return 0;
  }
  OptReply opt;
  opt.udp_payload = settings.udp_payload_max;
  OptReply* const opt_or_none = query.edns.present ? &opt : nullptr;
  CookieReply cookie;
  if (query.edns.cookie.present() && settings.cookies != nullptr) {
    const CookieStanding standing =
        settings.cookies->answer(query.edns.cookie, client.address, client.unix_time, cookie);
    counters.count(standing);
    if (facts != nullptr) facts->good_cookie = standing == CookieStanding::kGood;
    opt.cookie = cookie;
  }
  // RFC 8467 §4: where others cannot read an answer its size must not tell it, if the client says
  // that it takes padding; elsewhere padding would only make a larger weapon.
  if (isEncrypted(client.transport)) opt.padded = query.edns.padding_asked;
  const Rcode refusal = client.signature == nullptr ? Rcode::kNoError : client.signature->refusal;
  if (parsed != ParseOutcome::kOk || refusal != Rcode::kNoError) {
    const Rcode rcode = refusal != Rcode::kNoError ? refusal : rcodeOf(parsed, settings);
    counters.count(rcode);
    return writeRefusal(query, rcode, opt_or_none, out);
  }
  opt.dnssec_ok = query.edns.dnssec_ok;
  if (query.edns.nsid_asked) opt.nsid = state.identity;
  if (query.edns.subnet.present) opt.subnet = &query.edns.subnet;
  // RFC 7828 is for connections of DNS: HTTP has its own way to keep one.
  if (query.edns.keepalive_asked && client.transport != Transport::kUdp &&
      client.transport != Transport::kHttps) {
    opt.keepalive = settings.tcp_keepalive;
  }

  ResponseWriter writer(query, out, responseLimit(query, client, settings, opt_or_none),
                        opt_or_none);
  Answering answering(query, client, state, writer, opt, counters);
  answering.run();
  counters.count(writer.rcode());
  if (writer.truncated()) counters.truncated.add();
  const std::size_t size = writer.finish();
  if (facts != nullptr) {
    describe(query, out.first(size), answering.source(), opt.scope_length, *facts);
    facts->decision = answering.decision();
    if (opt.subnet != nullptr) facts->scope = opt.scope_length;
  }
  return size;
}

}  // namespace meridian::dns
