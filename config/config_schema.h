/* config_schema: the sections of a configuration and their keys, one row each (pure). */
#pragma once

#include "config/config_types.h"
#include "config/ini/schema.h"

enum config_kind {
	CONFIG_DAEMON,
	CONFIG_MQTT,
	CONFIG_SPOOL,
	CONFIG_BUS,
	CONFIG_DEVICE,
	CONFIG_LOOP,
	CONFIG_PUE,
	CONFIG_ALARM,
	CONFIG_POINT,
};

/* By kind, for the loader and for the manual. */
extern const struct schema_section *const config_sections[];
extern const size_t config_section_count;
