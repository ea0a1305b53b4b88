/* meter: one meter's energy on the common time grid (pure).
 *
 * Readings come whenever the device was polled; meters are compared on a grid of cells aligned to UTC.
 * Between two readings energy is spread evenly, so a cell boundary gets the interpolated energy of its
 * moment. Energies are whole millijoules and the cells of a span add up to it exactly.
 *
 * With a counter, energy comes from the counter: from one of its refreshes to the next, evenly or as the
 * power was meanwhile; without one, from the trapezoid of power. A gap of more than three intervals is known
 * but estimated with a counter, and unknown without one. A gap that is longer than the grid, as over a
 * restart, is kept as one span in front of it.
 *
 * Of a counter that stands though it should count nothing is known before it goes on: as if it had not been
 * read when it has it all then, else the power is counted for it.
 */
#pragma once

#include "daemon/control/bytes.h"
#include "daemon/control/counter.h"
#include "daemon/control/counter_rate.h"
#include "daemon/control/meter_spans.h"
#include "daemon/control/powers.h"
#include "daemon/control/stall.h"
#include "daemon/control/wall_clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METER_SHAPE_POINTS 32

struct meter_type {
	bool has_power, has_counter;
	struct counter_type counter;
	int64_t interval_ns;	   /* of the polls of what its energy comes from */
	int64_t power_interval_ns; /* of those of its power; 0 = the same */
	double accuracy;	   /* class as a fraction: 0.005 for class 0.5; NAN = not known */
	double max_watts;	   /* the most it can measure; 0 = not told */
};

struct meter_reading {
	int64_t time_ns;
	bool power_good, counter_good;
	double watts;
	uint64_t raw; /* of the counter, see counter_reading */
	double number, step;
};

/* For who wants to know from which readings an energy is. Times are UTC, joules those that the counter shows.
 */
struct meter_shown {
	int64_t time_ns;
	double joules;
};

/* Energy of a counter as it is put on the grid: of what lies between two of its readings one even piece. */
struct meter_piece {
	struct meter_shown first, last; /* the readings */
	int64_t from_ns, until_ns;	/* the piece */
	double before, joules;		/* of the pieces before it, and its own */
};

/* What is not simply the difference of two readings. */
enum meter_jump_kind {
	METER_BEGAN,	/* the first reading; nothing is known of the time before */
	METER_GAP,	/* no readings: its counter counted on, or (of a power) the time is not known */
	METER_WRAPPED,	/* over the end of its range */
	METER_RESET,	/* began anew, or was set: what lies between is not counted */
	METER_RETURNED, /* goes on as before a reset that was none */
	METER_STEPPED,	/* the clock was set */
	METER_STOOD,	/* its counter stood while its power went on, which is counted for it */
};

struct meter_jump {
	enum meter_jump_kind kind;
	struct meter_shown from, until;
	double joules; /* that were counted for it; NAN = the time is not known */
	double watts;  /* with METER_RESET and METER_STOOD: the power by which they were bridged */
};

/* NULL functions = nobody wants to know. */
struct meter_watch {
	void (*piece)(void *user, size_t meter, const struct meter_piece *p);
	void (*jump)(void *user, size_t meter, const struct meter_jump *j);
	void *user;
	size_t meter;
};

struct meter {
	struct meter_type type;
	struct meter_watch watch;
	struct meter_piece piece;   /* what is booked now */
	int64_t step_ns, offset_ns; /* grid: cell i begins at UTC i * step_ns; UTC = time + offset */
	struct meter_cell *cells;   /* ring: cell i at i % cell_count */
	int64_t cell_count;
	int64_t first_cell; /* older ones are folded and gone */
	int64_t next_cell;  /* first that is not over yet */
	int64_t taken_ns;   /* UTC up to which its energy was taken out, when the grid was another one */
	struct meter_spans spans; /* before the grid: of a time when nothing was polled, or that was saved */
	int64_t until_ns;	  /* UTC up to which something is known, or known to be unknown */
	int64_t stepped_ns; /* the clock was stepped while it was silent since that UTC; 0 = it was not */
	struct counter counter;
	int64_t
	    booked_ns; /* up to there its energy is on the grid: a refresh of the counter may be waited for */
	bool has_gap;  /* since then there was a gap that is not bridged */
	struct {
		int64_t time_ns;
		double joules;	     /* of the power since the first point */
	} shape[METER_SHAPE_POINTS]; /* the power since `booked_ns`, thinned out in a long time */
	size_t shape_count;
	bool restored; /* what it knows is of a saved state: in UTC, whatever the clock says meanwhile */
	bool has_last; /* a power reading for the trapezoid */
	int64_t last_ns;
	double last_watts, most_watts;
	struct counter_rate rate; /* of its counter */
	struct stall stall;
	struct powers powers;
};

/* False without memory. The grid has room for `cell_count` cells that are not folded. */
bool meter_init(struct meter *m, const struct meter_type *type, int64_t step_ns, int64_t cell_count);
/* Keeps the power of so long, for meters that are compared with slower ones; false without memory. */
bool meter_keep_power(struct meter *m, int64_t duration_ns);
void meter_deinit(struct meter *m);

/* Takes a reading; older ones than the last are ignored. What came of its counter, in boottime. */
struct counter_step meter_read(struct meter *m, const struct meter_reading *r);

/* Of a reading only the power for `powers`: while the clock is wrong nothing is counted. */
void meter_note_power(struct meter *m, const struct meter_reading *r);

/* Cells begin anew with the cell that `now_ns` is in. A saved state that has not been read on yet stays, at
 * its UTC. */
void meter_set_offset(struct meter *m, int64_t offset_ns, int64_t now_ns);

/* The clock was stepped: what is not folded yet, from `cell` on, moves with it, what follows goes on from
 * there, and the time that was skipped, or comes again within the cell, has no energy. `moved_ns` later, the
 * grid begins with `next_cell`. */
void meter_step(struct meter *m, int64_t cell, int64_t moved_ns, int64_t next_cell);

/* After meter_step by a saved state whose UTC was ahead of a clock that nobody sets right: its readings are
 * of so much earlier as well. */
void meter_take_clock(struct meter *m, int64_t moved_ns);

/* Takes the `count` oldest cells from `index` on out, as one; no known time when they are not there. */
struct meter_cell meter_fold(struct meter *m, int64_t index, int64_t count);

/* How much of an energy is suspect, in millijoules: of power alone it is below 0, by more than noise; or the
 * power beside a counter is now, and the counter stands: a reversed current transformer. */
int64_t meter_suspect(const struct meter *m, const struct meter_cell *c);
#define METER_NOISE_SHARE 0.01 /* of the most power that was seen */

/* What it has, too late, of cells that are folded, and that being used, without it. */
bool meter_has_early(const struct meter *m, int64_t cell);
struct meter_cell meter_early(const struct meter *m, int64_t from_ns, int64_t until_ns);
void meter_drop_early(struct meter *m, int64_t cell);

/* First cell whose energy is not all in one span from `index` on: up to there cells may be folded together.
 */
int64_t meter_even_until(const struct meter *m, int64_t index);

/* What the meter knows, with times in UTC; `first_cell` is the first that is not folded. Energy of the time
 * between the last reading before and the first after is counted when there is a counter. */
void meter_save(const struct meter *m, int64_t first_cell, struct bytes_writer *w);
void meter_load(
    struct meter *m, const struct wall_clock *clock, int layout, int64_t taken_ns, struct bytes_reader *r);

/* Power of a meter that has a counter alone, see counter_rate_watts. */
double meter_counter_watts(const struct meter *m, double negligible);
