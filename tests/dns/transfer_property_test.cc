// What one Meridian sends another takes: random zones through random edits, by AXFR and by IXFR, in
// messages of any number; the zones on both sides are equal.
#include <gtest/gtest.h>

#include <random>

#include "dns/transfer/incoming_transfer.h"
#include "dns/transfer/outgoing_transfer.h"
#include "dns/zone/condense.h"
#include "dns/zone/loader.h"
#include "tests/support/dns_message.h"
#include "tests/support/dns_world.h"
#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kZoneLimit = std::size_t{64} << 20;

class TransferPair {
 public:
  explicit TransferPair(unsigned seed) : chance_(seed) {}

  unsigned any(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(chance_);
  }

  // Names in mixed case, types whose RDATA has names, wildcards, long texts.
  std::shared_ptr<const Zone> randomZone(unsigned serial, unsigned names) {
    static const char* const kOwners[] = {"A", "b", "*.w", "deep.er.x", "MiXed", "c", "d", "e.f"};
    std::string text = "$ORIGIN Example.\n$TTL 300\n@ SOA Ns hostMaster " + std::to_string(serial) +
                       " 1 2 3 4\n@ NS ns\n@ NS other.test.\nns A 192.0.2.1\n";
    for (unsigned i = 0; i < names; ++i) {
      const std::string owner = std::string(kOwners[any(8)]) + std::to_string(any(20));
      const std::string number = std::to_string(any(9));
      switch (any(6)) {
        case 0:
          text += owner + " 300 A 192.0.2." + number + "\n";
          break;
        case 1:
          text += owner + " 300 MX " + number + " Mail" + number + "\n";
          break;
        case 2:
          text += owner + " 300 SRV 1 2 3 t" + number + ".Example.net.\n";
          break;
        case 3:
          text += owner + " 300 TXT \"" + std::string(200, 'x') + number + "\"\n";
          break;
        case 4:
          text += owner + " 300 TYPE65400 \\# 2 000" + number + "\n";
          break;
        default:
          text += owner + " 300 AAAA 2001:db8::" + number + "\n";
      }
    }
    return test::must(parseZone(text, "random.zone"));
  }

  // The zone that the other side has after it asked; `have`: by IXFR from there.
  std::shared_ptr<const Zone> transferred(const LoadedZone& loaded,
                                          const std::shared_ptr<const Zone>& have) {
    const bool is_signed = any(2) == 0;
    const TransferQuestion question{
        Name(loaded.zone->apex()), have == nullptr ? RrType::kAxfr : RrType::kIxfr,
        have == nullptr ? 0 : have->serial(), static_cast<std::uint16_t>(any(65536))};
    IncomingTransfer in(question, is_signed ? std::optional(test::tsigKey()) : std::nullopt,
                        kZoneLimit);
    const auto request = in.request(test::kTsigNow);
    auto settings = std::make_shared<AnswerSettings>();
    ZonePolicy policy;
    policy.name = Name(loaded.zone->apex());
    policy.transfer_to = {{.from = IpPrefixList({*IpPrefix::parse("192.0.2.0/24")})}};
    settings->zone_policies = std::make_shared<const ZonePolicies>(std::vector{policy});
    settings->tsig_keys = std::make_shared<const TsigKeys>(test::tsigKeys());
    ServingState state;
    state.settings = settings;
    state.zones = std::make_shared<const ZoneSet>(std::vector{loaded});
    TransferCounters counters;
    OutgoingTransfer out(request, {test::address("192.0.2.7"), Transport::kTcp, test::kTsigNow},
                         state, counters);
    test::Bytes buffer(kMaxMessage);
    auto progress = IncomingTransfer::Progress::kMore;
    while (!out.done()) {
      EXPECT_EQ(progress, IncomingTransfer::Progress::kMore) << in.reason();
      const std::size_t size = out.next(buffer, test::kTsigNow);
      progress = in.take(std::span(buffer).first(size), test::kTsigNow);
    }
    EXPECT_EQ(progress, IncomingTransfer::Progress::kDone) << in.reason();
    if (progress != IncomingTransfer::Progress::kDone) return nullptr;
    switch (in.kind()) {
      case IncomingTransfer::Kind::kZone:
        return test::must(zoneOfRecords(in.zone(), "transfer"));
      case IncomingTransfer::Kind::kSteps:
        ++with_steps_;
        return test::must(apply(*have, condensed(*have, in.steps()).value(), "transfer"));
      case IncomingTransfer::Kind::kUpToDate:
      case IncomingTransfer::Kind::kSerial:
        break;
    }
    return have;
  }
  unsigned withSteps() const { return with_steps_; }

 private:
  std::mt19937 chance_;
  unsigned with_steps_ = 0;
};

TEST(TransferProperty, BothSidesHaveTheSameZone) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  TransferPair pair(seed);
  for (int round = 0; round < 20; ++round) {
    const unsigned names = 20 + pair.any(600);
    std::vector<std::shared_ptr<const Zone>> zones{pair.randomZone(1, names)};
    LoadedZone loaded{zones.front(), "", {}};
    loaded.history = std::make_shared<const ZoneHistory>(std::vector<ZoneHistory::Step>{}, 0);
    std::vector<ZoneHistory::Step> steps;
    for (unsigned serial = 2; serial < 8; ++serial) {
      zones.push_back(pair.randomZone(serial, names));
      steps.push_back(differenceOf(*zones[serial - 2], *zones[serial - 1]));
    }
    loaded.zone = zones.back();
    loaded.history = std::make_shared<const ZoneHistory>(steps, kZoneLimit);
    const auto whole = pair.transferred(loaded, nullptr);
    ASSERT_NE(whole, nullptr);
    // Nothing is added or taken away, owners in any case.
    ASSERT_EQ(differenceOf(*loaded.zone, *whole), nullptr);
    for (const auto& have : zones) {
      const auto caught_up = pair.transferred(loaded, have);
      ASSERT_NE(caught_up, nullptr);
      ASSERT_EQ(differenceOf(*loaded.zone, *caught_up), nullptr) << "from " << have->serial();
    }
  }
  EXPECT_GT(pair.withSteps(), 0U);
}

}  // namespace
}  // namespace meridian::dns
