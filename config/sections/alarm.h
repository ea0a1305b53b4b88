/* alarm: [alarm:NAME], what it looks at and which other alarms explain it (pure). */
#pragma once

#include "config/sections/reference.h"

#define CONFIG_ALARMS_MAX 5000

enum alarm_when {
	WHEN_TRUE,
	WHEN_FALSE,
	WHEN_ABOVE,
	WHEN_BELOW,
	WHEN_OUTSIDE,
	WHEN_STALE,
	WHEN_SUSPECT,
	WHEN_LOST,
};
enum alarm_severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };
enum alarm_source { SOURCE_POINT, SOURCE_LOOP, SOURCE_GROUP, SOURCE_PUE };

struct alarm_config {
	const char *name;
	const char *point_name; /* as written */
	enum alarm_source source;
	struct point_source points; /* SOURCE_POINT */
	size_t entry;		    /* else: index of the loop, group or PUE figure */
	size_t value; /* enum loop_value, enum group_value; SOURCE_PUE: 0 = power_ratio, else 1 + window */
	int64_t interval; /* between two readings of all that it looks at, ns */
	enum alarm_when when;
	double limit, low, high;
	double hysteresis;
	int64_t delay_on, delay_off;
	enum alarm_severity severity;
	int64_t escalate_after; /* ns; 0 = never */
	enum alarm_severity escalate_to;
	bool needs_load; /* a warning when it is raised without IT load; SOURCE_LOOP */
	bool latch;
	const char *message;
	struct schema_list suppressor_names;
	const size_t *suppressors;    /* indices of alarms, as many as names */
	unsigned rank;		      /* higher than that of its suppressors: they are judged first */
	uint64_t fingerprint;	      /* of what it looks for; not of limits, delays, severity and texts */
	uint64_t earlier_fingerprint; /* of what a state was saved with before: all of its section */
};

/* Names that a configuration may not use: alarms about coolantd itself. */
#define OWN_ALARM_PREFIX "coolantd-"

const char *alarm_severity_word(enum alarm_severity s);
const char *alarm_when_word(enum alarm_when w);

/* One call for each point that it looks at, also through a figure. */
typedef void alarm_see_point(struct point_ref r, void *user);
void alarm_each_point(const struct config *c, const struct alarm_config *a, alarm_see_point *see, void *user);

/* The index of an alarm by its name; SIZE_MAX = none. */
size_t alarm_find(const struct config *c, const char *name);

/* Resolves which explain which, when all are there; from[i] is where that of the file was read from. */
void alarms_link(const struct config_loading *l, const struct ini_section *const *from, size_t count);

extern const struct config_section alarm_section;
