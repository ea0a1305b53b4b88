#include "drivers/modbus/schedule.h"

#include "drivers/os/clock.h"

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

struct schedule_choice schedule_choose(
    int64_t job, int64_t probe, int64_t now, int64_t cost, int64_t patience)
{
	int64_t start = probe > now ? probe : now;
	if (probe == SCHEDULE_NEVER)
		return (struct schedule_choice){ false, job };
	bool fits = job == SCHEDULE_NEVER || job - cost >= start;
	if (fits || start - probe >= patience)
		return (struct schedule_choice){ true, start };
	return (struct schedule_choice){ false, job };
}
