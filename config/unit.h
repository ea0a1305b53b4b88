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

const char *unit_quantity_word(enum quantity q);
/* The units that are taken for a quantity, as text for an error message. */
const char *unit_of_quantity(enum quantity q);
