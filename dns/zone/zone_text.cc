#include "dns/zone/zone_text.h"

#include <cstdlib>
#include <memory>

#include "dns/zone/ldns.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/zone_cursor.h"

namespace meridian::dns {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// Empty: no memory.
std::string fieldText(const ldns_rdf* field) {
  if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME) {
    // ldns leaves "@" as it is, which its own reader takes for the origin.
    return NameView({ldns_rdf_data(field), ldns_rdf_size(field)}).text();
  }
  const std::unique_ptr<char, Free> text(ldns_rdf2str(field));
  return text == nullptr ? std::string() : std::string(text.get());
}

}  // namespace

Result<std::string> recordText(const RecordView& record) {
  RecordList one;
  one.add(record);
  ldns_rr* read = nullptr;
  std::size_t position = 0;
  const ldns_status status =
      ldns_wire2rr(&read, one.wire().data(), one.wire().size(), &position, LDNS_SECTION_ANSWER);
  if (status != LDNS_STATUS_OK) {
    return fail(ErrorKind::kCorrupt, record.owner.text() + " " + rrTypeName(record.type) + ": " +
                                         ldns_get_errorstr_by_id(status));
  }
  const LdnsRr rr(read);
  std::string out = record.owner.text() + "\t" + std::to_string(record.ttl) + "\tIN\t" +
                    rrTypeName(record.type) + "\t";
  if (record.rdata.empty()) return out + "\\# 0";
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    const std::string text = fieldText(ldns_rr_rdf(rr.get(), i));
    if (text.empty()) return fail(ErrorKind::kIo, "no memory for a record's text");
    if (i > 0) out += ' ';
    out += text;
  }
  return out;
}

Result<std::string> zoneText(const Zone& zone, std::size_t max_bytes) {
  const RrsetView soa = zone.rrset(zone.apexNode(), RrType::kSoa);
  auto first =
      recordText({zone.nodeName(zone.apexNode()), RrType::kSoa, soa.ttl, soa.firstRdata()});
  if (!first) return first;
  std::string out = std::move(*first) + "\n";
  for (ZoneCursor at(zone); !at.atEnd();) {
    const RecordView record = at.next();
    if (record.type == RrType::kSoa) continue;
    auto text = recordText(record);
    if (!text) return text;
    out += *text + "\n";
    if (out.size() > max_bytes) {
      return fail(ErrorKind::kTooLarge,
                  "the zone is longer than " + std::to_string(max_bytes) + " bytes as text");
    }
  }
  return out;
}

}  // namespace meridian::dns
