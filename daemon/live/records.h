/* records: what the hours of this controller come to (holder, main thread).
 *
 * Of each UTC hour the energies of the PUE figures and their meters, the heat and the figures of the loops,
 * how often and how long alarms were active, and what was corrected at counters. Energies come in when they
 * are counted, also of hours that are long over; each exactly once, because what is not in the tables yet is
 * saved together with the meters that it comes from, and goes into the tables in one transaction with the
 * state that has it no more (state/state_db.h).
 */
#pragma once

#include "daemon/control/record.h"
#include "daemon/live/alarms.h"

struct records;

/* Watches the PUE figures, and reads the others at each tick; all must outlive it. NULL without memory. */
struct records *records_new(
    const struct config *c, const struct point_table *table, const struct loops *loops, struct pues *pues);
/* Moves all that is gathered out of `old`. */
void records_inherit(struct records *r, struct records *old, const struct alarms *alarms);
void records_free(struct records *r);

/* Adds what was since the last tick; at `now_ns` (CLOCK_BOOTTIME) UTC is `utc_ms`. */
void records_tick(struct records *r, const struct alarms *alarms, int64_t now_ns, int64_t utc_ms);

/* An alarm has changed. */
void records_see_alarm(struct records *r, const struct alarm *a);

/* What is to go into the tables with the next save; NULL = nothing yet. It stays, and the same is given again
 * with the same `id`, until it is in them. That is when an hour is over, and at the end. */
const struct record_batch *records_due(struct records *r, int64_t utc_ms, bool at_end, int64_t *id);
void records_written(struct records *r);

/* Adds all that is in no table yet: what is due, whose id is returned (0 = nothing is), and the rest. */
int64_t records_waiting(const struct records *r, struct record_batch *due, struct record_batch *open);

/* UTC up to which energies are counted; 0 = nothing is. */
int64_t records_until(const struct records *r);

/* What has not become due, as an entry, and back; bytes that are bad are left out. */
#define RECORDS_ENTRY "records"
void records_save(const struct records *r, struct bytes_writer *w);
void records_load(struct records *r, struct bytes_entry *e);
/* Of such an entry the rows alone. */
void records_take_saved(struct bytes_entry *e, struct record_batch *to);
