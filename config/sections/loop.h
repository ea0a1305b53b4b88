/* loop: [loop:NAME], a coolant loop: its inputs, and the figures that these give (pure). */
#pragma once

#include "config/sections/reference.h"

#define CONFIG_LOOPS_MAX 5000
#define CONFIG_CURVE_POINTS_MAX 8

enum coolant { COOLANT_WATER, COOLANT_PG25, COOLANT_PG30, COOLANT_EG25, COOLANT_EG30 };

enum loop_input {
	LOOP_IN_FLOW,
	LOOP_IN_SUPPLY,
	LOOP_IN_RETURN,
	LOOP_IN_PRESSURE_DROP,
	LOOP_IN_FILTER_PRESSURE_DROP, /* that of the whole loop when the filter has no sensor */
	LOOP_IN_PUMP_POWER,
	LOOP_IN_PUMP_SPEED,
	LOOP_IN_IT_POWER,
	LOOP_IN_AIR_TEMPERATURE,
	LOOP_IN_AIR_HUMIDITY,
	LOOP_IN_PRIMARY_SUPPLY,
	LOOP_IN_RESERVOIR_LEVEL,
	LOOP_IN_CONDUCTIVITY,
	LOOP_IN_PH,
	LOOP_IN_TURBIDITY,
	LOOP_IN_FILTER_HOURS,
	LOOP_IN_MAKEUP_FLOW, /* one of the two: what is topped up */
	LOOP_IN_MAKEUP_VOLUME,
	LOOP_IN_COUNT,
};

/* Of less IT power there is no load: a meter seldom shows 0. */
#define LOOP_IDLE_WATTS 100.0

/* Units of configuration and topics in one of SI: L/min in 1 m3/s, and Pa s2/m6 in 1 kPa.min2/L2. */
#define LOOP_LPM 60e3
#define LOOP_RESISTANCE (1e3 * LOOP_LPM * LOOP_LPM)

/* What a pump gives at its nominal speed: flows in rising order and their differential pressures. */
struct pump_curve {
	double flow[CONFIG_CURVE_POINTS_MAX], pressure[CONFIG_CURVE_POINTS_MAX]; /* m3/s, Pa */
	size_t count;
	double speed; /* 1 */
};

/* What was measured when the loop was new or freshly serviced; NAN = not known. SI units. */
struct loop_reference {
	double flow;		  /* m3/s */
	double filter_resistance; /* Pa s2/m6 */
	double pressure;	  /* Pa, of the pump */
	double pump_speed;	  /* 1 */
};

/* What a loop is, beside its sensors. SI units; NAN = not told. */
struct loop_model {
	enum coolant coolant;
	enum loop_input flow_at;   /* LOOP_IN_SUPPLY or LOOP_IN_RETURN: where the flow meter sits */
	double delta_t_resolution; /* K, of both sensors together: below it the heat is estimated */
	double nominal_flow;	   /* m3/s */
	double nominal_speed;	   /* of the pump, 1/min; 1 when pump_speed is a share of it already */
	double clean_resistance;   /* Pa s2/m6 */
	struct pump_curve curve;
	double liquid_share;			/* of the IT power that the coolant is to carry */
	double balance_tolerance;		/* of the electrical power */
	double system_volume, reservoir_volume; /* L; only their ratio counts */
	double reservoir_temperature;		/* Cel */
	struct loop_reference learned; /* stands in for what is not told; nothing in a configuration */
};

struct loop_config {
	const char *name;
	struct loop_model model;
	const char *input_names[LOOP_IN_COUNT]; /* as written */
	struct point_source inputs[LOOP_IN_COUNT];
	bool alarms;				    /* the default ones; their limits: NAN = none */
	double flow_low, pressure_high;		    /* L/min, kPa */
	double supply_high, return_high;	    /* Cel */
	double reservoir_low;			    /* % */
	double conductivity_low, conductivity_high; /* uS/cm */
	double ph_low, ph_high;
	double turbidity_high;	       /* NTU */
	double filter_hours_high;      /* h */
	double makeup_high;	       /* L/d */
	uint64_t makeup_fingerprint;   /* of the point that makeup is measured at */
	uint64_t learning_fingerprint; /* of the points that a learned reference was measured at */
};

/* The figures of a loop; their words are the names in topics and in alarms (loop.NAME.heat). */
enum loop_value {
	LOOP_HEAT,
	LOOP_DELTA_T,
	LOOP_FLOW,
	LOOP_SUPPLY_TEMPERATURE,
	LOOP_RETURN_TEMPERATURE,
	LOOP_PRESSURE_DROP,
	LOOP_HYDRAULIC_POWER,
	LOOP_HYDRAULIC_RESISTANCE,
	LOOP_FILTER_RESISTANCE,
	LOOP_FILTER_RESISTANCE_RATIO,
	LOOP_PUMP_EFFICIENCY,
	LOOP_PUMP_SPEED,
	LOOP_PUMP_DEVIATION,
	LOOP_HEAT_CAPTURE_RATIO,
	LOOP_ENERGY_BALANCE_RESIDUAL,
	LOOP_DEW_POINT,
	LOOP_DEW_POINT_MARGIN,
	LOOP_APPROACH_TEMPERATURE,
	LOOP_COMPENSATED_RESERVOIR_LEVEL,
	LOOP_CONDUCTIVITY,
	LOOP_PH,
	LOOP_TURBIDITY,
	LOOP_FILTER_HOURS,
	LOOP_MAKEUP_RATE,
	LOOP_VALUE_COUNT,
};

struct loop_value_row {
	const char *word, *unit;
	unsigned inputs; /* that it needs: bit 1 << enum loop_input of each */
	const char *help;
	unsigned either; /* and of these one; 0 = none */
};

extern const struct loop_value_row loop_values[LOOP_VALUE_COUNT];

const char *loop_value_word(enum loop_value v);
const char *loop_input_word(enum loop_input i); /* its key */
/* Whether the loop has the inputs that the figure needs. */
bool loop_has_value(const struct loop_config *l, enum loop_value v);

/* Between two readings of all that the figure is made of, ns; no less than between two computations. */
int64_t loop_interval(const struct config *c, const struct loop_config *l, enum loop_value v);

extern const struct config_section loop_section;
