#include "drivers/modbus/schedule.h"

#include "drivers/os/clock.h"

/* A bus whose healthy devices are made late for a fiftieth of the time keeps 98 % of their cycles. */
#define CREDIT_SHARE 50

uint64_t schedule_advance(struct schedule_job *job, int64_t now)
{
	if (job->interval == 0) {
		job->due = SCHEDULE_NEVER;
		return 0;
	}
	job->due += job->interval;
	if (job->due > now)
		return 0;
	int64_t missed = (now - job->due) / job->interval + 1;
	job->due += missed * job->interval;
	return (uint64_t)missed;
}

int64_t schedule_backoff(int64_t last, int64_t max)
{
	int64_t next = last == 0 ? NS_PER_S : last * 2;
	return next < max ? next : max;
}

int64_t schedule_phase(int64_t now, int64_t interval, size_t i, size_t n)
{
	int64_t spacing = interval / (int64_t)(n ? n : 1);
	if (spacing > SCHEDULE_SPACING_NS)
		spacing = SCHEDULE_SPACING_NS;
	return now + spacing * (int64_t)i;
}

struct schedule_choice schedule_choose(int64_t job, int64_t probe, int64_t forced, int64_t now, int64_t cost)
{
	int64_t start = probe > now ? probe : now;
	if (probe != SCHEDULE_NEVER && (job == SCHEDULE_NEVER || job - cost >= start))
		return (struct schedule_choice){ SCHEDULE_PROBE, start };
	if (forced != SCHEDULE_NEVER && forced <= job)
		return (struct schedule_choice){ SCHEDULE_FORCED, forced > now ? forced : now };
	return (struct schedule_choice){ SCHEDULE_JOB, job };
}

int64_t schedule_credit(struct schedule_credit *c, int64_t now, int64_t most)
{
	c->ns += (now - c->at) / CREDIT_SHARE;
	c->at = now;
	if (c->ns > most)
		c->ns = most;
	return c->ns;
}
