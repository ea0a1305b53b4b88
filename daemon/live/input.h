/* input: an input of a loop or an alarm, from one point or from several sensors (holder, main thread).
 *
 * A point that deviates from the others is marked in the point table, so that it is shown as suspect wherever
 * it is shown.
 */
#pragma once

#include "daemon/live/point_table.h"

struct input {
	const struct point_source *config;
	const char *name; /* as written in the configuration */
	bool *deviates;	  /* of each point of a list; NULL for a single point */
	char reason[160];
};

/* False without memory. `config` and `name` must outlive it. */
bool input_init(struct input *in, const struct point_source *config, const char *name);
void input_deinit(struct input *in);

/* The figure in the SI unit of its quantity; the reason stays good until the next call. Without points
 * invalid.
 */
struct figure input_figure(struct input *in, struct point_table *t);

/* The same in the unit of its (first) point. */
struct figure input_value(struct input *in, struct point_table *t);
