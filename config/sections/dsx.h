/* dsx: [dsx], the NVIDIA DSX BMS event bus on a connection of its own (pure). */
#pragma once

#include "config/sections/connection.h"

struct dsx_config {
	struct connection_config connection;
	const char *rack_location_id;
	const char *rack_location_name; /* never empty after loading */
};

/* Object types that may have the same points. */
enum dsx_class {
	DSX_RACK = 1 << 0,
	DSX_METER = 1 << 1,
	DSX_PLANT = 1 << 2, /* of cooling: all but sound */
	DSX_SENSOR = 1 << 3,
	DSX_VALVE = 1 << 4,
	DSX_PUMP = 1 << 5,
	DSX_FAN = 1 << 6,
	DSX_DAMPER = 1 << 7,
	DSX_OTHER = 1 << 8, /* of power: only generic ones */
};

/* The object types that a device may be by its label object_type, each with its class. */
extern const struct schema_choice dsx_object_types[];

extern const struct config_section dsx_section;
