/* clock: the two clocks that coolantd uses, in nanoseconds.
 *
 * Intervals and deadlines are of boottime, which never jumps and counts through suspend; time stamps for
 * people are of realtime, which may jump at any moment, so a difference of it is never taken.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline int64_t clock_boottime(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

static inline int64_t clock_realtime(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* UTC in milliseconds, as payloads have it. */
static inline int64_t clock_utc_ms(void)
{
	return clock_realtime() / NS_PER_MS;
}

/* What must be added to a boottime to get the realtime of the same moment, as of now. */
static inline int64_t clock_realtime_offset(void)
{
	return clock_realtime() - clock_boottime();
}
