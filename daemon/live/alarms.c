#include "daemon/live/alarms.h"

#include "daemon/publish/announce.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdlib.h>
#include <string.h>

static int level_of(const struct alarm *a)
{
	static const int levels[] = {
		[SEVERITY_INFO] = LOG_INFO, [SEVERITY_WARNING] = LOG_WARNING, [SEVERITY_CRITICAL] = LOG_CRIT
	};
	if (a->state == ALARM_ACTIVE && !a->acknowledged)
		return levels[a->config->severity];
	/* a reading is there, or gone: that a device is silent is said for itself, not once for each of its
	 * alarms */
	bool quiet = (a->previous == ALARM_UNKNOWN && a->state == ALARM_NORMAL) ||
		     (a->previous == ALARM_NORMAL && a->state == ALARM_UNKNOWN);
	return quiet ? LOG_DEBUG : LOG_NOTICE;
}

static void tell(struct daemon *d, const struct alarm *a, const char *what)
{
	struct log_fields fields = {
		.message_id = LOG_ID_ALARM, .alarm = a->config->name, .point = a->config->point_name
	};
	log_event(level_of(a), fields, "alarm %s is %s%s: %s (%s)", a->config->name,
	    alarm_state_word(a->state), what, a->config->message, a->config->point_name);
	announce_alarm(a, d);
	d->save_soon = true;
}

/* From the device's reply to here, of alarms that wait for nothing else. */
static void note_latency(struct daemon *d, const struct alarm *a)
{
	const struct alarm_config *c = a->config;
	if (c->source != SOURCE_POINT || c->points.count != 1 || c->delay_on > 0 || c->when == WHEN_STALE)
		return;
	int64_t latency = clock_boottime() - point_table_at(d->table, c->points.refs[0])->sample.time_ns;
	if (latency > d->alarm_latency_max_ns)
		d->alarm_latency_max_ns = latency;
}

static void on_change(const struct alarm *a, void *user)
{
	struct daemon *d = user;
	tell(d, a, "");
	if (a->state == ALARM_ACTIVE)
		note_latency(d, a);
	if (a->state == ALARM_ACTIVE && a != &d->own_alarms[OWN_ALARM_FLOOD].alarm)
		alarm_flood_note(&d->flood, clock_boottime());
}

void alarms_init(struct daemon *d)
{
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		own_alarm_init(&d->own_alarms[i], (enum own_alarm_id)i, clock_boottime(), clock_utc_ms());
}

void alarms_judge(struct daemon *d, enum judged which, int64_t now_ns)
{
	live_judge(d->live, d->table, which, now_ns, clock_utc_ms(), on_change, d);
}

void alarms_judge_flood(struct daemon *d, int64_t now_ns)
{
	bool flood = alarm_flood_lasts(&d->flood, now_ns);
	alarms_set_own(d, OWN_ALARM_FLOOD, flood ? "more than 10 new alarms in 10 minutes" : NULL);
}

void alarms_set_own(struct daemon *d, enum own_alarm_id id, const char *trouble)
{
	if (own_alarm_set(&d->own_alarms[id], trouble, clock_boottime(), clock_utc_ms()))
		on_change(&d->own_alarms[id].alarm, d);
}

void alarms_each(const struct daemon *d, void (*see)(const struct alarm *a, void *user), void *user)
{
	for (size_t i = 0; i < d->config->alarm_count; i++)
		see(&d->live->alarms[i], user);
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		see(&d->own_alarms[i].alarm, user);
}

/* So many names are remembered; a broker keeps what is past them. */
#define RETIRED_MAX 1000

void alarms_retire(struct daemon *d, const char *name)
{
	struct retired *r = &d->retired;
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->names[i], name) == 0)
			return;
	char **names = r->count < RETIRED_MAX ? reallocarray(r->names, r->count + 1, sizeof(*names)) : NULL;
	char *copy = names ? strdup(name) : NULL;
	if (names)
		r->names = names;
	if (copy)
		r->names[r->count++] = copy;
	log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_ALARM, .alarm = name },
	    "alarm %s is configured no more", name);
}

void alarms_retire_missing(struct daemon *d, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < old->alarm_count; i++)
		if (config_find_alarm(new, old->alarms[i].name) == SIZE_MAX)
			alarms_retire(d, old->alarms[i].name);
}

void alarms_announce_retired(struct daemon *d)
{
	for (size_t i = 0; i < d->retired.count; i++)
		if (config_find_alarm(d->config, d->retired.names[i]) == SIZE_MAX) /* it may be back */
			announce_no_alarm(d->retired.names[i], d);
}

void alarms_free(struct daemon *d)
{
	for (size_t i = 0; i < d->retired.count; i++)
		free(d->retired.names[i]);
	free(d->retired.names);
}

struct alarm *alarms_find(struct daemon *d, const char *name)
{
	size_t found = config_find_alarm(d->config, name);
	if (found != SIZE_MAX)
		return &d->live->alarms[found];
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		if (strcmp(d->own_alarms[i].config.name, name) == 0)
			return &d->own_alarms[i].alarm;
	return NULL;
}

const char *alarms_acknowledge(struct daemon *d, struct alarm *a)
{
	const char *why = alarm_acknowledge(a, clock_utc_ms());
	if (!why)
		tell(d, a, ", acknowledged");
	return why;
}
