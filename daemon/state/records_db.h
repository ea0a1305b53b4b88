/* records_db: the tables of the records (pure apart from the file, one thread at a time).
 *
 * A row of a table is a row of control/record.h. Functions return 0 or negative errno, as in disk/db.h.
 */
#pragma once

#include "daemon/control/record_period.h"
#include "daemon/disk/db.h"

/* The steps that make the tables, for state_db. */
extern const char records_db_tables[], records_db_struck[], records_db_steps[];

/* Rows to be added, within the transaction that is open. The same `id` is added only once, however often it
 * is tried. Rows of hours before `oldest_hour` go. */
struct records_addition {
	const struct record_batch *batch;
	int64_t id, oldest_hour;
};

int records_db_add(struct db *d, const struct records_addition *a);

/* Strikes hours out, for a reason; with NULL takes that back for those that begin within. */
struct records_strike {
	int64_t from_hour, until_hour;
	const char *reason, *who;
	int64_t now_ms;
};

int records_db_strike(struct db *d, const struct records_strike *s);

/* 1 when the addition of that id was the last one that was made, else 0. */
int records_db_has(struct db *d, int64_t id);

/* Adds the rows of the periods to `to`, which has the number of the record as its period, the corrections and
 * what is struck out of that time. */
int records_db_read(struct db *d, const struct record_periods *p, struct record_batch *to);
