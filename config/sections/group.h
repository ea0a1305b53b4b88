/* group: [group:NAME], coolant loops that stand in for each other (pure). */
#pragma once

#include "config/sections/section.h"

#define CONFIG_GROUPS_MAX 1000

struct group_config {
	const char *name;
	struct schema_list loop_names; /* as written */
	const size_t *loops;	       /* of the configuration, as many as names */
	int64_t needed;		       /* that must work */
	bool alarms;		       /* the default ones */
};

/* The figures of a group; their words are the names in topics and in alarms (group.NAME.fit). */
enum group_value {
	GROUP_HEAT,
	GROUP_FLOW,
	GROUP_FIT,
	GROUP_NEEDED,
	GROUP_REDUNDANCY,
	GROUP_VALUE_COUNT,
};

struct group_value_row {
	const char *word, *unit, *help;
};

extern const struct group_value_row group_values[GROUP_VALUE_COUNT];

extern const struct config_section group_section;
