/* sparkplug: [sparkplug], an edge node of Sparkplug B 3.0 on a connection of its own (pure). */
#pragma once

#include "config/sections/connection.h"

struct sparkplug_config {
	struct connection_config connection;
	const char *group;
	const char *node;	  /* never empty after loading */
	const char *primary_host; /* "" = waits for none */
};

extern const struct config_section sparkplug_section;
