/* Coolant properties and loop figures against the golden values of the field. */
#include "unit.h"

#include "daemon/control/coolant.h"
#include "daemon/control/hydraulics.h"
#include "daemon/control/loop.h"
#include "daemon/control/melinder.h"
#include "daemon/control/redundant.h"

#include <math.h>
#include <string.h>

static void water_at_30_celsius(void **state)
{
	assert_float_equal(coolant_density(COOLANT_WATER, 30), 995.65, 0.005);
	assert_float_equal(coolant_heat_capacity(COOLANT_WATER, 30), 4180, 0.5);
	assert_float_equal(coolant_viscosity(COOLANT_WATER, 30), 0.7973, 0.0005);
}

static void pg25_at_30_celsius(void **state)
{
	assert_float_equal(coolant_density(COOLANT_PG25, 30), 1019.4, 0.05);
	assert_float_equal(coolant_heat_capacity(COOLANT_PG25, 30), 3937.5, 0.1);
	assert_float_equal(coolant_viscosity(COOLANT_PG25, 30), 1.797, 0.001);
}

/* IAPWS-95 at 0.1 MPa. */
static void water_at_80_celsius(void **state)
{
	assert_float_equal(coolant_density(COOLANT_WATER, 80), 971.77, 0.02);
	assert_float_equal(coolant_heat_capacity(COOLANT_WATER, 80), 4196.9, 0.5);
	assert_float_equal(coolant_viscosity(COOLANT_WATER, 80), 0.3544, 0.0005);
}

/* Computed from Melinder's coefficients outside of this program. */
static void mixtures_of_melinder_at_0_30_60_80_celsius(void **state)
{
	static const struct {
		enum coolant coolant;
		double celsius, density, heat_capacity, viscosity;
	} golden[] = {
		{ COOLANT_PG30, 0, 1031.560, 3802.64, 7.1171 },
		{ COOLANT_PG30, 30, 1018.890, 3883.86, 2.1041 },
		{ COOLANT_PG30, 60, 1001.153, 3962.34, 0.9946 },
		{ COOLANT_PG30, 80, 987.598, 4012.22, 0.7011 },
		{ COOLANT_EG25, 0, 1037.020, 3762.85, 3.6976 },
		{ COOLANT_EG25, 30, 1027.102, 3834.25, 1.4466 },
		{ COOLANT_EG25, 60, 1011.767, 3902.14, 0.7768 },
		{ COOLANT_EG25, 80, 998.919, 3944.05, 0.5789 },
		{ COOLANT_EG30, 0, 1044.972, 3658.09, 4.2976 },
		{ COOLANT_EG30, 30, 1033.699, 3747.23, 1.6389 },
		{ COOLANT_EG30, 60, 1017.462, 3828.72, 0.8660 },
		{ COOLANT_EG30, 80, 1004.257, 3877.67, 0.6388 },
	};
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		enum coolant c = golden[i].coolant;
		double t = golden[i].celsius;
		assert_float_equal(coolant_density(c, t), golden[i].density, 0.001);
		assert_float_equal(coolant_heat_capacity(c, t), golden[i].heat_capacity, 0.01);
		assert_float_equal(coolant_viscosity(c, t), golden[i].viscosity, 0.0001);
	}
}

/* Two sources that know nothing of each other: the OCP's fits of PG25, also beyond their 60 Cel, and
 * Melinder's table at 25 %. */
static void melinder_and_the_ocp_agree_on_pg25(void **state)
{
	for (double t = 0; t <= 80; t += 5) {
		double density = melinder_density(&melinder_propylene_glycol, 25, t),
		       capacity = melinder_heat_capacity(&melinder_propylene_glycol, 25, t);
		assert_float_equal(density / coolant_density(COOLANT_PG25, t), 1, 0.006);
		assert_float_equal(capacity / coolant_heat_capacity(COOLANT_PG25, t), 1, 0.004);
	}
}

static void outside_their_range_properties_are_unknown(void **state)
{
	assert_true(isnan(coolant_density(COOLANT_WATER, -0.1)));
	assert_true(isnan(coolant_heat_capacity(COOLANT_PG25, 80.1)));
	assert_true(isnan(coolant_density(COOLANT_WATER, NAN)));
	assert_false(isnan(coolant_density(COOLANT_WATER, 0)));
	assert_false(isnan(coolant_density(COOLANT_PG25, 80)));
}

static void only_pg25_has_a_source_that_ends_before(void **state)
{
	static const enum coolant all[] = { COOLANT_WATER, COOLANT_PG30, COOLANT_EG25, COOLANT_EG30 };
	for (size_t i = 0; i < COUNT(all); i++)
		assert_null(coolant_beyond_source(all[i], 80));
	assert_null(coolant_beyond_source(COOLANT_PG25, 60));
	assert_non_null(coolant_beyond_source(COOLANT_PG25, 60.01));
}

static struct figure good(double value)
{
	return (struct figure){ value, QUALITY_GOOD, NULL };
}

struct sensors {
	double flow_lpm, supply, ret;
};

static struct loop_model model_of(enum coolant c)
{
	return (struct loop_model){
		.coolant = c,
		.flow_at = LOOP_IN_SUPPLY,
		.delta_t_resolution = 0.2,
		.nominal_flow = NAN,
		.clean_resistance = NAN,
		.liquid_share = NAN,
		.balance_tolerance = 0.15,
		.system_volume = NAN,
		.reservoir_volume = NAN,
		.reservoir_temperature = 30,
		.learned = { NAN, NAN, NAN, NAN },
	};
}

static void fill(struct sensors s, struct figure in[LOOP_IN_COUNT])
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		in[i] = (struct figure){ NAN, QUALITY_INVALID, "not configured" };
	in[LOOP_IN_FLOW] = good(s.flow_lpm / 60e3);
	in[LOOP_IN_SUPPLY] = good(s.supply);
	in[LOOP_IN_RETURN] = good(s.ret);
	in[LOOP_IN_PRESSURE_DROP] = good(120e3);
	in[LOOP_IN_PUMP_POWER] = good(500);
	in[LOOP_IN_IT_POWER] = good(80e3);
	in[LOOP_IN_AIR_TEMPERATURE] = good(25);
	in[LOOP_IN_AIR_HUMIDITY] = good(0.5);
}

static void compute(enum coolant c, struct sensors s, struct figure out[LOOP_VALUE_COUNT])
{
	struct figure in[LOOP_IN_COUNT];
	struct loop_model m = model_of(c);
	fill(s, in);
	loop_compute(&m, in, out);
}

/* The trade's quick factors: kW per L/min and K at 30 Cel. */
static void heat_by_the_quick_factors(void **state)
{
	struct figure out[LOOP_VALUE_COUNT];
	compute(COOLANT_WATER, (struct sensors){ 1, 30 - 0.5, 30 + 0.5 }, out);
	assert_float_equal(out[LOOP_HEAT].value, 0.0694, 0.00005);
	compute(COOLANT_PG25, (struct sensors){ 1, 30 - 0.5, 30 + 0.5 }, out);
	assert_float_equal(out[LOOP_HEAT].value, 0.0669, 0.00005);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_GOOD);
}

/* 100 L/min of PG25 from 30 to 40 Cel, with a pocket calculator: 1019.426 kg/m3 * 3949.83 J/(kg K) *
 * 100/60000 m3/s * 10 K */
static void heat_by_hand(void **state)
{
	struct figure out[LOOP_VALUE_COUNT];
	compute(COOLANT_PG25, (struct sensors){ 100, 30, 40 }, out);
	assert_float_equal(out[LOOP_HEAT].value, 1019.426 * 3949.885 * 100 / 60000 * 10 / 1000, 0.005);
	assert_float_equal(out[LOOP_DELTA_T].value, 10, 1e-9);
	assert_float_equal(out[LOOP_FLOW].value, 100, 1e-9);
}

/* 100 L/min from 65 to 80 Cel: 999.871 kg/m3 * 4042.45 J/(kg K) * 100/60000 m3/s * 15 K. */
static void a_warm_loop_has_heat_up_to_80_celsius(void **state)
{
	static const enum coolant good_ones[] = { COOLANT_WATER, COOLANT_PG30, COOLANT_EG25, COOLANT_EG30 };
	struct figure out[LOOP_VALUE_COUNT];
	compute(COOLANT_PG25, (struct sensors){ 100, 65, 80 }, out);
	assert_float_equal(out[LOOP_HEAT].value, 101.048, 0.005);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_ESTIMATED);
	assert_string_equal(out[LOOP_HEAT].reason, "above 60 Cel the properties of pg25 are extrapolated");
	compute(COOLANT_PG25, (struct sensors){ 100, 50, 60 }, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_GOOD);
	for (size_t i = 0; i < COUNT(good_ones); i++) {
		compute(good_ones[i], (struct sensors){ 100, 65, 80 }, out);
		assert_int_equal(out[LOOP_HEAT].quality, QUALITY_GOOD);
		assert_float_equal(out[LOOP_HEAT].value, 101, 4);
	}
	compute(COOLANT_WATER, (struct sensors){ 100, 81, 90 }, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_INVALID);
	assert_non_null(strstr(out[LOOP_HEAT].reason, "outside 0..80 Cel"));
}

/* Sixty litres of warm coolant are less than of cold. */
static void density_is_that_at_the_flow_meter(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in);
	loop_compute(&m, in, out);
	double at_supply = out[LOOP_HEAT].value;
	m.flow_at = LOOP_IN_RETURN;
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_HEAT].value / at_supply,
	    coolant_density(COOLANT_PG25, 40) / coolant_density(COOLANT_PG25, 30), 1e-12);
}

static void pump_and_capture_by_hand(void **state)
{
	struct figure out[LOOP_VALUE_COUNT];
	compute(COOLANT_PG25, (struct sensors){ 100, 30, 40 }, out);
	assert_float_equal(out[LOOP_HYDRAULIC_POWER].value, 200, 1e-9); /* 120 kPa * 100 L/min */
	assert_float_equal(out[LOOP_PUMP_EFFICIENCY].value, 0.4, 1e-9);
	assert_float_equal(out[LOOP_HEAT_CAPTURE_RATIO].value, out[LOOP_HEAT].value / 80, 1e-9);
}

static void a_small_difference_is_estimated(void **state)
{
	struct figure out[LOOP_VALUE_COUNT];
	compute(COOLANT_WATER, (struct sensors){ 100, 30, 30.15 }, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_ESTIMATED);
	assert_true(out[LOOP_HEAT].value > 0);
	compute(COOLANT_WATER, (struct sensors){ 100, 30, 30.25 }, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_GOOD);
}

static void negative_flow_and_bad_sensors_are_invalid(void **state)
{
	struct figure out[LOOP_VALUE_COUNT], in[LOOP_IN_COUNT] = { 0 };
	compute(COOLANT_WATER, (struct sensors){ -1, 30, 40 }, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_INVALID);
	assert_true(isnan(out[LOOP_HEAT].value));
	assert_string_equal(out[LOOP_HEAT].reason, "negative flow");

	in[LOOP_IN_FLOW] = good(1e-3);
	in[LOOP_IN_SUPPLY] = good(30);
	in[LOOP_IN_RETURN] = (struct figure){ NAN, QUALITY_STALE, "cdu1.return_temperature is stale" };
	struct loop_model water = model_of(COOLANT_WATER);
	loop_compute(&water, in, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_INVALID);
	assert_true(isnan(out[LOOP_HEAT].value));
	assert_string_equal(out[LOOP_HEAT].reason, "cdu1.return_temperature is stale");
	assert_int_equal(out[LOOP_FLOW].quality, QUALITY_GOOD);
}

static void a_figure_is_as_bad_as_its_worst_input(void **state)
{
	struct figure out[LOOP_VALUE_COUNT], in[LOOP_IN_COUNT] = { 0 };
	in[LOOP_IN_FLOW] = (struct figure){ 1e-3, QUALITY_SUSPECT, "cdu1.flow_rate is suspect" };
	in[LOOP_IN_SUPPLY] = (struct figure){ 30, QUALITY_ESTIMATED, NULL };
	in[LOOP_IN_RETURN] = good(40);
	struct loop_model water = model_of(COOLANT_WATER);
	loop_compute(&water, in, out);
	assert_int_equal(out[LOOP_HEAT].quality, QUALITY_SUSPECT);
	assert_int_equal(out[LOOP_DELTA_T].quality, QUALITY_ESTIMATED);
	assert_true(out[LOOP_HEAT].value > 0);
}

/* Alduchov and Eskridge's form; 25 Cel and 50 % is 13.86 Cel in every psychrometric table. */
static void dew_point(void **state)
{
	struct figure out[LOOP_VALUE_COUNT];
	assert_float_equal(loop_dew_point(25, 0.5), 13.86, 0.01);
	assert_float_equal(loop_dew_point(20, 1), 20, 1e-9);
	assert_true(isnan(loop_dew_point(20, 0)));
	assert_true(isnan(loop_dew_point(20, 1.01)));
	compute(COOLANT_WATER, (struct sensors){ 100, 17, 27 }, out);
	assert_float_equal(out[LOOP_DEW_POINT_MARGIN].value, 17 - 13.86, 0.01);
}

/* A room at 20 Cel and 100.4 %, and a supply of 17 Cel: 3 K below the dew point. */
static void humidity_above_100_is_100_and_suspect(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_WATER);
	fill((struct sensors){ 100, 17, 27 }, in);
	in[LOOP_IN_AIR_TEMPERATURE] = good(20);
	in[LOOP_IN_AIR_HUMIDITY] = good(1.004);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_DEW_POINT].value, 20, 1e-9);
	assert_float_equal(out[LOOP_DEW_POINT_MARGIN].value, -3, 1e-9);
	assert_int_equal(out[LOOP_DEW_POINT_MARGIN].quality, QUALITY_SUSPECT);
}

/* 120 kPa at 100 L/min: R = 0.012 kPa/(L/min)^2, judged above 30 % of the nominal flow. */
static void filter_resistance_against_its_clean_value(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in);
	in[LOOP_IN_FILTER_PRESSURE_DROP] = good(30e3);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_HYDRAULIC_RESISTANCE].value, 0.012, 1e-12);
	assert_float_equal(out[LOOP_FILTER_RESISTANCE].value, 0.003, 1e-12);
	assert_int_equal(out[LOOP_FILTER_RESISTANCE].quality, QUALITY_ESTIMATED); /* no nominal flow */
	assert_int_equal(out[LOOP_FILTER_RESISTANCE_RATIO].quality, QUALITY_INVALID);

	m.nominal_flow = 200 / 60e3;
	m.clean_resistance = 0.0015 * 1e3 * 60e3 * 60e3;
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_FILTER_RESISTANCE_RATIO].value, 2, 1e-9);
	assert_int_equal(out[LOOP_FILTER_RESISTANCE_RATIO].quality, QUALITY_GOOD);

	in[LOOP_IN_FLOW] = good(59.9 / 60e3);
	loop_compute(&m, in, out);
	assert_int_equal(out[LOOP_FILTER_RESISTANCE_RATIO].quality, QUALITY_INVALID);
	assert_true(isnan(out[LOOP_FILTER_RESISTANCE].value));
	in[LOOP_IN_FLOW] = good(60.1 / 60e3);
	loop_compute(&m, in, out);
	assert_int_equal(out[LOOP_FILTER_RESISTANCE].quality, QUALITY_GOOD);
}

static void a_learned_filter_is_clean_then(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in);
	assert_string_equal(
	    hydraulics_learn(in, &m.learned), "there is no good reading of a pressure drop above 0");
	in[LOOP_IN_FILTER_PRESSURE_DROP] = good(30e3);
	assert_null(hydraulics_learn(in, &m.learned));
	in[LOOP_IN_FILTER_PRESSURE_DROP] = good(90e3);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_FILTER_RESISTANCE_RATIO].value, 3, 1e-9);
	in[LOOP_IN_FLOW] = (struct figure){ 1e-3, QUALITY_SUSPECT, NULL };
	assert_string_equal(hydraulics_learn(in, &m.learned), "there is no good reading of a flow above 0");
}

/* Affinity laws: V ~ n, dp ~ n^2. A pump on its curve has no deviation at any speed. */
static void pump_deviation_by_the_affinity_laws(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in);
	m.curve.count = 3;
	m.curve.speed = 1;
	for (unsigned i = 0; i < 3; i++) {
		m.curve.flow[i] = i * 100 / 60e3; /* 0, 100, 200 L/min: 200, 160, 80 kPa */
		m.curve.pressure[i] = (double[]){ 200e3, 160e3, 80e3 }[i];
	}
	for (double n = 0.4; n <= 1; n += 0.1) {
		in[LOOP_IN_PUMP_SPEED] = good(n);
		in[LOOP_IN_FLOW] = good(n * 150 / 60e3);
		in[LOOP_IN_PRESSURE_DROP] = good(n * n * 120e3);
		loop_compute(&m, in, out);
		assert_float_equal(out[LOOP_PUMP_DEVIATION].value, 0, 1e-9);
		assert_int_equal(out[LOOP_PUMP_DEVIATION].quality, QUALITY_GOOD);
	}
	in[LOOP_IN_PRESSURE_DROP] = good(96e3);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_PUMP_DEVIATION].value, -0.2, 1e-9);
	in[LOOP_IN_FLOW] = good(201 / 60e3);
	loop_compute(&m, in, out);
	assert_int_equal(out[LOOP_PUMP_DEVIATION].quality, QUALITY_INVALID);
	in[LOOP_IN_PUMP_SPEED] = good(0.29);
	loop_compute(&m, in, out);
	assert_string_equal(
	    out[LOOP_PUMP_DEVIATION].reason, "the pump turns below 30 % of its nominal speed");
}

/* With one learned point the curve is EPANET's (4 - v^2) / 3, and the figure estimated. */
static void pump_deviation_from_one_learned_point(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in);
	in[LOOP_IN_FILTER_PRESSURE_DROP] = in[LOOP_IN_PRESSURE_DROP];
	in[LOOP_IN_PUMP_SPEED] = good(0.6);
	loop_compute(&m, in, out);
	assert_int_equal(out[LOOP_PUMP_DEVIATION].quality, QUALITY_INVALID);
	assert_null(hydraulics_learn(in, &m.learned));
	in[LOOP_IN_FLOW] = good(50 / 60e3);
	in[LOOP_IN_PRESSURE_DROP] = good(120e3 * 3.75 / 3);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_PUMP_DEVIATION].value, 0, 1e-9);
	assert_int_equal(out[LOOP_PUMP_DEVIATION].quality, QUALITY_ESTIMATED);
}

static void approach_temperature_by_hand(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 32, 40 }, in);
	in[LOOP_IN_PRIMARY_SUPPLY] = good(28.5);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_APPROACH_TEMPERATURE].value, 3.5, 1e-9);
}

/* PG25 expands by about 4.9e-4 1/K: 100 L warmed by 10 K gain half a litre, which is no refill. */
static void reservoir_level_without_thermal_expansion(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT];
	struct loop_model m = model_of(COOLANT_PG25);
	m.system_volume = 0.1;
	m.reservoir_volume = 0.01;
	fill((struct sensors){ 100, 30, 30 }, in);
	in[LOOP_IN_RESERVOIR_LEVEL] = good(0.6);
	loop_compute(&m, in, out);
	assert_float_equal(out[LOOP_COMPENSATED_RESERVOIR_LEVEL].value, 60, 1e-9);
	fill((struct sensors){ 100, 35, 45 }, in);
	in[LOOP_IN_RESERVOIR_LEVEL] = good(0.6);
	loop_compute(&m, in, out);
	double beta = (0.6 - out[LOOP_COMPENSATED_RESERVOIR_LEVEL].value / 100) * 0.01 / 0.1 / 10;
	assert_float_equal(beta, 4.9e-4, 0.1e-4);
}

/* Heat against electrical power: 1 kW of heat more than power is a wrong sensor, whatever the share. */
/* At 0.15 K the heat is as wrong as the sensors are. */
static void energy_balance_needs_a_delta_t(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT],
	    *residual = &out[LOOP_ENERGY_BALANCE_RESIDUAL];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 30.15 }, in);
	in[LOOP_IN_IT_POWER] = good(0.2e3);
	loop_compute(&m, in, out);
	assert_int_equal(residual->quality, QUALITY_INVALID);
	assert_string_equal(residual->reason, "delta_t is below the resolution of the sensors");
	fill((struct sensors){ 100, 30, 30.25 }, in);
	in[LOOP_IN_IT_POWER] = good(0.2e3);
	loop_compute(&m, in, out);
	assert_int_equal(residual->quality, QUALITY_SUSPECT);
}

static void energy_balance_shows_what_cannot_be(void **state)
{
	struct figure in[LOOP_IN_COUNT], out[LOOP_VALUE_COUNT],
	    *residual = &out[LOOP_ENERGY_BALANCE_RESIDUAL];
	struct loop_model m = model_of(COOLANT_PG25);
	fill((struct sensors){ 100, 30, 40 }, in); /* 67.1 kW of heat */
	in[LOOP_IN_PUMP_POWER] = good(1e3);
	in[LOOP_IN_IT_POWER] = good(66.1e3);
	loop_compute(&m, in, out);
	assert_float_equal(residual->value, 0, 0.001);
	assert_int_equal(residual->quality, QUALITY_GOOD);
	in[LOOP_IN_IT_POWER] = good(50e3);
	loop_compute(&m, in, out);
	assert_float_equal(residual->value, 67.1 / 51 - 1, 0.001);
	assert_int_equal(residual->quality, QUALITY_SUSPECT);
	/* less than all may go into the air, unless the share is told */
	in[LOOP_IN_IT_POWER] = good(100e3);
	loop_compute(&m, in, out);
	assert_int_equal(residual->quality, QUALITY_GOOD);
	m.liquid_share = 0.9;
	loop_compute(&m, in, out);
	assert_float_equal(residual->value, 67.1 / 91 - 1, 0.001);
	assert_int_equal(residual->quality, QUALITY_SUSPECT);
	m.liquid_share = 0.7;
	loop_compute(&m, in, out);
	assert_int_equal(residual->quality, QUALITY_GOOD);
}

static void combine(enum combination how, const double values[3], bool deviates[3], struct figure *ret)
{
	struct redundant_sensor s[3];
	for (unsigned i = 0; i < 3; i++) {
		struct figure f = good(values[i]);
		if (isnan(values[i]))
			f.quality = QUALITY_STALE;
		s[i] = (struct redundant_sensor){ f, 1, NAN, deviates[i] };
	}
	*ret = redundant_combine(how, s, 3);
	for (unsigned i = 0; i < 3; i++)
		deviates[i] = s[i].deviates;
}

static void the_one_that_differs_is_left_out(void **state)
{
	bool deviates[3] = { false };
	struct figure f;
	combine(COMBINE_MEDIAN, (const double[]){ 30, 30.4, 33 }, deviates, &f);
	assert_float_equal(f.value, 30.2, 1e-9);
	assert_int_equal(f.quality, QUALITY_GOOD);
	assert_true(!deviates[0] && !deviates[1] && deviates[2]);
	/* back only when it is well within */
	combine(COMBINE_MEAN, (const double[]){ 30, 30.4, 31.3 }, deviates, &f);
	assert_true(deviates[2]);
	assert_float_equal(f.value, 30.2, 1e-9);
	combine(COMBINE_MEAN, (const double[]){ 30, 30.4, 30.8 }, deviates, &f);
	assert_false(deviates[2]);
	assert_float_equal(f.value, 30.4, 1e-9);
}

static void of_two_nobody_knows_which(void **state)
{
	bool deviates[3] = { false };
	struct figure f;
	combine(COMBINE_MEDIAN, (const double[]){ 30, 32, NAN }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_SUSPECT);
	assert_float_equal(f.value, 31, 1e-9);
	assert_true(deviates[0] && deviates[1] && !deviates[2]);
	combine(COMBINE_MEDIAN, (const double[]){ 30, 32, 34 }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_SUSPECT); /* nor of three */
	assert_float_equal(f.value, 32, 1e-9);
	combine(COMBINE_MEDIAN, (const double[]){ 30, 30.5, NAN }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_GOOD);
	combine(COMBINE_MEDIAN, (const double[]){ 30, NAN, NAN }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_ESTIMATED);
	combine(COMBINE_MEDIAN, (const double[]){ NAN, NAN, NAN }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_STALE);
	assert_true(isnan(f.value));
}

static void a_sum_needs_all_of_its_parts(void **state)
{
	bool deviates[3] = { false };
	struct figure f;
	combine(COMBINE_SUM, (const double[]){ 10, 20, 300 }, deviates, &f);
	assert_float_equal(f.value, 330, 1e-9);
	combine(COMBINE_SUM, (const double[]){ 10, 20, NAN }, deviates, &f);
	assert_int_equal(f.quality, QUALITY_STALE);
	assert_true(isnan(f.value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(water_at_30_celsius),
		cmocka_unit_test(pg25_at_30_celsius),
		cmocka_unit_test(mixtures_of_melinder_at_0_30_60_80_celsius),
		cmocka_unit_test(water_at_80_celsius),
		cmocka_unit_test(only_pg25_has_a_source_that_ends_before),
		cmocka_unit_test(a_warm_loop_has_heat_up_to_80_celsius),
		cmocka_unit_test(melinder_and_the_ocp_agree_on_pg25),
		cmocka_unit_test(outside_their_range_properties_are_unknown),
		cmocka_unit_test(heat_by_the_quick_factors),
		cmocka_unit_test(heat_by_hand),
		cmocka_unit_test(density_is_that_at_the_flow_meter),
		cmocka_unit_test(pump_and_capture_by_hand),
		cmocka_unit_test(a_small_difference_is_estimated),
		cmocka_unit_test(negative_flow_and_bad_sensors_are_invalid),
		cmocka_unit_test(a_figure_is_as_bad_as_its_worst_input),
		cmocka_unit_test(dew_point),
		cmocka_unit_test(humidity_above_100_is_100_and_suspect),
		cmocka_unit_test(filter_resistance_against_its_clean_value),
		cmocka_unit_test(a_learned_filter_is_clean_then),
		cmocka_unit_test(pump_deviation_by_the_affinity_laws),
		cmocka_unit_test(pump_deviation_from_one_learned_point),
		cmocka_unit_test(approach_temperature_by_hand),
		cmocka_unit_test(reservoir_level_without_thermal_expansion),
		cmocka_unit_test(energy_balance_needs_a_delta_t),
		cmocka_unit_test(energy_balance_shows_what_cannot_be),
		cmocka_unit_test(the_one_that_differs_is_left_out),
		cmocka_unit_test(of_two_nobody_knows_which),
		cmocka_unit_test(a_sum_needs_all_of_its_parts),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
