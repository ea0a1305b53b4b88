#include "daemon/control/powers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool powers_init(struct powers *p, int64_t interval_ns, int64_t duration_ns)
{
	const int64_t readings = duration_ns / (interval_ns > 0 ? interval_ns : 1) + POWERS_MIN;
	const bool all = readings <= POWERS_MAX;
	powers_deinit(p);
	*p = (struct powers){ .room = (size_t)(all ? readings : POWERS_MAX),
		.interval_ns = interval_ns,
		.gap_ns = all ? 0 : duration_ns / (POWERS_MAX - POWERS_MIN) };
	p->items = calloc(p->room, sizeof(p->items[0]));
	return p->items != NULL;
}

void powers_deinit(struct powers *p)
{
	free(p->items);
	*p = (struct powers){ .items = NULL };
}

void powers_note(struct powers *p, int64_t time_ns, double watts)
{
	size_t n = p->count;
	if (time_ns <= powers_last_ns(p))
		return;
	/* the newest is always there, and the one before it far enough from the one before that */
	if (n > 1 && p->items[n - 1].time_ns - p->items[n - 2].time_ns < p->gap_ns)
		n--;
	if (n == p->room)
		memmove(&p->items[0], &p->items[1], --n * sizeof(p->items[0]));
	p->items[n] = (struct power_reading){ time_ns, watts };
	p->count = n + 1;
}

int64_t powers_last_ns(const struct powers *p)
{
	return p->count ? p->items[p->count - 1].time_ns : INT64_MIN;
}

struct power_pair powers_around(const struct powers *p, int64_t time_ns)
{
	size_t i = p->count;
	if (i == 0)
		return (struct power_pair){ { 0, NAN }, { 0, NAN } };
	for (i--; i > 0 && p->items[i].time_ns > time_ns; i--)
		;
	const size_t next = i + 1 < p->count && p->items[i].time_ns < time_ns ? i + 1 : i;
	return (struct power_pair){ p->items[i], p->items[next] };
}

double powers_at(const struct powers *p, int64_t time_ns)
{
	if (p->count == 0 || time_ns < p->items[0].time_ns - p->interval_ns)
		return NAN;
	const struct power_pair pair = powers_around(p, time_ns);
	const struct power_reading *a = &pair.before, *b = &pair.after;
	if (a->time_ns == b->time_ns)
		return a->watts;
	const double part = (double)(time_ns - a->time_ns) / (double)(b->time_ns - a->time_ns);
	return a->watts + part * (b->watts - a->watts);
}
