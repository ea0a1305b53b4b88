/* counter: differences of an energy counter that may wrap, be reset, be preset or be misread (pure).
 *
 * A reading is taken when the meter can have counted it since the last one: up to P_max x time. P_max is the
 * meter's own `max`, else twice the most power that it has shown, else ten times what it was seen to count;
 * what is far more than usual waits for the next reading, of another poll, to go on from there.
 * Whatever else it shows is held until further readings go on from there. It is judged by the time when it
 * was seen first: waiting makes no jump plausible.
 *  - below the last one, and plausible modulo the end of its range: a wrap;
 *  - else a reset, up or down: what lies between is no consumption, however often it is seen;
 *  - back where it was before a reset, as after a start that shows zeros: as if there had been none.
 * Stray readings are forgotten. How fast it counts is learned from its own changes, at first of the slower of
 * two; that it counts faster, of twelve in a row that are alike and explain all since the last reading taken.
 */
#pragma once

#include "daemon/control/bytes.h"

#define COUNTER_RATES 3

struct counter_type {
	unsigned width; /* bits of an integer counter; 0 = see digits */
	unsigned
	    digits;	/* decimal ones of an integer counter that counts in them; 0 = a float, never wraps */
	bool is_scaled; /* by another register: its numbers are compared, `step` is in each reading */
	bool is_signed;
	double joules;	   /* energy of one raw unit; of a number's one for a float or a scaled one */
	unsigned mantissa; /* bits of precision of a float: 24 or 53 */
};

/* A reading: the raw integer (sign-extended when signed), or the number of a float or a scaled one. */
struct counter_reading {
	int64_t time_ns;
	uint64_t raw;
	double number;
	double step; /* of a scaled one: of one raw unit, as a number; 0 = not known */
};

enum counter_event {
	COUNTER_SAME,	   /* of no other poll than the last one: left out */
	COUNTER_FIRST,	   /* nothing to compare with yet */
	COUNTER_STEP,	   /* `joules` since the last step */
	COUNTER_HELD,	   /* not plausible: wait for the next reading */
	COUNTER_WRAP,	   /* a step over the end of the range: `joules` since the last step */
	COUNTER_RESET,	   /* began anew, from a lower or a higher value: `joules` since then only */
	COUNTER_RETURN,	   /* goes on as before the reset: `joules` are what is missing since then */
	COUNTER_BACKWARDS, /* held, as it counts down all the time: said once */
};

/* A reading and since when the counter has shown that. */
struct counter_mark {
	struct counter_reading reading;
	int64_t since_ns;
};

enum counter_mark_of {
	COUNTER_LAST,	  /* taken */
	COUNTER_HELD_ONE, /* held: the first and the newest of `held_count` */
	COUNTER_HELD_NOW,
	COUNTER_BEFORE, /* the last reset, with `has_before` */
	COUNTER_SEEN,	/* the newest reading of all */
	COUNTER_MARKS,
};

struct counter {
	struct counter_type type;
	bool started;
	struct counter_mark marks[COUNTER_MARKS];
	unsigned held_count; /* readings in a row that go on from the held one; 0 = nothing is held */
	bool has_before;
	bool is_moved;	 /* since then it has counted something */
	double booked;	 /* since the last reset */
	bool is_resumed; /* the last reading was taken before a restart */
	int64_t poll_ns; /* between the last two readings */
	unsigned rate_count;
	double slowest;	    /* watts, of the changes in a row that were faster than all before */
	double sustained;   /* watts that it has counted at in several changes */
	unsigned falls;	    /* changes in a row that were down; not kept over a restart */
	bool change_known;  /* what is seen is so since a change that was seen */
	bool was_unchanged; /* it was read again since, and was the same */
	unsigned interval_count;
	int64_t intervals[COUNTER_RATES]; /* between the last changes; 0 = from one reading to the next */
	int64_t unchanged_ns;		  /* before the first change: at least so long */
};

/* What is known of the meter's power, in watts; 0 = nothing. */
struct counter_power {
	double told; /* the most that it measures */
	double seen; /* the most that it has shown */
};

/* The outcome of a reading: `from_ns` is when the span that `joules` belongs to began. */
struct counter_step {
	enum counter_event event;
	double joules;
	int64_t from_ns;
	int64_t reset_from_ns, reset_until_ns; /* with COUNTER_RESET: the span that was not counted */
};

struct counter_step counter_read(
    struct counter *c, struct counter_reading r, const struct counter_power *power);

/* What was booked for the time of a reset by other means. */
void counter_note_bridged(struct counter *c, double joules);

/* How long it shows the same before it refreshes, as seen; 0 = at each
 * reading it is another, or it shows each step. */
int64_t counter_refresh(const struct counter *c);

/* Energy of the counter's smallest step at its present reading, in joules. */
double counter_quantum(const struct counter *c);

/* What a reading shows, in joules. */
double counter_joules(const struct counter *c, const struct counter_reading *r);

/* For how long it has shown the same since a reset, from which it may still come back; 0 = it has none, or
 * has counted since. */
int64_t counter_unmoved(const struct counter *c, int64_t now_ns);

/* Its readings are of times that are so much later: they were taken by a clock that was wrong. */
void counter_move(struct counter *c, int64_t ns);

/* As if it had never been read. */
void counter_forget(struct counter *c);

/* What it knows, with times in UTC. COUNTER_LAYOUT_FIRST is that of versions that knew of no more than the
 * last reading and a held one, COUNTER_LAYOUT_CELLS of those that counted suspect cells of windows. */
enum { COUNTER_LAYOUT_FIRST, COUNTER_LAYOUT_CELLS, COUNTER_LAYOUT };
void counter_save(const struct counter *c, int64_t offset_ns, struct bytes_writer *w);
void counter_load(struct counter *c, int64_t offset_ns, int layout, struct bytes_reader *r);
