#include "config/sections/alarm.h"

#include "config/ini/suggest.h"
#include "config/sections/general.h"
#include "config/sections/group.h"
#include "config/sections/loop.h"
#include "config/sections/pue.h"

#include <math.h>
#include <string.h>

static const struct schema_choice whens[] = {
	{ "true", WHEN_TRUE, "1 on yes set == =" },
	{ "false", WHEN_FALSE, "0 off no unset" },
	{ "above", WHEN_ABOVE, "> >= high over gt max" },
	{ "below", WHEN_BELOW, "< <= low under lt min" },
	{ "outside", WHEN_OUTSIDE, "range band" },
	{ "stale", WHEN_STALE, "timeout old" },
	{ "suspect", WHEN_SUSPECT },
	{ "lost", WHEN_LOST, "missing null offline dead silent nodata" },
	{ NULL, 0 },
};
static const struct schema_choice severities[] = {
	{ "info", SEVERITY_INFO, "notice information low minor" },
	{ "warning", SEVERITY_WARNING, "warn medium major" },
	{ "critical", SEVERITY_CRITICAL, "crit error alarm high emergency fatal" },
	{ NULL, 0 },
};

const char *alarm_severity_word(enum alarm_severity s)
{
	return severities[s].word;
}

const char *alarm_when_word(enum alarm_when w)
{
	return whens[w].word;
}

#define FIELD(f) SCHEMA_FIELD(struct alarm_config, f)
static const struct schema_key keys[] = {
	{ "point", SCHEMA_TEXT, FIELD(point_name), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT (or median:, mean: or sum: and a comma list of them; any: or N of: and a "
		    "list in "
		    "one unit, bools too: so many of them must meet the condition), loop.NAME.FIGURE, "
		    "group.NAME.FIGURE, pue.NAME.power_ratio or pue.NAME.WINDOW" },
	{ "when", SCHEMA_CHOICE, FIELD(when), "true", .choices = whens,
	    .help = "what raises it; lost: no usable reading for three polls, for whatever reason, in a list "
		    "of any of its points; stale: no reading for three intervals; suspect: outside its "
		    "plausible range, stuck, or far from other sensors" },
	{ "limit", SCHEMA_DOUBLE, FIELD(limit), .help = "for above and below" },
	{ "low", SCHEMA_DOUBLE, FIELD(low), .help = "for outside" },
	{ "high", SCHEMA_DOUBLE, FIELD(high), .help = "for outside" },
	{ "hysteresis", SCHEMA_DOUBLE, FIELD(hysteresis), "0", .min = 0, .max = 1e18,
	    .help = "how far back inside the limit it clears" },
	{ "delay_on", SCHEMA_DURATION, FIELD(delay_on), "0s", .min = 0, .max = 86400,
	    .help = "must last this long to raise it" },
	{ "delay_off", SCHEMA_DURATION, FIELD(delay_off), "0s", .min = 0, .max = 86400,
	    .help = "and this long to clear it" },
	{ "severity", SCHEMA_CHOICE, FIELD(severity), "warning", .choices = severities,
	    .help = "how bad it is" },
	{ "escalate_after", SCHEMA_DURATION, FIELD(escalate_after), "0s", .min = 0, .max = 7 * 86400,
	    .help = "when it is still active then it becomes escalate_to, and is to be acknowledged anew; of "
		    "any: two points at once do not wait; 0s: never" },
	{ "escalate_to", SCHEMA_CHOICE, FIELD(escalate_to), "critical", .choices = severities,
	    .help = "how bad it is then" },
	{ "latch", SCHEMA_BOOL, FIELD(latch), "no",
	    .help = "stays until acknowledged; what is critical does anyway" },
	{ "suppressed_by", SCHEMA_LIST, FIELD(suppressor_names), "",
	    .help =
		"alarms that explain this one: while one of them is active that is at least as severe, it is "
		"suppressed" },
	{ "message", SCHEMA_TEXT, FIELD(message), .help = "for people; default what raises it" },
	{ NULL },
};

/* PREFIX.NAME.FIGURE, taken apart. */
struct figure_name {
	const char *name, *figure;
	size_t name_size;
};

/* Those of an alarm on a figure: NULL when it is there, else what was probably meant. */
typedef const char *resolve_figure(
    const struct config_loading *l, struct alarm_config *a, const struct figure_name *n);

static const char *meant(
    const struct config_loading *l, const struct figure_name *n, const void *all, size_t count, size_t stride)
{
	return suggest_word(
	    l->arena, arena_printf(l->arena, "%.*s", (int)n->name_size, n->name), all, count, stride);
}

static const char *resolve_loop(
    const struct config_loading *l, struct alarm_config *a, const struct figure_name *n)
{
	const struct config *c = l->config;
	const struct loop_config *loop = name_index_find(&c->loop_names, n->name, n->name_size);
	if (!loop)
		return meant(l, n, c->loops, c->loop_count, sizeof(c->loops[0]));
	a->source = SOURCE_LOOP;
	a->entry = (size_t)(loop - c->loops);
	for (a->value = 0; a->value < LOOP_VALUE_COUNT; a->value++)
		if (strcmp(loop_value_word(a->value), n->figure) == 0)
			return loop_has_value(loop, a->value) ? NULL : "";
	return suggest_word(l->arena, n->figure, loop_values, LOOP_VALUE_COUNT, sizeof(loop_values[0]));
}

static const char *resolve_group(
    const struct config_loading *l, struct alarm_config *a, const struct figure_name *n)
{
	const struct config *c = l->config;
	const struct group_config *group = name_index_find(&c->group_names, n->name, n->name_size);
	if (!group)
		return meant(l, n, c->groups, c->group_count, sizeof(c->groups[0]));
	a->source = SOURCE_GROUP;
	a->entry = (size_t)(group - c->groups);
	for (a->value = 0; a->value < GROUP_VALUE_COUNT; a->value++)
		if (strcmp(group_values[a->value].word, n->figure) == 0)
			return NULL;
	return suggest_word(l->arena, n->figure, group_values, GROUP_VALUE_COUNT, sizeof(group_values[0]));
}

static const char *resolve_pue(
    const struct config_loading *l, struct alarm_config *a, const struct figure_name *n)
{
	static const char *const ratio = "power_ratio";
	const struct config *c = l->config;
	const struct pue_config *p = name_index_find(&c->pue_names, n->name, n->name_size);
	if (!p)
		return meant(l, n, c->pues, c->pue_count, sizeof(c->pues[0]));
	a->source = SOURCE_PUE;
	a->entry = (size_t)(p - c->pues);
	a->value = 0;
	if (strcmp(n->figure, ratio) == 0)
		return NULL;
	for (a->value = 1; a->value <= p->window_count; a->value++)
		if (strcmp(p->window_names.items[a->value - 1], n->figure) == 0)
			return NULL;
	return suggest_word(l->arena, n->figure, &ratio, 1, sizeof(ratio));
}

/* What an alarm may look at besides points. */
static const struct {
	const char *prefix;
	resolve_figure *resolve;
	const char *kind, *allowed;
} figures[] = {
	{ "loop.", resolve_loop, "loop",
	    "loop.NAME.VALUE with a loop of this configuration that has the inputs for it" },
	{ "group.", resolve_group, "group",
	    "group.NAME.VALUE with a group of this configuration and heat, flow, fit, needed or redundancy" },
	{ "pue.", resolve_pue, "PUE", "pue.NAME.power_ratio, pue.NAME.WINDOW" },
};

/* False when it is wrong, and then it is said. */
static bool resolve_source(const struct config_loading *l, struct alarm_config *a)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		size_t n = strlen(figures[i].prefix);
		if (strncmp(a->point_name, figures[i].prefix, n) != 0)
			continue;
		const char *name = a->point_name + n, *dot = strchr(name, '.'), *hint = "";
		if (dot)
			hint = figures[i].resolve(
			    l, a, &(struct figure_name){ name, dot + 1, (size_t)(dot - name) });
		if (!hint)
			return true;
		a->source = SOURCE_POINT; /* without points: it looks at nothing */
		schema_error(l->diag, l->from, "point", "'%s' is not a figure of a %s%s (allowed: %s)",
		    a->point_name, figures[i].kind, hint, figures[i].allowed);
		return false;
	}
	a->points = reference_condition(l, "point", a->point_name);
	return a->points.count > 0;
}

static void check_limits(const struct config_loading *l, const struct alarm_config *a)
{
	bool numeric = a->when == WHEN_ABOVE || a->when == WHEN_BELOW || a->when == WHEN_OUTSIDE;
	bool truth = a->when == WHEN_TRUE || a->when == WHEN_FALSE;
	bool on_number =
	    a->source != SOURCE_POINT || point_is_number(reference_get(l->config, a->points.refs[0]));
	/* what was given and is no number was said already */
	bool limit = !isnan(a->limit) || ini_section_gives(l->from, "limit");
	bool low = !isnan(a->low) || ini_section_gives(l->from, "low");
	bool high = !isnan(a->high) || ini_section_gives(l->from, "high");
	const struct schema_rule rules[] = {
		{ (a->when == WHEN_ABOVE || a->when == WHEN_BELOW) && !limit, "limit",
		    "missing, but required for above and below" },
		{ a->when == WHEN_OUTSIDE && (!low || !high), low ? "high" : "low",
		    "missing, but required for outside" },
		{ a->low > a->high, "low", "greater than high (allowed: low <= high)" },
		{ a->when == WHEN_OUTSIDE && a->hysteresis > 0 && a->low <= a->high &&
			2 * a->hysteresis >= a->high - a->low,
		    "hysteresis",
		    "nowhere between low and high would it clear (allowed: less than half of high - low)" },
		{ a->escalate_to < a->severity, "escalate_to",
		    "less than severity (allowed: as bad or worse)" },
		{ a->when == WHEN_LOST && a->points.how == COMBINE_COUNT && a->points.needed > 1, "when",
		    "of N of: that is not judged (allowed: any:, or a condition of readings)" },
	};
	schema_check_rules(l->from, rules, sizeof(rules) / sizeof(rules[0]), l->diag);
	if (numeric && !on_number)
		schema_error(l->diag, l->from, "when",
		    "'%s' is no number (allowed: true, false, stale, suspect, lost)", a->point_name);
	if (truth && on_number)
		schema_error(l->diag, l->from, "when",
		    "'%s' is a number (allowed: above, below, outside, stale, suspect, lost)", a->point_name);
}

static void see_points(const struct point_source *s, alarm_see_point *see, void *user)
{
	for (size_t i = 0; i < s->count; i++)
		see(s->refs[i], user);
}

static void see_loop(
    const struct config *c, size_t loop, enum loop_value value, alarm_see_point *see, void *user)
{
	unsigned needs = loop_values[value].inputs | loop_values[value].either;
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		if (needs & 1u << i)
			see_points(&c->loops[loop].inputs[i], see, user);
}

static void see_meters(const struct pue_config *p, alarm_see_point *see, void *user)
{
	for (size_t i = 0; i < p->meter_count; i++) {
		if (point_ref_is_set(p->meters[i].power))
			see(p->meters[i].power, user);
		if (point_ref_is_set(p->meters[i].energy))
			see(p->meters[i].energy, user);
	}
}

void alarm_each_point(const struct config *c, const struct alarm_config *a, alarm_see_point *see, void *user)
{
	switch (a->source) {
	case SOURCE_POINT:
		see_points(&a->points, see, user);
		return;
	case SOURCE_LOOP:
		see_loop(c, a->entry, a->value, see, user);
		return;
	case SOURCE_GROUP:
		for (size_t i = 0; i < c->groups[a->entry].loop_names.count; i++)
			see_loop(c, c->groups[a->entry].loops[i], LOOP_HEAT, see, user);
		return;
	case SOURCE_PUE:
		see_meters(&c->pues[a->entry], see, user);
		return;
	}
}

struct slowest {
	const struct config *config;
	int64_t interval;
};

static void see_interval(struct point_ref r, void *user)
{
	struct slowest *s = user;
	int64_t one = device_point_interval(&s->config->devices[r.device], reference_get(s->config, r));
	if (one > s->interval)
		s->interval = one;
}

/* That of its slowest point; a figure is computed with each tick besides, and a group only then. */
static int64_t interval_of(const struct config *c, const struct alarm_config *a)
{
	struct slowest s = { c, a->source == SOURCE_POINT ? 0 : c->daemon->control_interval };
	if (a->source != SOURCE_GROUP)
		alarm_each_point(c, a, see_interval, &s);
	return s.interval;
}

/* `from` is NULL for a default alarm, whose suppressors are there. */
static void resolve_suppressors(
    const struct config_loading *l, struct alarm_config *a, const struct ini_section *from)
{
	const struct config *c = l->config;
	size_t n = a->suppressor_names.count;
	size_t *found = arena_alloc(l->arena, (n + 1) * sizeof(*found));
	a->suppressors = found;
	for (size_t i = 0; i < n; i++) {
		const char *name = a->suppressor_names.items[i];
		found[i] = alarm_find(c, name);
		if (found[i] == SIZE_MAX)
			schema_error(l->diag, from, "suppressed_by",
			    "no [alarm:%s]%s (allowed: alarms of this configuration)", name,
			    suggest_word(l->arena, name, c->alarms, c->alarm_count, sizeof(c->alarms[0])));
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

/* Ranks that still rise after as many rounds as there are alarms go round in a circle; default alarms, behind
 * the `count` of the configuration, are never in one. */
static void rank(const struct config_loading *l, const struct ini_section *const *from, size_t count)
{
	const struct config *c = l->config;
	for (size_t round = 0; raise_ranks(l->config); round++) {
		if (round <= c->alarm_count)
			continue;
		for (size_t i = 0; i < count; i++)
			if (c->alarms[i].rank > c->alarm_count)
				schema_error(l->diag, from[i], "suppressed_by",
				    "alarms suppress each other in a circle (allowed: one direction)");
		return;
	}
}

/* What stands for a message that is not given. */
static const char *describe(struct arena *arena, const struct alarm_config *a)
{
	const char *when = arena_printf(arena, "raised when %s is %s", a->point_name, whens[a->when].word);
	if (a->when == WHEN_OUTSIDE)
		return arena_printf(arena, "%s %g..%g", when, a->low, a->high);
	return a->when == WHEN_ABOVE || a->when == WHEN_BELOW ? arena_printf(arena, "%s %g", when, a->limit)
							      : when;
}

static void check(const struct config_loading *l, void *item)
{
	struct alarm_config *a = item;
	bool own = strncmp(a->name, OWN_ALARM_PREFIX, strlen(OWN_ALARM_PREFIX)) == 0;
	a->earlier_fingerprint = ini_section_fingerprint(l->from);
	if (*a->message == '\0')
		a->message = describe(l->arena, a);
	if (own)
		schema_error(l->diag, l->from, NULL,
		    "names with " OWN_ALARM_PREFIX " are coolantd's own (allowed: another name)");
	if (*a->point_name != '\0' && resolve_source(l, a) && !own)
		check_limits(l, a);
}

static uint64_t fingerprint(struct arena *arena, const struct alarm_config *a)
{
	const char *text = arena_printf(arena, "%s %s", a->point_name, alarm_when_word(a->when));
	return ini_text_fingerprint(text);
}

void alarms_link(const struct config_loading *l, const struct ini_section *const *from, size_t count)
{
	struct config *c = l->config;
	for (size_t i = 0; i < c->alarm_count; i++)
		name_index_add(&c->alarm_names, l->arena, c->alarms[i].name, &c->alarms[i]);
	for (size_t i = 0; i < c->alarm_count; i++) {
		c->alarms[i].interval = interval_of(c, &c->alarms[i]);
		c->alarms[i].fingerprint = fingerprint(l->arena, &c->alarms[i]);
	}
	for (size_t i = 0; i < c->alarm_count; i++)
		resolve_suppressors(l, &c->alarms[i], i < count ? from[i] : NULL);
	rank(l, from, count);
}

const struct config_section alarm_section = {
	.kind = "alarm",
	.name = "NAME",
	.help = "an alarm",
	.keys = keys,
	.size = sizeof(struct alarm_config),
	.place = offsetof(struct config, alarms),
	.count = offsetof(struct config, alarm_count),
	.max = CONFIG_ALARMS_MAX,
	.check = check,
};

size_t alarm_find(const struct config *c, const char *name)
{
	const struct alarm_config *a = name_index_find(&c->alarm_names, name, strlen(name));
	return a ? (size_t)(a - c->alarms) : SIZE_MAX;
}
