/* announce: what the daemon publishes beside the devices' values (main thread). */
#pragma once

#include "daemon/daemon_private.h"

/* B/alarm/NAME, ahead of what is queued. */
void announce_alarm(const struct alarm *a, struct daemon *d);
/* Empties that topic at the broker. */
void announce_no_alarm(const char *name, struct daemon *d);

/* B/loop/NAME and B/pue/NAME of all. */
void announce_loops(struct daemon *d);
void announce_pues(struct daemon *d);

/* B/info and B/health. */
void announce_info(struct daemon *d);
void announce_health(struct daemon *d);
