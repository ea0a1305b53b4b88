#include "daemon/check.h"

#include "drivers/modbus/bus_load.h"

#include <stdio.h>

#define LINE_MAX_BYTES 512

typedef void (*check_line)(bool is_warning, const char *text, void *user);

/* A serial line that is asked for more than it can carry is polled as fast as it goes: that is a warning, not
 * an error. */
static void say_load(const struct config *c, size_t bus, check_line say, void *user)
{
	char text[LINE_MAX_BYTES];
	const struct bus_config *b = &c->buses[bus];
	struct bus_load load;
	if (!bus_has_load(b) || bus_load_compute(c, bus, &load) < 0)
		return;
	snprintf(text, sizeof(text), "bus %s: %.1f requests a second take %.0f %% of the line at %d baud",
	    b->name, load.requests_per_s, load.share * 100, b->baud);
	say(false, text, user);
	if (load.share <= 1)
		return;
	snprintf(text, sizeof(text),
	    "bus %s: the intervals cannot be met: %.0f %% of the line's time is asked for, they will be %.1f "
	    "times as "
	    "long (allowed: longer poll_interval, fewer points, more baud)",
	    b->name, load.share * 100, load.stretch);
	say(true, text, user);
}

void check_say(const struct config *c, void (*say)(bool is_warning, const char *text, void *user), void *user)
{
	char text[LINE_MAX_BYTES];
	size_t points = 0;
	for (size_t i = 0; i < c->device_count; i++)
		points += c->devices[i].point_count;
	for (size_t i = 0; i < c->bus_count; i++)
		say_load(c, i, say, user);
	snprintf(text, sizeof(text),
	    "%s: good: %zu buses, %zu devices, %zu points, %zu loops, %zu PUE figures, %zu alarms", c->path,
	    c->bus_count, c->device_count, points, c->loop_count, c->pue_count, c->alarm_count);
	say(false, text, user);
}
