/* pue_waiting: what some meters have measured while others were silent (holder).
 *
 * Time of the common grid that was passed on while a meter had nothing for it waits here for that meter: it
 * may come back, alone and late, with a counter that has counted on. Then the time is taken out, whole. Slots
 * are in the order of time, of a minute at first, and longer ones when there are many; within a slot energy
 * is even.
 */
#pragma once

#include "daemon/control/pue_sink.h"

struct waiting_slot {
	int64_t cell, count; /* of a second each */
	unsigned missing;    /* 0, or all is counted but these roles, a bit each: only theirs is in `parts` */
	struct meter_cell *parts; /* of each meter */
};

struct pue_waiting {
	struct waiting_slot *slots;
	size_t count, allocated, room, meter_count;
	int64_t grain_s;
};

/* Takes no memory while nothing waits. */
void pue_waiting_init(struct pue_waiting *w, size_t meter_count);
void pue_waiting_deinit(struct pue_waiting *w);

/* Takes cells that follow on those that are there, with what each meter has of them. */
void pue_waiting_add(struct pue_waiting *w, const struct waiting_slot *cells);

/* Adds what a meter has of the time of the slots, and tells of it; how much, in millijoules. */
int64_t pue_waiting_fill(
    struct pue_waiting *w, size_t meter, const struct meter *m, const struct pue_sink *to);

void pue_waiting_remove(struct pue_waiting *w, size_t slot);

/* The clock was stepped back to a cell: what waits beyond it waits in front of it. */
void pue_waiting_cut(struct pue_waiting *w, int64_t cell);

void pue_waiting_save(const struct pue_waiting *w, struct bytes_writer *to);
/* What was saved with cells of `step_s`. */
void pue_waiting_load(struct pue_waiting *w, int64_t step_s, struct bytes_reader *from);
