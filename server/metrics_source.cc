#include "server/metrics_source.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "server/tap_metrics.h"

namespace meridian::server {
namespace {

using admin::Metric;
using dns::AnswerCounters;

using CounterOf = Counter AnswerCounters::*;

struct Transport {
  std::string name;
  std::vector<const AnswerCounters*> sets;

  double sum(CounterOf counter) const {
    std::uint64_t total = 0;
    for (const AnswerCounters* set : sets) total += (set->*counter).value();
    return static_cast<double>(total);
  }
};

Metric metric(const std::string& name, const std::string& help,
              Metric::Type type = Metric::Type::kCounter) {
  Metric out;
  out.name = name;
  out.help = help;
  out.type = type;
  return out;
}

Metric single(const std::string& name, const std::string& help, double value,
              Metric::Type type = Metric::Type::kCounter) {
  Metric out = metric(name, help, type);
  out.samples.push_back({{}, value});
  return out;
}

Metric perTransport(const char* name, const char* help, CounterOf counter,
                    const std::vector<Transport>& transports) {
  Metric out = metric(name, help);
  for (const Transport& transport : transports) {
    out.samples.push_back({{{"transport", transport.name}}, transport.sum(counter)});
  }
  return out;
}

Metric responses(const std::vector<Transport>& transports) {
  constexpr std::pair<const char*, CounterOf> kRcodes[] = {
      {"NOERROR", &AnswerCounters::no_error},   {"FORMERR", &AnswerCounters::form_err},
      {"SERVFAIL", &AnswerCounters::serv_fail}, {"NXDOMAIN", &AnswerCounters::nx_domain},
      {"NOTIMP", &AnswerCounters::not_imp},     {"REFUSED", &AnswerCounters::refused},
      {"YXDOMAIN", &AnswerCounters::yx_domain}, {"YXRRSET", &AnswerCounters::yx_rrset},
      {"NXRRSET", &AnswerCounters::nx_rrset},   {"NOTZONE", &AnswerCounters::not_zone},
      {"NOTAUTH", &AnswerCounters::not_auth},   {"BADVERS", &AnswerCounters::bad_vers}};
  Metric out = metric("meridian_dns_responses_total", "DNS responses by response code");
  for (const Transport& transport : transports) {
    for (const auto& [rcode, counter] : kRcodes) {
      out.samples.push_back(
          {{{"transport", transport.name}, {"rcode", rcode}}, transport.sum(counter)});
    }
  }
  return out;
}

Metric signedQueries(const std::vector<Transport>& transports) {
  Metric out = metric("meridian_dns_tsig_total", "signed DNS messages, by what their TSIG came to");
  for (const Transport& transport : transports) {
    for (std::size_t i = 0; i < dns::kTsigOutcomes; ++i) {
      const auto outcome = static_cast<dns::TsigOutcome>(i);
      if (outcome == dns::TsigOutcome::kNone) continue;
      std::uint64_t total = 0;
      for (const AnswerCounters* set : transport.sets) total += set->tsig[i].value();
      out.samples.push_back(
          {{{"transport", transport.name}, {"outcome", std::string(dns::tsigOutcomeName(outcome))}},
           static_cast<double>(total)});
    }
  }
  return out;
}

// There as zeros, too, while nothing is limited: an alert on them is never without its series.
Metric rateLimited(const std::vector<std::unique_ptr<dns::UdpWorker>>& workers) {
  constexpr std::pair<const char*, Counter dns::RateCounters::*> kActions[] = {
      {"drop", &dns::RateCounters::dropped},
      {"slip", &dns::RateCounters::cut},
      {"would_drop", &dns::RateCounters::would_drop},
      {"would_slip", &dns::RateCounters::would_cut}};
  Metric out = metric("meridian_dns_rate_limited_total",
                      "UDP answers above a rate: not sent, sent cut, or sent in a dry run");
  for (const auto& [action, counter] : kActions) {
    std::uint64_t total = 0;
    for (const auto& worker : workers) {
      if (worker->limiter() != nullptr) total += (worker->limiter()->counters().*counter).value();
    }
    out.samples.push_back({{{"action", action}}, static_cast<double>(total)});
  }
  return out;
}

// Of connections, for one transport that has them; `prefix`: "meridian_dns_tcp", "TCP".
void addConnections(std::vector<Metric>& out, const std::string& prefix, const std::string& called,
                    const dns::TcpCounters& counters, const Counter& malformed,
                    const std::string& malformed_help) {
  const auto add = [&](const char* name, const std::string& help, const Counter& counter) {
    out.push_back(single(prefix + name, help, static_cast<double>(counter.value())));
  };
  add("_accepted_total", called + " connections accepted", counters.accepted);
  add("_refused_total", called + " connections over a limit", counters.refused);
  add("_timed_out_total", called + " connections ended by a time-out", counters.timed_out);
  add("_malformed_total", malformed_help, malformed);
  add("_accept_failures_total", "times the system could not accept a " + called + " connection",
      counters.accept_failures);
}

template <class Reason, std::size_t kReasons>
Metric byReason(const char* name, const char* help, const std::array<Counter, kReasons>& counters,
                std::string_view (*nameOf)(Reason)) {
  Metric out = metric(name, help);
  for (std::size_t i = 0; i < kReasons; ++i) {
    const std::string reason(nameOf(static_cast<Reason>(i)));
    out.samples.push_back({{{"reason", reason}}, static_cast<double>(counters[i].value())});
  }
  return out;
}

void addHttp(std::vector<Metric>& out, const dns::DohCounters& counters) {
  const auto value = [](const Counter& counter) { return static_cast<double>(counter.value()); };
  Metric replies = metric("meridian_dns_https_requests_total", "HTTPS requests by their reply");
  for (std::size_t i = 0; i < dns::kHttpStatuses; ++i) {
    const std::string status(dns::httpStatusCode(static_cast<dns::HttpStatus>(i)));
    replies.samples.push_back({{{"status", status}}, value(counters.replies[i])});
  }
  out.push_back(std::move(replies));
  out.push_back(single("meridian_dns_https_resets_total", "streams that HTTPS clients gave up",
                       value(counters.resets)));
  out.push_back(single("meridian_dns_https_refused_streams_total",
                       "streams for whose requests a HTTPS connection had no room",
                       value(counters.refused_streams)));
  out.push_back(single("meridian_dns_https_floods_total",
                       "HTTPS connections ended for frames or resets that bring nothing",
                       value(counters.floods)));
}

void addHandshakes(std::vector<Metric>& out, const dns::TcpServer& server) {
  const dns::HandshakeCounters& handshakes = server.handshakes();
  const auto value = [](const Counter& counter) { return static_cast<double>(counter.value()); };
  out.push_back(single("meridian_dns_tls_handshakes_total", "TLS handshakes that were done",
                       value(handshakes.done)));
  out.push_back(single("meridian_dns_tls_resumed_total",
                       "of these, those that went on from an earlier session",
                       value(handshakes.resumed)));
  out.push_back(byReason("meridian_dns_tls_handshake_failures_total", "TLS handshakes that failed",
                         handshakes.failed, &tlsFailureName));
  out.push_back(single("meridian_dns_proxy_headers_total", "PROXY headers that were taken",
                       value(server.proxies().taken)));
  out.push_back(byReason("meridian_dns_proxy_refused_total",
                         "connections of proxies that were ended for want of a good PROXY header",
                         server.proxies().refused, &dns::proxyRefusalName));
}

// Zones that went out to others, over TCP and over TLS.
void addTransfers(std::vector<Metric>& out, const dns::TcpServer& server) {
  Metric started =
      metric("meridian_dns_transfers_total", "requests for a zone (AXFR, IXFR), by what was sent");
  Metric finished = metric("meridian_dns_transfers_finished_total",
                           "of those that were not refused: all messages were made");
  Metric bytes = metric("meridian_dns_transfer_bytes_total", "bytes of their messages");
  for (const auto& [transport, tcp] :
       {std::pair{"tcp", &server.counters()}, std::pair{"tls", &server.tlsCounters()}}) {
    const dns::TransferCounters& counters = tcp->transfers;
    for (std::size_t i = 0; i < dns::kTransferOutcomes; ++i) {
      const auto outcome = static_cast<dns::TransferOutcome>(i);
      started.samples.push_back(
          {{{"transport", transport}, {"outcome", std::string(transferOutcomeName(outcome))}},
           static_cast<double>(counters.started[i].value())});
    }
    const Metric::Labels label{{"transport", transport}};
    finished.samples.push_back({label, static_cast<double>(counters.finished.value())});
    bytes.samples.push_back({label, static_cast<double>(counters.bytes.value())});
  }
  for (Metric* each : {&started, &finished, &bytes}) out.push_back(std::move(*each));
}

Metric updates(const dns::UpdateService& service) {
  constexpr std::pair<const char*, dns::Rcode> kRcodes[] = {
      {"NOERROR", dns::Rcode::kNoError},   {"FORMERR", dns::Rcode::kFormErr},
      {"SERVFAIL", dns::Rcode::kServFail}, {"NXDOMAIN", dns::Rcode::kNxDomain},
      {"REFUSED", dns::Rcode::kRefused},   {"YXDOMAIN", dns::Rcode::kYxDomain},
      {"YXRRSET", dns::Rcode::kYxRrset},   {"NXRRSET", dns::Rcode::kNxRrset},
      {"NOTAUTH", dns::Rcode::kNotAuth},   {"NOTZONE", dns::Rcode::kNotZone}};
  Metric out = metric("meridian_dns_updates_total", "dynamic updates by response code");
  for (const auto& [name, rcode] : kRcodes) {
    const auto count = service.counts().find(rcode);
    out.samples.push_back(
        {{{"rcode", name}},
         count == service.counts().end() ? 0.0 : static_cast<double>(count->second)});
  }
  return out;
}

Metric notices(const dns::NotifyCounters& counters) {
  Metric out =
      metric("meridian_dns_notify_total", "NOTIFY messages sent, and what became of the notices");
  for (const auto& [outcome, counter] :
       {std::pair{"sent", &counters.sent}, std::pair{"heard", &counters.heard},
        std::pair{"refused", &counters.refused}, std::pair{"given_up", &counters.given_up}}) {
    out.samples.push_back({{{"outcome", outcome}}, static_cast<double>(counter->value())});
  }
  return out;
}

Metric byOutcome(const char* name, const char* help,
                 std::initializer_list<std::pair<const char*, const Counter*>> counters) {
  Metric out = metric(name, help);
  for (const auto& [outcome, counter] : counters) {
    out.samples.push_back({{{"outcome", outcome}}, static_cast<double>(counter->value())});
  }
  return out;
}

// Zones that come from primaries.
void addSecondaries(std::vector<Metric>& out, const dns::SecondaryService& service) {
  const dns::SecondaryCounters& counters = service.counters();
  out.push_back(byOutcome("meridian_dns_transfers_in_total",
                          "times that primaries were asked for a zone, by what came of it",
                          {{"up_to_date", &counters.up_to_date},
                           {"axfr", &counters.axfr},
                           {"ixfr", &counters.ixfr},
                           {"failed", &counters.failed}}));
  out.push_back(single("meridian_dns_transfers_in_bytes_total", "bytes of their messages",
                       static_cast<double>(counters.bytes.value())));
  out.push_back(byOutcome("meridian_dns_notify_in_total", "NOTIFY messages, by their answer",
                          {{"taken", &counters.notices_taken},
                           {"refused", &counters.notices_refused},
                           {"unknown", &counters.notices_unknown}}));
  Metric zones = metric("meridian_dns_secondary_zones", "zones that come from primaries, by state",
                        Metric::Type::kGauge);
  for (const auto state :
       {dns::Availability::kServed, dns::Availability::kNeverLoaded, dns::Availability::kExpired}) {
    zones.samples.push_back({{{"state", std::string(dns::availabilityName(state))}},
                             static_cast<double>(service.count(state))});
  }
  out.push_back(std::move(zones));
  out.push_back(single("meridian_dns_secondary_oldest_refresh_seconds",
                       "since the zone was refreshed that was so the longest ago",
                       service.oldestRefreshSeconds(), Metric::Type::kGauge));
}

void addCatalogs(std::vector<Metric>& out, const dns::CatalogConsumer& taken,
                 const dns::CatalogProducer& made) {
  Metric members = metric("meridian_dns_catalog_members", "zones that are members of a catalog",
                          Metric::Type::kGauge);
  Metric refused =
      metric("meridian_dns_catalog_members_refused",
             "zones that a catalog lists, and that are not here by it", Metric::Type::kGauge);
  Metric broken = metric("meridian_dns_catalog_broken",
                         "1: the newest content of the catalog changed nothing, it has faults",
                         Metric::Type::kGauge);
  for (const dns::CatalogStatus& each : taken.statuses()) {
    const std::string name = each.name.text();
    members.samples.push_back(
        {{{"catalog", name}, {"role", "taken"}}, static_cast<double>(each.members)});
    refused.samples.push_back({{{"catalog", name}}, static_cast<double>(each.refused)});
    broken.samples.push_back({{{"catalog", name}}, each.fault.empty() ? 0.0 : 1.0});
  }
  for (const auto& [name, size] : made.sizes()) {
    members.samples.push_back({{{"catalog", name}, {"role", "made"}}, static_cast<double>(size)});
  }
  for (Metric* each : {&members, &refused, &broken}) out.push_back(std::move(*each));
  const dns::CatalogCounters& counters = taken.counters();
  out.push_back(byOutcome(
      "meridian_dns_catalogs_total", "contents of catalogs that came, by what was done with them",
      {{"taken", &counters.taken}, {"broken", &counters.broken}, {"failed", &counters.failed}}));
  out.push_back(single("meridian_dns_catalog_refusals_total",
                       "members that were refused as a content of their catalog was taken",
                       static_cast<double>(counters.refused.value())));
}

}  // namespace

std::vector<std::uint64_t> DnsMetrics::subjectTotals(std::size_t subjects) const {
  std::vector<std::uint64_t> totals(subjects);
  const auto addAll = [&totals](const dns::SubjectHits& hits) {
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += hits.value(i);
  };
  for (const auto& worker : workers_) addAll(worker->counters().answers.subjects);
  addAll(tcp_.counters().answers.subjects);
  addAll(tcp_.tlsCounters().answers.subjects);
  addAll(tcp_.httpsCounters().answers.subjects);
  return totals;
}

std::vector<HyperLogLog> DnsMetrics::subjectResolvers(std::size_t subjects,
                                                      partition::ResolverPeriod period) const {
  std::vector<HyperLogLog> sketches(std::min(subjects, dns::SubjectResolvers::kMax));
  const auto addAll = [&](const dns::SubjectResolvers& resolvers) {
    for (std::size_t i = 0; i < sketches.size(); ++i) {
      if (const auto sketch = resolvers.sketch(i, period)) sketches[i].merge(*sketch);
    }
  };
  for (const auto& worker : workers_) addAll(worker->counters().answers.resolvers);
  addAll(tcp_.counters().answers.resolvers);
  addAll(tcp_.tlsCounters().answers.resolvers);
  addAll(tcp_.httpsCounters().answers.resolvers);
  return sketches;
}

std::vector<Metric> DnsMetrics::collect() const {
  Transport udp{"udp", {}};
  std::uint64_t send_failures = 0;
  for (const auto& worker : workers_) {
    udp.sets.push_back(&worker->counters().answers);
    send_failures += worker->counters().send_failures.value();
  }
  const dns::TcpCounters& tcp_counters = tcp_.counters();
  const dns::TcpCounters& tls_counters = tcp_.tlsCounters();
  const dns::TcpCounters& https_counters = tcp_.httpsCounters();
  const std::vector<Transport> transports{udp,
                                          {"tcp", {&tcp_counters.answers}},
                                          {"tls", {&tls_counters.answers}},
                                          {"https", {&https_counters.answers}}};

  std::vector<Metric> out;
  out.push_back(perTransport("meridian_dns_queries_total", "DNS messages received",
                             &AnswerCounters::received, transports));
  out.push_back(perTransport("meridian_dns_ignored_total",
                             "messages without an answer: too short, or responses",
                             &AnswerCounters::ignored, transports));
  out.push_back(responses(transports));
  out.push_back(perTransport("meridian_dns_truncated_total", "answers with TC",
                             &AnswerCounters::truncated, transports));
  out.push_back(perTransport("meridian_dns_service_answers_total",
                             "answers with a service's records", &AnswerCounters::service_answers,
                             transports));
  out.push_back(perTransport("meridian_dns_located_by_client_subnet_total",
                             "service answers located by ECS", &AnswerCounters::client_subnet,
                             transports));
  out.push_back(perTransport("meridian_dns_located_by_option_total",
                             "service answers located by the EDNS location option",
                             &AnswerCounters::location_option, transports));
  out.push_back(
      perTransport("meridian_dns_unknown_places_total",
                   "geohash, city and POI names that are none and got the default partition",
                   &AnswerCounters::unknown_places, transports));
  for (const auto& [name, counter, help] :
       {std::tuple{"meridian_dns_cookies_new_total", &AnswerCounters::cookies_new,
                   "queries with a client's cookie only"},
        std::tuple{"meridian_dns_cookies_good_total", &AnswerCounters::cookies_good,
                   "queries with a cookie of this server or one that shares its secret"},
        std::tuple{"meridian_dns_cookies_bad_total", &AnswerCounters::cookies_bad,
                   "queries with a cookie that is too old, forged, or of a secret that is gone"}}) {
    out.push_back(perTransport(name, help, counter, transports));
  }
  out.push_back(signedQueries(transports));
  out.push_back(perTransport("meridian_dns_signatures_made_total",
                             "DNSSEC signatures that were made while their query waited",
                             &AnswerCounters::signatures_made, transports));
  out.push_back(perTransport("meridian_dns_explained_total", "_explain answers",
                             &AnswerCounters::explained, transports));
  out.push_back(rateLimited(workers_));
  out.push_back(single("meridian_dns_udp_send_failures_total", "UDP answers the kernel refused",
                       static_cast<double>(send_failures)));
  addConnections(out, "meridian_dns_tcp", "TCP", tcp_counters, tcp_counters.malformed,
                 "TCP frames too short for a header");
  addConnections(out, "meridian_dns_tls", "TLS", tls_counters, tls_counters.malformed,
                 "TLS frames too short for a header");
  addConnections(out, "meridian_dns_https", "HTTPS", https_counters, tcp_.doh().malformed,
                 "HTTPS connections that broke HTTP/2");
  addHttp(out, tcp_.doh());
  addHandshakes(out, tcp_);
  addTransfers(out, tcp_);
  out.push_back(notices(notifier_.counters()));
  addSecondaries(out, secondaries_);
  addCatalogs(out, catalogs_, made_catalogs_);
  out.push_back(updates(updates_));
  out.push_back(single("meridian_dns_desk_refused_total",
                       "UPDATE and NOTIFY messages that came while too many others waited",
                       static_cast<double>(desk_.refused())));
  addTapMetrics(out, tap_);
  out.push_back(single("meridian_dns_zones", "DNS zones served",
                       static_cast<double>(state_.current()->zones->size()), Metric::Type::kGauge));
  return out;
}

}  // namespace meridian::server
