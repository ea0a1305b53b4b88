#include "daemon/control/loop.h"

#include "daemon/control/coolant.h"
#include "daemon/control/hydraulics.h"

#include <math.h>

double loop_dew_point(double celsius, double relative_humidity)
{
	if (!(relative_humidity > 0 && relative_humidity <= 1))
		return NAN;
	double g = log(relative_humidity) + 17.625 * celsius / (243.04 + celsius);
	return 243.04 * g / (17.625 - g);
}

static const char *const out_of_range =
    "temperature outside 0..80 Cel, where the coolant's properties are known";

/* Properties of the coolant at that temperature went into the figure. */
static void worsen_beyond_source(struct figure *f, enum coolant c, double celsius)
{
	const char *beyond = coolant_beyond_source(c, celsius);
	if (beyond && quality_has_value(f->quality))
		figure_worsen(f, QUALITY_ESTIMATED, beyond);
}

static const char *const below_resolution = "delta_t is below the resolution of the sensors";

static bool is_below_resolution(const struct loop_model *m, const struct figure *out)
{
	return fabs(out[LOOP_DELTA_T].value) < m->delta_t_resolution;
}

static void compute_heat(const struct loop_model *m, const struct figure *in, struct figure *out)
{
	double supply = in[LOOP_IN_SUPPLY].value, ret = in[LOOP_IN_RETURN].value,
	       flow = in[LOOP_IN_FLOW].value;
	struct figure *delta = &out[LOOP_DELTA_T], *heat = &out[LOOP_HEAT];

	*delta = figure_set(
	    FIGURE_OF(&in[LOOP_IN_SUPPLY], &in[LOOP_IN_RETURN]), ret - supply, "temperature is not a number");
	*heat = FIGURE_OF(&in[LOOP_IN_FLOW], &in[LOOP_IN_SUPPLY], &in[LOOP_IN_RETURN]);
	if (quality_has_value(heat->quality) && flow < 0) {
		*heat = figure_invalid("negative flow");
		return;
	}
	double watts = coolant_density(m->coolant, in[m->flow_at].value) *
		       coolant_heat_capacity(m->coolant, (supply + ret) / 2) * flow * (ret - supply);
	*heat = figure_set(*heat, watts / 1000, out_of_range);
	worsen_beyond_source(heat, m->coolant, fmax(in[m->flow_at].value, (supply + ret) / 2));
	if (quality_has_value(heat->quality) && is_below_resolution(m, out)) {
		heat->quality = quality_worst(heat->quality, QUALITY_ESTIMATED);
		heat->reason = below_resolution;
	}
}

static void compute_balance(const struct loop_model *m, const struct figure *in, struct figure *out)
{
	const struct figure *heat = &out[LOOP_HEAT], *it = &in[LOOP_IN_IT_POWER],
			    *pump = &in[LOOP_IN_PUMP_POWER];
	struct figure *capture = &out[LOOP_HEAT_CAPTURE_RATIO],
		      *residual = &out[LOOP_ENERGY_BALANCE_RESIDUAL];
	double watts = heat->value * 1000, share = isnan(m->liquid_share) ? 1 : m->liquid_share;
	/* a pump without a meter of its own is small beside the IT */
	double electrical = share * it->value + (quality_has_value(pump->quality) ? pump->value : 0);

	*capture = figure_set(FIGURE_OF(heat, it), it->value > 0 ? watts / it->value : NAN, "no IT power");
	*residual = figure_set(
	    FIGURE_OF(heat, it), electrical > 0 ? watts / electrical - 1 : NAN, "no electrical power");
	if (quality_has_value(residual->quality) && is_below_resolution(m, out)) {
		*residual = figure_invalid(below_resolution);
		return;
	}
	/* heat that no electricity explains is always wrong; heat that is missing, when the share is known */
	if (residual->value > m->balance_tolerance)
		figure_worsen(residual, QUALITY_SUSPECT,
		    "more heat than electrical power: flow, a temperature or it_power is wrong");
	if (!isnan(m->liquid_share) && residual->value < -m->balance_tolerance)
		figure_worsen(residual, QUALITY_SUSPECT,
		    "less heat than electrical power: flow, a temperature or it_power is wrong");
}

static void compute_reservoir(const struct loop_model *m, const struct figure *in, struct figure *out)
{
	double mean = (in[LOOP_IN_SUPPLY].value + in[LOOP_IN_RETURN].value) / 2;
	double expansion =
	    coolant_density(m->coolant, m->reservoir_temperature) / coolant_density(m->coolant, mean) - 1;
	struct figure *level = &out[LOOP_COMPENSATED_RESERVOIR_LEVEL];
	*level = figure_set(FIGURE_OF(&in[LOOP_IN_RESERVOIR_LEVEL], &in[LOOP_IN_SUPPLY], &in[LOOP_IN_RETURN]),
	    100 * (in[LOOP_IN_RESERVOIR_LEVEL].value - m->system_volume / m->reservoir_volume * expansion),
	    out_of_range);
	worsen_beyond_source(level, m->coolant, fmax(mean, m->reservoir_temperature));
}

static void compute_air(const struct figure *in, struct figure *out)
{
	const struct figure *air = &in[LOOP_IN_AIR_TEMPERATURE], *humidity = &in[LOOP_IN_AIR_HUMIDITY],
			    *supply = &in[LOOP_IN_SUPPLY], *dew = &out[LOOP_DEW_POINT];
	out[LOOP_DEW_POINT] = figure_set(FIGURE_OF(air, humidity),
	    loop_dew_point(air->value, fmin(humidity->value, 1)), "humidity is not within 0..100 %");
	/* what wet air does to the sensors: condensation is judged exactly then */
	if (humidity->value > 1)
		figure_worsen(
		    &out[LOOP_DEW_POINT], QUALITY_SUSPECT, "humidity above 100 % is taken for 100 %");
	out[LOOP_DEW_POINT_MARGIN] =
	    figure_set(FIGURE_OF(dew, supply), supply->value - dew->value, "temperature is not a number");
}

void loop_compute(
    const struct loop_model *m, const struct figure in[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT])
{
	compute_heat(m, in, out);
	hydraulics_compute(m, in, out);
	compute_balance(m, in, out);
	compute_reservoir(m, in, out);
	compute_air(in, out);
	out[LOOP_FLOW] = figure_copy(&in[LOOP_IN_FLOW], LOOP_LPM);
	out[LOOP_SUPPLY_TEMPERATURE] = figure_copy(&in[LOOP_IN_SUPPLY], 1);
	out[LOOP_RETURN_TEMPERATURE] = figure_copy(&in[LOOP_IN_RETURN], 1);
	out[LOOP_PRESSURE_DROP] = figure_copy(&in[LOOP_IN_PRESSURE_DROP], 1e-3);
	out[LOOP_PUMP_SPEED] = figure_copy(&in[LOOP_IN_PUMP_SPEED], 100);
	out[LOOP_CONDUCTIVITY] = figure_copy(&in[LOOP_IN_CONDUCTIVITY], 1);
	out[LOOP_PH] = figure_copy(&in[LOOP_IN_PH], 1);
	out[LOOP_TURBIDITY] = figure_copy(&in[LOOP_IN_TURBIDITY], 1);
	out[LOOP_FILTER_HOURS] = figure_copy(&in[LOOP_IN_FILTER_HOURS], 1.0 / 3600);
	out[LOOP_APPROACH_TEMPERATURE] =
	    figure_set(FIGURE_OF(&in[LOOP_IN_SUPPLY], &in[LOOP_IN_PRIMARY_SUPPLY]),
		in[LOOP_IN_SUPPLY].value - in[LOOP_IN_PRIMARY_SUPPLY].value, "temperature is not a number");
}
