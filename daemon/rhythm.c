#include "daemon/rhythm.h"

#include "drivers/os/clock.h"

#include <stdbool.h>

#define ACCURACY_US 1000

static int on_slot(sd_event_source *s, uint64_t usec, void *user)
{
	const struct rhythm *r = user;
	const int64_t now_ns = clock_boottime();
	r->act(r->user, now_ns, now_ns - (int64_t)usec * 1000);
	const uint64_t now = (uint64_t)clock_boottime() / 1000, interval = (uint64_t)r->interval_ns / 1000;
	uint64_t next = usec + interval;
	if (next <= now)
		next = now + interval - (now - usec) % interval;
	(void)sd_event_source_set_time(s, next);
	(void)sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	return 0;
}

int rhythm_start(struct rhythm *r, sd_event *event)
{
	sd_event_source *timer = NULL;
	int err = sd_event_add_time_relative(
	    event, &timer, CLOCK_BOOTTIME, (uint64_t)r->interval_ns / 1000, ACCURACY_US, on_slot, r);
	if (err < 0)
		return err;
	(void)sd_event_source_set_floating(timer, true);
	r->timer = timer;
	sd_event_source_unref(timer);
	return 0;
}

void rhythm_set(struct rhythm *r, int64_t interval_ns)
{
	if (r->interval_ns == interval_ns)
		return;
	r->interval_ns = interval_ns;
	if (r->timer)
		(void)sd_event_source_set_time_relative(r->timer, (uint64_t)interval_ns / 1000);
}
