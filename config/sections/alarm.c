/* Alarms: what they look at, and which explain which. */
#include "config/config_private.h"
#include "config/ini/suggest.h"

#include <math.h>
#include <string.h>

static void resolve_loop_alarm(
    struct config *c, struct alarm_config *a, struct diag_place place, struct diag *d)
{
	const char *name = a->point_name + strlen("loop."), *dot = strchr(name, '.');
	for (size_t i = 0; dot && i < c->loop_count; i++) {
		if (strlen(c->loops[i].name) != (size_t)(dot - name) ||
		    strncmp(c->loops[i].name, name, (size_t)(dot - name)) != 0)
			continue;
		for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++) {
			if (strcmp(loop_value_word((enum loop_value)v), dot + 1) != 0 ||
			    !loop_has_value(&c->loops[i], (enum loop_value)v))
				continue;
			a->source = SOURCE_LOOP;
			a->entry = i;
			a->value = v;
			return;
		}
	}
	diag_add(d, DIAG_ERROR, place,
	    "'%s' is not a figure of a loop (allowed: loop.NAME.VALUE with a loop of this "
	    "configuration that has the inputs for it)",
	    a->point_name);
}

static void resolve_pue_alarm(
    struct config *c, struct alarm_config *a, struct diag_place place, struct diag *d)
{
	const char *name = a->point_name + strlen("pue."), *dot = strchr(name, '.');
	for (size_t i = 0; dot && i < c->pue_count; i++) {
		const struct pue_config *p = &c->pues[i];
		if (strlen(p->name) != (size_t)(dot - name) ||
		    strncmp(p->name, name, (size_t)(dot - name)) != 0)
			continue;
		a->source = SOURCE_PUE;
		a->entry = i;
		a->value = 0;
		if (strcmp(dot + 1, "power_ratio") == 0)
			return;
		for (size_t w = 0; w < p->window_count; w++) {
			a->value = w + 1;
			if (strcmp(p->window_names.items[w], dot + 1) == 0)
				return;
		}
	}
	diag_add(d, DIAG_ERROR, place,
	    "'%s' is not a figure of a PUE (allowed: pue.NAME.power_ratio, pue.NAME.WINDOW)", a->point_name);
}

static bool alarm_is_on_number(const struct config *c, const struct alarm_config *a)
{
	return a->source != SOURCE_POINT || point_is_number(config_point(c, a->points.refs[0]));
}

static void check_alarm_limits(
    const struct config *c, const struct alarm_config *a, const struct ini_section *s, struct diag *d)
{
	bool numeric = a->when == WHEN_ABOVE || a->when == WHEN_BELOW || a->when == WHEN_OUTSIDE;
	bool truth = a->when == WHEN_TRUE || a->when == WHEN_FALSE;
	if ((a->when == WHEN_ABOVE || a->when == WHEN_BELOW) && isnan(a->limit))
		diag_add(
		    d, DIAG_ERROR, schema_place(s, "limit"), "missing, but required for above and below");
	if (a->when == WHEN_OUTSIDE && (isnan(a->low) || isnan(a->high)))
		diag_add(d, DIAG_ERROR, schema_place(s, isnan(a->low) ? "low" : "high"),
		    "missing, but required for outside");
	if (a->low > a->high)
		diag_add(d, DIAG_ERROR, schema_place(s, "low"), "greater than high (allowed: low <= high)");
	if (numeric && !alarm_is_on_number(c, a))
		diag_add(d, DIAG_ERROR, schema_place(s, "when"),
		    "'%s' is no number (allowed: true, false, stale, suspect)", a->point_name);
	if (truth && alarm_is_on_number(c, a))
		diag_add(d, DIAG_ERROR, schema_place(s, "when"),
		    "'%s' is a number (allowed: above, below, outside, stale, suspect)", a->point_name);
}

static void check_alarm(struct config *c, struct alarm_config *a, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "alarm", a->name);
	struct diag_place place = schema_place(s, "point");
	size_t before = diag_errors(d);

	a->fingerprint = ini_section_fingerprint(s);
	if (strncmp(a->name, OWN_ALARM_PREFIX, strlen(OWN_ALARM_PREFIX)) == 0)
		diag_add(d, DIAG_ERROR, schema_place(s, NULL),
		    "names with " OWN_ALARM_PREFIX " are coolantd's own (allowed: another name)");
	if (*a->point_name == '\0')
		return; /* said already */
	if (strncmp(a->point_name, "loop.", 5) == 0)
		resolve_loop_alarm(c, a, place, d);
	else if (strncmp(a->point_name, "pue.", 4) == 0)
		resolve_pue_alarm(c, a, place, d);
	else
		a->points = config_resolve_source(c, a->point_name, place, d);
	if (diag_errors(d) == before && (a->source != SOURCE_POINT || a->points.count > 0))
		check_alarm_limits(c, a, s, d);
}

/* Where it is written; default alarms are nowhere. */
static struct diag_place alarm_place(const struct config *c, const struct alarm_config *a, const char *key)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "alarm", a->name);
	return s ? schema_place(s, key) : (struct diag_place){ c->path, 0, a->name, key };
}

size_t config_find_alarm(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->alarm_count; i++)
		if (strcmp(c->alarms[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static void resolve_suppressors(struct config *c, struct alarm_config *a, struct diag *d)
{
	size_t n = a->suppressor_names.count;
	size_t *found = arena_alloc(c->tree.arena, (n + 1) * sizeof(*found));
	struct diag_place place = alarm_place(c, a, "suppressed_by");
	a->suppressors = found;
	for (size_t i = 0; i < n; i++) {
		const char *name = a->suppressor_names.items[i];
		found[i] = config_find_alarm(c, name);
		if (found[i] != SIZE_MAX)
			continue;
		diag_add(d, DIAG_ERROR, place, "no [alarm:%s]%s (allowed: alarms of this configuration)",
		    name, suggest_word(c->tree.arena, name, c->alarms, c->alarm_count, sizeof(c->alarms[0])));
	}
}

/* One round: each alarm ranks above its suppressors. Whether that changed anything. */
static bool raise_ranks(struct config *c)
{
	bool changed = false;
	for (size_t i = 0; i < c->alarm_count; i++) {
		struct alarm_config *a = &c->alarms[i];
		for (size_t k = 0; k < a->suppressor_names.count; k++) {
			if (a->suppressors[k] == SIZE_MAX || a->rank > c->alarms[a->suppressors[k]].rank)
				continue;
			a->rank = c->alarms[a->suppressors[k]].rank + 1;
			changed = true;
		}
	}
	return changed;
}

/* Ranks that still rise after as many rounds as there are alarms go round in a circle. */
static void rank_alarms(struct config *c, struct diag *d)
{
	for (size_t round = 0; raise_ranks(c); round++) {
		if (round <= c->alarm_count)
			continue;
		for (size_t i = 0; i < c->alarm_count; i++)
			if (c->alarms[i].rank > c->alarm_count)
				diag_add(d, DIAG_ERROR, alarm_place(c, &c->alarms[i], "suppressed_by"),
				    "alarms suppress each other in a circle (allowed: one direction)");
		return;
	}
}

void config_check_alarms(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->alarm_count; i++)
		check_alarm(c, &c->alarms[i], d);
	config_add_default_alarms(c);
	for (size_t i = 0; i < c->alarm_count; i++)
		resolve_suppressors(c, &c->alarms[i], d);
	rank_alarms(c, d);
}
