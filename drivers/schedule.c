#include "schedule.h"

#include "clock.h"

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
	int64_t spread = interval < NS_PER_S ? interval : NS_PER_S;
	return now + spread * (int64_t)i / (int64_t)(n ? n : 1);
}
