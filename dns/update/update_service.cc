#include "dns/update/update_service.h"

#include <optional>

#include "base/byte_reader.h"
#include "base/log.h"
#include "dns/answer/signed_query.h"
#include "dns/update/update_grant.h"
#include "dns/update/update_plan.h"
#include "dns/wire/query_parser.h"
#include "dns/wire/response_writer.h"
#include "dns/zone/rdata_names.h"

namespace meridian::dns {
namespace {

constexpr std::size_t kQuestionFixed = 4;         // type and class
constexpr std::uint8_t kAuthoritativeBit = 0x04;  // in the header's third byte
constexpr std::size_t kMaxAnswer = 4096;          // header, zone section, OPT, TSIG

// What an answer needs of a message: id, flags, EDNS, and the first entry of the zone section,
// where it can be read.
Query headOf(std::span<const std::uint8_t> message, std::uint16_t location_option_code) {
  Query out;
  parseQuery(message, location_option_code, out);
  const bool has_zone = message.size() > kHeaderBytes && message[4] == 0 && message[5] == 1;
  const std::optional<NameView> zone =
      has_zone ? nameIn(message, kHeaderBytes) : std::optional<NameView>();
  if (zone && message.size() >= kHeaderBytes + zone->size() + kQuestionFixed) {
    out.question = message.subspan(kHeaderBytes, zone->size() + kQuestionFixed);
  }
  return out;
}

std::string described(const IpAddress& address, const TsigKey* key) {
  return key == nullptr ? address.text() : address.text() + " key " + key->name.text();
}

}  // namespace

std::vector<std::uint8_t> UpdateService::answer(std::span<const std::uint8_t> message,
                                                const Client& client) {
  const AnswerSettings& settings = settings_();
  SignedQuery asked(message, settings.tsig_keys.get(), client.unix_time);
  const Query head = headOf(message, settings.location_option_code);
  const auto opcode = static_cast<Opcode>(head.flags >> 11U & 0xFU);
  Rcode rcode = asked.signature().refusal;
  if (rcode == Rcode::kNoError) {
    const TsigKey* key = asked.signature().key;
    rcode = opcode == Opcode::kUpdate ? update(message, client, key) : notice(head, client, key);
  }
  if (opcode == Opcode::kUpdate) ++counts_[rcode];
  OptReply opt;
  opt.udp_payload = settings.udp_payload_max;
  std::vector<std::uint8_t> out(kMaxAnswer);
  const std::size_t size = writeRefusal(head, rcode, head.edns.present ? &opt : nullptr, out);
  if (opcode == Opcode::kNotify && rcode == Rcode::kNoError) out[2] |= kAuthoritativeBit;
  out.resize(asked.sign(out, size, client.unix_time));
  return out;
}

// What a notice says beside the zone's name is a hint that anybody could write (RFC 1996 §3.11).
Rcode UpdateService::notice(const Query& head, const Client& client, const TsigKey* key) const {
  if (head.question.size() <= kQuestionFixed) return Rcode::kFormErr;
  const NameView zone(head.question.first(head.question.size() - kQuestionFixed));
  ByteReader in(head.question.last(kQuestionFixed));
  const auto type = static_cast<RrType>(in.u16());
  if (type != RrType::kSoa || in.u16() != static_cast<std::uint16_t>(RrClass::kIn)) {
    return Rcode::kFormErr;
  }
  return on_notice_(Name(zone).lowered(), client, key);
}

Rcode UpdateService::update(std::span<const std::uint8_t> message, const Client& client,
                            const TsigKey* key) {
  const auto refuse = [&](Rcode rcode, const std::string& zone, const std::string& why) {
    // Anybody may send these: what nobody signed is worth no warning.
    logEvent(key == nullptr ? LogLevel::kDebug : LogLevel::kWarn, "zone_update_refused",
             {{"zone", zone}, {"from", described(client.address, key)}, {"why", why}});
    return rcode;
  };
  const auto update = parseUpdate(message);
  if (!update) return refuse(update.error().rcode, "", update.error().reason);
  const std::string zone = update->zone.text();
  const LoadedZone* loaded = zones_.zones()->at(update->zone);
  if (loaded == nullptr) return refuse(Rcode::kNotAuth, zone, "no such zone here");
  const ZonePolicy& policy = settings_().zone_policies->of(update->zone);
  const Updater updater{client.address,
                        key == nullptr ? std::nullopt : std::optional(key->name.view())};
  if (policy.update.empty()) return refuse(Rcode::kRefused, zone, "nobody may update it");
  if (const UpdateRecord* forbidden = firstForbidden(policy.update, updater, *update)) {
    return refuse(Rcode::kRefused, zone, "no grant for " + forbidden->owner.text());
  }
  const auto step = planUpdate(*loaded->editable(), *update, policy.serials, clock_.wallNow());
  if (!step) return refuse(step.error().rcode, zone, step.error().reason);
  if (*step == nullptr) return Rcode::kNoError;
  const auto changed = zones_.take(update->zone, **step);
  if (!changed) {
    const ZoneError& error = changed.error();
    const bool is_ours = error.error.kind == ErrorKind::kIo;
    return refuse(is_ours ? Rcode::kServFail : Rcode::kRefused, zone,
                  error.error.message + " " + error.problems.text());
  }
  logInfo("zone_updated", {{"zone", zone},
                           {"from", described(client.address, key)},
                           {"serial_before", std::to_string(changed->before)},
                           {"serial", std::to_string(changed->after)}});
  return Rcode::kNoError;
}

}  // namespace meridian::dns
