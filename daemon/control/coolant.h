/* coolant: density, heat capacity and viscosity of what flows (pure).
 *
 * Water: IAPWS SR6-08(2011), the fits of IAPWS-95 for liquid water at 0.1 MPa. PG25: propylene glycol 25 % by
 * mass, the OCP reference coolant's fits. PG30, EG25, EG30: propylene and ethylene glycol, 30 and 25 % by
 * mass, from Melinder's tables (melinder.h). All for 0..60 Cel; outside, every property is NAN.
 */
#pragma once

#include "config/config.h"

#define COOLANT_TEMPERATURE_MIN 0.0
#define COOLANT_TEMPERATURE_MAX 60.0

double coolant_density(enum coolant c, double celsius);	      /* kg/m3 */
double coolant_heat_capacity(enum coolant c, double celsius); /* J/(kg K) */
double coolant_viscosity(enum coolant c, double celsius);     /* mPa s */
