/* References of loops, PUE figures and alarms to points and figures. */
#include "config_private.h"

#include "quantity.h"
#include "value.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *word, *unit;
	unsigned inputs; /* bit mask of the enum loop_input that it needs */
} loop_values[] = {
#define NEEDS(i) (1u << (i))
#define HEAT_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN))
#define AIR_INPUTS (NEEDS(LOOP_IN_AIR_TEMPERATURE) | NEEDS(LOOP_IN_AIR_HUMIDITY))
	[LOOP_HEAT] = { "heat", "kW", HEAT_INPUTS },
	[LOOP_DELTA_T] = { "delta_t", "K", NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN) },
	[LOOP_FLOW] = { "flow", "L/min", NEEDS(LOOP_IN_FLOW) },
	[LOOP_SUPPLY_TEMPERATURE] = { "supply_temperature", "Cel", NEEDS(LOOP_IN_SUPPLY) },
	[LOOP_RETURN_TEMPERATURE] = { "return_temperature", "Cel", NEEDS(LOOP_IN_RETURN) },
	[LOOP_PRESSURE_DROP] = { "differential_pressure", "kPa", NEEDS(LOOP_IN_PRESSURE_DROP) },
	[LOOP_HYDRAULIC_POWER] = { "hydraulic_power", "W",
	    NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_PRESSURE_DROP) },
	[LOOP_PUMP_EFFICIENCY] = { "pump_efficiency", "1",
	    NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_PRESSURE_DROP) | NEEDS(LOOP_IN_PUMP_POWER) },
	[LOOP_HEAT_CAPTURE_RATIO] = { "heat_capture_ratio", "1", HEAT_INPUTS | NEEDS(LOOP_IN_IT_POWER) },
	[LOOP_DEW_POINT] = { "dew_point", "Cel", AIR_INPUTS },
	[LOOP_DEW_POINT_MARGIN] = { "dew_point_margin", "K", AIR_INPUTS | NEEDS(LOOP_IN_SUPPLY) },
#undef AIR_INPUTS
#undef HEAT_INPUTS
#undef NEEDS
};

static const struct {
	const char *key;
	enum quantity quantity;
} loop_inputs[] = {
	[LOOP_IN_FLOW] = { "flow", QUANTITY_FLOW },
	[LOOP_IN_SUPPLY] = { "supply", QUANTITY_TEMPERATURE },
	[LOOP_IN_RETURN] = { "return", QUANTITY_TEMPERATURE },
	[LOOP_IN_PRESSURE_DROP] = { "pressure_drop", QUANTITY_PRESSURE },
	[LOOP_IN_PUMP_POWER] = { "pump_power", QUANTITY_POWER },
	[LOOP_IN_IT_POWER] = { "it_power", QUANTITY_POWER },
	[LOOP_IN_AIR_TEMPERATURE] = { "air_temperature", QUANTITY_TEMPERATURE },
	[LOOP_IN_AIR_HUMIDITY] = { "air_humidity", QUANTITY_RATIO },
};

static const char *const role_words[] = {
	[PUE_FACILITY] = "facility",
	[PUE_IT] = "it",
	[PUE_COOLING] = "cooling",
	[PUE_IT_EMBEDDED_COOLING] = "it_embedded_cooling",
	[PUE_EXPORT] = "export",
	[PUE_REUSE_HEAT] = "reuse_heat",
};

const char *loop_value_word(enum loop_value v)
{
	return loop_values[v].word;
}

const char *loop_value_unit(enum loop_value v)
{
	return loop_values[v].unit;
}

bool loop_has_value(const struct loop_config *l, enum loop_value v)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		if ((loop_values[v].inputs & 1u << i) && !point_ref_is_set(l->inputs[i]))
			return false;
	return true;
}

const char *pue_role_word(enum pue_role r)
{
	return role_words[r];
}

static const struct point_ref unset = { SIZE_MAX, SIZE_MAX };

static const char *device_word(size_t i, void *user)
{
	return ((const struct config *)user)->devices[i].name;
}

static const char *point_word(size_t i, void *user)
{
	return ((const struct device_config *)user)->points[i].name;
}

/* The device named by the first `n` bytes of `text`; NULL with a finding. */
static const struct device_config *find_device(
    struct config *c, const char *text, size_t n, struct diag_place place, struct diag *d)
{
	for (size_t i = 0; i < c->device_count; i++)
		if (strlen(c->devices[i].name) == n && strncmp(c->devices[i].name, text, n) == 0)
			return &c->devices[i];
	const char *name = arena_strndup(c->tree.arena, text, n);
	const char *near = schema_nearest(name, c->device_count, device_word, c);
	diag_add(d, DIAG_ERROR, place, "no [device:%s]%s%s%s (allowed: a device of this configuration)", name,
	    near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

static size_t find_point(const struct device_config *device, const char *name)
{
	for (size_t i = 0; i < device->point_count; i++)
		if (strcmp(device->points[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* DEVICE.POINT to indices; unset with a finding. */
static struct point_ref resolve(struct config *c, const char *text, struct diag_place place, struct diag *d)
{
	const char *dot = strchr(text, '.');
	if (!dot) {
		diag_add(d, DIAG_ERROR, place, "'%s' is not a point (allowed: DEVICE.POINT)", text);
		return unset;
	}
	const struct device_config *device = find_device(c, text, (size_t)(dot - text), place, d);
	if (!device || device->point_count == 0)
		return unset; /* said already */
	size_t point = find_point(device, dot + 1);
	if (point != SIZE_MAX)
		return (struct point_ref){ (size_t)(device - c->devices), point };
	const char *near = schema_nearest(dot + 1, device->point_count, point_word, (void *)device);
	diag_add(d, DIAG_ERROR, place,
	    "device '%s' has no point '%s'%s%s%s (allowed: a point of its profile or of "
	    "[point:%s.NAME])",
	    device->name, dot + 1, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "",
	    device->name);
	return unset;
}

static const struct point *point_at(const struct config *c, struct point_ref r)
{
	return &c->devices[r.device].points[r.point];
}

static bool is_number(const struct point *p)
{
	return p->type != POINT_BOOL && p->type != POINT_STRING && p->bit.low < 0;
}

static bool has_quantity(const struct config *c, struct point_ref r, enum quantity q)
{
	double factor;
	const struct point *p = point_at(c, r);
	return is_number(p) && quantity_of(p->unit, &factor) == q;
}

static void check_loop(struct config *c, struct loop_config *l, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "loop", l->name);
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
		l->inputs[i] = unset;
		if (*l->input_names[i] == '\0')
			continue;
		struct diag_place place = schema_place(s, loop_inputs[i].key);
		l->inputs[i] = resolve(c, l->input_names[i], place, d);
		if (!point_ref_is_set(l->inputs[i]) || has_quantity(c, l->inputs[i], loop_inputs[i].quantity))
			continue;
		diag_add(d, DIAG_ERROR, place,
		    "'%s' has the unit '%s', which is no %s (allowed: a point in %s)", l->input_names[i],
		    point_at(c, l->inputs[i])->unit, quantity_word(loop_inputs[i].quantity),
		    quantity_units(loop_inputs[i].quantity));
	}
	if ((*l->input_names[LOOP_IN_AIR_TEMPERATURE] == '\0') !=
	    (*l->input_names[LOOP_IN_AIR_HUMIDITY] == '\0'))
		diag_add(d, DIAG_ERROR,
		    schema_place(
			s, *l->input_names[LOOP_IN_AIR_TEMPERATURE] ? "air_temperature" : "air_humidity"),
		    "air_temperature and air_humidity go together (allowed: both or none)");
}

/* DEVICE: its active_power and active_energy_import; DEVICE.POINT: that one, power or energy by its unit. */
static struct meter_ref resolve_meter(
    struct config *c, const char *text, struct diag_place place, struct diag *d)
{
	struct meter_ref m = { unset, unset };
	if (strchr(text, '.')) {
		struct point_ref r = resolve(c, text, place, d);
		if (!point_ref_is_set(r))
			return m;
		if (has_quantity(c, r, QUANTITY_POWER))
			m.power = r;
		else if (has_quantity(c, r, QUANTITY_ENERGY))
			m.energy = r;
		else
			diag_add(d, DIAG_ERROR, place, "'%s' has the unit '%s' (allowed: %s, %s)", text,
			    point_at(c, r)->unit, quantity_units(QUANTITY_POWER),
			    quantity_units(QUANTITY_ENERGY));
		return m;
	}
	const struct device_config *device = find_device(c, text, strlen(text), place, d);
	if (!device || device->point_count == 0)
		return m;
	size_t index = (size_t)(device - c->devices);
	struct point_ref power = { index, find_point(device, "active_power") };
	struct point_ref energy = { index, find_point(device, "active_energy_import") };
	if (power.point != SIZE_MAX && has_quantity(c, power, QUANTITY_POWER))
		m.power = power;
	if (energy.point != SIZE_MAX && has_quantity(c, energy, QUANTITY_ENERGY))
		m.energy = energy;
	if (!point_ref_is_set(m.power) && !point_ref_is_set(m.energy))
		diag_add(d, DIAG_ERROR, place,
		    "device '%s' has neither active_power in %s nor active_energy_import in %s "
		    "(allowed: a meter, or DEVICE.POINT)",
		    text, quantity_units(QUANTITY_POWER), quantity_units(QUANTITY_ENERGY));
	return m;
}

static void check_windows(struct pue_config *p, const struct ini_section *s, struct diag *d)
{
	struct diag_place place = schema_place(s, "windows");
	if (p->window_names.count < 1 || p->window_names.count > CONFIG_PUE_WINDOWS_MAX) {
		diag_add(d, DIAG_ERROR, place, "%zu windows (allowed: 1..%d)", p->window_names.count,
		    CONFIG_PUE_WINDOWS_MAX);
		return;
	}
	for (size_t i = 0; i < p->window_names.count; i++) {
		int64_t ns = 0;
		const char *text = p->window_names.items[i];
		bool good = value_duration(text, &ns) == 0 && ns % (60 * INT64_C(1000000000)) == 0;
		int64_t seconds = ns / INT64_C(1000000000);
		if (!good || seconds < CONFIG_PUE_WINDOW_MIN_S || seconds > CONFIG_PUE_WINDOW_MAX_S)
			diag_add(d, DIAG_ERROR, place,
			    "'%s' is not a window (allowed: whole minutes, 1m..365d)", text);
		for (size_t j = 0; j < i; j++)
			if (p->windows[j] == seconds && good)
				diag_add(d, DIAG_ERROR, place, "'%s' is listed twice", text);
		p->windows[i] = seconds;
	}
	p->window_count = p->window_names.count;
}

static void check_pue(struct config *c, struct pue_config *p, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "pue", p->name);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		struct diag_place place = schema_place(s, role_words[r]);
		p->meters[r] =
		    arena_alloc(c->tree.arena, (p->role_names[r].count + 1) * sizeof(struct meter_ref));
		for (size_t i = 0; i < p->role_names[r].count; i++) {
			p->meters[r][i] = resolve_meter(c, p->role_names[r].items[i], place, d);
			for (size_t j = 0; j < i; j++)
				if (strcmp(p->role_names[r].items[i], p->role_names[r].items[j]) == 0)
					diag_add(d, DIAG_ERROR, place, "'%s' is listed twice",
					    p->role_names[r].items[i]);
		}
	}
	if (p->role_names[PUE_FACILITY].count == 0 && p->role_names[PUE_COOLING].count == 0)
		diag_add(d, DIAG_ERROR, schema_place(s, "facility"),
		    "missing, and no cooling either (allowed: facility for a PUE, cooling for a partial PUE, "
		    "or both)");
	if (*p->boundary == '\0')
		p->boundary = p->name;
	check_windows(p, s, d);
}

static void resolve_loop_alarm(
    struct config *c, struct alarm_config *a, struct diag_place place, struct diag *d)
{
	const char *name = a->point_name + strlen("loop."), *dot = strchr(name, '.');
	for (size_t i = 0; dot && i < c->loop_count; i++) {
		if (strlen(c->loops[i].name) != (size_t)(dot - name) ||
		    strncmp(c->loops[i].name, name, (size_t)(dot - name)) != 0)
			continue;
		for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++) {
			if (strcmp(loop_values[v].word, dot + 1) != 0 ||
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
	return a->source != SOURCE_POINT || is_number(point_at(c, a->point));
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
		    "'%s' is no number (allowed: true, false, stale)", a->point_name);
	if (truth && alarm_is_on_number(c, a))
		diag_add(d, DIAG_ERROR, schema_place(s, "when"),
		    "'%s' is a number (allowed: above, below, outside, stale)", a->point_name);
}

static void check_alarm(struct config *c, struct alarm_config *a, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "alarm", a->name);
	struct diag_place place = schema_place(s, "point");
	size_t before = diag_errors(d);

	a->fingerprint = ini_section_fingerprint(s);
	a->point = unset;
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
		a->point = resolve(c, a->point_name, place, d);
	if (diag_errors(d) == before && (a->source != SOURCE_POINT || point_ref_is_set(a->point)))
		check_alarm_limits(c, a, s, d);
}

static const char *alarm_word(size_t i, void *user)
{
	return ((const struct config *)user)->alarms[i].name;
}

static size_t find_alarm(const struct config *c, const char *name)
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
	struct diag_place place = schema_place(ini_tree_find(&c->tree, "alarm", a->name), "suppressed_by");
	a->suppressors = found;
	for (size_t i = 0; i < n; i++) {
		const char *name = a->suppressor_names.items[i];
		found[i] = find_alarm(c, name);
		if (found[i] != SIZE_MAX)
			continue;
		const char *near = schema_nearest(name, c->alarm_count, alarm_word, c);
		diag_add(d, DIAG_ERROR, place, "no [alarm:%s]%s%s%s (allowed: alarms of this configuration)",
		    name, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
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
				diag_add(d, DIAG_ERROR,
				    schema_place(
					ini_tree_find(&c->tree, "alarm", c->alarms[i].name), "suppressed_by"),
				    "alarms suppress each other in a circle (allowed: one direction)");
		return;
	}
}

void config_check_control(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->loop_count; i++)
		check_loop(c, &c->loops[i], d);
	for (size_t i = 0; i < c->pue_count; i++)
		check_pue(c, &c->pues[i], d);
	for (size_t i = 0; i < c->alarm_count; i++)
		check_alarm(c, &c->alarms[i], d);
	for (size_t i = 0; i < c->alarm_count; i++)
		resolve_suppressors(c, &c->alarms[i], d);
	rank_alarms(c, d);
}
