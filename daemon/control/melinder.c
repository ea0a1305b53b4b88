#include "daemon/control/melinder.h"

#include <math.h>

/* Propylene glycol and water. */
const struct melinder melinder_propylene_glycol = {
	.percent = 30.7031, .celsius = 32.7083,
	.density = {
		{ 1018.0, -0.5406, -0.002666, 1.347e-05 },
		{ 0.7604, -0.00945, 5.541e-05, -1.343e-07 },
		{ -0.002498, 2.7e-05, -4.018e-07, 3.376e-09 },
		{ -0.000155, 2.829e-06, -7.175e-09 },
		{ -1.131e-06, -2.221e-08 },
		{ 2.342e-08 },
	},
	.heat_capacity = {
		{ 3882.0, 2.699, -0.001659, -1.032e-05 },
		{ -13.04, 0.0507, -4.752e-05, 1.522e-06 },
		{ -0.1598, 9.534e-05, 1.167e-05, -4.87e-08 },
		{ 0.0003539, 3.102e-05, -2.95e-07 },
		{ 5e-05, -7.135e-07 },
		{ -4.959e-07 },
	},
	.log_viscosity = {
		{ 0.6837, -0.03045, 0.0002525, -1.399e-06 },
		{ 0.03328, -0.0003984, 4.332e-06, -1.86e-08 },
		{ 5.453e-05, -8.6e-08, -1.593e-08, -4.465e-11 },
		{ -3.9e-06, 1.054e-07, -1.589e-09 },
		{ -1.587e-08, 4.475e-10 },
		{ 3.564e-09 },
	},
};

/* Ethylene glycol and water. */
const struct melinder melinder_ethylene_glycol = {
	.percent = 30.8462, .celsius = 31.728,
	.density = {
		{ 1034.0, -0.4781, -0.002692, 4.725e-06 },
		{ 1.311, -0.006876, 4.805e-05, 1.69e-08 },
		{ 7.49e-05, 7.855e-05, -3.995e-07, 4.982e-09 },
		{ -0.0001062, 1.229e-06, -1.153e-08 },
		{ -9.623e-07, -7.211e-08 },
		{ 4.891e-08 },
	},
	.heat_capacity = {
		{ 3737.0, 2.93, -0.004675, -1.389e-05 },
		{ -17.99, 0.1046, -0.0004147, 1.847e-07 },
		{ -0.09933, 0.0003516, 5.109e-06, -7.138e-08 },
		{ 0.00261, -1.189e-06, -1.643e-07 },
		{ 1.537e-05, -4.272e-07 },
		{ -1.618e-06 },
	},
	.log_viscosity = {
		{ 0.4705, -0.0255, 0.0001782, -7.669e-07 },
		{ 0.02471, -0.0001171, 1.052e-06, -1.634e-08 },
		{ 3.328e-06, 1.086e-06, 1.051e-08, -6.475e-10 },
		{ 1.659e-06, 3.157e-09, 4.063e-10 },
		{ 3.089e-08, 1.831e-10 },
		{ -1.865e-09 },
	},
};

static double polynomial(const struct melinder *m, const double c[6][4], double percent, double celsius)
{
	double x = percent - m->percent, y = celsius - m->celsius, sum = 0, power = 1;
	for (unsigned i = 0; i < 6; i++) {
		sum += power * (c[i][0] + y * (c[i][1] + y * (c[i][2] + y * c[i][3])));
		power *= x;
	}
	return sum;
}

double melinder_density(const struct melinder *m, double percent, double celsius)
{
	return polynomial(m, m->density, percent, celsius);
}

double melinder_heat_capacity(const struct melinder *m, double percent, double celsius)
{
	return polynomial(m, m->heat_capacity, percent, celsius);
}

double melinder_viscosity(const struct melinder *m, double percent, double celsius)
{
	return exp(polynomial(m, m->log_viscosity, percent, celsius));
}
