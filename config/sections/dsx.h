/* dsx: [dsx], the NVIDIA DSX BMS event bus on a connection of its own (pure). */
#pragma once

#include "config/sections/connection.h"

struct dsx_config {
	struct connection_config connection;
	const char *rack_location_id;
	const char *rack_location_name; /* never empty after loading */
};

extern const struct config_section dsx_section;
