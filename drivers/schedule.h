/* schedule: when is what due (pure; times are CLOCK_BOOTTIME in nanoseconds).
 *
 * A job has slots at a fixed rhythm from its first due time on. A slot that could not be served before the
 * next one is missed: it is counted and skipped, never caught up with. The job with the earliest due time
 * goes first (EDF).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_NEVER INT64_MAX

struct schedule_job {
	int64_t due;
	int64_t interval; /* 0 = once */
};

/* After a job was served: its next slot after `now`. Returns how many slots were missed. */
uint64_t schedule_advance(struct schedule_job *job, int64_t now);

/* The wait before the next probe of a silent device: 1 s, then twice the last one, at most `max`. */
int64_t schedule_backoff(int64_t last, int64_t max);

/* First due time of device `i` of `n`: spread over the interval, at most over a second so that no start is
 * slow. */
int64_t schedule_phase(int64_t now, int64_t interval, size_t i, size_t n);
