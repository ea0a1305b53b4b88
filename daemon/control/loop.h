/* loop: the figures of a coolant loop from its sensors (pure). */
#pragma once

#include "daemon/control/figure.h"

/* Computes all figures of a loop but makeup_rate (makeup.h) from its inputs, which are in the SI units of
 * unit.h (temperatures in Cel, relative humidity, level and speed 0..1); an input that is not configured has
 * quality QUALITY_INVALID. Results are in the units of loop_values.
 *
 *   heat [W] = rho(T_flow_at) cp((T_supply + T_return) / 2) V (T_return - T_supply)
 *   hydraulic power [W] = dp V, efficiency = hydraulic / electrical power
 *   resistance = dp / V^2, constant for a clean filter in turbulent flow; its ratio to that of the clean one
 *   pump deviation = H / curve(V) - 1 with the affinity laws V' = V n0/n, H = dp (n0/n)^2; without a
 *     curve, one learned point and the parabola (4 - v^2) / 3 through it (then estimated)
 *   energy balance residual = heat / (share P_it + P_pump) - 1, where delta_t is above the sensors'
 * resolution dew point [Cel] = 243.04 g / (17.625 - g), g = ln(RH) + 17.625 t / (243.04 + t) (Magnus form of
 * Alduchov and Eskridge, J. Appl. Meteor. 35, 1996); an RH above 1 is 1, and suspect compensated level =
 * level - V_system / V_reservoir (rho(T_ref) / rho(T) - 1)
 *
 * A figure is as bad as its worst input; negative flow makes what depends on flow invalid. */
void loop_compute(const struct loop_model *m, const struct figure inputs[LOOP_IN_COUNT],
    struct figure out[LOOP_VALUE_COUNT]);

/* The dew point alone; NAN when RH is not in (0, 1] or the result not defined. */
double loop_dew_point(double celsius, double relative_humidity);
