/* general: [daemon], the controller itself, and [spool], what is kept while the broker is away (pure). */
#pragma once

#include "config/sections/section.h"
#include "config/zone.h"

struct daemon_config {
	const char *site, *rack;
	const char *state_dir;
	const char *http_socket, *http_listen;
	const struct zone *timezone; /* in which a day begins */
	int log_level;		     /* syslog level: LOG_ERR … LOG_DEBUG */
	int64_t control_interval;
};

struct spool_config {
	int64_t max_size, max_age, replay_rate, replay_delay;
};

extern const struct config_section daemon_section;
extern const struct config_section spool_section;
