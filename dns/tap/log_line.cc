#include "dns/tap/log_line.h"

#include <nlohmann/json.hpp>

#include <array>
#include <string_view>

#include "base/clock.h"
#include "dns/tap/private_text.h"
#include "dns/wire/query_parser.h"

namespace meridian::dns {
namespace {

constexpr std::uint8_t kTruncatedBit = 0x02;  // of the header's third byte
constexpr std::uint8_t kRcodeBits = 0x0F;     // of its fourth

std::string_view transportText(Transport transport) {
  switch (transport) {
    case Transport::kUdp:
      return "udp";
    case Transport::kTcp:
      return "tcp";
    case Transport::kTls:
      return "tls";
    case Transport::kHttps:
      break;
  }
  return "https";
}

// RFC 3597 §5 has a name for each type that has none.
std::string typeText(RrType type) {
  struct Named {
    RrType type;
    std::string_view name;
  };
  constexpr Named kNamed[] = {
      {RrType::kA, "A"},         {RrType::kAaaa, "AAAA"},     {RrType::kAny, "ANY"},
      {RrType::kCname, "CNAME"}, {RrType::kDnskey, "DNSKEY"}, {RrType::kDs, "DS"},
      {RrType::kHttps, "HTTPS"}, {RrType::kMx, "MX"},         {RrType::kNs, "NS"},
      {RrType::kPtr, "PTR"},     {RrType::kSoa, "SOA"},       {RrType::kSrv, "SRV"},
      {RrType::kSvcb, "SVCB"},   {RrType::kTxt, "TXT"}};
  for (const Named& each : kNamed) {
    if (each.type == type) return std::string(each.name);
  }
  return "TYPE" + std::to_string(static_cast<unsigned>(type));
}

// Of the header: the bits of a longer code are in the response's OPT, and only BADVERS needs them.
std::string rcodeText(const TapRecord& record, ParseOutcome parsed) {
  constexpr std::array<std::string_view, 11> kNames{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                    "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                    "NXRRSET", "NOTAUTH", "NOTZONE"};
  const std::size_t code = record.response[3] & kRcodeBits;
  if (code == 0 && parsed == ParseOutcome::kBadVers) return "BADVERS";
  return code < kNames.size() ? std::string(kNames[code]) : "RCODE" + std::to_string(code);
}

std::string timeText(std::uint64_t unix_nanos) {
  return rfc3339(WallTime(std::chrono::milliseconds(unix_nanos / 1'000'000)));
}

}  // namespace

std::string logLine(const TapRecord& record, const SipKey& salt) {
  nlohmann::ordered_json out;
  out["time"] = timeText(record.asked_at);
  out["transport"] = transportText(record.transport);
  out["client"] = hashedNetwork(salt, record.client.address);
  Query query;
  const ParseOutcome parsed = parseQuery(record.query, 0, query);
  if (parsed == ParseOutcome::kOk || parsed == ParseOutcome::kBadVers) {
    out["name"] = discreetName(salt, query.lowered, record.zone);
    out["type"] = typeText(query.type);
    if (query.edns.subnet.has_address)
      out["client_subnet"] = hashedNetwork(salt, query.edns.subnet.address);
  }
  out["size"] = record.response_size;
  if (record.response.size() >= kHeaderBytes) {
    out["rcode"] = rcodeText(record, parsed);
    if ((record.response[2] & kTruncatedBit) != 0) out["truncated"] = true;
  }
  out["rev"] = record.rev;
  if (!record.service.empty()) {
    out["service"] = NameView(record.service).text();
    if (!record.subject.empty()) out["subject"] = record.subject;
    if (record.epoch) out["epoch"] = *record.epoch;
    out["ezone"] = record.ezone;
    out["place"] = placeSourceName(record.place);
  }
  if (record.scope) out["scope"] = *record.scope;
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace meridian::dns
