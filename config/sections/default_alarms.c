#include "config/sections/default_alarms.h"

#include "config/sections/pue.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECONDS(s) ((s)*INT64_C(1000000000))

#define LOST_SUFFIX "-lost"
#define SILENT_SUFFIX "-silent"

#define LIMIT(key) LIMIT_IN(key, key)
#define LIMIT_IN(key, field) .limit_key = #key, .limit_offset = offsetof(struct loop_config, field)

/* Delays and limits of ISA-18.2 practice for such loops; a filter is dirty at twice and blocked at three
 * times the resistance that it has when clean. */
const struct loop_default loop_defaults[] = {
	{ "pump_stopped", LOOP_PUMP_SPEED, WHEN_BELOW, .limit = 1, .hysteresis = 1, .delay_on_s = 2,
	    SEVERITY_CRITICAL, .needs_load = true, .message = "the pump stands still in loop" },
	{ "flow_low", LOOP_FLOW, WHEN_BELOW, LIMIT(flow_low), .hysteresis_share = 0.05, .delay_on_s = 5,
	    SEVERITY_CRITICAL, .needs_load = true, .suppressor = "pump_stopped",
	    .message = "the coolant flow is low in loop" },
	{ "supply_high", LOOP_SUPPLY_TEMPERATURE, WHEN_ABOVE, LIMIT(supply_high), .hysteresis = 1,
	    .delay_on_s = 30, SEVERITY_CRITICAL, .message = "the coolant supply is too warm in loop" },
	{ "return_high", LOOP_RETURN_TEMPERATURE, WHEN_ABOVE, LIMIT(return_high), .hysteresis = 1,
	    .delay_on_s = 30, SEVERITY_WARNING, .message = "the coolant return is too warm in loop" },
	{ "pressure_high", LOOP_PRESSURE_DROP, WHEN_ABOVE, LIMIT(pressure_high), .hysteresis_share = 0.05,
	    .delay_on_s = 10, SEVERITY_WARNING, .message = "the differential pressure is high in loop" },
	{ "filter_dirty", LOOP_FILTER_RESISTANCE_RATIO, WHEN_ABOVE, .limit = 2, .hysteresis = 0.1,
	    .delay_on_s = 10, SEVERITY_WARNING,
	    .message = "the filter has twice its clean resistance in loop" },
	{ "filter_blocked", LOOP_FILTER_RESISTANCE_RATIO, WHEN_ABOVE, .limit = 3, .hysteresis = 0.1,
	    .delay_on_s = 10, SEVERITY_CRITICAL,
	    .message = "the filter has three times its clean resistance in loop" },
	{ "pump_worn", LOOP_PUMP_DEVIATION, WHEN_BELOW, .limit = -0.15, .hysteresis = 0.03, .delay_on_s = 60,
	    SEVERITY_WARNING, .suppressor = "pump_stopped",
	    .message = "the pump gives less pressure than its curve (wear, cavitation) in loop" },
	{ "energy_balance", LOOP_ENERGY_BALANCE_RESIDUAL, WHEN_ABOVE,
	    LIMIT_IN(balance_tolerance, model.balance_tolerance), .hysteresis_share = 0.2, .delay_on_s = 300,
	    SEVERITY_WARNING,
	    .message = "heat and electrical power do not match (a sensor or meter is wrong) in loop" },
	{ "condensation_near", LOOP_DEW_POINT_MARGIN, WHEN_BELOW, .limit = 3, .hysteresis = 0.5,
	    .delay_on_s = 30, SEVERITY_WARNING,
	    .message = "the coolant supply is within 3 K of the room's dew point in loop" },
	{ "condensation", LOOP_DEW_POINT_MARGIN, WHEN_BELOW, .limit = 2, .hysteresis = 0.5, .delay_on_s = 30,
	    SEVERITY_CRITICAL,
	    .message = "the coolant supply is within 2 K of the room's dew point in loop" },
	{ "reservoir_low", LOOP_COMPENSATED_RESERVOIR_LEVEL, WHEN_BELOW, LIMIT(reservoir_low),
	    .hysteresis = 2, .delay_on_s = 30, SEVERITY_WARNING,
	    .message = "the reservoir is low, thermal expansion left out, in loop" },
	{ "conductivity_low", LOOP_CONDUCTIVITY, WHEN_BELOW, LIMIT(conductivity_low),
	    .hysteresis_share = 0.05, .delay_on_s = 60, SEVERITY_WARNING,
	    .message = "the coolant's conductivity is low in loop" },
	{ "conductivity_high", LOOP_CONDUCTIVITY, WHEN_ABOVE, LIMIT(conductivity_high),
	    .hysteresis_share = 0.05, .delay_on_s = 60, SEVERITY_WARNING,
	    .message = "the coolant's conductivity is high in loop" },
	{ "ph_low", LOOP_PH, WHEN_BELOW, LIMIT(ph_low), .hysteresis = 0.1, .delay_on_s = 60, SEVERITY_WARNING,
	    .message = "the coolant's pH is low in loop" },
	{ "ph_high", LOOP_PH, WHEN_ABOVE, LIMIT(ph_high), .hysteresis = 0.1, .delay_on_s = 60,
	    SEVERITY_WARNING, .message = "the coolant's pH is high in loop" },
	{ "turbidity_high", LOOP_TURBIDITY, WHEN_ABOVE, LIMIT(turbidity_high), .hysteresis_share = 0.05,
	    .delay_on_s = 60, SEVERITY_WARNING, .message = "the coolant is turbid in loop" },
	{ "filter_hours_high", LOOP_FILTER_HOURS, WHEN_ABOVE, LIMIT(filter_hours_high), .delay_on_s = 10,
	    SEVERITY_WARNING, .message = "the filter is due for exchange in loop" },
	{ "makeup_high", LOOP_MAKEUP_RATE, WHEN_ABOVE, LIMIT(makeup_high), .hysteresis_share = 0.1,
	    .delay_on_s = 60, SEVERITY_WARNING,
	    .message = "more is topped up than should be (a slow leak) in loop" },
	{ "sensor_suspect", LOOP_HEAT, WHEN_SUSPECT, .delay_on_s = 10, SEVERITY_WARNING,
	    .message = "flow or a temperature is suspect in loop" },
};

const size_t loop_default_count = COUNT(loop_defaults);

const struct group_default group_defaults[] = {
	{ "redundancy_lost", 0, SEVERITY_CRITICAL, NULL, "fewer loops work than are needed in group" },
	{ "no_spare", 1, SEVERITY_WARNING, "redundancy_lost", "no more loop may be lost in group" },
};

const size_t group_default_count = COUNT(group_defaults);

/* Figures that are one input as it is. */
static const struct {
	enum loop_value value;
	enum loop_input input;
} copies[] = {
	{ LOOP_FLOW, LOOP_IN_FLOW },
	{ LOOP_SUPPLY_TEMPERATURE, LOOP_IN_SUPPLY },
	{ LOOP_RETURN_TEMPERATURE, LOOP_IN_RETURN },
	{ LOOP_PRESSURE_DROP, LOOP_IN_PRESSURE_DROP },
	{ LOOP_PUMP_SPEED, LOOP_IN_PUMP_SPEED },
	{ LOOP_CONDUCTIVITY, LOOP_IN_CONDUCTIVITY },
	{ LOOP_PH, LOOP_IN_PH },
	{ LOOP_TURBIDITY, LOOP_IN_TURBIDITY },
	{ LOOP_FILTER_HOURS, LOOP_IN_FILTER_HOURS },
};

/* The points that an alarm looks at without arithmetic; none when there is some. */
static struct point_source points_of(const struct config *c, const struct alarm_config *a)
{
	if (a->source == SOURCE_POINT)
		return a->points;
	for (size_t i = 0; a->source == SOURCE_LOOP && i < COUNT(copies); i++)
		if (copies[i].value == a->value)
			return c->loops[a->entry].inputs[copies[i].input];
	return (struct point_source){ 0 };
}

static bool same_points(struct point_source a, struct point_source b)
{
	if (a.count == 0 || a.count != b.count || a.how != b.how)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (a.refs[i].device != b.refs[i].device || a.refs[i].point != b.refs[i].point)
			return false;
	return true;
}

static bool share_point(const struct config *c, struct point_source a, struct point_source b)
{
	for (size_t i = 0; i < a.count; i++)
		for (size_t k = 0; k < b.count; k++)
			if (reference_is_same(c, a.refs[i], b.refs[k]))
				return true;
	return false;
}

static bool is_limit(enum alarm_when when)
{
	return when == WHEN_ABOVE || when == WHEN_BELOW;
}

static bool same_direction(enum alarm_when a, enum alarm_when b)
{
	return a == b || (a == WHEN_OUTSIDE && is_limit(b)) || (b == WHEN_OUTSIDE && is_limit(a));
}

static bool same_figure(const struct alarm_config *a, const struct alarm_config *b)
{
	return a->source != SOURCE_POINT && a->source == b->source && a->entry == b->entry &&
	       a->value == b->value;
}

/* Whether an alarm of the configuration stands in for a default one of another name: the same thing judged in
 * the same direction and as severe; two levels live side by side. */
static bool replaces(const struct config *c, const struct alarm_config *own, const struct alarm_config *new)
{
	return same_direction(own->when, new->when) && own->severity == new->severity &&
	       (same_figure(own, new) || same_points(points_of(c, own), points_of(c, new)));
}

/* 1 or 0, and missing in one way or another, are one thing to an alarm that has the name already. */
static enum alarm_when kind_of(enum alarm_when when)
{
	return when == WHEN_FALSE ? WHEN_TRUE : when == WHEN_STALE ? WHEN_LOST : when;
}

/* Whether one that has the name of a default alarm says the same, maybe of fewer or of more points. */
static bool means_same(const struct config *c, const struct alarm_config *own, const struct alarm_config *new)
{
	bool nothing = own->source == SOURCE_POINT && own->points.count == 0; /* as was said already */
	return nothing ||
	       (same_direction(kind_of(own->when), kind_of(new->when)) &&
		   (same_figure(own, new) || share_point(c, points_of(c, own), points_of(c, new))));
}

/* Adds alarms behind those of the configuration. */
struct adder {
	struct config *config;
	struct arena *arena;
	struct diag *diag;
	const struct ini_section *const *from; /* of the alarms of the configuration */
	size_t own, room;		       /* alarms of the configuration; that there is memory for */
};

/* Has `new` suppressed by an alarm that was added before; one that was replaced says for itself what it
 * suppresses. */
static void suppress_by(const struct adder *a, struct alarm_config *new, const char *name)
{
	for (size_t i = a->own; i < a->config->alarm_count; i++) {
		if (strcmp(a->config->alarms[i].name, name) != 0)
			continue;
		const char **names = arena_alloc(a->arena, sizeof(*names));
		names[0] = name;
		new->suppressor_names = (struct schema_list){ names, 1 };
		return;
	}
}

/* As versions before told it. */
static uint64_t earlier_fingerprint(struct arena *arena, const struct alarm_config *a)
{
	const char *text = arena_printf(arena, "%s %s %d %.17g %.17g %.17g", a->name, a->point_name, a->when,
	    a->limit, a->low, a->hysteresis);
	return ini_text_fingerprint(text);
}

/* Whether the configuration has its own alarm for it; the name for another is refused. */
static bool is_replaced(const struct adder *a, const struct alarm_config *new)
{
	const struct config *c = a->config;
	bool replaced = false;
	for (size_t i = 0; i < a->own; i++) {
		const struct alarm_config *own = &c->alarms[i];
		bool named = strcmp(own->name, new->name) == 0;
		replaced |= named || replaces(c, own, new);
		if (named && !means_same(c, own, new))
			schema_error(a->diag, a->from[i], NULL,
			    "that is the name of a default alarm, about %s %s (allowed: another name, or an "
			    "alarm about the same)",
			    new->point_name, alarm_when_word(new->when));
	}
	return replaced;
}

static void add(struct adder *a, struct alarm_config *new)
{
	struct config *c = a->config;
	if (is_replaced(a, new))
		return;
	if (c->alarm_count >= a->room) {
		a->room = 2 * c->alarm_count + 64;
		struct alarm_config *more = arena_alloc(a->arena, a->room * sizeof(*more));
		memcpy(more, c->alarms, c->alarm_count * sizeof(*more));
		c->alarms = more;
	}
	new->earlier_fingerprint = earlier_fingerprint(a->arena, new);
	c->alarms[c->alarm_count++] = *new;
}

static void add_loop_alarm(struct adder *a, size_t loop, const struct loop_default *row)
{
	struct arena *arena = a->arena;
	const struct loop_config *l = &a->config->loops[loop];
	double limit = row->limit;
	if (row->limit_key)
		memcpy(&limit, (const char *)l + row->limit_offset, sizeof(limit));
	if (!loop_has_value(l, row->value) || isnan(limit))
		return;
	struct alarm_config new = {
		.name = arena_printf(arena, "%s-%s", l->name, row->suffix),
		.point_name = arena_printf(arena, "loop.%s.%s", l->name, loop_value_word(row->value)),
		.source = SOURCE_LOOP,
		.entry = loop,
		.value = row->value,
		.when = row->when,
		.limit = limit,
		.low = NAN,
		.high = NAN,
		.hysteresis = row->hysteresis + row->hysteresis_share * limit,
		.delay_on = SECONDS(row->delay_on_s),
		.severity = row->severity,
		.needs_load = row->needs_load,
		.message = arena_printf(arena, "%s %s", row->message, l->name),
	};
	if (row->value == LOOP_ENERGY_BALANCE_RESIDUAL && !isnan(l->model.liquid_share)) {
		new.when = WHEN_OUTSIDE;
		new.low = -limit;
		new.high = limit;
	}
	if (row->suppressor)
		suppress_by(a, &new, arena_printf(arena, "%s-%s", l->name, row->suppressor));
	add(a, &new);
}

static void add_group_alarm(struct adder *a, size_t group, const struct group_default *row)
{
	struct arena *arena = a->arena;
	const struct group_config *g = &a->config->groups[group];
	if ((size_t)g->needed + row->more > g->loop_names.count)
		return; /* it never has so many */
	struct alarm_config new = {
		.name = arena_printf(arena, "%s-%s", g->name, row->suffix),
		.point_name = arena_printf(arena, "group.%s.%s", g->name, group_values[GROUP_FIT].word),
		.source = SOURCE_GROUP,
		.entry = group,
		.value = GROUP_FIT,
		.when = WHEN_BELOW,
		.limit = (double)g->needed + row->more,
		.low = NAN,
		.high = NAN,
		.delay_on = SECONDS(GROUP_DEFAULT_DELAY_S),
		.delay_off = SECONDS(GROUP_DEFAULT_DELAY_S),
		.severity = row->severity,
		.message = arena_printf(arena, "%s %s", row->message, g->name),
	};
	if (row->suppressor)
		suppress_by(a, &new, arena_printf(arena, "%s-%s", g->name, row->suppressor));
	add(a, &new);
}

/* One that says when a sensor or a meter gives no usable reading, for whatever reason. */
static void add_lost_alarm(struct adder *a, const char *name, const char *point_name,
    struct point_source points, const char *message)
{
	struct alarm_config new = {
		.name = name,
		.point_name = point_name,
		.source = SOURCE_POINT,
		.points = points,
		.when = WHEN_LOST,
		.limit = NAN,
		.low = NAN,
		.high = NAN,
		.severity = SEVERITY_WARNING,
		.message = message,
	};
	add(a, &new);
}

/* Of each input; one sensor that serves as two is said once. */
static void add_lost_inputs(struct adder *a, size_t loop)
{
	struct arena *arena = a->arena;
	const struct loop_config *l = &a->config->loops[loop];
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
		bool seen = l->inputs[i].count == 0;
		for (unsigned k = 0; k < i; k++)
			seen |= same_points(l->inputs[i], l->inputs[k]);
		const char *word = loop_input_word(i);
		if (!seen)
			add_lost_alarm(a, arena_printf(arena, "%s-%s" LOST_SUFFIX, l->name, word),
			    l->input_names[i], l->inputs[i],
			    arena_printf(arena, "no usable reading of %s in loop %s", word, l->name));
	}
}

/* As a part of the name of an alarm: a point's dot is none. */
static const char *dashed(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);
	for (char *dot = strchr(copy, '.'); dot; dot = strchr(dot, '.'))
		*dot = '-';
	return copy;
}

static bool is_meter_before(const struct pue_config *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->meters[k].name, p->meters[i].name) == 0)
			return true;
	return false;
}

static void add_lost_meters(struct adder *a, size_t pue)
{
	struct arena *arena = a->arena;
	const struct pue_config *p = &a->config->pues[pue];
	for (size_t i = 0; i < p->meter_count; i++) {
		const struct pue_meter *m = &p->meters[i];
		struct point_ref *refs = arena_alloc(arena, 2 * sizeof(*refs));
		struct point_source points = { COMBINE_ONE, refs, 0 };
		if (point_ref_is_set(m->power))
			refs[points.count++] = m->power;
		if (point_ref_is_set(m->energy))
			refs[points.count++] = m->energy;
		if (points.count == 0 || is_meter_before(p, i))
			continue;
		const char *name = dashed(arena, m->name);
		add_lost_alarm(a, arena_printf(arena, "%s-%s" LOST_SUFFIX, p->name, name), m->name, points,
		    arena_printf(arena, "no usable reading of the meter %s of PUE %s", m->name, p->name));
	}
}

static bool is_leak_point(const struct point *p)
{
	size_t n = strlen(p->name);
	return (p->type == POINT_BOOL || p->bit.low >= 0) &&
	       (strcmp(p->name, "leak") == 0 || strncmp(p->name, "leak_", 5) == 0 ||
		   (n > 5 && strcmp(p->name + n - 5, "_leak") == 0));
}

static void add_leak_alarms(struct adder *a, size_t device)
{
	struct arena *arena = a->arena;
	const struct device_config *d = &a->config->devices[device];
	for (size_t i = 0; i < d->point_count; i++) {
		if (!is_leak_point(&d->points[i]))
			continue;
		struct point_ref *ref = arena_alloc(arena, sizeof(*ref));
		*ref = (struct point_ref){ device, i };
		struct alarm_config new = {
			.name = arena_printf(arena, "%s-%s", d->name, d->points[i].name),
			.point_name = arena_printf(arena, "%s.%s", d->name, d->points[i].name),
			.source = SOURCE_POINT,
			.points = { COMBINE_ONE, ref, 1 },
			.when = WHEN_TRUE,
			.limit = NAN,
			.low = NAN,
			.high = NAN,
			.delay_off = SECONDS(5),
			.severity = SEVERITY_CRITICAL,
			.latch = true,
			.message = arena_printf(arena, "coolant leak at %s", d->name),
		};
		add(a, &new);
		add_lost_alarm(a, arena_printf(arena, "%s" LOST_SUFFIX, new.name), new.point_name, new.points,
		    arena_printf(arena, "no usable reading of the leak detector %s", new.point_name));
	}
}

/* Whether it says that a sensor of that device alone is lost. */
static bool is_lost_of(const struct alarm_config *a, size_t device)
{
	for (size_t i = 0; i < a->points.count; i++)
		if (a->points.refs[i].device != device)
			return false;
	return a->when == WHEN_LOST && a->source == SOURCE_POINT;
}

/* The points by which a device shows that it lives: those that are read most often. `longest` is how long it
 * takes until all of it was read anew. */
static struct point_source signs_of_life(struct adder *a, size_t device, int64_t *longest)
{
	const struct device_config *d = &a->config->devices[device];
	struct point_ref *refs = arena_alloc(a->arena, CONFIG_SOURCE_POINTS_MAX * sizeof(*refs));
	struct point_source s = { COMBINE_COUNT, refs, 0 };
	int64_t shortest = INT64_MAX;
	*longest = 0;
	for (size_t i = 0; i < d->point_count; i++) {
		int64_t interval = device_point_interval(d, &d->points[i]);
		if (d->points[i].poll == POINT_ONCE)
			continue;
		*longest = interval > *longest ? interval : *longest;
		if (interval < shortest)
			s.count = 0;
		shortest = interval < shortest ? interval : shortest;
		if (interval == shortest && s.count < CONFIG_SOURCE_POINTS_MAX)
			refs[s.count++] = (struct point_ref){ device, i };
	}
	s.needed = s.count;
	return s;
}

/* A device whose silence would be a flood: one alarm says it, and suppresses that each of its sensors is
 * lost. */
static void add_silent_alarm(struct adder *a, size_t device)
{
	struct config *c = a->config;
	const char *name = c->devices[device].name;
	size_t lost = 0, before = c->alarm_count;
	int64_t longest;
	for (size_t i = a->own; i < before; i++)
		lost += is_lost_of(&c->alarms[i], device);
	struct alarm_config new = {
		.name = arena_printf(a->arena, "%s" SILENT_SUFFIX, name),
		.point_name = name,
		.source = SOURCE_POINT,
		.points = signs_of_life(a, device, &longest),
		.when = WHEN_STALE,
		.limit = NAN,
		.low = NAN,
		.high = NAN,
		.severity = SEVERITY_WARNING,
		.message = arena_printf(a->arena, "the device %s is silent", name),
	};
	new.delay_off = 2 * longest;
	if (lost < SILENT_LEAST || new.points.count == 0)
		return;
	add(a, &new);
	for (size_t i = a->own; i < before; i++)
		if (is_lost_of(&c->alarms[i], device))
			suppress_by(a, &c->alarms[i], new.name);
}

void default_alarms_add(const struct config_loading *l, const struct ini_section *const *from)
{
	struct config *c = l->config;
	struct adder a = {
		.config = c, .arena = l->arena, .diag = l->diag, .from = from, .own = c->alarm_count
	};
	for (size_t i = 0; i < c->device_count; i++)
		if (c->devices[i].alarms && c->devices[i].enabled)
			add_leak_alarms(&a, i);
	for (size_t i = 0; i < c->loop_count; i++) {
		if (!c->loops[i].alarms)
			continue;
		for (size_t row = 0; row < loop_default_count; row++)
			add_loop_alarm(&a, i, &loop_defaults[row]);
		add_lost_inputs(&a, i);
	}
	for (size_t i = 0; i < c->group_count; i++)
		for (size_t row = 0; c->groups[i].alarms && row < group_default_count; row++)
			add_group_alarm(&a, i, &group_defaults[row]);
	for (size_t i = 0; i < c->pue_count; i++)
		if (c->pues[i].alarms)
			add_lost_meters(&a, i);
	for (size_t i = 0; i < c->device_count; i++)
		if (c->devices[i].alarms && c->devices[i].enabled)
			add_silent_alarm(&a, i);
}
