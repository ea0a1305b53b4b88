/* loop: the figures of a coolant loop from its sensors (pure). */
#pragma once

#include "config/config.h"
#include "daemon/control/figure.h"

/* Units of configuration and topics in one of SI: L/min in 1 m3/s, and Pa s2/m6 in 1 kPa.min2/L2. */
#define LOOP_LPM 60e3
#define LOOP_RESISTANCE (1e3 * LOOP_LPM * LOOP_LPM)

/* Resistances and the pump are judged above this share of the nominal flow. */
#define LOOP_MIN_FLOW_SHARE 0.3

/* What was measured when the loop was new or freshly serviced; NAN = not known. SI units. */
struct loop_reference {
	double flow;		  /* m3/s */
	double filter_resistance; /* Pa s2/m6 */
	double pressure;	  /* Pa, of the pump */
	double pump_speed;	  /* 1 */
};

/* What a loop is, beside its sensors. SI units; NAN = not known. */
struct loop_model {
	enum coolant coolant;
	enum loop_input flow_at;   /* LOOP_IN_SUPPLY or LOOP_IN_RETURN: the flow meter's temperature */
	double delta_t_resolution; /* K, of both sensors together: below it the heat is estimated */
	double nominal_flow;	   /* m3/s */
	double clean_resistance;   /* Pa s2/m6 */
	struct {
		double flow[CONFIG_CURVE_POINTS_MAX], pressure[CONFIG_CURVE_POINTS_MAX]; /* m3/s, Pa */
		size_t count;
		double speed; /* 1 */
	} curve;
	double liquid_share, balance_tolerance;
	double system_volume, reservoir_volume; /* m3 */
	double reservoir_temperature;		/* Cel */
	struct loop_reference learned;		/* stands in for what is not told */
};

struct loop_model loop_model_of(const struct loop_config *c);

/* Computes all figures of a loop from its inputs, which are in the SI units of quantity.h (temperatures in
 * Cel, relative humidity, level and speed 0..1); an input that is not configured has quality QUALITY_INVALID.
 * Results are in the units of loop_value_unit.
 *
 *   heat [W] = rho(T_flow_at) cp((T_supply + T_return) / 2) V (T_return - T_supply)
 *   hydraulic power [W] = dp V, efficiency = hydraulic / electrical power
 *   resistance = dp / V^2, constant for a clean filter in turbulent flow; its ratio to that of the clean one
 *   pump deviation = H / curve(V) - 1 with the affinity laws V' = V n0/n, H = dp (n0/n)^2; without a
 *     curve, one learned point and the parabola (4 - v^2) / 3 through it (then estimated)
 *   energy balance residual = heat / (share P_it + P_pump) - 1
 *   dew point [Cel] = 243.04 g / (17.625 - g), g = ln(RH) + 17.625 t / (243.04 + t)
 *     (Magnus form of Alduchov and Eskridge, J. Appl. Meteor. 35, 1996)
 *   compensated level = level - V_system / V_reservoir (rho(T_ref) / rho(T) - 1)
 *
 * A figure is as bad as its worst input; negative flow makes what depends on flow invalid. */
void loop_compute(const struct loop_model *m, const struct figure inputs[LOOP_IN_COUNT],
    struct figure out[LOOP_VALUE_COUNT]);

/* Takes the present state as that of the clean filter and the new pump. Returns NULL, or why it cannot; what
 * the loop has no sensors for stays NAN. */
const char *loop_learn(const struct figure inputs[LOOP_IN_COUNT], struct loop_reference *ret);

/* The dew point alone; NAN when RH is not in (0, 1] or the result not defined. */
double loop_dew_point(double celsius, double relative_humidity);
