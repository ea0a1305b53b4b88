#include "loop.h"

#include "coolant.h"

#include <math.h>

/* A figure of one or more inputs: the worst quality, and no value unless all have one. */
static struct figure combine(const struct figure *const *inputs, size_t n)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	for (size_t i = 0; i < n; i++) {
		if (inputs[i]->quality > f.quality) {
			f.quality = inputs[i]->quality;
			f.reason = inputs[i]->reason;
		}
	}
	if (!quality_has_value(f.quality))
		f.quality = QUALITY_INVALID;
	return f;
}

#define COMBINE(...)                                                                                         \
	combine((const struct figure *const[]){ __VA_ARGS__ },                                               \
	    sizeof((const struct figure *const[]){ __VA_ARGS__ }) / sizeof(const struct figure *))

static void set(struct figure *f, double value, const char *reason_if_undefined)
{
	if (!quality_has_value(f->quality))
		return;
	if (isfinite(value)) {
		f->value = value;
		return;
	}
	*f = (struct figure){ NAN, QUALITY_INVALID, reason_if_undefined };
}

static struct figure copy(const struct figure *in, double factor)
{
	struct figure f = *in;
	f.value = quality_has_value(f.quality) ? in->value * factor : NAN;
	return f;
}

double loop_dew_point(double celsius, double relative_humidity)
{
	if (!(relative_humidity > 0 && relative_humidity <= 1))
		return NAN;
	double g = log(relative_humidity) + 17.625 * celsius / (243.04 + celsius);
	return 243.04 * g / (17.625 - g);
}

static void compute_heat(enum coolant coolant, const struct figure *in, struct figure *out)
{
	double supply = in[LOOP_IN_SUPPLY].value, ret = in[LOOP_IN_RETURN].value,
	       flow = in[LOOP_IN_FLOW].value;
	struct figure *delta = &out[LOOP_DELTA_T], *heat = &out[LOOP_HEAT];

	*delta = COMBINE(&in[LOOP_IN_SUPPLY], &in[LOOP_IN_RETURN]);
	set(delta, ret - supply, "temperature is not a number");

	*heat = COMBINE(&in[LOOP_IN_FLOW], &in[LOOP_IN_SUPPLY], &in[LOOP_IN_RETURN]);
	if (quality_has_value(heat->quality) && flow < 0) {
		*heat = (struct figure){ NAN, QUALITY_INVALID, "negative flow" };
		return;
	}
	double watts = coolant_density(coolant, supply) * coolant_heat_capacity(coolant, (supply + ret) / 2) *
		       flow * (ret - supply);
	set(heat, watts / 1000, "temperature outside 0..60 Cel, where the coolant's properties are known");
	if (quality_has_value(heat->quality) && fabs(ret - supply) < LOOP_DELTA_T_RESOLUTION) {
		heat->quality = quality_worst(heat->quality, QUALITY_ESTIMATED);
		heat->reason = "delta_t is below the resolution of the sensors";
	}
}

static void compute_pump(const struct figure *in, struct figure *out)
{
	double flow = in[LOOP_IN_FLOW].value;
	struct figure *hydraulic = &out[LOOP_HYDRAULIC_POWER], *efficiency = &out[LOOP_PUMP_EFFICIENCY];

	*hydraulic = COMBINE(&in[LOOP_IN_FLOW], &in[LOOP_IN_PRESSURE_DROP]);
	set(hydraulic, flow < 0 ? NAN : in[LOOP_IN_PRESSURE_DROP].value * flow, "negative flow");
	*efficiency = COMBINE(hydraulic, &in[LOOP_IN_PUMP_POWER]);
	set(efficiency,
	    in[LOOP_IN_PUMP_POWER].value > 0 ? hydraulic->value / in[LOOP_IN_PUMP_POWER].value : NAN,
	    "no pump power");
}

void loop_compute(
    enum coolant coolant, const struct figure in[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT])
{
	compute_heat(coolant, in, out);
	compute_pump(in, out);
	out[LOOP_FLOW] = copy(&in[LOOP_IN_FLOW], 60e3);
	out[LOOP_SUPPLY_TEMPERATURE] = copy(&in[LOOP_IN_SUPPLY], 1);
	out[LOOP_RETURN_TEMPERATURE] = copy(&in[LOOP_IN_RETURN], 1);
	out[LOOP_PRESSURE_DROP] = copy(&in[LOOP_IN_PRESSURE_DROP], 1e-3);

	struct figure *capture = &out[LOOP_HEAT_CAPTURE_RATIO];
	*capture = COMBINE(&out[LOOP_HEAT], &in[LOOP_IN_IT_POWER]);
	set(capture,
	    in[LOOP_IN_IT_POWER].value > 0 ? out[LOOP_HEAT].value * 1000 / in[LOOP_IN_IT_POWER].value : NAN,
	    "no IT power");

	struct figure *dew = &out[LOOP_DEW_POINT], *margin = &out[LOOP_DEW_POINT_MARGIN];
	*dew = COMBINE(&in[LOOP_IN_AIR_TEMPERATURE], &in[LOOP_IN_AIR_HUMIDITY]);
	set(dew, loop_dew_point(in[LOOP_IN_AIR_TEMPERATURE].value, in[LOOP_IN_AIR_HUMIDITY].value),
	    "humidity is not within 0..100 %");
	*margin = COMBINE(dew, &in[LOOP_IN_SUPPLY]);
	set(margin, in[LOOP_IN_SUPPLY].value - dew->value, "temperature is not a number");
}
