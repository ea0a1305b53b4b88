#include "config/sections/loop.h"

#include "config/ini/text.h"
#include "config/sections/general.h"

#include <math.h>
#include <string.h>

/* NTU; ASHRAE TC 9.9, Water-Cooled Servers: Common Designs, Components, and Processes, 2019: the example of
 * water quality in a technology cooling system. Its limits for conductivity and pH are not those of every
 * inhibitor, and for mixtures there is none, so these have no default. */
#define WATER_TURBIDITY_HIGH 20

/* FLOW:PRESSURE pairs with rising flow. */
static bool take_pair(struct pump_curve *c, char *pair)
{
	char *colon = strchr(pair, ':');
	size_t n = c->count;
	if (!colon || n == CONFIG_CURVE_POINTS_MAX)
		return false;
	*colon = '\0';
	c->count++;
	if (text_double(pair, &c->flow[n]) < 0 || text_double(colon + 1, &c->pressure[n]) < 0)
		return false;
	c->flow[n] /= LOOP_LPM;
	c->pressure[n] *= 1e3;
	return c->flow[n] >= 0 && c->pressure[n] >= 0 && (n == 0 || c->flow[n] > c->flow[n - 1]);
}

static bool parse_curve(struct schema_value *v, const char *text)
{
	struct pump_curve *c = v->field;
	char *rest = arena_strdup(v->arena, text), *pair = strtok_r(rest, ", \t", &rest);
	c->count = 0;
	while (pair && take_pair(c, pair))
		pair = strtok_r(NULL, ", \t", &rest);
	if (!pair && c->count != 1)
		return true;
	return schema_refuse(v,
	    "'%s' is not a curve (allowed: 2 to %d of FLOW:PRESSURE in L/min and kPa, with rising "
	    "flow and no negative number)",
	    text, CONFIG_CURVE_POINTS_MAX);
}

static const struct schema_choice coolants[] = {
	{ "water", COOLANT_WATER, "h2o w pure di" },
	{ "pg25", COOLANT_PG25, "glycol pg propylene propylene-glycol propyleneglycol pg-25 25%pg" },
	{ "pg30", COOLANT_PG30 },
	{ "eg25", COOLANT_EG25, "eg ethylene ethylene-glycol ethyleneglycol eg-25" },
	{ "eg30", COOLANT_EG30 },
	{ NULL, 0 },
};
static const struct schema_choice flow_places[] = { { "supply", LOOP_IN_SUPPLY },
	{ "return", LOOP_IN_RETURN }, { NULL, 0 } };

#define FIELD(f) SCHEMA_FIELD(struct loop_config, f)
#define INPUT(i) SCHEMA_FIELD(struct loop_config, input_names[i])
static const struct schema_key keys[] = {
	{ "coolant", SCHEMA_CHOICE, FIELD(model.coolant), .choices = coolants, .flags = SCHEMA_REQUIRED,
	    .help = "what flows" },
	{ "flow", SCHEMA_TEXT, INPUT(LOOP_IN_FLOW), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the flow meter" },
	{ "supply", SCHEMA_TEXT, INPUT(LOOP_IN_SUPPLY), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the supply temperature" },
	{ "return", SCHEMA_TEXT, INPUT(LOOP_IN_RETURN), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the return temperature" },
	{ "pressure_drop", SCHEMA_TEXT, INPUT(LOOP_IN_PRESSURE_DROP),
	    .help = "DEVICE.POINT of the differential pressure: hydraulic power and resistance" },
	{ "filter_pressure_drop", SCHEMA_TEXT, INPUT(LOOP_IN_FILTER_PRESSURE_DROP),
	    .help = "DEVICE.POINT of the filter's differential pressure; default pressure_drop" },
	{ "pump_power", SCHEMA_TEXT, INPUT(LOOP_IN_PUMP_POWER),
	    .help = "DEVICE.POINT of the pump's electrical power: efficiency" },
	{ "pump_speed", SCHEMA_TEXT, INPUT(LOOP_IN_PUMP_SPEED),
	    .help =
		"DEVICE.POINT of the pump's speed in %, or in 1/min with nominal_speed: deviation from its "
		"curve by the affinity laws" },
	{ "it_power", SCHEMA_TEXT, INPUT(LOOP_IN_IT_POWER),
	    .help = "DEVICE.POINT of the IT power: heat capture ratio, energy balance" },
	{ "air_temperature", SCHEMA_TEXT, INPUT(LOOP_IN_AIR_TEMPERATURE),
	    .help = "DEVICE.POINT of the room's temperature: dew point" },
	{ "air_humidity", SCHEMA_TEXT, INPUT(LOOP_IN_AIR_HUMIDITY),
	    .help = "DEVICE.POINT of the room's relative humidity: dew point" },
	{ "primary_supply", SCHEMA_TEXT, INPUT(LOOP_IN_PRIMARY_SUPPLY),
	    .help = "DEVICE.POINT of the facility water's supply temperature: approach temperature" },
	{ "reservoir_level", SCHEMA_TEXT, INPUT(LOOP_IN_RESERVOIR_LEVEL),
	    .help = "DEVICE.POINT of the reservoir's level in %: level without thermal expansion" },
	{ "conductivity", SCHEMA_TEXT, INPUT(LOOP_IN_CONDUCTIVITY),
	    .help = "DEVICE.POINT of the coolant's conductivity" },
	{ "ph", SCHEMA_TEXT, INPUT(LOOP_IN_PH), .help = "DEVICE.POINT of the coolant's pH" },
	{ "turbidity", SCHEMA_TEXT, INPUT(LOOP_IN_TURBIDITY),
	    .help = "DEVICE.POINT of the coolant's turbidity" },
	{ "filter_hours", SCHEMA_TEXT, INPUT(LOOP_IN_FILTER_HOURS),
	    .help = "DEVICE.POINT of how long the filter was in use" },
	{ "makeup_flow", SCHEMA_TEXT, INPUT(LOOP_IN_MAKEUP_FLOW),
	    .help = "DEVICE.POINT of the flow that tops the loop up: what is topped up a day" },
	{ "makeup_volume", SCHEMA_TEXT, INPUT(LOOP_IN_MAKEUP_VOLUME),
	    .help = "in place of it, DEVICE.POINT of a meter of that volume, which only grows" },
	{ "flow_at", SCHEMA_CHOICE, FIELD(model.flow_at), "supply", .choices = flow_places,
	    .help = "where the flow meter sits: the coolant's density there counts" },
	{ "delta_t_resolution", SCHEMA_DOUBLE, FIELD(model.delta_t_resolution), "0.2", .min = 0, .max = 10,
	    .help = "K, of both temperature sensors together: below it the heat is estimated" },
	{ "nominal_flow", SCHEMA_DOUBLE, FIELD(model.nominal_flow), .min = 0.001, .max = 1e6,
	    .help = "L/min; resistances and the pump are judged above 30 % of it; default as learned" },
	{ "nominal_speed", SCHEMA_DOUBLE, FIELD(model.nominal_speed), .min = 1, .max = 1e6,
	    .help = "1/min; the pump speed that is 100 %, for a pump_speed in 1/min" },
	{ "clean_resistance", SCHEMA_DOUBLE, FIELD(model.clean_resistance), .min = 1e-12, .max = 1e6,
	    .help = "of the clean filter, kPa per (L/min)^2; default as learned" },
	{ "pump_curve", SCHEMA_CUSTOM, FIELD(model.curve), "", .parse = parse_curve,
	    .help = "differential pressures of the pump in kPa by flow in L/min, FLOW:PRESSURE with rising "
		    "flow; default a parabola through the one point that was learned" },
	{ "pump_curve_speed", SCHEMA_DOUBLE, FIELD(model.curve.speed), "100", .min = 1, .max = 1000,
	    .help = "the pump speed of pump_curve, in %" },
	{ "liquid_share", SCHEMA_DOUBLE, FIELD(model.liquid_share), .min = 0.01, .max = 1,
	    .help = "the share of the IT power that the coolant is to carry, 0..1: energy balance; without "
		    "it, only more heat than electrical power is suspect" },
	{ "balance_tolerance", SCHEMA_DOUBLE, FIELD(model.balance_tolerance), "0.15", .min = 0.01, .max = 1,
	    .help = "how far the heat may be from the electrical power, as a share of it" },
	{ "system_volume", SCHEMA_DOUBLE, FIELD(model.system_volume), .min = 0.001, .max = 1e6,
	    .help = "L, of all coolant in the loop at reservoir_temperature; more at once is no topping up" },
	{ "reservoir_volume", SCHEMA_DOUBLE, FIELD(model.reservoir_volume), .min = 0.001, .max = 1e6,
	    .help = "L, from 0 to 100 % of reservoir_level" },
	{ "reservoir_temperature", SCHEMA_DOUBLE, FIELD(model.reservoir_temperature), "30", .min = 0,
	    .max = 80, .help = "Cel; the level is told as it would be at this temperature" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: the default alarms of the figures that it has, see DEFAULT ALARMS" },
	{ "flow_low", SCHEMA_DOUBLE, FIELD(flow_low), .min = 0, .max = 1e6,
	    .help = "L/min; limit of the default alarm, default half of nominal_flow" },
	{ "pressure_high", SCHEMA_DOUBLE, FIELD(pressure_high), .min = 0, .max = 1e6,
	    .help = "kPa of pressure_drop; limit of the default alarm, default none" },
	{ "supply_high", SCHEMA_DOUBLE, FIELD(supply_high), "45", .min = 0, .max = 100,
	    .help = "Cel; limit of the default alarm, default the most that ASHRAE class W45 allows" },
	{ "return_high", SCHEMA_DOUBLE, FIELD(return_high), .min = 0, .max = 100,
	    .help = "Cel; limit of the default alarm, default none" },
	{ "reservoir_low", SCHEMA_DOUBLE, FIELD(reservoir_low), "20", .min = 0, .max = 100,
	    .help = "% of the compensated level; limit of the default alarm" },
	{ "conductivity_low", SCHEMA_DOUBLE, FIELD(conductivity_low), .min = 0, .max = 1e6,
	    .help = "uS/cm; limit of the default alarm, default none: it depends on the inhibitor" },
	{ "conductivity_high", SCHEMA_DOUBLE, FIELD(conductivity_high), .min = 0, .max = 1e6,
	    .help = "uS/cm; limit of the default alarm, default none: it depends on the inhibitor" },
	{ "ph_low", SCHEMA_DOUBLE, FIELD(ph_low), .min = 0, .max = 14,
	    .help = "limit of the default alarm, default none: it depends on the inhibitor" },
	{ "ph_high", SCHEMA_DOUBLE, FIELD(ph_high), .min = 0, .max = 14,
	    .help = "limit of the default alarm, default none: it depends on the inhibitor" },
	{ "turbidity_high", SCHEMA_DOUBLE, FIELD(turbidity_high), .min = 0, .max = 1e4,
	    .help =
		"NTU; limit of the default alarm, default 20 for water (ASHRAE TC 9.9, the example for the "
		"water of a technology cooling system), else none" },
	{ "filter_hours_high", SCHEMA_DOUBLE, FIELD(filter_hours_high), .min = 0, .max = 1e6,
	    .help = "h; limit of the default alarm, default none" },
	{ "makeup_high", SCHEMA_DOUBLE, FIELD(makeup_high), .min = 0, .max = 1e6,
	    .help = "L/d; limit of the default alarm, default none" },
	{ NULL },
};

const struct loop_value_row loop_values[LOOP_VALUE_COUNT] = {
#define NEEDS(i) (1u << (i))
#define HEAT_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN))
#define AIR_INPUTS (NEEDS(LOOP_IN_AIR_TEMPERATURE) | NEEDS(LOOP_IN_AIR_HUMIDITY))
#define PUMP_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_PRESSURE_DROP))
#define FILTER_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_FILTER_PRESSURE_DROP))
	[LOOP_HEAT] = { "heat", "kW", HEAT_INPUTS,
	    "heat that the coolant takes up: rho cp V (T_return - T_supply), rho at flow_at, cp at the "
	    "mean temperature; estimated while delta_t is below delta_t_resolution, "
	    "and above 60 Cel with pg25, where its source ends" },
	[LOOP_DELTA_T] = { "delta_t", "K", NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN),
	    "return less supply temperature" },
	[LOOP_FLOW] = { "flow", "L/min", NEEDS(LOOP_IN_FLOW), "the flow meter" },
	[LOOP_SUPPLY_TEMPERATURE] = { "supply_temperature", "Cel", NEEDS(LOOP_IN_SUPPLY),
	    "coolant towards the IT" },
	[LOOP_RETURN_TEMPERATURE] = { "return_temperature", "Cel", NEEDS(LOOP_IN_RETURN),
	    "coolant back from the IT" },
	[LOOP_PRESSURE_DROP] = { "differential_pressure", "kPa", NEEDS(LOOP_IN_PRESSURE_DROP),
	    "pressure_drop" },
	[LOOP_HYDRAULIC_POWER] = { "hydraulic_power", "W", PUMP_INPUTS,
	    "what the pump gives to the coolant: differential pressure times flow" },
	[LOOP_HYDRAULIC_RESISTANCE] = { "hydraulic_resistance", "kPa.min2/L2", PUMP_INPUTS,
	    "of the whole loop: differential pressure by the square of the flow; above 30 % of the nominal "
	    "flow" },
	[LOOP_FILTER_RESISTANCE] = { "filter_resistance", "kPa.min2/L2", FILTER_INPUTS,
	    "of the filter, or of the whole loop without filter_pressure_drop" },
	[LOOP_FILTER_RESISTANCE_RATIO] = { "filter_resistance_ratio", "1", FILTER_INPUTS,
	    "of the filter to that of the clean one, as configured or learned" },
	[LOOP_PUMP_EFFICIENCY] = { "pump_efficiency", "1", PUMP_INPUTS | NEEDS(LOOP_IN_PUMP_POWER),
	    "hydraulic by electrical power" },
	[LOOP_PUMP_SPEED] = { "pump_speed", "%", NEEDS(LOOP_IN_PUMP_SPEED), "pump_speed" },
	[LOOP_PUMP_DEVIATION] = { "pump_deviation", "1", PUMP_INPUTS | NEEDS(LOOP_IN_PUMP_SPEED),
	    "how far the pressure is from the pump's curve, scaled to the speed by the affinity laws; wear "
	    "and cavitation make it negative" },
	[LOOP_HEAT_CAPTURE_RATIO] = { "heat_capture_ratio", "1", HEAT_INPUTS | NEEDS(LOOP_IN_IT_POWER),
	    "heat by IT power" },
	[LOOP_ENERGY_BALANCE_RESIDUAL] = { "energy_balance_residual", "1",
	    HEAT_INPUTS | NEEDS(LOOP_IN_IT_POWER),
	    "heat by electrical power (liquid_share of the IT power, and pump_power) less 1; suspect beyond "
	    "balance_tolerance, so that a wrong sensor is seen" },
	[LOOP_DEW_POINT] = { "dew_point", "Cel", AIR_INPUTS,
	    "of the room's air (Magnus form of Alduchov and Eskridge 1996)" },
	[LOOP_DEW_POINT_MARGIN] = { "dew_point_margin", "K", AIR_INPUTS | NEEDS(LOOP_IN_SUPPLY),
	    "supply temperature less dew point" },
	[LOOP_APPROACH_TEMPERATURE] = { "approach_temperature", "K",
	    NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_PRIMARY_SUPPLY),
	    "supply temperature less that of the facility's water" },
	[LOOP_COMPENSATED_RESERVOIR_LEVEL] = { "compensated_reservoir_level", "%",
	    NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN) | NEEDS(LOOP_IN_RESERVOIR_LEVEL),
	    "level as it would be at reservoir_temperature: a leak is seen through thermal expansion" },
	[LOOP_CONDUCTIVITY] = { "conductivity", "uS/cm", NEEDS(LOOP_IN_CONDUCTIVITY), "conductivity" },
	[LOOP_PH] = { "ph", "[pH]", NEEDS(LOOP_IN_PH), "ph" },
	[LOOP_TURBIDITY] = { "turbidity", "NTU", NEEDS(LOOP_IN_TURBIDITY), "turbidity" },
	[LOOP_FILTER_HOURS] = { "filter_hours", "h", NEEDS(LOOP_IN_FILTER_HOURS), "filter_hours" },
	[LOOP_MAKEUP_RATE] = { "makeup_rate", "L/d", 0,
	    "what is topped up a day, over the last 24 h: a slow leak is seen by it; estimated until about a "
	    "day "
	    "was measured, and from an hour on",
	    .either = NEEDS(LOOP_IN_MAKEUP_FLOW) | NEEDS(LOOP_IN_MAKEUP_VOLUME) },
};

/* One or the other. */
static const struct {
	enum quantity one, other;
} input_quantities[LOOP_IN_COUNT] = {
	[LOOP_IN_FLOW] = { .one = QUANTITY_FLOW },
	[LOOP_IN_SUPPLY] = { .one = QUANTITY_TEMPERATURE },
	[LOOP_IN_RETURN] = { .one = QUANTITY_TEMPERATURE },
	[LOOP_IN_PRESSURE_DROP] = { .one = QUANTITY_PRESSURE },
	[LOOP_IN_FILTER_PRESSURE_DROP] = { .one = QUANTITY_PRESSURE },
	[LOOP_IN_PUMP_POWER] = { .one = QUANTITY_POWER },
	[LOOP_IN_PUMP_SPEED] = { QUANTITY_RATIO, QUANTITY_SPEED },
	[LOOP_IN_IT_POWER] = { .one = QUANTITY_POWER },
	[LOOP_IN_AIR_TEMPERATURE] = { .one = QUANTITY_TEMPERATURE },
	[LOOP_IN_AIR_HUMIDITY] = { .one = QUANTITY_RATIO },
	[LOOP_IN_PRIMARY_SUPPLY] = { .one = QUANTITY_TEMPERATURE },
	[LOOP_IN_RESERVOIR_LEVEL] = { .one = QUANTITY_RATIO },
	[LOOP_IN_CONDUCTIVITY] = { .one = QUANTITY_CONDUCTIVITY },
	[LOOP_IN_PH] = { .one = QUANTITY_ACIDITY },
	[LOOP_IN_TURBIDITY] = { .one = QUANTITY_TURBIDITY },
	[LOOP_IN_FILTER_HOURS] = { .one = QUANTITY_TIME },
	[LOOP_IN_MAKEUP_FLOW] = { .one = QUANTITY_FLOW },
	[LOOP_IN_MAKEUP_VOLUME] = { .one = QUANTITY_VOLUME },
};

const char *loop_value_word(enum loop_value v)
{
	return loop_values[v].word;
}

const char *loop_input_word(enum loop_input i)
{
	return keys[1 + i].key; /* the rows of inputs stand behind the first, in their order */
}

bool loop_has_value(const struct loop_config *l, enum loop_value v)
{
	unsigned has = 0;
	for (enum loop_input i = 0; i < LOOP_IN_COUNT; i++)
		has |= l->inputs[i].count > 0 ? NEEDS(i) : 0;
	const struct loop_value_row *row = &loop_values[v];
	return (row->inputs & has) == row->inputs && (row->either == 0 || (row->either & has));
}

int64_t loop_interval(const struct config *c, const struct loop_config *l, enum loop_value v)
{
	unsigned needs = loop_values[v].inputs | loop_values[v].either;
	int64_t longest = c->daemon->control_interval;
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		for (size_t k = 0; needs & NEEDS(i) && k < l->inputs[i].count; k++) {
			struct point_ref r = l->inputs[i].refs[k];
			int64_t one = device_point_interval(&c->devices[r.device], reference_get(c, r));
			longest = one > longest ? one : longest;
		}
	return longest;
}

static void resolve_input(const struct config_loading *l, struct loop_config *loop, enum loop_input i)
{
	const char *name = loop->input_names[i], *key = loop_input_word(i);
	enum quantity one = input_quantities[i].one, other = input_quantities[i].other;
	if (*name == '\0')
		return;
	loop->inputs[i] = reference_source(l, key, name);
	if (loop->inputs[i].count == 0)
		return;
	const struct point *first = reference_get(l->config, loop->inputs[i].refs[0]);
	if (point_has_quantity(first, one) || (other != QUANTITY_NONE && point_has_quantity(first, other)))
		return;
	schema_error(l->diag, l->from, key,
	    "'%s' has the unit '%s', which is no %s (allowed: a point in %s%s%s)", name, first->unit,
	    unit_words[one].quantity, unit_words[one].units, other == QUANTITY_NONE ? "" : ", ",
	    unit_words[other].units);
}

static uint64_t learning_fingerprint(const struct loop_config *l)
{
	static const enum loop_input inputs[] = { LOOP_IN_FLOW, LOOP_IN_PRESSURE_DROP,
		LOOP_IN_FILTER_PRESSURE_DROP, LOOP_IN_PUMP_SPEED };
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		sum = sum * 31 + ini_text_fingerprint(l->input_names[inputs[i]]);
	return isnan(l->model.nominal_speed) ? sum : sum * 31 + (uint64_t)l->model.nominal_speed;
}

static bool is_speed(const struct config *c, const struct point_source *s)
{
	return s->count > 0 && reference_get(c, s->refs[0])->quantity == QUANTITY_SPEED;
}

static bool is_named(const struct loop_config *l, enum loop_input i)
{
	return *l->input_names[i] != '\0';
}

/* The same reading with the same meaning: one register may hold a value that two points make different ones
 * of. */
static bool is_same_sensor(const struct config *c, struct point_ref a, struct point_ref b)
{
	if (!reference_is_same(c, a, b))
		return false;
	const struct point *p = reference_get(c, a), *q = reference_get(c, b);
	return p->scale == q->scale && p->offset == q->offset;
}

/* Whether one reading is part of both. */
static bool share_reading(
    const struct config *c, const struct loop_config *l, enum loop_input a, enum loop_input b)
{
	const struct point_source *one = &l->inputs[a], *other = &l->inputs[b];
	for (size_t i = 0; i < one->count; i++)
		for (size_t k = 0; k < other->count; k++)
			if (is_same_sensor(c, one->refs[i], other->refs[k]))
				return true;
	return false;
}

/* Whether both are one sensor alone, and the same. */
static bool is_one_sensor(
    const struct config *c, const struct loop_config *l, enum loop_input a, enum loop_input b)
{
	return l->inputs[a].count == 1 && l->inputs[b].count == 1 && share_reading(c, l, a, b);
}

static void check_rules(const struct config_loading *loading, const struct loop_config *l)
{
	bool air = is_named(l, LOOP_IN_AIR_TEMPERATURE), humidity = is_named(l, LOOP_IN_AIR_HUMIDITY),
	     reservoir = is_named(l, LOOP_IN_RESERVOIR_LEVEL),
	     speed = is_speed(loading->config, &l->inputs[LOOP_IN_PUMP_SPEED]);
	const struct loop_model *m = &l->model;
	const struct schema_rule rules[] = {
		{ share_reading(loading->config, l, LOOP_IN_SUPPLY, LOOP_IN_RETURN), "return",
		    "a sensor of supply too, so that no heat is seen", true },
		{ share_reading(loading->config, l, LOOP_IN_FLOW, LOOP_IN_MAKEUP_FLOW), "makeup_flow",
		    "a meter of flow too, not one of what is topped up", true },
		{ is_one_sensor(loading->config, l, LOOP_IN_PUMP_POWER, LOOP_IN_IT_POWER), "pump_power",
		    "the meter of it_power too, not one of the pump", true },
		{ l->flow_low > m->nominal_flow, "flow_low",
		    "greater than nominal_flow (allowed: at most that)" },
		{ air != humidity, air ? "air_temperature" : "air_humidity",
		    "air_temperature and air_humidity go together (allowed: both or none)" },
		{ is_named(l, LOOP_IN_MAKEUP_FLOW) && is_named(l, LOOP_IN_MAKEUP_VOLUME), "makeup_flow",
		    "not together with makeup_volume (allowed: one of the two)" },
		{ l->conductivity_low > l->conductivity_high, "conductivity_low",
		    "greater than conductivity_high (allowed: low <= high)" },
		{ l->ph_low > l->ph_high, "ph_low", "greater than ph_high (allowed: low <= high)" },
		{ reservoir && isnan(m->system_volume), "system_volume",
		    "missing, but required with reservoir_level" },
		{ reservoir && isnan(m->reservoir_volume), "reservoir_volume",
		    "missing, but required with reservoir_level" },
		{ speed && isnan(m->nominal_speed), "nominal_speed",
		    "missing, but required with a pump_speed in 1/min" },
		{ !speed && !isnan(m->nominal_speed), "nominal_speed",
		    "has no meaning without a pump_speed in 1/min" },
		{ !isnan(m->clean_resistance) && isnan(m->nominal_flow), "nominal_flow",
		    "missing, but required with clean_resistance" },
		{ !isnan(m->clean_resistance) && !is_named(l, LOOP_IN_FILTER_PRESSURE_DROP),
		    "clean_resistance", "without pressure_drop there is no resistance to compare with" },
		{ m->curve.count > 0 && !is_named(l, LOOP_IN_PUMP_SPEED), "pump_speed",
		    "missing, but required with pump_curve" },
		{ m->curve.count > 0 && !is_named(l, LOOP_IN_PRESSURE_DROP), "pressure_drop",
		    "missing, but required with pump_curve" },
		{ !isnan(m->liquid_share) && !is_named(l, LOOP_IN_IT_POWER), "it_power",
		    "missing, but required with liquid_share" },
	};
	schema_check_rules(loading->from, rules, sizeof(rules) / sizeof(rules[0]), loading->diag);
}

static void check(const struct config_loading *l, void *item)
{
	struct loop_config *loop = item;
	name_index_add(&l->config->loop_names, l->arena, loop->name, loop);
	for (enum loop_input i = 0; i < LOOP_IN_COUNT; i++)
		resolve_input(l, loop, i);
	/* without a sensor of its own the filter is judged by the whole loop */
	if (!is_named(loop, LOOP_IN_FILTER_PRESSURE_DROP)) {
		loop->input_names[LOOP_IN_FILTER_PRESSURE_DROP] = loop->input_names[LOOP_IN_PRESSURE_DROP];
		loop->inputs[LOOP_IN_FILTER_PRESSURE_DROP] = loop->inputs[LOOP_IN_PRESSURE_DROP];
	}
	if (isnan(loop->turbidity_high) && loop->model.coolant == COOLANT_WATER)
		loop->turbidity_high = WATER_TURBIDITY_HIGH;
	loop->makeup_fingerprint = 31 * ini_text_fingerprint(loop->input_names[LOOP_IN_MAKEUP_FLOW]) +
				   ini_text_fingerprint(loop->input_names[LOOP_IN_MAKEUP_VOLUME]);
	check_rules(l, loop);
	if (isnan(loop->flow_low))
		loop->flow_low = loop->model.nominal_flow / 2;
	loop->model.nominal_flow /= LOOP_LPM;
	loop->model.clean_resistance *= LOOP_RESISTANCE;
	loop->model.curve.speed /= 100;
	loop->model.learned = (struct loop_reference){ NAN, NAN, NAN, NAN };
	loop->learning_fingerprint = learning_fingerprint(loop);
	if (isnan(loop->model.nominal_speed))
		loop->model.nominal_speed = 1;
}

const struct config_section loop_section = {
	.kind = "loop",
	.name = "NAME",
	.help =
	    "a coolant loop. An input is DEVICE.POINT; or median: or mean: and a comma list of sensors of "
	    "the same thing, of which one that differs by more than its tolerance is suspect and left out; "
	    "or "
	    "sum: and a list of parts",
	.keys = keys,
	.size = sizeof(struct loop_config),
	.place = offsetof(struct config, loops),
	.count = offsetof(struct config, loop_count),
	.max = CONFIG_LOOPS_MAX,
	.check = check,
};
