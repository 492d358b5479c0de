// What GET /v1/load and GET /v1/balancer reply, as text for people. For show.cc, which catches what
// nlohmann throws at a reply of another shape.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace meridian::ctl {

std::string loadText(const nlohmann::json& reply);
std::string balancerText(const nlohmann::json& reply);

}  // namespace meridian::ctl
