#include "daemon/publish/dsx_point.h"

#include "daemon/publish/json_writer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define LIQUID_AND_AIR (DSX_PLANT | DSX_SENSOR)

/* The first row that fits is taken. `word`, and one of `either` if there are, stand in the point's name, and
 * `without` does not; NULL = no matter. A value in SI times `factor` is in `unit`. */
static const struct {
	const char *type;
	unsigned classes;
	enum quantity quantity; /* QUANTITY_NONE = a truth */
	const char *word, *either[2], *without;
	const char *unit;
	double factor;
} types[] = {
	{ "RackLiquidSupplyTemperature", DSX_RACK, QUANTITY_TEMPERATURE, "supply", .unit = "C", .factor = 1 },
	{ "RackLiquidReturnTemperature", DSX_RACK, QUANTITY_TEMPERATURE, "return", .unit = "C", .factor = 1 },
	{ "RackLiquidFlow", DSX_RACK, QUANTITY_FLOW, .unit = "LPM", .factor = 60000 },
	{ "RackLiquidDifferentialPressure", DSX_RACK, QUANTITY_PRESSURE, "pressure",
	    { "differential", "drop" }, .unit = "kPa", .factor = 1e-3 },
	{ "RackControlValvePosition", DSX_RACK, QUANTITY_RATIO, "valve", .unit = "%", .factor = 100 },
	{ "RackPower", DSX_RACK, QUANTITY_POWER, "power", .without = "_l", .unit = "kW", .factor = 1e-3 },
	{ "RackLeakSensorFault", DSX_RACK, QUANTITY_NONE, "leak", { "fault", "lost" }, .unit = "" },
	{ "RackLeakDetect", DSX_RACK, QUANTITY_NONE, "leak", .unit = "" },
	{ "PhaseCurrent", DSX_METER, QUANTITY_CURRENT, "current_l", .unit = "A", .factor = 1 },
	{ "Current", DSX_METER, QUANTITY_CURRENT, "current", .without = "_n", .unit = "A", .factor = 1 },
	{ "Voltage", DSX_METER, QUANTITY_VOLTAGE, "voltage", .without = "_l", .unit = "V", .factor = 1 },
	{ "PowerFactor", DSX_METER, QUANTITY_RATIO, "power_factor", .without = "_l", .unit = "",
	    .factor = 1 },
	{ "Frequency", DSX_METER, QUANTITY_FREQUENCY, .unit = "Hz", .factor = 1 },
	{ "ApparentPower", DSX_METER, QUANTITY_APPARENT, .without = "_l", .unit = "kVA", .factor = 1e-3 },
	{ "ActivePower", DSX_METER, QUANTITY_POWER, .without = "_l", .unit = "kW", .factor = 1e-3 },
	{ "AirTemperature", LIQUID_AND_AIR, QUANTITY_TEMPERATURE, NULL, { "air", "ambient" }, .unit = "C",
	    .factor = 1 },
	{ "LiquidTemperature", LIQUID_AND_AIR, QUANTITY_TEMPERATURE, .without = "dew", .unit = "C",
	    .factor = 1 },
	{ "AirFlow", LIQUID_AND_AIR, QUANTITY_FLOW, "air", .unit = "CMH", .factor = 3600 },
	{ "LiquidFlow", LIQUID_AND_AIR, QUANTITY_FLOW, .unit = "LPM", .factor = 60000 },
	{ "AirDifferentialPressure", LIQUID_AND_AIR, QUANTITY_PRESSURE, "air", { "differential", "drop" },
	    .unit = "kPa", .factor = 1e-3 },
	{ "AirPressure", LIQUID_AND_AIR, QUANTITY_PRESSURE, "air", .unit = "kPa", .factor = 1e-3 },
	{ "LiquidDifferentialPressure", LIQUID_AND_AIR, QUANTITY_PRESSURE, NULL, { "differential", "drop" },
	    .unit = "kPa", .factor = 1e-3 },
	{ "LiquidPressure", LIQUID_AND_AIR, QUANTITY_PRESSURE, .unit = "kPa", .factor = 1e-3 },
	{ "AirRelativeHumidity", LIQUID_AND_AIR, QUANTITY_RATIO, "humidity", .unit = "%RH", .factor = 100 },
	{ "LeakDetect", LIQUID_AND_AIR, QUANTITY_NONE, "leak", .without = "status", .unit = "" },
	{ "PumpSpeed", DSX_PLANT | DSX_PUMP, QUANTITY_RATIO, "pump", { "speed" }, .unit = "%",
	    .factor = 100 },
	{ "PumpSpeed", DSX_PLANT | DSX_PUMP, QUANTITY_SPEED, "pump", .unit = "RPM", .factor = 1 },
	{ "PumpSpeed", DSX_PUMP, QUANTITY_RATIO, "speed", .unit = "%", .factor = 100 },
	{ "PumpSpeed", DSX_PUMP, QUANTITY_SPEED, .unit = "RPM", .factor = 1 },
	{ "FanSpeed", DSX_PLANT | DSX_FAN, QUANTITY_RATIO, "fan", { "speed" }, .unit = "%", .factor = 100 },
	{ "FanSpeed", DSX_PLANT | DSX_FAN, QUANTITY_SPEED, "fan", .unit = "RPM", .factor = 1 },
	{ "FanSpeed", DSX_FAN, QUANTITY_RATIO, "speed", .unit = "%", .factor = 100 },
	{ "FanSpeed", DSX_FAN, QUANTITY_SPEED, .unit = "RPM", .factor = 1 },
	{ "ValvePosition", DSX_PLANT, QUANTITY_RATIO, "valve", .unit = "%", .factor = 100 },
	{ "ValvePosition", DSX_VALVE, QUANTITY_RATIO, .unit = "%", .factor = 100 },
	{ "DamperPosition", DSX_PLANT, QUANTITY_RATIO, "damper", .unit = "%", .factor = 100 },
	{ "DamperPosition", DSX_DAMPER, QUANTITY_RATIO, .unit = "%", .factor = 100 },
};

/* Units that are written in another way there. */
static const struct {
	const char *ours, *theirs;
} spellings[] = { { "Cel", "C" }, { "L/min", "LPM" }, { "1/min", "RPM" }, { "1", "" } };

static unsigned class_of(const char *type)
{
	const struct schema_choice *c = dsx_object_types;
	while (strcmp(c->word, type) != 0)
		c++;
	return (unsigned)c->value;
}

static bool has_quantity(const struct device_config *d, enum quantity q)
{
	for (size_t i = 0; i < d->point_count; i++)
		if (d->points[i].quantity == q)
			return true;
	return false;
}

static const char *guess_type(const struct device_config *d)
{
	if (has_quantity(d, QUANTITY_FLOW) || has_quantity(d, QUANTITY_TEMPERATURE))
		return has_quantity(d, QUANTITY_PRESSURE) ? "CDU" : "GenericObject";
	return has_quantity(d, QUANTITY_ENERGY) || has_quantity(d, QUANTITY_POWER) ? "PowerMeter"
										   : "GenericObject";
}

static const char *label_or(const struct device_config *d, const char *key, const char *other)
{
	const char *label = device_label(d, key);
	return label ? label : other;
}

/* The side of the heat exchanger as its description words it. */
static const char *area_of(const char *side)
{
	if (side && strcmp(side, "technology") == 0)
		return "Secondary";
	return side && strcmp(side, "facility") == 0 ? "Primary" : side;
}

struct dsx_object dsx_object_of_device(const struct config *c, const struct device_config *d)
{
	const char *type = label_or(d, "object_type", guess_type(d)), *id = device_label(d, "object_id");
	struct dsx_object o = { .type = type,
		.name = label_or(d, "object_name", d->name),
		.serves = label_or(d, "serves", ""),
		.associate = device_label(d, "associate_id"),
		.area = area_of(device_label(d, "side")),
		.rack_id = label_or(d, "rack_location_id", c->dsx->rack_location_id),
		.rack_name = label_or(d, "rack_location_name", c->dsx->rack_location_name) };
	o.class = class_of(o.type);
	if (id)
		snprintf(o.id, sizeof(o.id), "%s", id);
	else
		snprintf(o.id, sizeof(o.id), "%s-%s-%s", c->daemon->site, c->daemon->rack, d->name);
	return o;
}

struct dsx_object dsx_object_of_figure(const struct config *c, const char *kind, const char *name)
{
	struct dsx_object o = {
		.type = "GenericObject", .class = DSX_PLANT, .name = name, .serves = "", .area = kind
	};
	snprintf(o.id, sizeof(o.id), "%s-%s-%s-%s", c->daemon->site, c->daemon->rack, kind, name);
	return o;
}

struct dsx_source dsx_source_of_point(const struct point *p)
{
	return (struct dsx_source){ .name = p->name,
		.unit = p->unit,
		.quantity = p->quantity,
		.factor = p->quantity == QUANTITY_NONE ? 1 : p->factor,
		.zero = p->zero,
		.is_truth = !point_is_number(p),
		.states = p->enums.count > 0 && p->scale == 1 && p->offset == 0 ? &p->enums : NULL };
}

struct dsx_source dsx_source_of_figure(const char *name, const char *unit)
{
	const struct unit *u = unit_find(unit);
	return (struct dsx_source){ .name = name,
		.unit = unit,
		.quantity = u ? u->quantity : QUANTITY_NONE,
		.factor = u ? u->factor : 1,
		.zero = u ? u->zero : 0 };
}

static bool fits(size_t row, const struct dsx_object *o, const struct dsx_source *s)
{
	const char *const *either = types[row].either;
	if (!(types[row].classes & o->class) || (types[row].quantity == QUANTITY_NONE) != s->is_truth)
		return false;
	if (types[row].quantity != s->quantity || (s->states && !s->is_truth))
		return false;
	if ((types[row].word && !strstr(s->name, types[row].word)) ||
	    (types[row].without && strstr(s->name, types[row].without)))
		return false;
	return !either[0] || strstr(s->name, either[0]) || (either[1] && strstr(s->name, either[1]));
}

static char phase_of(const char *name)
{
	const char *l = strstr(name, "_l");
	return l && l[2] >= '1' && l[2] <= '3' ? l[2] : '\0';
}

static struct dsx_point generic_point(const struct dsx_object *o, const struct dsx_source *s)
{
	bool of_rack = o->class == DSX_RACK;
	struct dsx_point p = { .type = "GenericPoint",
		.object = of_rack ? "GenericObject" : o->type,
		.unit = s->is_truth || s->states ? "" : s->unit,
		.factor = 1,
		.is_generic = true,
		.is_associate = of_rack };
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (strcmp(p.unit, spellings[i].ours) == 0)
			p.unit = spellings[i].theirs;
	return p;
}

struct dsx_point dsx_point_of(const struct dsx_object *o, const struct dsx_source *s)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (!fits(i, o, s))
			continue;
		double factor = s->is_truth ? 1 : types[i].factor;
		struct dsx_point p = { .type = types[i].type,
			.object = o->type,
			.unit = types[i].unit,
			.factor = s->is_truth ? 1 : s->factor * factor,
			.zero = s->is_truth ? 0 : s->zero * factor };
		if (strcmp(p.type, "PhaseCurrent") == 0)
			p.phase = phase_of(s->name);
		if (strcmp(p.type, "PhaseCurrent") == 0 && !p.phase)
			continue;
		return p;
	}
	return generic_point(o, s);
}

/* The words of a name, each with a capital letter. */
static void put_words(struct json_writer *w, const char *name)
{
	while (*name != '\0') {
		char word[64];
		size_t n = strcspn(name, "_");
		snprintf(word, sizeof(word), "%.*s", (int)n, name);
		word[0] = (char)toupper((unsigned char)word[0]);
		if (n > 0)
			json_text(w, NULL, word);
		name += n + (name[n] == '_');
	}
}

static void put_serves(struct json_writer *w, const char *serves)
{
	json_open_list(w, "servesId");
	for (const char *s = serves + strspn(serves, " "); *s != '\0'; s += strspn(s, " ")) {
		char id[DSX_ID_MAX];
		size_t n = strcspn(s, " ");
		snprintf(id, sizeof(id), "%.*s", (int)n, s);
		json_text(w, NULL, id);
		s += n;
	}
	json_close_list(w);
}

static void put_identity(struct json_writer *w, const struct dsx_object *o, const struct dsx_point *p)
{
	if (p->is_associate) {
		json_text(w, "associateId", o->rack_id);
	} else if (o->class == DSX_RACK) {
		json_text(w, "rackLocationName", o->rack_name);
		json_text(w, "rackLocationId", o->rack_id);
	} else if (o->associate && o->class != DSX_METER) {
		json_text(w, "associateId", o->associate);
	} else {
		json_text(w, "objectName", o->name);
		json_text(w, "objectId", o->id);
		if (o->class == DSX_METER || o->serves[0])
			put_serves(w, o->serves);
	}
}

static void put_state(struct json_writer *w, int64_t value, const char *text)
{
	json_open(w, NULL);
	json_integer(w, "value", value);
	json_text(w, "text", text);
	json_close(w);
}

static void put_states(struct json_writer *w, const struct dsx_source *s)
{
	bool is_leak = strstr(s->name, "leak") != NULL;
	json_open_list(w, "stateText");
	for (size_t i = 0; s->states && i < s->states->count; i++)
		put_state(w, s->states->items[i].value, s->states->items[i].word);
	if (!s->states) {
		put_state(w, 0, is_leak ? "NoLeak" : "False");
		put_state(w, 1, is_leak ? "Leak" : "True");
	}
	json_close_list(w);
}

char *dsx_metadata(
    const struct dsx_object *o, const struct dsx_source *s, const struct dsx_point *p, size_t *size)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "objectType", p->object);
	json_text(&w, "pointType", p->type);
	put_identity(&w, o, p);
	if (p->is_generic || !(o->class & (DSX_RACK | DSX_METER))) {
		json_open_list(&w, "processArea");
		if (o->area)
			json_text(&w, NULL, o->area);
		put_words(&w, s->name);
		json_close_list(&w);
	}
	if (s->is_truth || s->states)
		put_states(&w, s);
	else if (p->unit[0])
		json_text(&w, "engUnit", p->unit);
	if (p->phase)
		json_text(&w, "phase", (const char[]){ p->phase, '\0' });
	json_close(&w);
	char *text = json_finish(&w);
	*size = w.size;
	return text;
}
