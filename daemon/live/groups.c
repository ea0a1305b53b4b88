#include "daemon/live/groups.h"

#include "drivers/os/clock.h"

#include <stdlib.h>

struct group {
	struct group_member *members; /* as its loops in the configuration */
	struct figure figures[GROUP_VALUE_COUNT];
};

/* What was known of a loop last, its alarms apart. */
struct known {
	int64_t interval;  /* of the slowest of its sensors */
	int64_t when_ns;   /* 0 = never */
	const char *unfit; /* as group_unfit */
};

struct groups {
	const struct config *config;
	const struct loops *loops;
	struct group_member *members; /* of all */
	bool *critical;		      /* of each loop: an alarm says so */
	struct known *known;	      /* of each loop */
	size_t
	    *measures; /* of each device: the one loop whose flow it measures; SIZE_MAX = none, or several */
	struct group all[]; /* as in the configuration */
};

/* A device that measures the flow of one loop alone is that loop's cooling unit. */
static void find_devices(struct groups *g)
{
	const struct config *c = g->config;
	size_t *flows = g->measures + c->device_count; /* the second half: how many there are of each */
	for (size_t i = 0; i < c->device_count; i++)
		g->measures[i] = SIZE_MAX;
	for (size_t i = 0; i < c->loop_count; i++) {
		const struct point_source *flow = &c->loops[i].inputs[LOOP_IN_FLOW];
		for (size_t k = 0; k < flow->count; k++) {
			size_t device = flow->refs[k].device;
			if (g->measures[device] == i)
				continue;
			g->measures[device] = flows[device]++ == 0 ? i : SIZE_MAX;
		}
	}
}

struct groups *groups_new(const struct config *c, const struct loops *loops)
{
	struct groups *g = calloc(1, sizeof(*g) + c->group_count * sizeof(g->all[0]));
	if (!g)
		return NULL;
	g->config = c;
	g->loops = loops;
	size_t members = 0;
	for (size_t i = 0; i < c->group_count; i++)
		members += c->groups[i].loop_names.count;
	g->members = calloc(members + 1, sizeof(g->members[0]));
	g->critical = calloc(c->loop_count + 1, sizeof(g->critical[0]));
	g->known = calloc(c->loop_count + 1, sizeof(g->known[0]));
	g->measures = calloc(2 * c->device_count + 1, sizeof(g->measures[0]));
	if (!g->members || !g->critical || !g->known || !g->measures) {
		groups_free(g);
		return NULL;
	}
	struct group_member *next = g->members;
	for (size_t i = 0; i < c->group_count; i++) {
		g->all[i].members = next;
		next += c->groups[i].loop_names.count;
	}
	find_devices(g);
	for (size_t i = 0; i < c->loop_count; i++)
		g->known[i].interval = loop_interval(c, &c->loops[i], LOOP_HEAT);
	return g;
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	free(g->members);
	free(g->critical);
	free(g->known);
	free(g->measures);
	free(g);
}

/* The loop that an alarm is about; SIZE_MAX = none. */
static size_t loop_of(const struct groups *g, const struct alarm_config *a)
{
	if (a->source == SOURCE_LOOP)
		return a->entry;
	if (a->source != SOURCE_POINT || a->points.count == 0)
		return SIZE_MAX;
	size_t loop = g->measures[a->points.refs[0].device];
	for (size_t i = 1; i < a->points.count; i++)
		if (g->measures[a->points.refs[i].device] != loop)
			return SIZE_MAX;
	return loop;
}

void groups_see_alarm(struct groups *g, const struct alarm *a)
{
	/* suppressed or shelved: the condition holds all the same */
	enum alarm_state state = alarm_beneath(a);
	bool holds = state == ALARM_ACTIVE || state == ALARM_SUPPRESSED;
	if (!holds || a->severity != SEVERITY_CRITICAL)
		return;
	size_t loop = loop_of(g, a->config);
	if (loop != SIZE_MAX)
		g->critical[loop] = true;
}

/* A reading that is missing between others neither makes a loop unfit nor fit. */
static struct group_member look(struct groups *g, size_t loop, int64_t now_ns)
{
	struct known *k = &g->known[loop];
	struct group_member m = { .figures = loops_figures(g->loops, loop),
		.flow_low = g->config->loops[loop].flow_low,
		.heard = loops_is_heard(g->loops, loop),
		.critical = g->critical[loop],
		.waits = k->when_ns != 0 && !alarm_is_gap(k->interval, now_ns - k->when_ns),
		.before = k->unfit };
	if (!group_is_known(&m))
		return m;
	/* whether an alarm is critical is known at any time */
	m.critical = false;
	*k = (struct known){ k->interval, now_ns, group_unfit(&m) };
	m.critical = g->critical[loop];
	return m;
}

void groups_tick(struct groups *g)
{
	const int64_t now = clock_boottime();
	const struct config *c = g->config;
	for (size_t i = 0; i < c->group_count; i++) {
		const struct group_config *gc = &c->groups[i];
		struct group *group = &g->all[i];
		for (size_t k = 0; k < gc->loop_names.count; k++)
			group->members[k] = look(g, gc->loops[k], now);
		group_compute(group->members, gc->loop_names.count, (size_t)gc->needed, group->figures);
	}
	for (size_t i = 0; i < c->loop_count; i++)
		g->critical[i] = false;
}

const struct figure *groups_figures(const struct groups *g, size_t i)
{
	return g->all[i].figures;
}

const char *groups_unfit(const struct groups *g, size_t i, size_t k)
{
	return group_unfit(&g->all[i].members[k]);
}
