/* live: what is known now of a configuration, in one hand (holder, main thread).
 *
 * The point table and what is computed from it, made anew for each configuration and bound to one another.
 */
#pragma once

#include "daemon/live/records.h"
#include "daemon/live/retained.h"
#include "daemon/live/trends.h"

struct live {
	struct config *config; /* a reference, for all of it */
	struct point_table *table;
	struct loops *loops;
	struct groups *groups;
	struct pues *pues;
	struct alarms *alarms;
	struct trends *trends;
	struct records *records;
	struct retained retained; /* what is published adds to it */
};

struct live *live_new(struct config *c, int64_t now_ns); /* NULL without memory */
/* Moves what did not change out of `old`. */
void live_inherit(struct live *l, struct live *old);
void live_free(struct live *l);

/* Takes a batch into the table (see point_table_apply) and counts its energies. */
struct table_device *live_feed(struct live *l, struct batch *b);

/* Computes the loops, their groups, and what the PUE figures know of their meters. An alarm that came counts
 * in a group with the next tick. */
void live_tick(struct live *l);
