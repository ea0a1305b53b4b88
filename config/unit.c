#include "config/unit.h"

#include <string.h>

static const struct {
	const char *unit;
	enum quantity quantity;
	double factor;
} units[] = {
	{ "W", QUANTITY_POWER, 1 },
	{ "kW", QUANTITY_POWER, 1e3 },
	{ "MW", QUANTITY_POWER, 1e6 },
	{ "J", QUANTITY_ENERGY, 1 },
	{ "kJ", QUANTITY_ENERGY, 1e3 },
	{ "MJ", QUANTITY_ENERGY, 1e6 },
	{ "Wh", QUANTITY_ENERGY, 3600 },
	{ "kWh", QUANTITY_ENERGY, 3.6e6 },
	{ "MWh", QUANTITY_ENERGY, 3.6e9 },
	{ "Cel", QUANTITY_TEMPERATURE, 1 },
	{ "L/min", QUANTITY_FLOW, 1e-3 / 60 },
	{ "L/s", QUANTITY_FLOW, 1e-3 },
	{ "L/h", QUANTITY_FLOW, 1e-3 / 3600 },
	{ "m3/h", QUANTITY_FLOW, 1.0 / 3600 },
	{ "Pa", QUANTITY_PRESSURE, 1 },
	{ "kPa", QUANTITY_PRESSURE, 1e3 },
	{ "mbar", QUANTITY_PRESSURE, 1e2 },
	{ "bar", QUANTITY_PRESSURE, 1e5 },
	{ "%", QUANTITY_RATIO, 0.01 },
	{ "1", QUANTITY_RATIO, 1 },
};

const struct unit_words unit_words[] = {
	[QUANTITY_NONE] = { "none", "" },
	[QUANTITY_POWER] = { "power", "W, kW, MW" },
	[QUANTITY_ENERGY] = { "energy", "Wh, kWh, MWh, J, kJ, MJ" },
	[QUANTITY_TEMPERATURE] = { "temperature", "Cel" },
	[QUANTITY_FLOW] = { "flow", "L/min, L/s, L/h, m3/h" },
	[QUANTITY_PRESSURE] = { "pressure", "Pa, kPa, mbar, bar" },
	[QUANTITY_RATIO] = { "ratio", "%, 1" },
};

enum quantity unit_quantity(const char *unit, double *factor)
{
	for (unsigned i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].unit, unit) != 0)
			continue;
		*factor = units[i].factor;
		return units[i].quantity;
	}
	*factor = 1;
	return QUANTITY_NONE;
}
