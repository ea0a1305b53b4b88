/* unit: the units that coolantd knows, what each measures, and how it becomes SI (pure).
 *
 * Written like UCUM, case counts. What the table does not have is written in braces, {turns}: a text that is
 * shown, and that no figure accepts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum quantity {
	QUANTITY_NONE,		/* no unit, or a text in braces */
	QUANTITY_TEMPERATURE,	/* Cel: coolant properties are functions of it */
	QUANTITY_FLOW,		/* m3/s */
	QUANTITY_VOLUME,	/* m3 */
	QUANTITY_PRESSURE,	/* Pa */
	QUANTITY_POWER,		/* W */
	QUANTITY_APPARENT,	/* VA */
	QUANTITY_REACTIVE,	/* var */
	QUANTITY_ENERGY,	/* J */
	QUANTITY_RATIO,		/* 1 */
	QUANTITY_FREQUENCY,	/* Hz */
	QUANTITY_VOLTAGE,	/* V */
	QUANTITY_CURRENT,	/* A */
	QUANTITY_RESISTANCE,	/* Ohm */
	QUANTITY_SPEED,		/* 1/min */
	QUANTITY_CONDUCTIVITY,	/* uS/cm */
	QUANTITY_ACIDITY,	/* pH */
	QUANTITY_TURBIDITY,	/* NTU */
	QUANTITY_TIME,		/* s */
	QUANTITY_CONCENTRATION, /* kg/m3 */
	QUANTITY_FRACTION,	/* 1: parts of the whole */
	QUANTITY_COUNT,
};

struct unit {
	const char *word;
	enum quantity quantity;
	double factor, zero; /* a value v of it is v factor + zero in what stands beside its quantity */
};

extern const struct unit unit_table[];
extern const size_t unit_count;

/* NULL = the table does not have it. */
const struct unit *unit_find(const char *word);

/* Whether it is a text in braces. */
bool unit_is_free(const char *word);

/* The unit of the table that somebody must have meant who wrote it another way (kwh, rpm, °C, gpm); NULL =
 * none. */
const char *unit_meant(const char *word);

/* What a quantity is called, and the units that are taken for it, as text for an error message. */
struct unit_words {
	const char *quantity, *units;
};

extern const struct unit_words unit_words[QUANTITY_COUNT];
