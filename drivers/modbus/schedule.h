/* schedule: when is what due (pure; times are CLOCK_BOOTTIME in nanoseconds).
 *
 * A job has slots at a fixed rhythm from its first due time on. A slot that could not be served before the
 * next one is missed: it is counted and skipped, never caught up with. The job with the earliest due time
 * goes first (EDF).
 */
#pragma once

#include <stdbool.h>
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

/* Time between the slots of two devices of a bus. They go one after the other with little between them, so
 * that what is left of the interval is one piece, in which a silent device can be probed without disturbing
 * anybody. */
#define SCHEDULE_SPACING_NS INT64_C(20000000)

/* First due time of device `i` of `n`: spaced, or spread over the interval when that is too short for all. */
int64_t schedule_phase(int64_t now, int64_t interval, size_t i, size_t n);

/* Which goes first, and when. */
struct schedule_choice {
	bool probe;   /* the probe, not the job */
	int64_t when; /* SCHEDULE_NEVER = there is neither */
};

/* Chooses between the first job of the healthy devices (due at `job`) and the first probe of a silent one
 * (due at `probe`), either SCHEDULE_NEVER when there is none. A probe may take `cost`: it waits for a pause
 * between jobs that is long enough, but not longer than `patience`. */
struct schedule_choice schedule_choose(
    int64_t job, int64_t probe, int64_t now, int64_t cost, int64_t patience);
