// How the views of show*.cc write values. For .cc files only, as admin/json.h.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace meridian::ctl {

// A scalar as people read it; "-" for null.
std::string plain(const nlohmann::json& value);
// The member's; "-" where there is none.
std::string field(const nlohmann::json& object, const char* key);
// A table of these members.
std::string pairs(const nlohmann::json& object, std::initializer_list<const char*> keys);

}  // namespace meridian::ctl
