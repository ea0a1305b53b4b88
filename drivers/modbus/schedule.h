/* schedule: when is what due (pure; times are CLOCK_BOOTTIME in nanoseconds).
 *
 * A job has slots at a fixed rhythm from its first due time on. A slot that could not be served before the
 * next one is missed: it is counted and skipped, never caught up with. The job with the earliest due time
 * goes first (EDF).
 *
 * What may take a whole time-out for nothing (a probe) goes into a pause between jobs that is long enough. On
 * a line that has none it may make jobs late for a small part of the time, which is held by a credit.
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
enum schedule_pick { SCHEDULE_JOB, SCHEDULE_PROBE, SCHEDULE_FORCED };
struct schedule_choice {
	enum schedule_pick pick;
	int64_t when; /* SCHEDULE_NEVER = there is nothing */
};

/* Chooses between the first job (due at `job`), the first probe that waits for a pause of `cost` (due at
 * `probe`), and the first probe that waits for no pause, as if it were a job that is due at `forced`; any of
 * them SCHEDULE_NEVER. */
struct schedule_choice schedule_choose(int64_t job, int64_t probe, int64_t forced, int64_t now, int64_t cost);

/* How long jobs may still be made late; it grows by a fiftieth of the time. */
struct schedule_credit {
	int64_t ns, at;
};

/* What there is now, at most `most`. */
int64_t schedule_credit(struct schedule_credit *c, int64_t now, int64_t most);
