#include "daemon/publish/json.h"

#include "daemon/publish/json_payload.h"
#include "daemon/publish/json_trend.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest topic, with its NUL: a base and names. */
#define TOPIC_MAX 640

struct json {
	struct output to;
	char base[JSON_BASE_MAX];
};

/* What a message is beside its payload. */
struct envelope {
	const char *kind, *name, *part; /* B/KIND/NAME/PART; NULL ends it */
	unsigned flags;
	bool keep; /* when it cannot be delivered now it is sent later, under B/history/… */
	const char *unit;
	int64_t ts_ms;
};

void json_base(const struct config *c, char base[static JSON_BASE_MAX])
{
	snprintf(base, JSON_BASE_MAX, "%s/%s/%s", c->mqtt->topic_prefix, c->daemon->site, c->daemon->rack);
}

static void put_topic(
    char topic[static TOPIC_MAX], const char *base, const char *folder, const struct envelope *e)
{
	const char *name = e->name ? e->name : "", *part = e->part ? e->part : "";
	snprintf(topic, TOPIC_MAX, "%s/%s%s%s%s%s%s", base, folder, e->kind, e->name ? "/" : "", name,
	    e->part ? "/" : "", part);
}

static struct message *make(const char *base, const struct envelope *e, void *payload, size_t size)
{
	char topic[TOPIC_MAX], late_topic[TOPIC_MAX];
	put_topic(topic, base, "", e);
	put_topic(late_topic, base, "history/", e);
	struct message *m =
	    message_new(topic, e->keep ? late_topic : NULL, payload, size, e->flags, e->ts_ms);
	if (!m)
		return NULL;
	if (e->unit)
		snprintf(m->unit, sizeof(m->unit), "%s", e->unit);
	return m;
}

static void send(const struct json *j, struct envelope e, struct json_writer *w)
{
	char *text = json_finish(w);
	j->to.sink.send(j->to.sink.user, make(j->base, &e, text, w->size));
}

static void *open_json(const struct output *to)
{
	struct json *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->to = *to;
	json_base(to->live->config, j->base);
	return j;
}

static struct message *status(const struct config *c, const char *word)
{
	const struct envelope e = { .kind = "status", .flags = PUBLISH_RETAIN };
	char base[JSON_BASE_MAX];
	json_base(c, base);
	return make(base, &e, strdup(word), strlen(word));
}

static int make_presence(const struct config *c, uint64_t connect, struct output_presence *ret)
{
	*ret = (struct output_presence){ status(c, "online"), status(c, "offline") };
	if (ret->online && ret->offline)
		return 0;
	message_free(ret->online);
	message_free(ret->offline);
	return -ENOMEM;
}

static void tell_info(void *state, uint64_t connect)
{
	const struct json *j = state;
	const struct config *c = j->to.live->config;
	struct envelope e = { .kind = "info", .flags = PUBLISH_RETAIN, .ts_ms = clock_utc_ms() };
	struct json_writer w;
	json_begin(&w);
	json_payload_info(&w, NULL, j->to.live, j->to.started_ms);
	send(j, e, &w);
	for (size_t i = 0; i < c->device_count; i++) {
		e.name = c->devices[i].name;
		json_begin(&w);
		json_payload_device_info(&w, &c->devices[i]);
		send(j, e, &w);
	}
}

static void send_points(const struct json *j, const struct output_device *d, struct envelope e)
{
	const struct device_config *c = d->device->config;
	e.kind = "point";
	for (size_t i = 0; i < c->point_count; i++) {
		struct json_writer w;
		if (!d->news[i])
			continue;
		e.part = c->points[i].name;
		e.unit = c->points[i].unit;
		json_begin(&w);
		json_payload_point(&w, d->device, i, d->ts_ms);
		send(j, e, &w);
	}
}

static bool is_all_news(const struct output_device *d)
{
	for (size_t i = 0; !d->full && i < d->device->config->point_count; i++)
		if (!d->news[i])
			return false;
	return true;
}

/* Retained it is the whole device; late, what was news of it. */
static void send_device(const struct json *j, const struct output_device *d, const struct envelope *e)
{
	struct json_writer w;
	json_begin(&w);
	json_payload_device(&w, d, NULL);
	char *text = json_finish(&w);
	struct message *m = make(j->base, e, text, w.size);
	if (m && !is_all_news(d)) {
		json_begin(&w);
		json_payload_device(&w, d, d->news);
		text = json_finish(&w);
		message_set_late(m, text, w.size);
	}
	j->to.sink.send(j->to.sink.user, m);
}

static void tell_device(void *state, const struct output_device *d)
{
	const struct json *j = state;
	struct envelope e = { .kind = "device",
		.name = d->device->config->name,
		.flags = PUBLISH_RETAIN | (d->urgent ? PUBLISH_URGENT : 0),
		.keep = true,
		.ts_ms = d->ts_ms };
	if (j->to.live->config->mqtt->layout & LAYOUT_DEVICE)
		send_device(j, d, &e);
	if (j->to.live->config->mqtt->layout & LAYOUT_POINT)
		send_points(j, d, e);
}

static void send_figures(
    const struct json *j, const char *kind, const char *name, struct output_moment at, struct json_writer *w)
{
	struct envelope e = {
		.kind = kind, .name = name, .flags = PUBLISH_RETAIN, .keep = at.is_new, .ts_ms = at.ts_ms
	};
	send(j, e, w);
}

static void tell_loop(void *state, size_t i, struct output_moment at)
{
	const struct json *j = state;
	const struct loop_config *c = &j->to.live->config->loops[i];
	struct json_writer w;
	json_begin(&w);
	json_payload_loop(&w, NULL, c, loops_figures(j->to.live->loops, i), at.ts_ms);
	send_figures(j, "loop", c->name, at, &w);
}

static void tell_group(void *state, size_t i, struct output_moment at)
{
	const struct json *j = state;
	const struct group_config *c = &j->to.live->config->groups[i];
	struct json_writer w;
	json_begin(&w);
	json_payload_group(&w, NULL, c, j->to.live->groups, i, at.ts_ms);
	send_figures(j, "group", c->name, at, &w);
}

static void tell_pue(void *state, size_t i, struct output_moment at)
{
	const struct json *j = state;
	const struct pue_config *c = &j->to.live->config->pues[i];
	struct json_writer w;
	json_begin(&w);
	json_payload_pue(&w, NULL, c, pues_at(j->to.live->pues, i), clock_realtime_offset(), at.ts_ms);
	send_figures(j, "pue", c->name, at, &w);
}

static void tell_trend(void *state, enum trends_kind kind, size_t i)
{
	const struct json *j = state;
	const struct trends *t = j->to.live->trends;
	const struct envelope e = { .kind = "trend",
		.name = trends_rows[kind].word,
		.part = trends_name(t, kind, i),
		.flags = PUBLISH_RETAIN,
		.ts_ms = trends_end_ms(t) };
	struct json_writer w;
	json_begin(&w);
	json_trend(&w, &trends_rows[kind], trends_at(t, kind, i));
	send(j, e, &w);
}

static void tell_alarm(void *state, const struct alarm *a, bool is_event)
{
	const struct json *j = state;
	struct json_writer w;
	struct envelope e = { .kind = "alarm",
		.name = a->config->name,
		.flags = PUBLISH_RETAIN | PUBLISH_URGENT,
		.keep = is_event,
		.ts_ms = a->changed_ms };
	json_begin(&w);
	json_payload_alarm(&w, NULL, j->to.live->config, a, clock_utc_ms());
	send(j, e, &w);
}

static void tell_health(void *state, const struct health *h)
{
	struct json_writer w;
	json_begin(&w);
	json_payload_health(&w, h);
	send(state, (struct envelope){ .kind = "health", .flags = PUBLISH_RETAIN, .ts_ms = h->ts_ms }, &w);
}

/* Who is to see topics. */
struct viewer {
	const char *base;
	void (*see)(const char *topic, void *user);
	void *user;
};

static void see_topic(const struct viewer *v, const char *kind, const char *name, const char *part)
{
	const struct envelope e = { .kind = kind, .name = name, .part = part };
	char topic[TOPIC_MAX];
	put_topic(topic, v->base, "", &e);
	v->see(topic, v->user);
}

static void see_alarm_topic(const struct alarm *a, void *user)
{
	see_topic(user, "alarm", a->config->name, NULL);
}

static void see_device_topics(const struct viewer *v, const struct device_config *d, unsigned layout)
{
	see_topic(v, "info", d->name, NULL);
	if (layout & LAYOUT_DEVICE)
		see_topic(v, "device", d->name, NULL);
	for (size_t i = 0; layout & LAYOUT_POINT && i < d->point_count; i++)
		see_topic(v, "point", d->name, d->points[i].name);
}

static void see_topics(void *state, void (*see)(const char *topic, void *user), void *user)
{
	static const char *const own[] = { "status", "info", "health" };
	const struct json *j = state;
	const struct config *c = j->to.live->config;
	struct viewer v = { j->base, see, user };
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		see_topic(&v, own[i], NULL, NULL);
	for (size_t i = 0; i < c->device_count; i++)
		see_device_topics(&v, &c->devices[i], c->mqtt->layout);
	for (size_t i = 0; i < c->loop_count; i++)
		see_topic(&v, "loop", c->loops[i].name, NULL);
	for (size_t i = 0; i < c->group_count; i++)
		see_topic(&v, "group", c->groups[i].name, NULL);
	for (size_t i = 0; i < c->pue_count; i++)
		see_topic(&v, "pue", c->pues[i].name, NULL);
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++)
		for (size_t i = 0; i < trends_count(j->to.live->trends, k); i++)
			see_topic(&v, "trend", trends_rows[k].word, trends_name(j->to.live->trends, k, i));
	alarms_each(j->to.live->alarms, see_alarm_topic, &v);
}

static struct message *make_gap(void *state, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	const struct json *j = state;
	struct json_writer w;
	json_begin(&w);
	json_payload_gap(&w, from_ms, to_ms, dropped);
	char *text = json_finish(&w);
	return make(j->base, &(struct envelope){ .kind = "gap", .ts_ms = to_ms }, text, w.size);
}

const struct output_format json_format = {
	.connection = OUTPUT_MAIN,
	.open = open_json,
	.close = free,
	.presence = make_presence,
	.begin = tell_info,
	.topics = see_topics,
	.device = tell_device,
	.loop = tell_loop,
	.group = tell_group,
	.pue = tell_pue,
	.trend = tell_trend,
	.alarm = tell_alarm,
	.health = tell_health,
	.gap = make_gap,
};
