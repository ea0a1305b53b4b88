/* coolant: density, heat capacity and viscosity of what flows (pure).
 *
 * Water: IAPWS SR6-08(2011), the fits of IAPWS-95 for liquid water at 0.1 MPa. PG25: propylene glycol 25 % by
 * mass, the OCP reference coolant's fits. PG30, EG25, EG30: propylene and ethylene glycol, 30 and 25 % by
 * mass, from Melinder's tables (melinder.h). All for 0..80 Cel, as warm loops run; outside, every property is
 * NAN. The fits of PG25 are stated up to 60 Cel: above they are extrapolated (at 80 Cel within 0.5 % of
 * Melinder's density and 0.1 % of his heat capacity), and coolant_beyond_source says so.
 */
#pragma once

#include "config/config.h"

#define COOLANT_TEMPERATURE_MIN 0.0
#define COOLANT_TEMPERATURE_MAX 80.0

double coolant_density(enum coolant c, double celsius);	      /* kg/m3 */
double coolant_heat_capacity(enum coolant c, double celsius); /* J/(kg K) */
double coolant_viscosity(enum coolant c, double celsius);     /* mPa s */

/* Why a property at that temperature is an estimate: the source of it ends before. NULL when it does not. */
const char *coolant_beyond_source(enum coolant c, double celsius);
