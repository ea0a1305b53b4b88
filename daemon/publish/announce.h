/* announce: what is published beside the devices' values (main thread). */
#pragma once

#include "daemon/broker/publisher.h"
#include "daemon/live/live.h"
#include "daemon/publish/encoder.h"

/* B/alarm/NAME, ahead of what is queued. */
void announce_alarm(struct publisher *p, const struct alarm *a);
/* Empties that topic at the broker. */
void announce_no_alarm(struct publisher *p, const char *name);

/* B/loop/NAME and B/pue/NAME of all. */
void announce_loops(struct publisher *p, const struct live *l);
void announce_pues(struct publisher *p, const struct live *l);

/* B/info and B/health. */
void announce_info(struct publisher *p, const struct config *c, int64_t started_ms);
void announce_health(struct publisher *p, const struct health *h);
