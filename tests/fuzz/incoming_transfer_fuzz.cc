// Any bytes as the messages of a primary: the first byte says what was asked, then messages with
// their length before them. Refused with a reason, or a zone or steps within the bound, which apply
// or not.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "dns/transfer/incoming_transfer.h"
#include "dns/zone/condense.h"
#include "dns/zone/loader.h"
#include "dns/zone/serial.h"

namespace {

using namespace meridian::dns;
using Kind = IncomingTransfer::Kind;
using Progress = IncomingTransfer::Progress;

constexpr std::size_t kMaxBytes = 4096;
constexpr std::uint32_t kSerial = 5;

void require(bool holds) {
  if (!holds) std::abort();
}

const Zone& fuzzZone() {
  static const std::shared_ptr<const Zone> kZone = [] {
    auto zone = parseZone(
        "$ORIGIN example.\n$TTL 300\n@ SOA . . 5 1 2 3 4\n@ NS ns\na A 192.0.2.1\n", "fuzz.zone");
    if (!zone) std::abort();
    return *zone;
  }();
  return *kZone;
}

void checkSteps(const IncomingTransfer& transfer) {
  std::uint32_t at = kSerial;
  for (const ZoneDifference& step : transfer.steps()) {
    require(step.from() == at && isNewerSerial(step.to(), at));
    at = step.to();
  }
  require(at == transfer.serial());
  const auto step = condensed(fuzzZone(), transfer.steps());
  if (!step) return;
  const auto after = apply(fuzzZone(), *step, "fuzz");
  if (after) require((*after)->serial() == transfer.serial());
}

void checkResult(const IncomingTransfer& transfer) {
  switch (transfer.kind()) {
    case Kind::kSerial:
    case Kind::kUpToDate:
      return;
    case Kind::kSteps:
      return checkSteps(transfer);
    case Kind::kZone:
      require(transfer.zone().wire().size() <= kMaxBytes);
      if (const auto zone = zoneOfRecords(transfer.zone(), "fuzz")) {
        require((*zone)->serial() == transfer.serial());
      }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> rest(data, size);
  if (rest.empty()) return 0;
  constexpr RrType kTypes[] = {RrType::kSoa, RrType::kIxfr, RrType::kAxfr};
  TransferQuestion question{Name(fuzzZone().apex()), kTypes[rest[0] % 3], kSerial, 0x1234};
  IncomingTransfer transfer(question, std::nullopt, kMaxBytes);
  transfer.request(0);
  rest = rest.subspan(1);
  while (rest.size() >= 2) {
    const std::size_t length = std::size_t{rest[0]} << 8 | rest[1];
    rest = rest.subspan(2);
    const auto message = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(message.size());
    switch (transfer.take(message, 0)) {
      case Progress::kMore:
        continue;
      case Progress::kFailed:
        require(!transfer.reason().empty());
        return 0;
      case Progress::kDone:
        checkResult(transfer);
        return 0;
    }
  }
  return 0;
}
