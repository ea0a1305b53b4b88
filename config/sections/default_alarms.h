/* default_alarms: the alarms that a configuration gets without writing them (pure).
 *
 * Each group of loops is judged by how many of them work. Each loop gets those of the table whose figures it
 * has; each leak point gets its own; and each input of a loop, leak point and meter of a PUE one that says
 * when it is lost; a device with so many of these that its silence would be a flood one that says so in their
 * place. An alarm of the configuration on the same thing in the same direction and as
 * severe takes the place of a default one, or with its name and any severity; its name for anything else is
 * an error.
 */
#pragma once

#include "config/sections/alarm.h"
#include "config/sections/group.h"
#include "config/sections/loop.h"

struct loop_default {
	const char *suffix; /* of the name: LOOP-SUFFIX */
	enum loop_value value;
	enum alarm_when when;
	const char *limit_key; /* the limit is this key of the loop; without a value there is no alarm */
	size_t limit_offset;
	double limit;			     /* without a key */
	double hysteresis, hysteresis_share; /* in the unit of the figure, and of the limit */
	int64_t delay_on_s;
	enum alarm_severity severity;
	bool needs_load;
	const char *suppressor; /* a suffix of a row above */
	const char *message;	/* followed by the loop's name */
};

extern const struct loop_default loop_defaults[];
extern const size_t loop_default_count;

/* An alarm on how many loops of a group work: below those that are needed and some more. */
struct group_default {
	const char *suffix; /* of the name: GROUP-SUFFIX */
	unsigned more;
	enum alarm_severity severity;
	const char *suppressor; /* a suffix of a row above */
	const char *message;	/* followed by the group's name */
};

#define GROUP_DEFAULT_DELAY_S 5 /* as that of a low flow */
extern const struct group_default group_defaults[];
extern const size_t group_default_count;

/* A device with so many sensors that may be lost has an alarm for its silence: more than 10 are a flood. */
#define SILENT_LEAST 11

/* Adds those of a configuration behind its own alarms, which are complete but for their suppressors; from[i]
 * is where that of the file was read from. */
void default_alarms_add(const struct config_loading *l, const struct ini_section *const *from);
