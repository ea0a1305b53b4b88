#include "daemon/control/hydraulics.h"

#include <math.h>

/* Resistances and the pump are judged above this share of the nominal flow. */
#define LOOP_MIN_FLOW_SHARE 0.3

/* The flow from which resistances and the pump can be judged; NAN when that is not known. */
static double least_flow(const struct loop_model *m)
{
	double nominal = isnan(m->nominal_flow) ? m->learned.flow : m->nominal_flow;
	return LOOP_MIN_FLOW_SHARE * nominal;
}

/* dp / V^2 in SI units, from the flow on from which it is more than noise. */
static struct figure resistance(
    const struct loop_model *m, const struct figure *flow, const struct figure *pressure)
{
	struct figure f = FIGURE_OF(flow, pressure);
	double least = least_flow(m);
	if (quality_has_value(f.quality) && flow->value <= 0)
		return figure_invalid(flow->value < 0 ? "negative flow" : "no flow");
	if (quality_has_value(f.quality) && flow->value < least)
		return figure_invalid("flow is below 30 % of the nominal flow");
	f = figure_set(f, pressure->value / (flow->value * flow->value), "pressure is not a number");
	if (isnan(least))
		figure_worsen(
		    &f, QUALITY_ESTIMATED, "the nominal flow is not known (nominal_flow, or learn it)");
	return f;
}

static struct figure resistance_ratio(const struct loop_model *m, const struct figure *resistance)
{
	double clean = isnan(m->clean_resistance) ? m->learned.filter_resistance : m->clean_resistance;
	struct figure f = FIGURE_OF(resistance);
	if (quality_has_value(f.quality) && isnan(clean))
		return figure_invalid("the clean resistance is not known (clean_resistance, or learn it)");
	return figure_set(f, resistance->value / clean, "the clean resistance is 0");
}

/* The pressure of the curve at a flow; NAN outside of it. */
static double pressure_at(const struct loop_model *m, double flow)
{
	for (size_t i = 1; i < m->curve.count; i++) {
		double from = m->curve.flow[i - 1], to = m->curve.flow[i];
		if (flow < from || flow > to)
			continue;
		double share = (flow - from) / (to - from);
		return m->curve.pressure[i - 1] + share * (m->curve.pressure[i] - m->curve.pressure[i - 1]);
	}
	return NAN;
}

/* A curve through the one point that was learned, as EPANET assumes one (EPANET 2 Users Manual,
 * single-point curve): 4/3 of its pressure without flow, no pressure at twice its flow, a parabola between.
 */
static double pressure_by_shape(const struct loop_reference *r, double flow)
{
	double v = flow / r->flow;
	return r->pressure * (4 - v * v) / 3;
}

static struct figure pump_deviation(const struct loop_model *m, const struct figure *in)
{
	const struct figure *flow = &in[LOOP_IN_FLOW], *pressure = &in[LOOP_IN_PRESSURE_DROP],
			    *speed = &in[LOOP_IN_PUMP_SPEED];
	bool told = m->curve.count > 0;
	double nominal_speed = told ? m->curve.speed : m->learned.pump_speed;
	struct figure f = FIGURE_OF(flow, pressure, speed);
	if (!quality_has_value(f.quality))
		return f;
	if (!told && (isnan(m->learned.pressure) || isnan(nominal_speed)))
		return figure_invalid("the pump's curve is not known (pump_curve, or learn a point of it)");
	if (speed->value < LOOP_MIN_FLOW_SHARE * nominal_speed)
		return figure_invalid("the pump turns below 30 % of its nominal speed");
	if (flow->value < 0)
		return figure_invalid("negative flow");

	double ratio = nominal_speed / speed->value, scaled = flow->value * ratio;
	double expected = told ? pressure_at(m, scaled) : pressure_by_shape(&m->learned, scaled);
	f = figure_set(f, expected > 0 ? pressure->value * ratio * ratio / expected - 1 : NAN,
	    "flow is outside of the pump's curve");
	if (!told)
		figure_worsen(&f, QUALITY_ESTIMATED,
		    "only one point of the pump's curve is known, its shape is assumed");
	return f;
}

void hydraulics_compute(
    const struct loop_model *m, const struct figure in[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT])
{
	const struct figure *flow = &in[LOOP_IN_FLOW], *pressure = &in[LOOP_IN_PRESSURE_DROP],
			    *electrical = &in[LOOP_IN_PUMP_POWER];
	struct figure power = figure_set(FIGURE_OF(flow, pressure),
	    flow->value < 0 ? NAN : pressure->value * flow->value, "negative flow");
	out[LOOP_HYDRAULIC_POWER] = power;
	out[LOOP_PUMP_EFFICIENCY] = figure_set(FIGURE_OF(&power, electrical),
	    electrical->value > 0 ? power.value / electrical->value : NAN, "no pump power");
	struct figure filter = resistance(m, flow, &in[LOOP_IN_FILTER_PRESSURE_DROP]);
	struct figure whole = resistance(m, flow, pressure);
	out[LOOP_FILTER_RESISTANCE_RATIO] = resistance_ratio(m, &filter);
	out[LOOP_FILTER_RESISTANCE] = figure_copy(&filter, 1 / LOOP_RESISTANCE);
	out[LOOP_HYDRAULIC_RESISTANCE] = figure_copy(&whole, 1 / LOOP_RESISTANCE);
	out[LOOP_PUMP_DEVIATION] = pump_deviation(m, in);
}

const char *hydraulics_learn(const struct figure in[LOOP_IN_COUNT], struct loop_reference *ret)
{
	const struct figure *flow = &in[LOOP_IN_FLOW], *filter = &in[LOOP_IN_FILTER_PRESSURE_DROP],
			    *pressure = &in[LOOP_IN_PRESSURE_DROP], *speed = &in[LOOP_IN_PUMP_SPEED];
	if (flow->quality != QUALITY_GOOD || !(flow->value > 0))
		return "there is no good reading of a flow above 0";
	if (filter->quality != QUALITY_GOOD || !(filter->value > 0))
		return "there is no good reading of a pressure drop above 0";
	*ret = (struct loop_reference){ flow->value, filter->value / (flow->value * flow->value), NAN, NAN };
	if (pressure->quality == QUALITY_GOOD && pressure->value > 0 && speed->quality == QUALITY_GOOD &&
	    speed->value > 0) {
		ret->pressure = pressure->value;
		ret->pump_speed = speed->value;
	}
	return NULL;
}
