#include "daemon/control/coolant.h"

#include "daemon/control/melinder.h"

#include <math.h>
#include <stddef.h>

struct term {
	double factor;
	int power;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* SR6-08, equations 2 (volume) and 3 (heat capacity): sums over powers of alpha = 10/(593-T) and beta =
 * 10/(T-232), T in kelvin; coefficients and powers of its table 1. */
static const struct term volume_alpha[] = { { 6.74458446e3, 4 }, { -2.22521604e5, 5 }, { 1.00231247e8, 7 },
	{ -1.63552118e9, 8 }, { 8.32299658e9, 9 } };
static const struct term volume_beta[] = { { 5.78545292e-3, 1 }, { -1.53195665e-2, 2 }, { 3.11337859e-2, 3 },
	{ -4.23546241e-2, 4 }, { 3.38713507e-2, 5 }, { -1.19946761e-2, 6 } };
static const struct term gibbs_alpha[] = { { -1.661470539e5, 4 }, { 2.708781640e6, 5 },
	{ -1.557191544e8, 7 } };
static const struct term gibbs_beta[] = { { -8.237426256e-1, 2 }, { 1.908956353, 3 }, { -2.017597384, 4 },
	{ 8.546361348e-1, 5 } };
static const double volume_constant = 1.93763157e-2, gibbs_log = -8.983025854;
static const double gas_constant = 461.51805; /* J/(kg K) */

static double sum(const struct term *terms, size_t n, double x)
{
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += terms[i].factor * pow(x, terms[i].power);
	return s;
}

/* The second derivative's sum: n(n+1) a x^(n+2). */
static double curvature(const struct term *terms, size_t n, double x)
{
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += terms[i].power * (terms[i].power + 1) * terms[i].factor * pow(x, terms[i].power + 2);
	return s;
}

static double water_density(double celsius)
{
	const double pressure = 1e5; /* Pa */
	double t = celsius + 273.15, alpha = 10 / (593 - t), beta = 10 / (t - 232);
	double volume = gas_constant * 10 / pressure *
			(volume_constant + sum(volume_alpha, COUNT(volume_alpha), alpha) +
			    sum(volume_beta, COUNT(volume_beta), beta));
	return 1 / volume;
}

static double water_heat_capacity(double celsius)
{
	double t = celsius + 273.15, tau = t / 10, alpha = 10 / (593 - t), beta = 10 / (t - 232);
	return -gas_constant * (gibbs_log + tau * curvature(gibbs_alpha, COUNT(gibbs_alpha), alpha) +
				   tau * curvature(gibbs_beta, COUNT(gibbs_beta), beta));
}

static double water_viscosity(double celsius)
{
	/* SR6-08, equation 7 */
	double t = (celsius + 273.15) / 300;
	return (280.68 * pow(t, -1.9) + 511.45 * pow(t, -7.7) + 61.131 * pow(t, -19.6) +
		   0.45903 * pow(t, -40)) /
	       1000;
}

static double pg25_density(double t)
{
	return 1031.24 - 0.317672 * t - 2.53732e-3 * t * t;
}

static double pg25_heat_capacity(double t)
{
	return 3863.51 + 2.46761 * t + 7.239e-6 * t * t;
}

static double pg25_viscosity(double t)
{
	return exp(1.68982 - 0.045099 * t + 3.07117e-4 * t * t - 1.00182e-6 * t * t * t);
}

enum property { DENSITY, HEAT_CAPACITY, VISCOSITY, PROPERTY_COUNT };

/* By fits of its own, or a mixture of Melinder's. */
static const struct {
	double (*fits[PROPERTY_COUNT])(double celsius);
	const struct melinder *mixture;
	double percent;	    /* of the glycol, by mass */
	double source_end;  /* Cel, where that is below the range of all; 0 = it is not */
	const char *beyond; /* what is said above it */
} coolants[] = {
	[COOLANT_WATER] = { .fits = { water_density, water_heat_capacity, water_viscosity } },
	[COOLANT_PG25] = { .fits = { pg25_density, pg25_heat_capacity, pg25_viscosity },
	    .source_end = 60,
	    .beyond = "above 60 Cel the properties of pg25 are extrapolated" },
	[COOLANT_PG30] = { .mixture = &melinder_propylene_glycol, .percent = 30 },
	[COOLANT_EG25] = { .mixture = &melinder_ethylene_glycol, .percent = 25 },
	[COOLANT_EG30] = { .mixture = &melinder_ethylene_glycol, .percent = 30 },
};

static double (*const of_mixture[])(const struct melinder *m, double percent,
    double celsius) = { melinder_density, melinder_heat_capacity, melinder_viscosity };

static double property(enum coolant c, enum property p, double celsius)
{
	/* NAN is not within either */
	if (!(celsius >= COOLANT_TEMPERATURE_MIN && celsius <= COOLANT_TEMPERATURE_MAX))
		return NAN;
	if (coolants[c].mixture)
		return of_mixture[p](coolants[c].mixture, coolants[c].percent, celsius);
	return coolants[c].fits[p](celsius);
}

const char *coolant_beyond_source(enum coolant c, double celsius)
{
	return coolants[c].beyond && celsius > coolants[c].source_end ? coolants[c].beyond : NULL;
}

double coolant_density(enum coolant c, double celsius)
{
	return property(c, DENSITY, celsius);
}

double coolant_heat_capacity(enum coolant c, double celsius)
{
	return property(c, HEAT_CAPACITY, celsius);
}

double coolant_viscosity(enum coolant c, double celsius)
{
	return property(c, VISCOSITY, celsius);
}
