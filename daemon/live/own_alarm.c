#include "daemon/live/own_alarm.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *point, *all_well;
} own_alarms[] = {
	[OWN_ALARM_SPOOL] = { OWN_ALARM_PREFIX "spool", "spool", "the spool works" },
	[OWN_ALARM_STATE] = { OWN_ALARM_PREFIX "state", "state", "the state is saved" },
	[OWN_ALARM_FLOOD] = { OWN_ALARM_PREFIX "flood", "alarms", "no flood of alarms" },
};

void own_alarm_init(struct own_alarm *a, enum own_alarm_id id, int64_t now_ns, int64_t utc_ms)
{
	*a = (struct own_alarm){ .config = {
				     .name = own_alarms[id].name,
				     .point_name = own_alarms[id].point,
				     .when = WHEN_TRUE,
				     .severity = SEVERITY_WARNING,
				 }, .all_well = own_alarms[id].all_well };
	a->config.message = a->message;
	alarm_init(&a->alarm, &a->config);
	(void)own_alarm_set(a, NULL, now_ns, utc_ms);
}

bool own_alarm_set(struct own_alarm *a, const char *trouble, int64_t now_ns, int64_t utc_ms)
{
	const char *message = trouble ? trouble : a->all_well;
	bool other_text = strcmp(a->message, message) != 0;
	snprintf(a->message, sizeof(a->message), "%s", message);
	struct figure input = { trouble != NULL, QUALITY_GOOD, NULL };
	return alarm_update(&a->alarm, &input, now_ns, utc_ms) || other_text;
}
