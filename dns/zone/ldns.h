// The one door to ldns. <stdbool.h> must come first: without it ldns/common.h defines bool, true
// and false as macros, and C++ headers that follow no longer compile.
#pragma once

#include <stdbool.h>

#include <ldns/ldns.h>

#include <memory>

namespace meridian::dns {

struct LdnsRrFree {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct LdnsRdfFree {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
using LdnsRr = std::unique_ptr<ldns_rr, LdnsRrFree>;
using LdnsRdf = std::unique_ptr<ldns_rdf, LdnsRdfFree>;

}  // namespace meridian::dns
