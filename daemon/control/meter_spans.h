/* meter_spans: energies of a meter in spans of UTC, in the order of time (holder).
 *
 * Within a span energy is even; it is parted in whole millijoules, whose sum is that of the span.
 */
#pragma once

#include "daemon/control/bytes.h"

#include <stdbool.h>
#include <stddef.h>

struct meter_cell {
	int64_t millijoules;
	int64_t known_ns, good_ns; /* of the cell's time */
};

struct meter_span {
	int64_t from_ns, until_ns;
	int64_t millijoules;
	bool good;
};

/* Begins with zeros. */
struct meter_spans {
	struct meter_span *all;
	size_t count, room;
};

/* Its energy before UTC `at_ns`. */
int64_t meter_span_energy(const struct meter_span *s, int64_t at_ns);
/* Adds to `cell` what a span has between two moments of UTC. */
void meter_span_add(const struct meter_span *s, int64_t from_ns, int64_t until_ns, struct meter_cell *cell);

void meter_spans_deinit(struct meter_spans *s);
/* One that has no time is left out. False without memory. */
bool meter_spans_push(struct meter_spans *s, const struct meter_span *span);
bool meter_spans_push_front(struct meter_spans *s, const struct meter_span *span);
void meter_spans_move(struct meter_spans *s, int64_t ns);
/* What all have between two moments of UTC. */
struct meter_cell meter_spans_sum(const struct meter_spans *s, int64_t from_ns, int64_t until_ns);
/* Lets go of those that end before a moment, and of the part of the next that is before it. */
void meter_spans_drop(struct meter_spans *s, int64_t until_ns);
void meter_spans_cut(struct meter_spans *s, int64_t until_ns);

/* One of them, as bytes; one without time is the end of a list. */
void meter_span_save(const struct meter_span *s, struct bytes_writer *w);
/* The reader is bad when it is none. False at the end. */
bool meter_span_load(struct meter_span *s, struct bytes_reader *r);
