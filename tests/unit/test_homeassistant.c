/* What Home Assistant calls our points and figures; its own tables are in tests/system/homeassistant.py. */
#include "config/config.h"
#include "daemon/publish/homeassistant_class.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void same(const char *found, const char *expected)
{
	if (expected)
		assert_string_equal(found ? found : "nothing", expected);
	else
		assert_null(found);
}

static struct point point_of(const char *name, const char *unit)
{
	const struct unit *u = unit_find(unit);
	return (struct point){ .name = name,
		.unit = unit,
		.quantity = u ? u->quantity : QUANTITY_NONE,
		.type = POINT_U16,
		.scale = 1,
		.bit = { -1, -1 },
		.poll = POINT_NORMAL };
}

static void each_unit_has_its_class(void **state)
{
	static const struct {
		const char *ours, *unit, *measured, *counted;
	} rows[] = {
		{ "Cel", "°C", "temperature", NULL },
		{ "K", "K", "temperature", NULL },
		{ "degF", "°F", "temperature", NULL },
		{ "L/min", "L/min", "volume_flow_rate", NULL },
		{ "L/s", "L/s", "volume_flow_rate", NULL },
		{ "m3/h", "m³/h", "volume_flow_rate", NULL },
		{ "m3/s", "m³/s", "volume_flow_rate", NULL },
		{ "[gal_us]/min", "gal/min", "volume_flow_rate", NULL },
		{ "L", "L", "volume_storage", "volume" },
		{ "m3", "m³", "volume_storage", "volume" },
		{ "Pa", "Pa", "pressure", NULL },
		{ "kPa", "kPa", "pressure", NULL },
		{ "bar", "bar", "pressure", NULL },
		{ "mbar", "mbar", "pressure", NULL },
		{ "[psi]", "psi", "pressure", NULL },
		{ "W", "W", "power", NULL },
		{ "kW", "kW", "power", NULL },
		{ "MW", "MW", "power", NULL },
		{ "VA", "VA", "apparent_power", NULL },
		{ "kVA", "kVA", "apparent_power", NULL },
		{ "var", "var", "reactive_power", NULL },
		{ "kvar", "kvar", "reactive_power", NULL },
		{ "Wh", "Wh", "energy", "energy" },
		{ "kWh", "kWh", "energy", "energy" },
		{ "MWh", "MWh", "energy", "energy" },
		{ "J", "J", "energy", "energy" },
		{ "MJ", "MJ", "energy", "energy" },
		{ "GJ", "GJ", "energy", "energy" },
		{ "%", "%", NULL, NULL },
		{ "1", NULL, NULL, NULL },
		{ "Hz", "Hz", "frequency", NULL },
		{ "V", "V", "voltage", NULL },
		{ "A", "A", "current", NULL },
		{ "mA", "mA", "current", NULL },
		{ "Ohm", "Ω", NULL, NULL },
		{ "1/min", "rpm", NULL, NULL },
		{ "uS/cm", "µS/cm", "conductivity", NULL },
		{ "[pH]", NULL, "ph", NULL },
		{ "NTU", "NTU", NULL, NULL },
		{ "s", "s", "duration", "duration" },
		{ "min", "min", "duration", "duration" },
		{ "h", "h", "duration", "duration" },
		{ "d", "d", "duration", "duration" },
		{ "g/m3", "g/m³", NULL, NULL },
		{ "ppm", "ppm", NULL, NULL },
	};
	assert_int_equal(COUNT(rows), unit_count);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[32];
		struct point p = point_of("x", rows[i].ours);
		assert_string_equal(unit_table[i].word, rows[i].ours);
		struct homeassistant_class c = homeassistant_point_class(&p);
		same(homeassistant_unit(c.unit, buf, sizeof(buf)), rows[i].unit);
		same(c.device_class, rows[i].measured);
		same(c.state_class, p.quantity == QUANTITY_ENERGY ? "total" : "measurement");
		p.counter = true;
		c = homeassistant_point_class(&p);
		same(c.device_class, rows[i].counted);
		same(c.state_class, "total_increasing");
	}
}

static void names_tell_what_units_do_not(void **state)
{
	static const struct {
		const char *name, *unit;
		enum point_type type;
		const char *platform, *device_class;
		bool is_diagnostic;
	} rows[] = {
		{ "room_humidity", "%", POINT_U16, "sensor", "humidity", false },
		{ "humidity", "1", POINT_U16, "sensor", NULL, false },
		{ "power_factor", "1", POINT_U16, "sensor", "power_factor", false },
		{ "power_factor_l1", "%", POINT_U16, "sensor", "power_factor", false },
		{ "leak", "", POINT_BOOL, "binary_sensor", "moisture", false },
		{ "pump1_fault", "", POINT_BOOL, "binary_sensor", "problem", true },
		{ "pump1_running", "", POINT_BOOL, "binary_sensor", "running", false },
		{ "fan_status", "", POINT_BOOL, "binary_sensor", NULL, true },
		{ "valve", "", POINT_BOOL, "binary_sensor", NULL, false },
		{ "sticky_fan_abnormal", "", POINT_U16, "sensor", NULL, true },
		{ "fault_current", "A", POINT_U16, "sensor", "current", false },
		{ "serial", "", POINT_STRING, "sensor", NULL, true },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct point p = point_of(rows[i].name, rows[i].unit);
		p.type = rows[i].type;
		struct homeassistant_class c = homeassistant_point_class(&p);
		assert_string_equal(c.platform, rows[i].platform);
		same(c.device_class, rows[i].device_class);
		assert_int_equal(c.is_diagnostic, rows[i].is_diagnostic);
		assert_int_equal(c.state_class != NULL, rows[i].unit[0] != '\0');
	}
}

static void words_of_an_enum_are_options_unless_it_is_scaled(void **state)
{
	static const struct point_enum words[] = { { 0, "off" }, { 1, "on" } };
	struct point p = point_of("mode", "");
	p.enums = (struct point_enums){ words, COUNT(words) };
	same(homeassistant_point_class(&p).device_class, "enum");
	p.scale = 0.1;
	same(homeassistant_point_class(&p).device_class, NULL);
	p.scale = 1;
	p.bit.low = p.bit.high = 3;
	same(homeassistant_point_class(&p).platform, "binary_sensor");
}

static void what_is_in_braces_is_a_unit_without_a_class(void **state)
{
	char buf[32];
	struct point p = point_of("valve", "{turns}");
	struct homeassistant_class c = homeassistant_point_class(&p);
	same(homeassistant_unit(c.unit, buf, sizeof(buf)), "turns");
	same(c.device_class, NULL);
}

static void temperatures_of_figures_in_kelvin_are_differences(void **state)
{
	same(homeassistant_figure_class("K").device_class, NULL);
	same(homeassistant_figure_class("Cel").device_class, "temperature");
	same(homeassistant_figure_class("kPa.min2/L2").device_class, NULL);
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		same(homeassistant_figure_class(loop_values[v].unit).state_class, "measurement");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_has_its_class),
		cmocka_unit_test(names_tell_what_units_do_not),
		cmocka_unit_test(words_of_an_enum_are_options_unless_it_is_scaled),
		cmocka_unit_test(what_is_in_braces_is_a_unit_without_a_class),
		cmocka_unit_test(temperatures_of_figures_in_kelvin_are_differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
