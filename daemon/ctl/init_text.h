/* init_text: a commented configuration from what is known of a plant (pure, but for a look at profiles). */
#pragma once

#include "config/ini/arena.h"

#include <stdbool.h>
#include <stddef.h>

#define INIT_BUSES_MAX 64
#define INIT_DEVICES_MAX 256

/* NULL or "" = not told. */
struct init_answers {
	const char *site, *rack, *broker, *username, *password_file;
	const char *coolant;		     /* of the loops that devices measure */
	const char *facility, *cooling, *it; /* comma lists of meters: [pue:row] */
	struct {
		const char *name, *url;
	} buses[INIT_BUSES_MAX];
	struct {
		const char *name, *bus, *unit, *profile;
	} devices[INIT_DEVICES_MAX];
	size_t bus_count, device_count;
};

/* NULL with why, in words. */
const char *init_text(const struct init_answers *x, struct arena *a, const char **why);

/* Whether a configuration that is written is good: NULL, or its mistakes, a line each. */
const char *init_text_check(const char *text, struct arena *a);

/* NAME=URL and NAME=BUS:UNIT:PROFILE into the answers. False when it is no such thing. */
bool init_take_bus(struct init_answers *x, struct arena *a, const char *text);
bool init_take_device(struct init_answers *x, struct arena *a, const char *text);
