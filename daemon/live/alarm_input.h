/* alarm_input: what an alarm looks at, read from the table and the figures (main thread). */
#pragma once

#include "daemon/control/alarm.h"
#include "daemon/live/groups.h"
#include "daemon/live/input.h"
#include "daemon/live/pues.h"

struct alarm_sources {
	struct point_table *table;
	const struct loops *loops;
	const struct groups *groups;
	const struct pues *pues;
};

/* Of an alarm that looks for what is lost: whether one of its points had no usable reading for more than
 * three of its own polls. */
bool alarm_input_is_lost(const struct alarm_sources *s, const struct alarm_config *c, int64_t now_ns);

/* The input as alarm_update takes it: of a list with any: or N of: how many points meet the condition, for
 * `lost` the worst of them. `in` is that of its points; `read_ns` is set to when it was read. */
struct figure alarm_input(const struct alarm_sources *s, const struct alarm_config *c, struct input *in,
    int64_t now_ns, int64_t *read_ns);
