/* own_alarm: an alarm about coolantd itself, beside those of the configuration (holder, main thread).
 *
 * Its name begins with OWN_ALARM_PREFIX, which the configuration may not use.
 */
#pragma once

#include "alarm.h"

struct own_alarm {
	struct alarm alarm;
	struct alarm_config config;
	char message[512];
};

/* `name` and `point` (what it is about) must outlive it. */
void own_alarm_init(struct own_alarm *a, const char *name, const char *point, enum alarm_severity severity);

/* Raises or clears it, with what is to be said. Returns whether that is news. */
bool own_alarm_set(struct own_alarm *a, bool active, const char *message, int64_t now_ns, int64_t utc_ms);
