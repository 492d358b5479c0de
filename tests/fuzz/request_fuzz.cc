// Any bytes as a NOTIFY or an update, through the whole of what answers them, for a client that may
// do all of it: the response is one to that message, and the zone that is served goes on only where
// it says so.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "dns/net/request_desk.h"
#include "dns/update/update_service.h"
#include "dns/zone/loader.h"
#include "dns/zone/zone_service.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"

namespace {

using namespace meridian::dns;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::shared_ptr<const ZoneSet>& requestZones() {
  static const std::shared_ptr<const ZoneSet> kZones = [] {
    auto zone = parseZone(
        "$ORIGIN example.\n$TTL 300\n@ SOA ns h 7 1 1 1 1\n@ NS ns\nwww A 192.0.2.1\n"
        "alias CNAME www\na.ent TXT deep\n*.w MX 10 www\n",
        "fuzz.zone");
    if (!zone) std::abort();
    LoadedZone loaded;
    loaded.zone = *zone;
    loaded.source = ZoneSource::kStore;
    return std::make_shared<const ZoneSet>(std::vector{loaded});
  }();
  return kZones;
}

const AnswerSettings& requestSettings() {
  static const AnswerSettings kSettings = [] {
    AnswerSettings out;
    std::string secret;
    for (char c = 0; c < 32; ++c) secret += c;
    out.tsig_keys = std::make_shared<const TsigKeys>(*TsigKeys::build(
        {{Name::parse("key.example")->lowered(), TsigAlgorithm::kHmacSha256, secret}}));
    ZonePolicy policy;
    policy.name = Name::parse("example.")->lowered();
    UpdateGrant grant;
    grant.networks = meridian::IpPrefixList({*meridian::IpPrefix::parse("192.0.2.0/24")});
    grant.names = UpdateGrant::Names::kBelow;
    grant.name = policy.name;
    policy.update = {grant};
    out.zone_policies = std::make_shared<const ZonePolicies>(std::vector{policy});
    return out;
  }();
  return kSettings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span message(data, size);
  if (!RequestDesk::wants(message)) return 0;
  meridian::test::FakeClock clock;
  const auto store = std::make_shared<meridian::test::MemoryStore>(
      std::make_shared<meridian::test::MemoryDisk>(), ZoneService::families());
  auto zones = ZoneService::open(store, clock, "", requestZones());
  require(zones.has_value());
  zones->setPolicies(requestSettings().zone_policies);
  zones->onChange([](const auto&) { return [] {}; });
  bool noticed = false;
  UpdateService service(*zones, clock, requestSettings, [&](NameView zone, auto&, auto*) {
    noticed = true;
    return zone == Name::parse("example.")->view() ? Rcode::kNoError : Rcode::kNotAuth;
  });
  const Client client{*meridian::IpAddress::parse("192.0.2.1"), Transport::kUdp, 1'700'000'000};
  const std::vector<std::uint8_t> response = service.answer(message, client);
  require(response.size() >= kHeaderBytes && response.size() <= 4096);
  require(response[0] == data[0] && response[1] == data[1]);
  require((response[2] & 0x80U) != 0 && (response[2] & 0x78U) == (data[2] & 0x78U));
  const bool good = (response[3] & 0xFU) == 0;
  const Zone& served = *zones->zones()->at(Name::parse("example.")->view())->zone;
  const bool is_notify = (data[2] & 0x78U) == static_cast<unsigned>(Opcode::kNotify) << 3U;
  if (is_notify) require(!good || noticed);
  if (is_notify || !good) require(&served == (*requestZones())[0].zone.get());
  return 0;
}
