/* Coolant loops: their inputs, and the figures that these give. */
#include "config/config_private.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *word, *unit;
	unsigned inputs; /* bit mask of the enum loop_input that it needs */
	const char *help;
} loop_values[] = {
#define NEEDS(i) (1u << (i))
#define HEAT_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_SUPPLY) | NEEDS(LOOP_IN_RETURN))
#define AIR_INPUTS (NEEDS(LOOP_IN_AIR_TEMPERATURE) | NEEDS(LOOP_IN_AIR_HUMIDITY))
#define PUMP_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_PRESSURE_DROP))
#define FILTER_INPUTS (NEEDS(LOOP_IN_FLOW) | NEEDS(LOOP_IN_FILTER_PRESSURE_DROP))
	[LOOP_HEAT] = { "heat", "kW", HEAT_INPUTS,
	    "heat that the coolant takes up: rho cp V (T_return - T_supply), rho at flow_at, cp at the "
	    "mean temperature; estimated while delta_t is below delta_t_resolution" },
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
#undef FILTER_INPUTS
#undef PUMP_INPUTS
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
	[LOOP_IN_FILTER_PRESSURE_DROP] = { "filter_pressure_drop", QUANTITY_PRESSURE },
	[LOOP_IN_PUMP_POWER] = { "pump_power", QUANTITY_POWER },
	[LOOP_IN_PUMP_SPEED] = { "pump_speed", QUANTITY_RATIO },
	[LOOP_IN_IT_POWER] = { "it_power", QUANTITY_POWER },
	[LOOP_IN_AIR_TEMPERATURE] = { "air_temperature", QUANTITY_TEMPERATURE },
	[LOOP_IN_AIR_HUMIDITY] = { "air_humidity", QUANTITY_RATIO },
	[LOOP_IN_PRIMARY_SUPPLY] = { "primary_supply", QUANTITY_TEMPERATURE },
	[LOOP_IN_RESERVOIR_LEVEL] = { "reservoir_level", QUANTITY_RATIO },
};

const char *loop_value_word(enum loop_value v)
{
	return loop_values[v].word;
}

const char *loop_value_unit(enum loop_value v)
{
	return loop_values[v].unit;
}

const char *loop_value_help(enum loop_value v)
{
	return loop_values[v].help;
}

bool loop_value_needs(enum loop_value v, enum loop_input i)
{
	return loop_values[v].inputs & 1u << i;
}

const char *loop_input_word(enum loop_input i)
{
	return loop_inputs[i].key;
}

bool loop_has_value(const struct loop_config *l, enum loop_value v)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		if (loop_value_needs(v, (enum loop_input)i) && l->inputs[i].count == 0)
			return false;
	return true;
}

static void check_input(struct config *c, struct loop_config *l, unsigned i, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "loop", l->name);
	struct diag_place place = schema_place(s, loop_inputs[i].key);
	if (*l->input_names[i] == '\0')
		return;
	l->inputs[i] = config_resolve_source(c, l->input_names[i], place, d);
	if (l->inputs[i].count == 0 ||
	    point_has_quantity(config_point(c, l->inputs[i].refs[0]), loop_inputs[i].quantity))
		return;
	diag_add(d, DIAG_ERROR, place, "'%s' has the unit '%s', which is no %s (allowed: a point in %s)",
	    l->input_names[i], config_point(c, l->inputs[i].refs[0])->unit,
	    unit_quantity_word(loop_inputs[i].quantity), unit_of_quantity(loop_inputs[i].quantity));
}

static uint64_t learning_fingerprint(const struct loop_config *l)
{
	static const enum loop_input inputs[] = { LOOP_IN_FLOW, LOOP_IN_PRESSURE_DROP,
		LOOP_IN_FILTER_PRESSURE_DROP, LOOP_IN_PUMP_SPEED };
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		sum = sum * 31 + ini_text_fingerprint(l->input_names[inputs[i]]);
	return sum;
}

static bool is_named(const struct loop_config *l, enum loop_input i)
{
	return *l->input_names[i] != '\0';
}

static void check_loop(struct config *c, struct loop_config *l, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "loop", l->name);
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		check_input(c, l, i, d);
	/* without a sensor of its own the filter is judged by the whole loop */
	if (!is_named(l, LOOP_IN_FILTER_PRESSURE_DROP)) {
		l->input_names[LOOP_IN_FILTER_PRESSURE_DROP] = l->input_names[LOOP_IN_PRESSURE_DROP];
		l->inputs[LOOP_IN_FILTER_PRESSURE_DROP] = l->inputs[LOOP_IN_PRESSURE_DROP];
	}
	l->learning_fingerprint = learning_fingerprint(l);
	bool air = is_named(l, LOOP_IN_AIR_TEMPERATURE), humidity = is_named(l, LOOP_IN_AIR_HUMIDITY),
	     reservoir = is_named(l, LOOP_IN_RESERVOIR_LEVEL);
	const struct schema_rule rules[] = {
		{ air != humidity, air ? "air_temperature" : "air_humidity",
		    "air_temperature and air_humidity go together (allowed: both or none)" },
		{ reservoir && isnan(l->system_volume), "system_volume",
		    "missing, but required with reservoir_level" },
		{ reservoir && isnan(l->reservoir_volume), "reservoir_volume",
		    "missing, but required with reservoir_level" },
		{ !isnan(l->clean_resistance) && isnan(l->nominal_flow), "nominal_flow",
		    "missing, but required with clean_resistance" },
		{ !isnan(l->clean_resistance) && !is_named(l, LOOP_IN_FILTER_PRESSURE_DROP),
		    "clean_resistance", "without pressure_drop there is no resistance to compare with" },
		{ l->pump_curve.count > 0 && !is_named(l, LOOP_IN_PUMP_SPEED), "pump_speed",
		    "missing, but required with pump_curve" },
		{ l->pump_curve.count > 0 && !is_named(l, LOOP_IN_PRESSURE_DROP), "pressure_drop",
		    "missing, but required with pump_curve" },
		{ !isnan(l->liquid_share) && !is_named(l, LOOP_IN_IT_POWER), "it_power",
		    "missing, but required with liquid_share" },
	};
	if (isnan(l->flow_low))
		l->flow_low = l->nominal_flow / 2;
	(void)schema_check_rules(s, rules, sizeof(rules) / sizeof(rules[0]), d);
}

void config_check_loops(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->loop_count; i++)
		check_loop(c, &c->loops[i], d);
}
