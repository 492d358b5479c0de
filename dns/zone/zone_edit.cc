#include "dns/zone/zone_edit.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "dns/zone/rdata_names.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/serial.h"

namespace meridian::dns {
namespace {

std::uint32_t dateSerial(WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const auto year = static_cast<std::uint32_t>(static_cast<int>(day.year()));
  return (year * 10'000 + static_cast<unsigned>(day.month()) * 100 +
          static_cast<unsigned>(day.day())) *
         100;
}

class Planning {
 public:
  Planning(const Zone& zone, SerialPolicy policy, WallTime now)
      : zone_(zone), policy_(policy), now_(now), soa_(zone.rrset(zone.apexNode(), RrType::kSoa)) {}

  Checked<std::shared_ptr<const ZoneDifference>> run(const std::vector<RrsetEdit>& edits) {
    for (const RrsetEdit& edit : edits) plan(edit);
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    if (removed_.empty() && added_.empty() && !new_soa_) return nullptr;
    auto out = std::make_shared<ZoneDifference>();
    out->removed.add({zone_.apex(), RrType::kSoa, soa_.ttl, soa_.firstRdata()});
    const std::uint32_t serial = nextSerial(zone_.serial(), policy_, now_);
    const std::vector<std::uint8_t> rdata =
        new_soa_ ? new_soa_->rdata.front() : withSerial(soa_.firstRdata(), serial);
    out->added.add({zone_.apex(), RrType::kSoa, new_soa_ ? new_soa_->ttl : soa_.ttl, rdata});
    out->removed.append(removed_);
    out->added.append(added_);
    return out;
  }

 private:
  void plan(const RrsetEdit& edit) {
    const Name owner = edit.owner.lowered();
    if (!owner.view().isWithin(zone_.apex())) {
      return refuse(edit, "not within the zone " + zone_.apex().text());
    }
    if (!seen_.emplace(owner.text(), edit.type).second) {
      return refuse(edit, "the same RRset twice in one edit");
    }
    if (edit.type == RrType::kSoa) return planSoa(edit, owner);
    if (isMadeBySigning(edit.type)) return refuse(edit, "only who signs the zone makes that type");
    const std::optional<NodeIx> node = zone_.nodeOf(owner);
    const RrsetView before = node ? zone_.rrset(*node, edit.type) : RrsetView{};
    const NameView written = node ? zone_.nodeName(*node) : edit.owner.view();
    // A record that stays as it is is neither removed nor added.
    std::vector<bool> kept(edit.rdata.size(), false);
    for (auto rest = before.rendered; !rest.empty();) {
      const auto length = static_cast<std::size_t>(rest[10] << 8 | rest[11]);
      const auto rdata = rest.subspan(kRenderedFixedBytes, length);
      rest = rest.subspan(kRenderedFixedBytes + length);
      const auto same = std::find_if(edit.rdata.begin(), edit.rdata.end(), [&](const auto& wanted) {
        return std::equal(wanted.begin(), wanted.end(), rdata.begin(), rdata.end());
      });
      if (same != edit.rdata.end() && before.ttl == edit.ttl) {
        kept[static_cast<std::size_t>(same - edit.rdata.begin())] = true;
      } else {
        removed_.add({written, edit.type, before.ttl, rdata});
      }
    }
    for (std::size_t i = 0; i < edit.rdata.size(); ++i) {
      if (!kept[i]) added_.add({written, edit.type, edit.ttl, edit.rdata[i]});
    }
  }

  void planSoa(const RrsetEdit& edit, const Name& owner) {
    if (owner.view() != zone_.apex()) return refuse(edit, "a SOA stands at the apex only");
    if (edit.rdata.size() != 1) return refuse(edit, "a zone has exactly one SOA");
    const auto rdata = std::span<const std::uint8_t>(edit.rdata.front());
    const std::optional<std::uint32_t> serial = serialOf(rdata);
    const auto before = soa_.firstRdata();
    if (std::equal(rdata.begin(), rdata.end(), before.begin(), before.end()) &&
        edit.ttl == soa_.ttl) {
      return;
    }
    if (!serial || !isNewerSerial(*serial, zone_.serial())) {
      return refuse(edit, "its serial must be newer than " + std::to_string(zone_.serial()));
    }
    new_soa_ = edit;
  }

  void refuse(const RrsetEdit& edit, std::string reason) {
    problems_.add({"", 0, 0}, edit.owner.text() + " " + rrTypeName(edit.type), "",
                  std::move(reason));
  }

  const Zone& zone_;
  SerialPolicy policy_;
  WallTime now_;
  RrsetView soa_;
  Diagnostics problems_;
  RecordList removed_;
  RecordList added_;
  std::optional<RrsetEdit> new_soa_;
  std::set<std::pair<std::string, RrType>> seen_;
};

}  // namespace

std::string_view serialPolicyName(SerialPolicy policy) {
  switch (policy) {
    case SerialPolicy::kIncrement:
      return "increment";
    case SerialPolicy::kUnixTime:
      return "unixtime";
    case SerialPolicy::kDate:
      break;
  }
  return "date";
}

std::optional<SerialPolicy> serialPolicyOf(std::string_view name) {
  for (const auto policy :
       {SerialPolicy::kIncrement, SerialPolicy::kUnixTime, SerialPolicy::kDate}) {
    if (serialPolicyName(policy) == name) return policy;
  }
  return std::nullopt;
}

std::uint32_t nextSerial(std::uint32_t serial, SerialPolicy policy, WallTime now) {
  std::uint32_t wanted = serial + 1;
  if (policy == SerialPolicy::kUnixTime) {
    wanted = static_cast<std::uint32_t>(unixMillis(now) / 1000);
  } else if (policy == SerialPolicy::kDate) {
    wanted = dateSerial(now);
  }
  return isNewerSerial(wanted, serial) ? wanted : serial + 1;
}

Checked<std::shared_ptr<const ZoneDifference>> planEdit(const Zone& zone,
                                                        const std::vector<RrsetEdit>& edits,
                                                        SerialPolicy policy, WallTime now) {
  return Planning(zone, policy, now).run(edits);
}

}  // namespace meridian::dns
