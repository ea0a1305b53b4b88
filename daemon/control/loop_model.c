#include "daemon/control/loop_model.h"

#include <math.h>

struct loop_model loop_model_of(const struct loop_config *c)
{
	struct loop_model m = {
		.coolant = c->coolant,
		.flow_at = c->flow_at,
		.delta_t_resolution = c->delta_t_resolution,
		.nominal_flow = c->nominal_flow / LOOP_LPM,
		.clean_resistance = c->clean_resistance * LOOP_RESISTANCE,
		.curve = { .count = c->pump_curve.count, .speed = c->pump_curve_speed / 100 },
		.liquid_share = c->liquid_share,
		.balance_tolerance = c->balance_tolerance,
		.system_volume = c->system_volume / 1e3,
		.reservoir_volume = c->reservoir_volume / 1e3,
		.reservoir_temperature = c->reservoir_temperature,
		.learned = { NAN, NAN, NAN, NAN },
	};
	for (size_t i = 0; i < c->pump_curve.count; i++) {
		m.curve.flow[i] = c->pump_curve.flow[i] / LOOP_LPM;
		m.curve.pressure[i] = c->pump_curve.pressure[i] * 1e3;
	}
	return m;
}
