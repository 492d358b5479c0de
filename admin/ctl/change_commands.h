// `meridianctl change …`: ask for a change, watch it, give it orders.
#pragma once

#include "admin/ctl/commands.h"

namespace meridian::ctl {

void addChangeCommands(CLI::App& app, Globals& globals);

}  // namespace meridian::ctl
