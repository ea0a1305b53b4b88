#include "own_alarm.h"

#include <stdio.h>
#include <string.h>

void own_alarm_init(struct own_alarm *a, const char *name, const char *point, enum alarm_severity severity)
{
	*a = (struct own_alarm){ .config = {
				     .name = name,
				     .point_name = point,
				     .when = WHEN_TRUE,
				     .severity = (int)severity,
				 } };
	a->config.message = a->message;
	alarm_init(&a->alarm, &a->config);
}

bool own_alarm_set(struct own_alarm *a, bool active, const char *message, int64_t now_ns, int64_t utc_ms)
{
	bool other_text = strcmp(a->message, message) != 0;
	snprintf(a->message, sizeof(a->message), "%s", message);
	struct figure input = { active, QUALITY_GOOD, NULL };
	return alarm_update(&a->alarm, &input, now_ns, utc_ms) || other_text;
}
