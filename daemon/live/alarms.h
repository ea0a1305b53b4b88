/* alarms: the alarms of the configuration and those about coolantd itself, as the daemon keeps them (main
 * thread).
 *
 * Whatever changes an alarm goes through here, so that each change is in the journal, at the broker and
 * saved.
 */
#pragma once

#include "daemon/daemon_private.h"

/* Those about coolantd itself begin as normal. */
void alarms_init(struct daemon *d);

/* Judges alarms of the configuration. */
void alarms_judge(struct daemon *d, enum judged which, int64_t now_ns);

/* Whether there is a flood of new alarms. */
void alarms_judge_flood(struct daemon *d, int64_t now_ns);

/* Raises or clears one about coolantd itself; a NULL text is what is said when all is well. */
void alarms_set_own(struct daemon *d, enum own_alarm_id id, const char *trouble);

/* One call for each alarm, first those of the configuration. */
void alarms_each(const struct daemon *d, void (*see)(const struct alarm *a, void *user), void *user);

/* An alarm that is configured no more: the broker forgets what it holds of it, now and after each connect. */
void alarms_retire(struct daemon *d, const char *name);
/* Those of a configuration that another one has no more. */
void alarms_retire_missing(struct daemon *d, const struct config *old, const struct config *new);
void alarms_announce_retired(struct daemon *d);
void alarms_free(struct daemon *d);

/* By name; NULL = none. */
struct alarm *alarms_find(struct daemon *d, const char *name);

/* An operator has seen it. NULL, or why it cannot be acknowledged. */
const char *alarms_acknowledge(struct daemon *d, struct alarm *a);
