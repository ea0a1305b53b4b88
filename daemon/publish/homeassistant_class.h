/* homeassistant_class: what Home Assistant calls a value of ours (pure).
 *
 * Its device classes, the state classes that go with them and its spelling of units, as its pages on sensors
 * and binary sensors list them. It takes a class only with certain units: what it does not know has a unit
 * and no class.
 */
#pragma once

#include "config/point.h"

struct homeassistant_class {
	const char *platform;	  /* sensor or binary_sensor */
	const char *device_class; /* these three: NULL = none */
	const char *state_class;
	const char *unit;
	bool is_diagnostic; /* stands apart from what a device is there for */
};

/* Whether its values are words: those of its enum. */
bool homeassistant_has_words(const struct point *p);

struct homeassistant_class homeassistant_point_class(const struct point *p);

/* Of a figure in this unit; temperatures in K are differences. */
struct homeassistant_class homeassistant_figure_class(const char *unit);

/* The unit as it is spelled there; NULL = it has none. `word` without braces is returned in `buf`. */
const char *homeassistant_unit(const char *word, char *buf, size_t size);
