// The one edit of a topology document that the server makes by itself: a datacenter's admin state.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "partition/model.h"

namespace meridian::partition {

// The document with `admin_state` of this datacenter set; members keep their order, white space
// does not. kNotFound: it has no such datacenter. REQUIRES: `document` decodes (partition/model.h).
Result<std::string> withAdminState(const std::string& document, std::string_view datacenter,
                                   AdminState state);

}  // namespace meridian::partition
