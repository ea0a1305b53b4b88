/* melinder: properties of glycol and water by mass fraction and temperature (pure).
 *
 * Melinder, Properties of Secondary Working Fluids for Indirect Systems, International Institute of
 * Refrigeration, 2010: f = sum over i, j of c[i][j] (x - xm)^i (t - tm)^j, with x the percentage by mass and
 * t in Cel; 18 coefficients to a property, those with i + j > 5 or j > 3 are 0. For up to 100 Cel and 60 %.
 */
#pragma once

struct melinder {
	double percent, celsius;    /* xm, tm */
	double density[6][4];	    /* c[i][j] for kg/m3 */
	double heat_capacity[6][4]; /* J/(kg K) */
	double log_viscosity[6][4]; /* logarithm of mPa s */
};

extern const struct melinder melinder_propylene_glycol, melinder_ethylene_glycol;

double melinder_density(const struct melinder *m, double percent, double celsius);	 /* kg/m3 */
double melinder_heat_capacity(const struct melinder *m, double percent, double celsius); /* J/(kg K) */
double melinder_viscosity(const struct melinder *m, double percent, double celsius);	 /* mPa s */
