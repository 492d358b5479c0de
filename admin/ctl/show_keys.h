// What the routes of zones' keys reply, as text for people. For show.cc, which catches what
// nlohmann throws at a reply of another shape.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace meridian::ctl {

std::string keysText(const nlohmann::json& reply);
std::string keyChangedText(const nlohmann::json& reply);

}  // namespace meridian::ctl
