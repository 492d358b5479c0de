// What the routes of changes reply, as text for people. For show.cc, which catches what nlohmann
// throws at a reply of another shape.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace meridian::ctl {

std::string planText(const nlohmann::json& reply);
std::string forwardersText(const nlohmann::json& reply);  // GET /v1/forwarders
std::string changesText(const nlohmann::json& reply);
std::string changeText(const nlohmann::json& reply);
std::string verdictsText(const nlohmann::json& verdicts);
// Of a change's document: a line for each step after `after`.
std::string changeStepsText(const nlohmann::json& change, std::uint64_t after);
// Where a change stands in its state, for those who wait.
std::string changeStandingText(const nlohmann::json& change);

}  // namespace meridian::ctl
