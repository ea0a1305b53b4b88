#include "daemon/watchdog.h"

#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

/* Who makes no progress, NULL when all do; `bus` is whose worker it is, or NULL. */
static const char *find_stuck(const struct watchdog *w, int64_t now_ns, const char **bus)
{
	const int64_t tick_limit = 3 * w->interval_ns + NS_PER_S;
	*bus = buses_stuck(w->buses, now_ns);
	if (*bus)
		return "a bus worker of ";
	if (!links_move(w->links, now_ns))
		return "the publisher";
	return now_ns - w->tick_ns > tick_limit ? "the control loop" : NULL;
}

bool watchdog_is_stuck(const struct watchdog *w, int64_t now_ns, char *why, size_t size)
{
	const char *bus, *stuck = find_stuck(w, now_ns, &bus);
	snprintf(why, size, "%s%s makes no progress", stuck ? stuck : "nobody", bus ? bus : "");
	return stuck != NULL;
}

void watchdog_feed(struct watchdog *w, int64_t now_ns)
{
	const char *bus, *stuck = find_stuck(w, now_ns, &bus);
	if (stuck && !w->is_silent)
		log_event(LOG_CRIT, (struct log_fields){ .message_id = LOG_ID_WATCHDOG, .bus = bus },
		    "%s%s makes no progress, the watchdog is not fed", stuck, bus ? bus : "");
	w->is_silent = stuck != NULL;
	if (!stuck)
		(void)sd_notify(0, "WATCHDOG=1");
}
