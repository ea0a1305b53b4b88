/* report: the records of the state folder, or of a replay, printed (mover, no other thread). */
#pragma once

#include "config/config.h"
#include "daemon/live/records.h"

/* As written: NULL = not told (record_period.h). */
struct report_range {
	const char *step, *from, *to;
};

/* What it was asked for, before anything is read. 0 or -EINVAL, said. */
int report_check(const struct config *c, const struct report_range *range);

/* Prints what is in the state folder, which no running coolantd may hold. 0 or negative errno, said. */
int report_run(struct config *c, const struct report_range *range);

/* Prints rows by hour; energies are counted up to `until_ms`, and it is `now_ms` (UTC). 0 or negative errno,
 * said. */
int report_print(struct config *c, const struct report_range *range, const struct record_batch *rows,
    int64_t until_ms, int64_t now_ms);
