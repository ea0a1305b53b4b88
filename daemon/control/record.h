/* record: what is gathered of each UTC hour, as rows (pure apart from allocation).
 *
 * A row is a sum of what was added to it, in whatever order and however late: an hour is never closed. The
 * same rows are what waits in memory, what a table of state.db holds and, with a longer period in place of
 * the hour, what a report tells.
 */
#pragma once

#include "daemon/control/bytes.h"

#define RECORD_HOUR_MS INT64_C(3600000)
/* Rows and corrections that a batch takes at most: months of hours that no disk took. */
#define RECORD_ROWS_MAX 65536
#define RECORD_CORRECTIONS_MAX 4096

enum record_kind {
	RECORD_ENERGY, /* of a meter: owner = the PUE, part = its role there, item = its name */
	RECORD_PUE,   /* of a PUE, where all that it needs is known: part = a role, or "" = the time, amount =
			 suspect energy */
	RECORD_LOOP,  /* of a figure of a loop: part = its word */
	RECORD_ALARM, /* active: amount = how often, known_ms = how long */
	RECORD_KIND_COUNT
};

struct record_key {
	enum record_kind kind;
	int64_t period;			 /* the UTC hour since 1970; in a report the number of the record */
	const char *owner, *part, *item; /* "" = none */
};

struct record_sums {
	int64_t amount, estimated; /* millijoules, and those of them that are no measured ones */
	int64_t known_ms, good_ms; /* the time that they are of, and that of good readings */
	double integral;	   /* of a figure: its value times ms */
	double low, high;   /* of a figure; of a counter its first and last reading in kWh; NAN = none */
	double quantum;	    /* the largest step of the counter, in kWh; 0 = not known, or there is none */
	int64_t refresh_ms; /* the longest it took to refresh; 0 = each reading was another */
};

struct record_row {
	struct record_key key; /* its texts are the row's own */
	struct record_sums sums;
};

/* A meter's counter was not simply counted. */
struct record_correction {
	int64_t time_ms;
	char *owner, *meter, *kind, *text; /* the PUE, …; its own */
};

/* Hours that are struck out: kept, but no figure of a longer time counts them. */
struct record_struck {
	int64_t from_hour, until_hour;
	char *reason, *who; /* its own */
};

struct record_batch {
	struct record_row *rows;
	size_t count, room;
	struct record_correction *corrections;
	size_t correction_count;
	struct record_struck *struck; /* only in a report */
	size_t struck_count;
	uint32_t
	    *slots; /* rows by their keys, their numbers + 1, 0 = free; NULL = they are looked for in all */
	size_t slot_count;
	bool lost; /* something did not fit in, or in memory */
};

void record_batch_clear(struct record_batch *b);

/* Sums that nothing was added to. */
struct record_sums record_none(void);

/* Onto the row of that key; a reading that is first stays, one that is last replaces. */
void record_add(struct record_batch *b, const struct record_key *key, const struct record_sums *sums);

/* The same for sums that lie evenly in a time, in parts by hour: they add up to it exactly. `key->period` is
 * not used; times are UTC. */
void record_spread(struct record_batch *b, const struct record_key *key, int64_t from_ms, int64_t until_ms,
    const struct record_sums *sums);

/* The row of that key; NULL = nothing was added. */
const struct record_row *record_find(const struct record_batch *b, const struct record_key *key);

void record_correct(struct record_batch *b, int64_t time_ms, const char *owner, const char *meter,
    const char *kind, const char *text);

void record_strike(
    struct record_batch *b, int64_t from_hour, int64_t until_hour, const char *reason, const char *who);
/* What an hour of it is struck out by; NULL = nothing. */
const struct record_struck *record_find_struck(
    const struct record_batch *b, int64_t from_hour, int64_t until_hour);

/* Brings the rows in the order of their keys, periods first, then owners. */
void record_sort(struct record_batch *b);

/* All of `from` onto it. */
void record_merge(struct record_batch *b, const struct record_batch *from);

void record_save(const struct record_batch *b, struct bytes_writer *w);
/* Onto what is there; the reader is bad when the bytes are no batch. The first layout had no steps of
 * counters. */
enum { RECORD_LAYOUT_FIRST = 1, RECORD_LAYOUT };
void record_load(struct record_batch *b, int layout, struct bytes_reader *r);
