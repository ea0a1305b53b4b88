#include "daemon/ctl/lint.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 300

struct work {
	const struct profile *profile;
	const struct ini_tree *tree;
	lint_say say;
	void *user;
};

const char *lint_word(enum lint_severity s)
{
	static const char *const words[LINT_COUNT] = { "error", "warning", "hint" };
	return words[s];
}

static void __attribute__((format(printf, 5, 6))) find(const struct work *w, enum lint_severity severity,
    const struct ini_section *s, const char *key, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	w->say(severity, s, key, text, w->user);
}

static const struct ini_section *section_of(const struct work *w, const struct point *p)
{
	for (const struct ini_section *s = w->tree->sections; s; s = s->next)
		if (s->name && strcmp(s->kind, "point") == 0 && strcmp(s->name, p->name) == 0)
			return s;
	return w->tree->sections;
}

/* The vocabulary of Redfish 2025, in snake_case, and what is often written for it. */
static const struct {
	const char *name, *others; /* between blanks */
	enum quantity quantity;	   /* of the other, if it is to count; QUANTITY_NONE = a bool */
} vocabulary[] = {
	{ "flow_rate", " flow flowrate volume_flow flow_volume vol_flow water_flow coolant_flow ",
	    QUANTITY_FLOW },
	{ "supply_temperature", " supply_temp temp_supply temperature_supply t_supply tsupply supply ",
	    QUANTITY_TEMPERATURE },
	{ "return_temperature", " return_temp temp_return temperature_return t_return treturn return ",
	    QUANTITY_TEMPERATURE },
	{ "differential_pressure",
	    " dp delta_p deltap pressure_drop diff_pressure delta_pressure pressure_difference ",
	    QUANTITY_PRESSURE },
	{ "heat_removed", " heat heat_power thermal_power cooling_power heat_load ", QUANTITY_POWER },
	{ "active_power", " power power_total total_power active_power_total total_active_power kw watts ",
	    QUANTITY_POWER },
	{ "active_energy_import",
	    " energy energy_total total_energy energy_import import_energy active_energy kwh "
	    "total_active_energy ",
	    QUANTITY_ENERGY },
	{ "pump_speed", " pump_rpm pump_percent speed_pump pumpspeed ", QUANTITY_COUNT },
	{ "reservoir_level", " level tank_level coolant_level ", QUANTITY_COUNT },
	{ "valve_position", " valve valve_opening valve_percent ", QUANTITY_COUNT },
	{ "leak", " leakage leak_alarm leak_detected leak_detector leak_sensor ", QUANTITY_NONE },
	{ "temperature", " temp temp_c ", QUANTITY_TEMPERATURE },
	{ "humidity", " hum rh relative_humidity ", QUANTITY_COUNT },
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = words; (at = strstr(at, word)); at++)
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static void check_name(const struct work *w, const struct point *p, const struct ini_section *s)
{
	for (size_t i = 0; i < sizeof(vocabulary) / sizeof(vocabulary[0]); i++) {
		const char *name = vocabulary[i].name;
		enum quantity q = vocabulary[i].quantity;
		if (!has_word(vocabulary[i].others, p->name) || (q != QUANTITY_COUNT && p->quantity != q) ||
		    name_index_find(&w->profile->point_names, name, strlen(name)))
			continue;
		find(w, LINT_WARNING, s, NULL,
		    "its name in the vocabulary of Redfish is '%s': loops, PUEs, alarms and dashboards look "
		    "for that",
		    name);
	}
}

/* Words of a name and the quantity that its unit must be of. */
static const struct {
	const char *part;
	enum quantity quantity;
} parts[] = {
	{ "temperature", QUANTITY_TEMPERATURE },
	{ "flow_rate", QUANTITY_FLOW },
	{ "pressure", QUANTITY_PRESSURE },
	{ "active_power", QUANTITY_POWER },
	{ "active_energy", QUANTITY_ENERGY },
	{ "voltage", QUANTITY_VOLTAGE },
};

static void check_unit(const struct work *w, const struct point *p, const struct ini_section *s)
{
	if (!point_is_number(p) || p->enums.count > 0)
		return;
	bool whole = p->scale == 1 && p->offset == 0 && point_format(p) == POINT_UNSIGNED;
	if (*p->unit == '\0') /* a whole number may be a state, or a set of bits */
		find(w, whole ? LINT_HINT : LINT_WARNING, s, "unit",
		    "missing: no figure can take it (1 for a number without a unit, or a text in braces)");
	for (size_t i = 0; *p->unit != '\0' && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(p->name, parts[i].part) && p->quantity != parts[i].quantity)
			find(w, LINT_WARNING, s, "unit", "'%s' is none of what the name says (%s)", p->unit,
			    unit_words[parts[i].quantity].units);
	if (p->quantity == QUANTITY_ENERGY && !p->counter)
		find(w, LINT_WARNING, s, "counter",
		    "not yes: an energy that only grows is a counter, whose wraps and resets are then "
		    "handled");
	if (p->quantity == QUANTITY_TEMPERATURE && isnan(p->min) && isnan(p->max) && p->invalid.count == 0)
		find(w, LINT_HINT, s, NULL,
		    "neither min and max nor invalid: what does the device give when the sensor is broken?");
}

static bool is_part(const struct point *p)
{
	return p->bit.low >= 0 || p->bits.low >= 0 || p->has_minus;
}

/* A bool over several bits is the sum of the bools of each; the same bits twice are one point too many. */
static bool same_bits(const struct point *a, const struct point *b)
{
	return a->bit.low == b->bit.low && a->bits.low == b->bits.low && a->bits.high == b->bits.high;
}

static bool overlap(const struct point *a, const struct point *b)
{
	unsigned first = point_first(a), other = point_first(b);
	if (a->reg.table != b->reg.table || a->has_minus || b->has_minus)
		return false;
	return first < other + point_span(b) && other < first + point_span(a);
}

static void check_overlap(const struct work *w, size_t i, const struct ini_section *s)
{
	const struct point *p = &w->profile->points[i];
	for (size_t k = 0; k < i; k++) {
		const struct point *other = &w->profile->points[k];
		if (!overlap(p, other))
			continue;
		if ((is_part(p) || is_part(other)) && !same_bits(p, other))
			continue; /* bits of one register, or bits and the whole of it */
		find(w, LINT_WARNING, s, "register",
		    "shares registers with [point:%s]: is one of them wrong?", other->name);
		return;
	}
}

static void check_hole(const struct work *w, const struct point *p, const struct ini_section *s)
{
	const struct profile_holes *holes = &w->profile->holes;
	for (size_t i = 0; i < holes->count; i++) {
		const struct profile_hole *h = &holes->items[i];
		if (h->table == p->reg.table && point_first(p) <= h->last &&
		    point_first(p) + point_span(p) > h->first)
			find(w, LINT_WARNING, s, "register", "is in a hole of this profile");
	}
}

static bool is_meter(const struct profile *p)
{
	for (size_t i = 0; i < p->point_count; i++)
		if (p->points[i].quantity == QUANTITY_ENERGY)
			return true;
	return false;
}

static void check_head(const struct work *w)
{
	const struct profile *p = w->profile;
	const struct ini_section *s = ini_tree_find(w->tree, "profile");
	const struct ini_section *at = s ? s : w->tree->sections;
	if (!s)
		find(w, LINT_WARNING, at, NULL,
		    "no [profile] section: vendor, model and source are not known");
	if (s && *p->vendor == '\0')
		find(w, LINT_WARNING, at, "vendor", "missing");
	if (s && *p->model == '\0')
		find(w, LINT_WARNING, at, "model", "missing");
	if (s && *p->source == '\0')
		find(w, LINT_WARNING, at, "source",
		    "missing: which manual, in which edition, are the registers from?");
	if (isnan(p->accuracy_class) && is_meter(p))
		find(w, LINT_WARNING, at, "accuracy_class",
		    "missing, though this is a meter: a PUE's uncertainty cannot be stated without it");
	if (s && !ini_section_entry(s, "tested"))
		find(w, LINT_HINT, at, "tested", "not said: yes once its values were compared with a device");
	if (p->identify.count == 0)
		find(w, LINT_HINT, at, "identify",
		    "missing: registers that only this model answers so (a model number, a constant) would "
		    "tell "
		    "a wrong device, and let coolantctl scan find the right ones");
}

void lint_profile(const struct profile *p, const struct ini_tree *tree, lint_say say, void *user)
{
	const struct work w = { p, tree, say, user };
	check_head(&w);
	for (size_t i = 0; i < p->point_count; i++) {
		const struct point *point = &p->points[i];
		const struct ini_section *s = section_of(&w, point);
		check_name(&w, point, s);
		check_unit(&w, point, s);
		check_overlap(&w, i, s);
		check_hole(&w, point, s);
		if (*point->description == '\0')
			find(&w, LINT_HINT, s, "description", "missing: what a person sees beside the value");
	}
}
