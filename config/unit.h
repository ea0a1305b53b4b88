/* unit: what a unit of the configuration measures, and its factor to SI (pure). */
#pragma once

enum quantity {
	QUANTITY_NONE, /* no unit, or one that coolantd does not calculate with */
	QUANTITY_POWER,
	QUANTITY_ENERGY,
	QUANTITY_TEMPERATURE, /* Celsius stays Celsius: coolant properties are functions of it */
	QUANTITY_FLOW,
	QUANTITY_PRESSURE,
	QUANTITY_RATIO,
};

/* The quantity of a unit and the factor that brings a value of it to W, J, Cel, m3/s, Pa or 1. */
enum quantity unit_quantity(const char *unit, double *factor);

/* What a quantity is called, and the units that are taken for it, as text for an error message. */
struct unit_words {
	const char *quantity, *units;
};

extern const struct unit_words unit_words[]; /* by enum quantity */
