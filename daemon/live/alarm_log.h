/* alarm_log: the last changes of alarms, for those who ask what happened (holder, main thread).
 *
 * All of it is in memory, so that an answer does not wait for the disk; what is new goes there with the next
 * save of the state and comes back after a restart. The oldest give way.
 */
#pragma once

#include "daemon/control/alarm.h"

#define ALARM_LOG_MAX 10000
#define ALARM_LOG_AGE_MS (INT64_C(400) * 86400 * 1000)
/* A message is cut here: 10000 of them are held. */
#define ALARM_LOG_MESSAGE_MAX 200

struct alarm_change {
	uint64_t id; /* rises with each */
	int64_t ts_ms;
	enum alarm_state state;
	enum alarm_severity severity;
	bool acknowledged;
	double value; /* NAN = not known */
	const char *name, *message;
	const char *by; /* who did it; "" = nobody */
};

struct alarm_log;

struct alarm_log *alarm_log_new(void); /* NULL without memory */
void alarm_log_free(struct alarm_log *l);

/* The alarm as it is now; `by` is "" when nobody did it. Without memory it is left out. */
void alarm_log_add(struct alarm_log *l, const struct alarm *a, const char *by);

/* From the oldest on, none that is older than ALARM_LOG_AGE_MS. */
void alarm_log_each(const struct alarm_log *l, int64_t now_ms,
    void (*see)(const struct alarm_change *c, void *user), void *user);

/* What came after `id`, as an entry for each, with its id as the fingerprint, and back. Returns the newest
 * id. */
#define ALARM_LOG_ENTRY "change"
uint64_t alarm_log_save(const struct alarm_log *l, uint64_t id, struct bytes_writer *w);
uint64_t alarm_log_newest(const struct alarm_log *l);
void alarm_log_load(struct alarm_log *l, struct bytes_entry *e);
