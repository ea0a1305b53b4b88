/* loop_model: what a coolant loop is, beside its sensors (pure). SI units inside. */
#pragma once

#include "config/config.h"

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
