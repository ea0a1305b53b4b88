/* values: what coolantd's JSON says, as text for people (pure). */
#pragma once

#include "config/ini/arena.h"

#include <jansson.h>
#include <stdint.h>

/* The text of a member; "" when it has none. */
const char *values_text(const json_t *object, const char *key);

/* A value as short as it reads back: 42.5, true, running, and - for null. */
const char *values_show(struct arena *a, const json_t *value);

/* A number with so many significant digits; - for null. */
const char *values_figure(struct arena *a, const json_t *value, int digits);

/* Prints a document of ours on stdout. Returns an enum ctl_exit. */
int values_print(struct arena *a, const json_t *document);

/* A moment in ms UTC as ISO 8601, to the second: 2026-11-25T06:00:03Z; - for null. */
const char *values_time(struct arena *a, const json_t *ms);
const char *values_moment(struct arena *a, int64_t ms);

/* A length of time for people: 0.4 s, 12 s, 3 min, 5 h, 12 d. */
const char *values_span(struct arena *a, int64_t ms);

/* Bytes for people: 812 B, 3.2 MiB. */
const char *values_size(struct arena *a, double bytes);
