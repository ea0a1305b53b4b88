/* loop: the figures of a coolant loop from its sensors (pure). */
#pragma once

#include "config.h"
#include "sample.h"

/* A number with its quality; NAN when the quality has no value. */
struct figure {
	double value;
	enum quality quality;
	const char *reason; /* why there is no value, or why it is not good; NULL when good */
};

/* Below this difference of temperatures (K) the sensors' own resolution decides: the heat is estimated. */
#define LOOP_DELTA_T_RESOLUTION 0.2

/* Computes all figures of a loop from its inputs, which are in the SI units of quantity.h (temperatures in
 * Cel, relative humidity 0..1); an input that is not configured has quality QUALITY_INVALID. Results are in
 * the units of loop_value_unit.
 *
 *   heat [W] = rho(T_supply) cp((T_supply + T_return) / 2) V (T_return - T_supply)
 *   hydraulic power [W] = dp V, efficiency = hydraulic / electrical power
 *   dew point [Cel] = 243.04 g / (17.625 - g), g = ln(RH) + 17.625 t / (243.04 + t)
 *     (Magnus form of Alduchov and Eskridge, J. Appl. Meteor. 35, 1996)
 *
 * A figure is as bad as its worst input; negative flow makes what depends on flow invalid. */
void loop_compute(
    enum coolant coolant, const struct figure inputs[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT]);

/* The dew point alone; NAN when RH is not in (0, 1] or the result not defined. */
double loop_dew_point(double celsius, double relative_humidity);
