#include "daemon/live/alarm_input.h"

#include <math.h>

/* When the oldest input of a figure of a loop was read. */
static int64_t loop_time(const struct alarm_sources *s, const struct alarm_config *c)
{
	int64_t oldest = 0;
	unsigned needs = loop_values[c->value].inputs | loop_values[c->value].either;
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
		const struct point_source *in = &s->table->config->loops[c->entry].inputs[i];
		if (!(needs & 1u << i) || in->count == 0)
			continue;
		int64_t time = input_time(in, s->table);
		oldest = oldest == 0 || time < oldest ? time : oldest;
	}
	return oldest;
}

/* How many points of a list meet the condition; no value while those that are not known could change what
 * follows from that. One that is out of service does not count. */
static struct figure count_points(
    const struct alarm_sources *s, const struct alarm_config *c, struct input *in)
{
	struct figure count = { 0, QUALITY_GOOD, NULL }, worst = input_worst(in, s->table);
	size_t unknown = 0;
	if (worst.quality == QUALITY_OUT_OF_SERVICE)
		return worst;
	for (size_t k = 0; k < c->points.count; k++) {
		struct figure f = point_table_value(s->table, c->points.refs[k]);
		uint64_t bit = UINT64_C(1) << k;
		if (f.quality == QUALITY_OUT_OF_SERVICE)
			continue;
		if (c->when != WHEN_STALE && !quality_has_value(f.quality)) {
			unknown++;
			continue;
		}
		bool holds = alarm_holds(c, &f, in->holds & bit);
		in->holds = holds ? in->holds | bit : in->holds & ~bit;
		count.value += holds;
	}
	bool decided = count.value >= (double)c->points.needed ||
		       count.value + (double)unknown < (double)c->points.needed;
	return decided ? count : (struct figure){ NAN, worst.quality, worst.reason };
}

static struct figure value_of_points(
    const struct alarm_sources *s, const struct alarm_config *c, struct input *in)
{
	if (c->when == WHEN_LOST)
		return input_worst(in, s->table);
	return c->points.how == COMBINE_COUNT ? count_points(s, c, in) : input_value(in, s->table);
}

bool alarm_input_is_lost(const struct alarm_sources *s, const struct alarm_config *c, int64_t now_ns)
{
	const struct config *config = s->table->config;
	for (size_t i = 0; c->source == SOURCE_POINT && c->when == WHEN_LOST && i < c->points.count; i++) {
		struct point_ref r = c->points.refs[i];
		int64_t interval =
		    device_point_interval(&config->devices[r.device], reference_get(config, r));
		if (point_table_value(s->table, r).quality != QUALITY_OUT_OF_SERVICE &&
		    alarm_is_gap(interval, point_table_missing(s->table, r, now_ns)))
			return true;
	}
	return false;
}

struct figure alarm_input(const struct alarm_sources *s, const struct alarm_config *c, struct input *in,
    int64_t now_ns, int64_t *read_ns)
{
	switch (c->source) {
	case SOURCE_POINT:
		*read_ns = input_time(&c->points, s->table);
		return value_of_points(s, c, in);
	case SOURCE_LOOP:
		*read_ns = loop_time(s, c);
		return loops_figures(s->loops, c->entry)[c->value];
	case SOURCE_GROUP:
		return groups_figures(s->groups, c->entry)[c->value];
	case SOURCE_PUE:
		if (c->value == 0)
			return pue_power_ratio(pues_at(s->pues, c->entry), read_ns);
		*read_ns = now_ns;
		return pue_window(pues_at(s->pues, c->entry), c->value - 1).pue;
	}
	return figure_invalid(NULL);
}
