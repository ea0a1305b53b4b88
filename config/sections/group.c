#include "config/sections/group.h"

#include "config/ini/suggest.h"
#include "config/sections/loop.h"

#include <string.h>

#define FIELD(f) SCHEMA_FIELD(struct group_config, f)
static const struct schema_key keys[] = {
	{ "loops", SCHEMA_LIST, FIELD(loop_names), .flags = SCHEMA_REQUIRED,
	    .help = "names of coolant loops" },
	{ "needed", SCHEMA_INT, FIELD(needed), .min = 1, .max = SCHEMA_LIST_MAX, .flags = SCHEMA_REQUIRED,
	    .help = "how many of them must work" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: the default alarms, see DEFAULT ALARMS" },
	{ NULL },
};

const struct group_value_row group_values[GROUP_VALUE_COUNT] = {
	[GROUP_HEAT] = { "heat", "kW", "heat of all its loops" },
	[GROUP_FLOW] = { "flow", "L/min", "flow of all its loops" },
	[GROUP_FIT] = { "fit", "1",
	    "how many of its loops work now: the flow is there and not below flow_low, the heat is known, "
	    "and no "
	    "critical alarm is active, neither on a figure of the loop nor on a point of the device that "
	    "measures "
	    "its flow and no other's" },
	[GROUP_NEEDED] = { "needed", "1", "as configured" },
	[GROUP_REDUNDANCY] = { "redundancy", "1",
	    "n+1: one more may be lost; n: none; lost: fewer work than are needed. For an alarm, how many "
	    "more "
	    "may be lost" },
};

static size_t find_loop(const struct config_loading *l, const char *name)
{
	const struct config *c = l->config;
	const struct loop_config *loop = name_index_find(&c->loop_names, name, strlen(name));
	if (loop)
		return (size_t)(loop - c->loops);
	schema_error(l->diag, l->from, "loops", "no [loop:%s]%s (allowed: loops of this configuration)", name,
	    suggest_word(l->arena, name, c->loops, c->loop_count, sizeof(c->loops[0])));
	return SIZE_MAX;
}

static void check(const struct config_loading *l, void *item)
{
	struct group_config *g = item;
	size_t n = g->loop_names.count;
	size_t *loops = arena_alloc(l->arena, (n + 1) * sizeof(*loops));
	name_index_add(&l->config->group_names, l->arena, g->name, g);
	g->loops = loops;
	for (size_t i = 0; i < n; i++) {
		loops[i] = find_loop(l, g->loop_names.items[i]);
		for (size_t k = 0; k < i; k++)
			if (loops[k] == loops[i] && loops[i] != SIZE_MAX)
				schema_error(l->diag, l->from, "loops", "'%s' is listed twice",
				    g->loop_names.items[i]);
	}
	if (n > 0 && g->needed > (int64_t)n)
		schema_error(l->diag, l->from, "needed", "more than there are (allowed: 1..%zu)", n);
}

const struct config_section group_section = {
	.kind = "group",
	.name = "NAME",
	.help =
	    "coolant loops that stand in for each other: their heat and flow in sum, how many of them work "
	    "now, and whether one more may be lost",
	.keys = keys,
	.size = sizeof(struct group_config),
	.place = offsetof(struct config, groups),
	.count = offsetof(struct config, group_count),
	.max = CONFIG_GROUPS_MAX,
	.check = check,
};
