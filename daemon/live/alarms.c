#include "daemon/live/alarms.h"

#include "config/ini/text.h"
#include "daemon/live/alarm_input.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct own {
	struct alarm alarm;
	struct alarm_config config;
	char message[512];
};

struct alarms {
	const struct config *config;
	struct alarm_sources from;
	alarms_see *changed, *valued; /* or NULL */
	void *user;
	struct alarm *all;    /* as in the configuration */
	struct input *inputs; /* of those that look at points */
	size_t *order;	      /* what explains others comes before them */
	size_t *first;	      /* for each device, and behind the last: where its own begin in `of_device` */
	size_t *of_device;    /* alarms that look at points of a device, one device after the other */
	bool *due;	      /* for JUDGE_POINTS */
	struct own own[OWN_ALARM_COUNT];
	struct alarm_flood flood;
	int64_t latency_max_ns;
	struct alarm_log *log;
};

static const struct {
	const char *name, *point, *all_well;
} own_alarms[] = {
	[OWN_ALARM_SPOOL] = { OWN_ALARM_PREFIX "spool", "spool", "the spool works" },
	[OWN_ALARM_STATE] = { OWN_ALARM_PREFIX "state", "state", "the state is saved" },
	[OWN_ALARM_FLOOD] = { OWN_ALARM_PREFIX "flood", "alarms", "no flood of alarms" },
};

/* Whether that is news. */
static bool update_own(struct own *o, enum own_alarm which, const char *trouble)
{
	const char *message = trouble ? trouble : own_alarms[which].all_well;
	bool other_text = strcmp(o->message, message) != 0;
	snprintf(o->message, sizeof(o->message), "%s", message);
	struct figure input = { trouble != NULL, QUALITY_GOOD, NULL };
	int64_t now = clock_boottime();
	return alarm_update(&o->alarm, &input, now, now, clock_utc_ms()) || other_text;
}

/* Begins as normal. */
static void init_own(struct own *o, enum own_alarm which)
{
	o->config = (struct alarm_config){ .name = own_alarms[which].name,
		.point_name = own_alarms[which].point,
		.when = WHEN_TRUE,
		.severity = SEVERITY_WARNING,
		.message = o->message };
	alarm_init(&o->alarm, &o->config);
	(void)update_own(o, which, NULL);
}

/* By rank, else as configured. */
static void sort(struct alarms *a)
{
	size_t n = 0;
	for (unsigned rank = 0; n < a->config->alarm_count; rank++)
		for (size_t i = 0; i < a->config->alarm_count; i++)
			if (a->config->alarms[i].rank == rank)
				a->order[n++] = i;
}

/* Counts or, when there is room for them, notes the alarms that look at points of each device. */
static void index_devices(struct alarms *a)
{
	for (size_t i = a->config->alarm_count; i-- > 0;) {
		const struct alarm_config *c = &a->config->alarms[i];
		for (size_t k = 0; c->source == SOURCE_POINT && k < c->points.count; k++) {
			size_t *place = &a->first[c->points.refs[k].device];
			if (a->of_device)
				a->of_device[--*place] = i;
			else
				++*place;
		}
	}
}

static bool init_index(struct alarms *a)
{
	size_t n = a->config->device_count, sum = 0;
	a->due = calloc(a->config->alarm_count + 1, sizeof(a->due[0]));
	a->first = calloc(n + 1, sizeof(a->first[0]));
	if (!a->due || !a->first)
		return false;
	index_devices(a);
	for (size_t i = 0; i <= n; i++) {
		sum += a->first[i];
		a->first[i] = sum; /* the end of each, from which it is filled */
	}
	a->of_device = calloc(sum + 1, sizeof(a->of_device[0]));
	if (!a->of_device)
		return false;
	index_devices(a);
	return true;
}

static bool init(struct alarms *a)
{
	size_t n = a->config->alarm_count;
	a->all = calloc(n + 1, sizeof(a->all[0]));
	a->inputs = calloc(n + 1, sizeof(a->inputs[0]));
	a->order = calloc(n + 1, sizeof(a->order[0]));
	a->log = alarm_log_new();
	if (!a->all || !a->inputs || !a->order || !a->log || !init_index(a))
		return false;
	sort(a);
	for (size_t i = 0; i < n; i++) {
		const struct alarm_config *c = &a->config->alarms[i];
		alarm_init(&a->all[i], c);
		a->inputs[i] = (struct input){ .config = &c->points, .name = c->point_name };
	}
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		init_own(&a->own[i], (enum own_alarm)i);
	return true;
}

struct alarms *alarms_new(const struct config *c, struct point_table *table, const struct loops *loops,
    const struct groups *groups, const struct pues *pues)
{
	struct alarms *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	*a = (struct alarms){ .config = c, .from = { table, loops, groups, pues } };
	if (init(a))
		return a;
	alarms_free(a);
	return NULL;
}

void alarms_free(struct alarms *a)
{
	if (!a)
		return;
	free(a->all);
	free(a->inputs);
	free(a->order);
	free(a->first);
	free(a->of_device);
	free(a->due);
	alarm_log_free(a->log);
	free(a);
}

void alarms_watch(struct alarms *a, alarms_see *changed, alarms_see *valued, void *user)
{
	a->changed = changed;
	a->valued = valued;
	a->user = user;
}

/* A reading is there, or gone: that a device is silent is said for itself, not once for each of its alarms.
 */
static bool is_quiet(const struct alarm *alarm)
{
	return (alarm->previous == ALARM_UNKNOWN && alarm->state == ALARM_NORMAL) ||
	       (alarm->previous == ALARM_NORMAL && alarm->state == ALARM_UNKNOWN);
}

static int level_of(const struct alarm *alarm)
{
	static const int levels[] = {
		[SEVERITY_INFO] = LOG_INFO, [SEVERITY_WARNING] = LOG_WARNING, [SEVERITY_CRITICAL] = LOG_CRIT
	};
	if (alarm->state == ALARM_ACTIVE && !alarm->acknowledged)
		return levels[alarm->severity];
	return is_quiet(alarm) ? LOG_DEBUG : LOG_NOTICE;
}

/* `by` is who did it, or "". */
static void tell(const struct alarms *a, const struct alarm *alarm, const char *what, const char *by)
{
	const struct alarm_config *c = alarm->config;
	log_event(level_of(alarm),
	    (struct log_fields){ .message_id = LOG_ID_ALARM, .alarm = c->name, .point = c->point_name },
	    "alarm %s is %s%s: %s (%s)", c->name, alarm_state_word(alarm->state), what, c->message,
	    c->point_name);
	if (!is_quiet(alarm))
		alarm_log_add(a->log, alarm, by);
	if (a->changed)
		a->changed(alarm, a->user);
}

/* From the device's reply to here, of alarms that wait for nothing else. */
static void note_latency(struct alarms *a, const struct alarm_config *c)
{
	if (c->source != SOURCE_POINT || c->points.count != 1 || c->delay_on > 0 || c->when == WHEN_STALE ||
	    c->when == WHEN_LOST)
		return;
	int64_t latency = clock_boottime() - point_table_at(a->from.table, c->points.refs[0])->sample.time_ns;
	if (latency > a->latency_max_ns)
		a->latency_max_ns = latency;
}

static void on_change(struct alarms *a, const struct alarm *alarm)
{
	bool escalated = alarm->previous == ALARM_ACTIVE && alarm->state == ALARM_ACTIVE && alarm->escalated;
	tell(a, alarm, escalated ? ", escalated" : "", "");
	if (!alarm->raised || alarm->state != ALARM_ACTIVE)
		return;
	note_latency(a, alarm->config);
	if (alarm != &a->own[OWN_ALARM_FLOOD].alarm)
		alarm_flood_note(&a->flood, clock_boottime());
}

/* The alarm that explains this one: active, or it would be if it were not explained itself, and at least as
 * severe, as what is shown must not look better than it is. NULL = none. */
static const char *explanation(const struct alarms *a, const struct alarm *alarm)
{
	const struct alarm_config *c = alarm->config;
	for (size_t i = 0; i < c->suppressor_names.count; i++) {
		const struct alarm *other = &a->all[c->suppressors[i]];
		bool holds = other->state == ALARM_ACTIVE || other->state == ALARM_SUPPRESSED;
		if (holds && other->severity >= alarm->severity)
			return other->config->name;
	}
	return NULL;
}

/* What is told of an alarm beside its state, as a number: whether its value is known, its severity, and why
 * it is unknown or suppressed. */
static uint64_t aside_of(const struct alarm *alarm)
{
	const char *why = alarm->state == ALARM_UNKNOWN	     ? alarm->input.reason
			  : alarm->state == ALARM_SUPPRESSED ? alarm->suppressed_by
							     : NULL;
	return (why ? ini_text_fingerprint(why) : 0) * 8 + 2 * (uint64_t)alarm->severity +
	       quality_has_value(alarm->input.quality);
}

void alarms_device(struct alarms *a, size_t device)
{
	for (size_t k = a->first[device]; k < a->first[device + 1]; k++)
		a->due[a->of_device[k]] = true;
}

struct asked {
	const struct point_table *table;
	int64_t from_ns;
};

static void see_asked(struct point_ref r, void *user)
{
	struct asked *s = user;
	int64_t from_ns = s->table->devices[r.device].asked_from_ns;
	if (from_ns > s->from_ns)
		s->from_ns = from_ns;
}

void alarms_hold(struct alarms *a, int64_t now_ns)
{
	for (size_t i = 0; i < a->config->alarm_count; i++) {
		struct asked s = { a->from.table, now_ns };
		alarm_each_point(a->config, &a->config->alarms[i], see_asked, &s);
		if (s.from_ns > now_ns)
			alarm_hold(&a->all[i], s.from_ns);
	}
}

void alarms_judge(struct alarms *a, enum judged which, int64_t now_ns)
{
	int64_t utc_ms = clock_utc_ms();
	for (size_t k = 0; k < a->config->alarm_count; k++) {
		size_t i = a->order[k];
		struct alarm *alarm = &a->all[i];
		if (which == JUDGE_POINTS && !a->due[i])
			continue;
		a->due[i] = false;
		int64_t read_ns = now_ns;
		struct figure input = alarm_input(&a->from, alarm->config, &a->inputs[i], now_ns, &read_ns);
		if (alarm->config->needs_load)
			alarm_set_load(alarm, !loops_is_idle(a->from.loops, alarm->config->entry));
		alarm_set_lost(alarm, alarm_input_is_lost(&a->from, alarm->config, now_ns));
		alarm_set_suppressed(alarm, explanation(a, alarm), now_ns);
		if (alarm_update(alarm, &input, read_ns, now_ns, utc_ms))
			on_change(a, alarm);
		else if (a->valued && alarm->aside != aside_of(alarm))
			a->valued(alarm, a->user);
		alarm->aside = aside_of(alarm);
	}
}

void alarms_judge_flood(struct alarms *a, int64_t now_ns)
{
	bool flood = alarm_flood_lasts(&a->flood, now_ns);
	alarms_set_own(a, OWN_ALARM_FLOOD, flood ? "more than 10 new alarms in 10 minutes" : NULL);
}

void alarms_set_own(struct alarms *a, enum own_alarm which, const char *trouble)
{
	if (update_own(&a->own[which], which, trouble))
		on_change(a, &a->own[which].alarm);
}

void alarms_each(const struct alarms *a, alarms_see *see, void *user)
{
	for (size_t i = 0; i < a->config->alarm_count; i++)
		see(&a->all[i], user);
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		see(&a->own[i].alarm, user);
}

const struct alarm *alarms_at(const struct alarms *a, size_t i)
{
	return i < a->config->alarm_count ? &a->all[i] : &a->own[i - a->config->alarm_count].alarm;
}

struct alarm *alarms_find(struct alarms *a, const char *name)
{
	size_t found = alarm_find(a->config, name);
	if (found != SIZE_MAX)
		return &a->all[found];
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++)
		if (strcmp(own_alarms[i].name, name) == 0)
			return &a->own[i].alarm;
	return NULL;
}

static const char *tell_done(struct alarms *a, const struct alarm *alarm, const char *what, const char *by)
{
	char text[ALARM_USER_MAX + 32];
	snprintf(text, sizeof(text), ", %s by %s", what, by);
	tell(a, alarm, text, by);
	return NULL;
}

const char *alarms_acknowledge(struct alarms *a, struct alarm *alarm, const char *by)
{
	const char *why = alarm_acknowledge(alarm, by, clock_utc_ms());
	return why ? why : tell_done(a, alarm, "acknowledged", by);
}

static bool is_own(const struct alarms *a, const struct alarm *alarm)
{
	return alarm < a->all || alarm >= a->all + a->config->alarm_count;
}

const char *alarms_shelve(struct alarms *a, struct alarm *alarm, const char *by, int64_t for_ns)
{
	char text[64], length[32];
	if (is_own(a, alarm))
		return "it is about coolantd itself";
	const char *why = alarm_shelve(alarm, by, for_ns, clock_boottime(), clock_utc_ms());
	snprintf(text, sizeof(text), "for %s", text_of_duration(for_ns, length));
	return why ? why : tell_done(a, alarm, text, by);
}

const char *alarms_unshelve(struct alarms *a, struct alarm *alarm, const char *by)
{
	const char *why = alarm_unshelve(alarm, clock_utc_ms());
	return why ? why : tell_done(a, alarm, "taken from the shelf", by);
}

int64_t alarms_take_latency(struct alarms *a)
{
	int64_t latency = a->latency_max_ns;
	a->latency_max_ns = 0;
	return latency;
}

static void say_gone(const char *name)
{
	log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_ALARM, .alarm = name },
	    "alarm %s is configured no more", name);
}

static void say_other(const char *name)
{
	log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_ALARM, .alarm = name },
	    "alarm %s looks for something else now, its state begins anew", name);
}

/* The state of another one. */
static void take_state(const struct alarms *a, struct alarm *to, const struct alarm *from)
{
	const struct alarm_config *config = to->config;
	*to = *from;
	to->config = config;
	if (from->suppressed_by) {
		size_t by = alarm_find(a->config, from->suppressed_by);
		to->suppressed_by = by == SIZE_MAX ? NULL : a->config->alarms[by].name;
	}
	to->input.reason = NULL; /* its text goes with the old one */
}

void alarms_inherit(struct alarms *a, struct alarms *old)
{
	for (size_t i = 0; i < old->config->alarm_count; i++) {
		const struct alarm_config *c = &old->config->alarms[i];
		size_t now = alarm_find(a->config, c->name);
		if (now == SIZE_MAX)
			say_gone(c->name);
		else if (a->config->alarms[now].fingerprint == c->fingerprint)
			take_state(a, &a->all[now], &old->all[i]);
		else
			say_other(c->name);
	}
	for (unsigned i = 0; i < OWN_ALARM_COUNT; i++) {
		take_state(a, &a->own[i].alarm, &old->own[i].alarm);
		memcpy(a->own[i].message, old->own[i].message, sizeof(a->own[i].message));
	}
	struct alarm_log *fresh = a->log;
	a->log = old->log;
	old->log = fresh;
	a->flood = old->flood;
	a->latency_max_ns = old->latency_max_ns;
	alarms_watch(a, old->changed, old->valued, old->user);
}

void alarms_save(const struct alarms *a, int64_t offset_ns, struct bytes_writer *w)
{
	for (size_t i = 0; i < a->config->alarm_count; i++) {
		const struct alarm_config *c = a->all[i].config;
		struct bytes_writer block = { 0 };
		alarm_save(&a->all[i], offset_ns, &block);
		bytes_put_entry(w, ALARMS_ENTRY, c->name, c->fingerprint, &block);
	}
}

bool alarms_load(struct alarms *a, struct bytes_entry *e, const struct wall_clock *clock)
{
	size_t i = alarm_find(a->config, e->name);
	if (i == SIZE_MAX) {
		say_gone(e->name);
		return false;
	}
	const struct alarm_config *c = &a->config->alarms[i];
	if (c->fingerprint != e->fingerprint && c->earlier_fingerprint != e->fingerprint) {
		say_other(e->name);
		return false;
	}
	alarm_load(&a->all[i], clock, &e->block);
	return !e->block.bad;
}

struct alarm_log *alarms_log(struct alarms *a)
{
	return a->log;
}
