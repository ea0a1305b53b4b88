#include "config/unit.h"

#include <string.h>
#include <strings.h>

/* The US gallon has 231 cubic inches; a psi is a pound of force (0.45359237 kg at 9.80665 m/s2) on a square
 * inch of 25.4 mm: all exact. */
#define GALLON 3.785411784e-3
#define PSI (0.45359237 * 9.80665 / (0.0254 * 0.0254))

const struct unit unit_table[] = {
	{ "Cel", QUANTITY_TEMPERATURE, 1, 0 },
	{ "K", QUANTITY_TEMPERATURE, 1, -273.15 },
	{ "degF", QUANTITY_TEMPERATURE, 5.0 / 9, -160.0 / 9 },
	{ "L/min", QUANTITY_FLOW, 1e-3 / 60, 0 },
	{ "L/s", QUANTITY_FLOW, 1e-3, 0 },
	{ "m3/h", QUANTITY_FLOW, 1.0 / 3600, 0 },
	{ "m3/s", QUANTITY_FLOW, 1, 0 },
	{ "[gal_us]/min", QUANTITY_FLOW, GALLON / 60, 0 },
	{ "L", QUANTITY_VOLUME, 1e-3, 0 },
	{ "m3", QUANTITY_VOLUME, 1, 0 },
	{ "Pa", QUANTITY_PRESSURE, 1, 0 },
	{ "kPa", QUANTITY_PRESSURE, 1e3, 0 },
	{ "bar", QUANTITY_PRESSURE, 1e5, 0 },
	{ "mbar", QUANTITY_PRESSURE, 1e2, 0 },
	{ "[psi]", QUANTITY_PRESSURE, PSI, 0 },
	{ "W", QUANTITY_POWER, 1, 0 },
	{ "kW", QUANTITY_POWER, 1e3, 0 },
	{ "MW", QUANTITY_POWER, 1e6, 0 },
	{ "VA", QUANTITY_APPARENT, 1, 0 },
	{ "kVA", QUANTITY_APPARENT, 1e3, 0 },
	{ "var", QUANTITY_REACTIVE, 1, 0 },
	{ "kvar", QUANTITY_REACTIVE, 1e3, 0 },
	{ "Wh", QUANTITY_ENERGY, 3600, 0 },
	{ "kWh", QUANTITY_ENERGY, 3.6e6, 0 },
	{ "MWh", QUANTITY_ENERGY, 3.6e9, 0 },
	{ "J", QUANTITY_ENERGY, 1, 0 },
	{ "MJ", QUANTITY_ENERGY, 1e6, 0 },
	{ "GJ", QUANTITY_ENERGY, 1e9, 0 },
	{ "%", QUANTITY_RATIO, 0.01, 0 },
	{ "1", QUANTITY_RATIO, 1, 0 },
	{ "Hz", QUANTITY_FREQUENCY, 1, 0 },
	{ "V", QUANTITY_VOLTAGE, 1, 0 },
	{ "A", QUANTITY_CURRENT, 1, 0 },
	{ "mA", QUANTITY_CURRENT, 1e-3, 0 },
	{ "Ohm", QUANTITY_RESISTANCE, 1, 0 },
	{ "1/min", QUANTITY_SPEED, 1, 0 },
	{ "uS/cm", QUANTITY_CONDUCTIVITY, 1, 0 },
	{ "[pH]", QUANTITY_ACIDITY, 1, 0 },
	{ "NTU", QUANTITY_TURBIDITY, 1, 0 },
	{ "s", QUANTITY_TIME, 1, 0 },
	{ "min", QUANTITY_TIME, 60, 0 },
	{ "h", QUANTITY_TIME, 3600, 0 },
	{ "d", QUANTITY_TIME, 86400, 0 },
	{ "g/m3", QUANTITY_CONCENTRATION, 1e-3, 0 },
	{ "ppm", QUANTITY_FRACTION, 1e-6, 0 },
};

const size_t unit_count = sizeof(unit_table) / sizeof(unit_table[0]);

const struct unit_words unit_words[QUANTITY_COUNT] = {
	[QUANTITY_NONE] = { "none", "" },
	[QUANTITY_TEMPERATURE] = { "temperature", "Cel, K, degF" },
	[QUANTITY_FLOW] = { "flow", "L/min, L/s, m3/h, m3/s, [gal_us]/min" },
	[QUANTITY_VOLUME] = { "volume", "L, m3" },
	[QUANTITY_PRESSURE] = { "pressure", "Pa, kPa, bar, mbar, [psi]" },
	[QUANTITY_POWER] = { "power", "W, kW, MW" },
	[QUANTITY_APPARENT] = { "apparent power", "VA, kVA" },
	[QUANTITY_REACTIVE] = { "reactive power", "var, kvar" },
	[QUANTITY_ENERGY] = { "energy", "Wh, kWh, MWh, J, MJ, GJ" },
	[QUANTITY_RATIO] = { "ratio", "%, 1" },
	[QUANTITY_FREQUENCY] = { "frequency", "Hz" },
	[QUANTITY_VOLTAGE] = { "voltage", "V" },
	[QUANTITY_CURRENT] = { "current", "A, mA" },
	[QUANTITY_RESISTANCE] = { "resistance", "Ohm" },
	[QUANTITY_SPEED] = { "speed", "1/min" },
	[QUANTITY_CONDUCTIVITY] = { "conductivity", "uS/cm" },
	[QUANTITY_ACIDITY] = { "pH", "[pH]" },
	[QUANTITY_TURBIDITY] = { "turbidity", "NTU" },
	[QUANTITY_TIME] = { "time", "s, min, h, d" },
	[QUANTITY_CONCENTRATION] = { "concentration", "g/m3" },
	[QUANTITY_FRACTION] = { "fraction", "ppm" },
};

/* Other ways in which people and data sheets write them. */
static const struct {
	const char *written, *unit;
} habits[] = {
	{ "C", "Cel" },
	{ "°C", "Cel" },
	{ "degC", "Cel" },
	{ "ºC", "Cel" }, /* the sign of an ordinal */
	{ "℃", "Cel" },
	{ "celsius", "Cel" },
	{ "kelvin", "K" },
	{ "fahrenheit", "degF" },
	{ "F", "degF" },
	{ "°F", "degF" },
	{ "lpm", "L/min" },
	{ "gpm", "[gal_us]/min" },
	{ "gal/min", "[gal_us]/min" },
	{ "m³/h", "m3/h" },
	{ "m^3/h", "m3/h" },
	{ "m³/s", "m3/s" },
	{ "m^3/s", "m3/s" },
	{ "m³", "m3" },
	{ "psi", "[psi]" },
	{ "psig", "[psi]" },
	{ "watt", "W" },
	{ "watts", "W" },
	{ "kilowatt", "kW" },
	{ "kJ", "MJ" },
	{ "rpm", "1/min" },
	{ "min-1", "1/min" },
	{ "%RH", "%" },
	{ "percent", "%" },
	{ "pct", "%" },
	{ "pH", "[pH]" },
	{ "µS/cm", "uS/cm" }, /* micro */
	{ "μS/cm", "uS/cm" }, /* mu */
	{ "Ω", "Ohm" },
	{ "mg/L", "g/m3" },
	{ "sec", "s" },
	{ "seconds", "s" },
	{ "minutes", "min" },
	{ "hrs", "h" },
	{ "hour", "h" },
	{ "hours", "h" },
	{ "days", "d" },
};

const struct unit *unit_find(const char *word)
{
	for (size_t i = 0; i < unit_count; i++)
		if (strcmp(unit_table[i].word, word) == 0)
			return &unit_table[i];
	return NULL;
}

bool unit_is_free(const char *word)
{
	size_t n = strlen(word);
	return n > 2 && word[0] == '{' && strcspn(word + 1, "{}") == n - 2 && word[n - 1] == '}';
}

const char *unit_meant(const char *word)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (strcasecmp(habits[i].written, word) == 0)
			return habits[i].unit;
	for (size_t i = 0; i < unit_count; i++)
		if (strcasecmp(unit_table[i].word, word) == 0)
			return unit_table[i].word;
	return NULL;
}
