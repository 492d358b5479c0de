#include "dns/tap/query_tap.h"

#include <algorithm>

namespace meridian::dns {
namespace {

constexpr std::uint8_t kResponseBit = 0x80;  // of the header's third byte (RFC 1035 §4.1.1)

void describe(const AnswerDecision& decision, const ServingState& state, TapRecord& record) {
  record.rev = state.map.table->rev;
  record.place = decision.place;
  const Zone* zone = decision.zone;
  if (decision.by_service) {
    const partition::Topology& topology = *state.map.topology;
    const NameView service = state.services->nameOf(decision.service);
    record.service = service.wire();
    record.model_zone = topology.zones[state.services->zoneOf(decision.service).index()].id;
    record.ezone = topology.ezones[decision.ezone.index()].id;
    if (zone == nullptr) zone = state.zones->find(service);
    const auto& assignments = state.map.table->assignments;
    if (decision.subject < assignments.size()) {
      record.subject = assignments[decision.subject].subject;
      record.epoch = assignments[decision.subject].epoch;
    }
  }
  if (zone != nullptr) record.zone = zone->apex().wire();
}

}  // namespace

void QueryTap::tell(TapRecord& record, const AnswerFacts& facts,
                    const ServingState& state) noexcept {
  if (record.query.size() < kHeaderBytes || (record.query[2] & kResponseBit) != 0) return;
  describe(facts.decision, state, record);
  record.scope = facts.scope;
  record.response_size = record.response.size();
  if (!record.wish.dnstap)
    record.response = record.response.first(std::min(record.response.size(), kHeaderBytes));
  const std::span<std::uint8_t> room = ring_.reserve(encodedSize(record));
  if (room.empty()) return;
  encode(record, room);
  ring_.commit();
  told_.add();
}

}  // namespace meridian::dns
