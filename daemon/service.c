#include "daemon/service.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void service_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void service_reloading(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
}

void service_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void service_status(const char *text)
{
	(void)sd_notifyf(0, "STATUS=%s", text);
}

void service_watchdog(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

int64_t service_watchdog_interval(void)
{
	uint64_t usec;
	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)usec * 1000 : 0;
}
