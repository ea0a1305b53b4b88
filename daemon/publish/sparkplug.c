#include "daemon/publish/sparkplug.h"

#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/publish/sparkplug_device.h"
#include "daemon/publish/sparkplug_state.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "spBv1.0"
#define REBIRTH "Node Control/Rebirth"
/* So long after the last history of a silent device it is told dead again. */
#define VISIT_NS (5 * NS_PER_S)
/* Of a topic, with its NUL: a group, a node and a device, each as long as a name may be. */
#define TOPIC_MAX 320

struct sparkplug {
	struct output to;
	struct sparkplug_device *devices, *loops, *groups, *pues, *alarms; /* as in the configuration */
	struct sparkplug_device **by_id;				   /* all of them, sorted */
	size_t alarm_count, count;
	struct sparkplug_list list;
	char **gone; /* devices of an earlier configuration that are to be told dead */
	size_t gone_count;
	uint8_t seq;	  /* of the last message */
	uint64_t session; /* the connect of the last NBIRTH, 0 before it */
	bool birth_waits; /* one was made and has not gone out yet */
	struct sparkplug_state state;
};

static bool is_wanted(const struct config *c)
{
	return c->sparkplug;
}

/* `device` NULL = of the node. */
static void put_topic(
    char topic[static TOPIC_MAX], const struct config *c, const char *verb, const char *device)
{
	snprintf(topic, TOPIC_MAX, NAMESPACE "/%s/%s/%s%s%s", c->sparkplug->group, verb, c->sparkplug->node,
	    device ? "/" : "", device ? device : "");
}

static const struct config *config_of(const struct sparkplug *s)
{
	return s->to.live->config;
}

static int by_id(const void *a, const void *b)
{
	const struct sparkplug_device *const *x = a, *const *y = b;
	return strcmp((*x)->id, (*y)->id);
}

static struct sparkplug_device *find(const struct sparkplug *s, const char *id)
{
	const struct sparkplug_device key = { .id = (char *)id }, *want = &key;
	struct sparkplug_device **found = bsearch(&want, s->by_id, s->count, sizeof(s->by_id[0]), by_id);
	return found ? *found : NULL;
}

/* A device of the node for something of ours; its metrics are in the list. */
static bool add(struct sparkplug *s, struct sparkplug_device *d, const char *kind, const char *name)
{
	char id[2 * NAME_LENGTH_MAX];
	snprintf(id, sizeof(id), "%s%s%s", kind, *kind ? "." : "", name);
	if (!sparkplug_device_init(d, id, &s->list))
		return false;
	s->by_id[s->count++] = d;
	return true;
}

static bool add_figures(struct sparkplug *s)
{
	const struct live *live = s->to.live;
	const struct config *c = live->config;
	bool good = true;
	for (size_t i = 0; good && i < c->device_count; i++) {
		sparkplug_list_device(&s->list, &live->table->devices[i], 0);
		good = add(s, &s->devices[i], "", c->devices[i].name);
	}
	for (size_t i = 0; good && i < c->loop_count; i++) {
		sparkplug_list_loop(&s->list, live, i, 0);
		good = add(s, &s->loops[i], "loop", c->loops[i].name);
	}
	for (size_t i = 0; good && i < c->group_count; i++) {
		sparkplug_list_group(&s->list, live, i, 0);
		good = add(s, &s->groups[i], "group", c->groups[i].name);
	}
	for (size_t i = 0; good && i < c->pue_count; i++) {
		sparkplug_list_pue(&s->list, live, i, 0);
		good = add(s, &s->pues[i], "pue", c->pues[i].name);
	}
	return good;
}

static int by_alias(const void *a, const void *b)
{
	uint64_t x = **(uint64_t *const *)a, y = **(uint64_t *const *)b;
	return x < y ? -1 : x > y;
}

/* Two metrics of the node with one alias: one of them gets the next number that is free. */
static bool tell_apart(struct sparkplug *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->count; i++)
		n += s->by_id[i]->count;
	_cleanup_free_ uint64_t **aliases = calloc(n + 1, sizeof(aliases[0]));
	if (!aliases)
		return false;
	n = 0;
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->by_id[i]->count; k++)
			aliases[n++] = &s->by_id[i]->aliases[k];
	qsort(aliases, n, sizeof(aliases[0]), by_alias);
	for (size_t i = 1; i < n; i++)
		if (*aliases[i] <= *aliases[i - 1])
			*aliases[i] = *aliases[i - 1] + 1;
	return true;
}

static void count_alarm(const struct alarm *a, void *user)
{
	struct sparkplug *s = user;
	s->alarm_count++;
}

static void add_alarm(const struct alarm *a, void *user)
{
	struct sparkplug *s = user;
	sparkplug_list_alarm(&s->list, a, 0);
	if (add(s, &s->alarms[s->alarm_count], "alarm", a->config->name))
		s->alarm_count++;
}

static bool init(struct sparkplug *s)
{
	const struct config *c = config_of(s);
	size_t alarms;
	alarms_each(s->to.live->alarms, count_alarm, s);
	alarms = s->alarm_count;
	s->alarm_count = 0;
	s->devices = calloc(c->device_count + 1, sizeof(s->devices[0]));
	s->loops = calloc(c->loop_count + 1, sizeof(s->loops[0]));
	s->groups = calloc(c->group_count + 1, sizeof(s->groups[0]));
	s->pues = calloc(c->pue_count + 1, sizeof(s->pues[0]));
	s->alarms = calloc(alarms + 1, sizeof(s->alarms[0]));
	s->by_id = calloc(c->device_count + c->loop_count + c->group_count + c->pue_count + alarms + 1,
	    sizeof(s->by_id[0]));
	if (!s->devices || !s->loops || !s->groups || !s->pues || !s->alarms || !s->by_id || !add_figures(s))
		return false;
	alarms_each(s->to.live->alarms, add_alarm, s);
	qsort(s->by_id, s->count, sizeof(s->by_id[0]), by_id);
	return s->alarm_count == alarms && tell_apart(s);
}

static void close_sparkplug(void *state)
{
	struct sparkplug *s = state;
	for (size_t i = 0; i < s->count; i++)
		sparkplug_device_deinit(s->by_id[i]);
	for (size_t i = 0; i < s->gone_count; i++)
		free(s->gone[i]);
	sparkplug_list_free(&s->list);
	free(s->gone);
	free(s->by_id);
	free(s->devices);
	free(s->loops);
	free(s->groups);
	free(s->pues);
	free(s->alarms);
	free(s);
}

static void *open_sparkplug(const struct output *to)
{
	struct sparkplug *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->to = *to;
	if (init(s))
		return s;
	close_sparkplug(s);
	return NULL;
}

/* What was alive and is no more in the configuration dies before the next birth. */
static void inherit_sparkplug(void *state, const void *old)
{
	struct sparkplug *s = state;
	const struct sparkplug *was = old;
	s->seq = was->seq;
	s->state = was->state;
	s->session = was->session;
	s->gone = calloc(was->count + 1, sizeof(s->gone[0]));
	for (size_t i = 0; s->gone && i < was->count; i++)
		if (was->by_id[i]->born && !find(s, was->by_id[i]->id))
			s->gone[s->gone_count++] = strdup(was->by_id[i]->id);
}

static void send(const struct sparkplug *s, const char *verb, const char *device, void *payload, size_t size,
    int64_t ts_ms)
{
	char topic[TOPIC_MAX];
	put_topic(topic, config_of(s), verb, device);
	s->to.sink.send(s->to.sink.user, message_new(topic, NULL, payload, size, PUBLISH_EACH, ts_ms));
}

static struct sparkplug_metric session_number(uint64_t connect, int64_t ts_ms)
{
	return (struct sparkplug_metric){ .name = "bdSeq",
		.type = SPARKPLUG_INT64,
		.value = { .kind = VALUE_INTEGER, .integer = (int64_t)(connect % 256) },
		.ts_ms = ts_ms };
}

static int make_presence(const struct config *c, uint64_t connect, struct output_presence *ret)
{
	char topic[TOPIC_MAX];
	size_t size;
	int64_t now = clock_utc_ms();
	const struct sparkplug_metric m = session_number(connect, now);
	put_topic(topic, c, "NDEATH", NULL);
	void *payload = sparkplug_pack(&m, 1, SPARKPLUG_BIRTH, now, &size);
	if (payload)
		ret->offline = message_new(topic, NULL, payload, size, PUBLISH_EACH | PUBLISH_ASSURED, now);
	return ret->offline ? 0 : -ENOMEM;
}

/* What is given out may make the broker be heard, and that may ask for a rebirth: nothing is walked here that
 * another birth would walk too. */
static void tell_gone(struct sparkplug *s, bool is_same_session, int64_t now)
{
	char **gone = s->gone;
	const size_t count = s->gone_count;
	s->gone = NULL;
	s->gone_count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t size;
		if (gone[i] && is_same_session) {
			void *empty = sparkplug_pack(NULL, 0, SPARKPLUG_DATA, now, &size);
			send(s, "DDEATH", gone[i], empty, size, now);
		}
		free(gone[i]);
	}
	free(gone);
}

/* The node, then no device is born any more. A new session knows of no device. */
static void tell_node(void *state, uint64_t connect)
{
	struct sparkplug *s = state;
	int64_t now = clock_utc_ms();
	const struct sparkplug_metric metrics[] = { session_number(connect, now),
		{ .name = REBIRTH,
		    .type = SPARKPLUG_BOOLEAN,
		    .value = { .kind = VALUE_BOOL, .truth = false },
		    .ts_ms = now } };
	size_t size;
	s->birth_waits = true;
	tell_gone(s, s->session == connect, now);
	s->session = connect;
	for (size_t i = 0; i < s->count; i++) {
		s->by_id[i]->born = false;
		s->by_id[i]->visited_ns = 0;
	}
	void *payload =
	    sparkplug_pack(metrics, sizeof(metrics) / sizeof(metrics[0]), SPARKPLUG_BIRTH, now, &size);
	send(s, "NBIRTH", NULL, payload, size, now);
}

/* Of what is in the list: the birth of the device, or what is news. `is_kept`: late it is sent as history. */
static void tell(struct sparkplug *s, struct sparkplug_device *d, const bool *chosen, bool is_kept)
{
	char topic[TOPIC_MAX], late_topic[TOPIC_MAX];
	size_t size, late_size;
	struct sparkplug_list *l = &s->list;
	bool is_birth = !d->born;
	sparkplug_device_choose(d, l, chosen);
	if (l->count == 0)
		return;
	put_topic(topic, config_of(s), is_birth ? "DBIRTH" : "DDATA", d->id);
	put_topic(late_topic, config_of(s), "DDATA", d->id);
	void *payload = sparkplug_pack(
	    l->metrics, l->count, is_birth ? SPARKPLUG_BIRTH : SPARKPLUG_DATA, l->ts_ms, &size);
	struct message *m =
	    message_new(topic, is_kept ? late_topic : NULL, payload, size, PUBLISH_EACH, l->ts_ms);
	if (m && is_kept) {
		void *late = sparkplug_pack(l->metrics, l->count, SPARKPLUG_HISTORY, l->ts_ms, &late_size);
		message_set_late(m, late, late_size);
	}
	d->born = true;
	s->to.sink.send(s->to.sink.user, m);
}

static void tell_death(const struct sparkplug *s, struct sparkplug_device *d)
{
	if (d->visited_ns != 0 && clock_boottime() - d->visited_ns < VISIT_NS)
		return;
	size_t size;
	int64_t now = clock_utc_ms();
	void *payload = sparkplug_pack(NULL, 0, SPARKPLUG_DATA, now, &size);
	d->born = false;
	d->visited_ns = 0;
	send(s, "DDEATH", d->id, payload, size, now);
}

static void tell_device(void *state, const struct output_device *d)
{
	struct sparkplug *s = state;
	struct sparkplug_device *device = &s->devices[d->device - s->to.live->table->devices];
	if (!point_table_is_up(d->device, clock_boottime())) {
		if (device->born)
			tell_death(s, device);
		return;
	}
	device->visited_ns = 0;
	sparkplug_list_device(&s->list, d->device, d->ts_ms);
	tell(s, device, d->news, true);
}

static void tell_loop(void *state, size_t i, struct output_moment at)
{
	struct sparkplug *s = state;
	sparkplug_list_loop(&s->list, s->to.live, i, at.ts_ms);
	tell(s, &s->loops[i], NULL, at.is_new);
}

static void tell_group(void *state, size_t i, struct output_moment at)
{
	struct sparkplug *s = state;
	sparkplug_list_group(&s->list, s->to.live, i, at.ts_ms);
	tell(s, &s->groups[i], NULL, at.is_new);
}

static void tell_pue(void *state, size_t i, struct output_moment at)
{
	struct sparkplug *s = state;
	sparkplug_list_pue(&s->list, s->to.live, i, at.ts_ms);
	tell(s, &s->pues[i], NULL, at.is_new);
}

static void tell_alarm(void *state, const struct alarm *a, bool is_event)
{
	struct sparkplug *s = state;
	char id[2 * NAME_LENGTH_MAX];
	snprintf(id, sizeof(id), "alarm.%s", a->config->name);
	struct sparkplug_device *d = find(s, id);
	if (!d)
		return;
	sparkplug_list_alarm(&s->list, a, is_event && a->changed_ms ? a->changed_ms : clock_utc_ms());
	tell(s, d, NULL, is_event);
}

/* Of a device that is silent, not every point may be stale yet. */
static void look_for_silent(void *state, int64_t now_ns)
{
	struct sparkplug *s = state;
	for (size_t i = 0; i < config_of(s)->device_count; i++)
		if (s->devices[i].born && !point_table_is_up(&s->to.live->table->devices[i], now_ns))
			tell_death(s, &s->devices[i]);
}

/* The verb, and behind the node the device ("" = none), of a topic of this node; false = it is another's, as
 * the node was called before. */
static bool split_topic(const struct sparkplug *s, const char *topic, const char **verb, const char **device)
{
	const struct sparkplug_config *c = config_of(s)->sparkplug;
	char own[TOPIC_MAX];
	int n = snprintf(own, sizeof(own), NAMESPACE "/%s/", c->group);
	if (strncmp(topic, own, (size_t)n) != 0)
		return false;
	*verb = topic + n;
	const char *node = strchr(*verb, '/');
	size_t length = strlen(c->node);
	if (!node || strncmp(node + 1, c->node, length) != 0)
		return false;
	*device = node + 1 + length;
	*device += **device == '/';
	return **device == '\0' || (*device)[-1] == '/';
}

/* Whether history of a device can go out now: nobody knows its metrics before it is born, and it may be
 * silent since. */
static size_t admit_late(struct sparkplug *s, const char *id)
{
	struct sparkplug_device *d = find(s, id);
	if (!d)
		return OUTPUT_TAIL_OBSOLETE;
	bool was_born = d->born;
	const struct device_config *c = device_find(config_of(s), id, strlen(id));
	if (!was_born && !c)
		return OUTPUT_TAIL_OBSOLETE;
	if (!was_born) {
		const struct table_device *table = &s->to.live->table->devices[c - config_of(s)->devices];
		sparkplug_list_device(&s->list, table, clock_utc_ms());
		tell(s, d, NULL, false);
	}
	if (!was_born || d->visited_ns != 0)
		d->visited_ns = clock_boottime();
	return was_born ? 0 : OUTPUT_TAIL_LATER;
}

/* Every message but a death of the node has its number, in the order in which they go out. */
static size_t put_tail(void *state, const struct message *m, uint8_t tail[static OUTPUT_TAIL_MAX])
{
	struct sparkplug *s = state;
	const char *verb, *device;
	if (!split_topic(s, m->topic, &verb, &device))
		return m->is_history ? OUTPUT_TAIL_OBSOLETE : 0;
	if (strncmp(verb, "NDEATH/", 7) == 0)
		return 0;
	size_t late = m->is_history ? admit_late(s, device) : 0;
	if (late != 0)
		return late;
	bool is_birth = strncmp(verb, "NBIRTH/", 7) == 0;
	s->seq = is_birth ? 0 : (uint8_t)(s->seq + 1);
	s->birth_waits &= !is_birth;
	return sparkplug_put_seq(s->seq, tail);
}

static int listens(const struct config *c, char *topics[OUTPUT_TOPICS_MAX])
{
	char topic[TOPIC_MAX];
	int n = 0;
	put_topic(topic, c, "NCMD", NULL);
	topics[n++] = strdup(topic);
	if (c->sparkplug->primary_host[0]) {
		snprintf(topic, sizeof(topic), NAMESPACE "/STATE/%s", c->sparkplug->primary_host);
		topics[n++] = strdup(topic);
	}
	return topics[0] && topics[n - 1] ? n : -ENOMEM;
}

static const char *waits_for(const struct config *c)
{
	return c->sparkplug->primary_host;
}

static enum output_wish hear(
    void *state, uint64_t connect, const char *topic, const char *payload, size_t size)
{
	struct sparkplug *s = state;
	if (strncmp(topic, NAMESPACE "/STATE/", sizeof(NAMESPACE "/STATE/") - 1) == 0)
		return sparkplug_state_hear(&s->state, connect, payload, size);
	/* one that waits to go out is as good as another */
	return sparkplug_commands(REBIRTH, payload, size) && !s->birth_waits ? OUTPUT_WISH_EVERYTHING
									     : OUTPUT_WISH_NONE;
}

const struct output_format sparkplug_format = {
	.connection = OUTPUT_SPARKPLUG,
	.full_interval = INT64_MAX,
	.is_wanted = is_wanted,
	.open = open_sparkplug,
	.close = close_sparkplug,
	.inherit = inherit_sparkplug,
	.presence = make_presence,
	.listens = listens,
	.hear = hear,
	.waits_for = waits_for,
	.tail = put_tail,
	.begin = tell_node,
	.device = tell_device,
	.loop = tell_loop,
	.group = tell_group,
	.pue = tell_pue,
	.alarm = tell_alarm,
	.tick = look_for_silent,
};
