#include "dns/answer/additional.h"

namespace meridian::dns {
namespace {

// False: one did not fit.
bool addAddressesOf(const Zone& zone, NodeIx node, ResponseWriter& out, SignedAnswer& signatures) {
  for (const RrType type : {RrType::kA, RrType::kAaaa}) {
    const RrsetView rrset = zone.rrset(node, type);
    if (rrset.empty()) continue;
    if (!out.add(Section::kAdditional, rrset, zone.nodeName(node))) return false;
    if (signatures.isOn()) signatures.addGlueSignatures(node, type);
  }
  return true;
}

}  // namespace

bool addGlue(const Zone& zone, NodeIx node, NameView cut, ResponseWriter& out,
             SignedAnswer& signatures) {
  for (const NodeIx server : zone.additional(node, RrType::kNs)) {
    if (addAddressesOf(zone, server, out, signatures)) continue;
    if (Name(zone.nodeName(server)).lowered().view().isWithin(cut)) return false;
  }
  return true;
}

void addAddresses(const Zone& zone, NodeIx node, RrType type, ResponseWriter& out,
                  SignedAnswer& signatures) {
  for (const NodeIx target : zone.additional(node, type)) {
    // What is full stays full: of thousands of targets not all are tried.
    if (!addAddressesOf(zone, target, out, signatures)) return;
  }
}

}  // namespace meridian::dns
