/* Every unit of the table against its golden value in SI. */
#include "unit.h"

#include "config/point.h"

#include <math.h>
#include <string.h>

static struct point point_in(const char *word)
{
	const struct unit *u = unit_find(word);
	assert_non_null(u);
	return (struct point){ .unit = word, .quantity = u->quantity, .factor = u->factor, .zero = u->zero };
}

/* `value` of the unit is `si` of the unit of its quantity. */
static const struct {
	const char *unit;
	enum quantity quantity;
	double value, si;
} golden[] = {
	{ "Cel", QUANTITY_TEMPERATURE, 30, 30 },
	{ "K", QUANTITY_TEMPERATURE, 303.15, 30 },
	{ "degF", QUANTITY_TEMPERATURE, 32, 0 },
	{ "degF", QUANTITY_TEMPERATURE, 113, 45 },
	{ "degF", QUANTITY_TEMPERATURE, -40, -40 },
	{ "L/min", QUANTITY_FLOW, 60, 1e-3 },
	{ "L/s", QUANTITY_FLOW, 1, 1e-3 },
	{ "m3/h", QUANTITY_FLOW, 3.6, 1e-3 },
	{ "m3/s", QUANTITY_FLOW, 1, 1 },
	{ "[gal_us]/min", QUANTITY_FLOW, 1, 6.30901964e-5 },
	{ "L", QUANTITY_VOLUME, 1000, 1 },
	{ "m3", QUANTITY_VOLUME, 1, 1 },
	{ "Pa", QUANTITY_PRESSURE, 1, 1 },
	{ "kPa", QUANTITY_PRESSURE, 1, 1e3 },
	{ "bar", QUANTITY_PRESSURE, 1, 1e5 },
	{ "mbar", QUANTITY_PRESSURE, 1, 1e2 },
	{ "[psi]", QUANTITY_PRESSURE, 1, 6894.757293168361 },
	{ "W", QUANTITY_POWER, 1, 1 },
	{ "kW", QUANTITY_POWER, 1, 1e3 },
	{ "MW", QUANTITY_POWER, 1, 1e6 },
	{ "VA", QUANTITY_APPARENT, 1, 1 },
	{ "kVA", QUANTITY_APPARENT, 1, 1e3 },
	{ "var", QUANTITY_REACTIVE, 1, 1 },
	{ "kvar", QUANTITY_REACTIVE, 1, 1e3 },
	{ "Wh", QUANTITY_ENERGY, 1, 3600 },
	{ "kWh", QUANTITY_ENERGY, 1, 3.6e6 },
	{ "MWh", QUANTITY_ENERGY, 1, 3.6e9 },
	{ "J", QUANTITY_ENERGY, 1, 1 },
	{ "MJ", QUANTITY_ENERGY, 3.6, 3.6e6 },
	{ "GJ", QUANTITY_ENERGY, 3.6, 3.6e9 },
	{ "%", QUANTITY_RATIO, 55, 0.55 },
	{ "1", QUANTITY_RATIO, 0.55, 0.55 },
	{ "Hz", QUANTITY_FREQUENCY, 50, 50 },
	{ "V", QUANTITY_VOLTAGE, 230, 230 },
	{ "A", QUANTITY_CURRENT, 16, 16 },
	{ "mA", QUANTITY_CURRENT, 20, 0.02 },
	{ "Ohm", QUANTITY_RESISTANCE, 100, 100 },
	{ "1/min", QUANTITY_SPEED, 2900, 2900 },
	{ "uS/cm", QUANTITY_CONDUCTIVITY, 20, 20 },
	{ "[pH]", QUANTITY_ACIDITY, 8.5, 8.5 },
	{ "NTU", QUANTITY_TURBIDITY, 20, 20 },
	{ "s", QUANTITY_TIME, 1, 1 },
	{ "min", QUANTITY_TIME, 1, 60 },
	{ "h", QUANTITY_TIME, 1, 3600 },
	{ "d", QUANTITY_TIME, 1, 86400 },
	{ "g/m3", QUANTITY_CONCENTRATION, 1, 1e-3 },
	{ "ppm", QUANTITY_FRACTION, 1, 1e-6 },
};

static bool is_golden(const char *unit)
{
	for (size_t i = 0; i < COUNT(golden); i++)
		if (strcmp(golden[i].unit, unit) == 0)
			return true;
	return false;
}

static void each_unit_has_its_golden_value(void **state)
{
	for (size_t i = 0; i < COUNT(golden); i++) {
		struct point p = point_in(golden[i].unit);
		double si = point_to_si(&p, golden[i].value), size = fmax(fabs(golden[i].si), 1e-3);
		assert_int_equal(p.quantity, golden[i].quantity);
		assert_true(fabs(si - golden[i].si) <= 1e-12 * size);
		assert_true(
		    fabs(point_from_si(&p, si) - golden[i].value) <= 1e-12 * fabs(golden[i].value) + 1e-12);
	}
	for (size_t i = 0; i < unit_count; i++)
		assert_true(is_golden(unit_table[i].word));
}

/* What an error says is allowed are those of the table, all of them. */
static void each_unit_is_in_the_words_of_its_quantity(void **state)
{
	size_t commas = 0;
	for (size_t i = 0; i < unit_count; i++)
		assert_non_null(strstr(unit_words[unit_table[i].quantity].units, unit_table[i].word));
	for (enum quantity q = QUANTITY_NONE + 1; q < QUANTITY_COUNT; q++)
		for (const char *s = unit_words[q].units; s; s = strchr(s + 1, ','))
			commas++;
	assert_int_equal(commas, unit_count);
}

static void case_counts_and_nothing_is_guessed(void **state)
{
	static const char *const wrong[] = { "kwh", "KW", "cel", "l/min", "mw", "PA", "C", "psi", "L/h", "kJ",
		"", " kW" };
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_null(unit_find(wrong[i]));
	assert_string_equal(unit_meant("rpm"), "1/min");
	assert_string_equal(unit_meant("°C"), "Cel");
	assert_string_equal(unit_meant("GPM"), "[gal_us]/min");
	assert_string_equal(unit_meant("KW"), "kW");
	assert_string_equal(unit_meant("mw"), "MW");
	assert_string_equal(unit_meant("l/min"), "L/min");
	assert_null(unit_meant("furlong"));
}

static void what_is_in_braces_is_free(void **state)
{
	static const char *const not_free[] = { "{}", "{", "}", "{a", "a}", "{a}b", "{a{b}}", "{a}{b}", "" };
	assert_true(unit_is_free("{turns}"));
	assert_true(unit_is_free("{m/s at the nozzle}"));
	for (size_t i = 0; i < COUNT(not_free); i++)
		assert_false(unit_is_free(not_free[i]));
	assert_null(unit_find("{turns}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_has_its_golden_value),
		cmocka_unit_test(each_unit_is_in_the_words_of_its_quantity),
		cmocka_unit_test(case_counts_and_nothing_is_guessed),
		cmocka_unit_test(what_is_in_braces_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
