/* own_alarm: the alarms about coolantd itself, beside those of the configuration (holder, main thread).
 *
 * Their names begin with OWN_ALARM_PREFIX, which the configuration may not use.
 */
#pragma once

#include "daemon/control/alarm.h"

enum own_alarm_id {
	OWN_ALARM_SPOOL, /* the disk does not take what must outlive an outage */
	OWN_ALARM_STATE, /* nor what must outlive a restart */
	OWN_ALARM_FLOOD, /* more new alarms than anybody reads */
	OWN_ALARM_COUNT
};

struct own_alarm {
	struct alarm alarm;
	struct alarm_config config;
	const char *all_well;
	char message[512];
};

/* Begins as normal. */
void own_alarm_init(struct own_alarm *a, enum own_alarm_id id, int64_t now_ns, int64_t utc_ms);

/* Raises it with what is to be said, or with NULL clears it. Returns whether that is news. */
bool own_alarm_set(struct own_alarm *a, const char *trouble, int64_t now_ns, int64_t utc_ms);
