#include "daemon/publish/reporter.h"

#include "config/ini/cleanup.h"
#include "daemon/publish/dsx.h"
#include "daemon/publish/homeassistant.h"
#include "daemon/publish/json.h"
#include "daemon/publish/sparkplug.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct output_format *const formats[] = { &json_format, &homeassistant_format, &sparkplug_format,
	&dsx_format };
/* So long the first report of a device waits until all of its points were read once: slow points and those
 * that are read once come right behind the others. */
#define COMPLETE_NS NS_PER_S

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* What was last told of a point. */
struct told_point {
	uint64_t seen; /* of its updates */
	bool told;
	enum quality quality;
	struct value value; /* owns its text */
};

struct told_device {
	struct told_point *points;
	uint64_t seen;	      /* of its updates */
	uint64_t seq;	      /* of the last report */
	int64_t first_ns;     /* when there was something to tell; 0 = not yet */
	int64_t last_full_ns; /* when all values were told; 0 = never */
};

/* When the powers of a PUE figure were measured that was last told. */
struct told_pue {
	int64_t moment_ns; /* 0 = never */
	bool since_tick;
};

/* A format that is open. */
struct channel {
	const struct output_format *format;
	void *state;
	struct told_device *devices; /* as in the configuration; NULL when it tells of none */
};

struct reporter {
	const struct live *live;
	struct output_sink sinks[OUTPUT_CONNECTIONS];
	struct channel channels[FORMAT_COUNT];
	size_t channel_count;
	struct told_pue *pues; /* as in the configuration */
	int64_t tick_ms;       /* UTC of the last tick */
	int64_t trends_ms;     /* end of the trends that were told; 0 = none were */
};

static bool init_devices(struct channel *ch, const struct config *c)
{
	bool good = true;
	if (!ch->format->device)
		return true;
	ch->devices = calloc(c->device_count + 1, sizeof(ch->devices[0]));
	for (size_t i = 0; ch->devices && i < c->device_count; i++) {
		struct told_device *t = &ch->devices[i];
		t->points = calloc(c->devices[i].point_count + 1, sizeof(t->points[0]));
		good &= t->points != NULL;
	}
	return good && ch->devices;
}

static bool is_wanted(const struct output_format *f, const struct config *c)
{
	return !f->is_wanted || f->is_wanted(c);
}

struct reporter *reporter_new(
    const struct live *live, const struct output_sink sinks[OUTPUT_CONNECTIONS], int64_t started_ms)
{
	const struct config *c = live->config;
	struct reporter *r = calloc(1, sizeof(*r));
	bool good = true;
	if (!r)
		return NULL;
	r->live = live;
	memcpy(r->sinks, sinks, sizeof(r->sinks));
	r->pues = calloc(c->pue_count + 1, sizeof(r->pues[0]));
	good = r->pues != NULL;
	for (size_t i = 0; good && i < FORMAT_COUNT; i++) {
		const struct output_format *f = formats[i];
		if (!is_wanted(f, c))
			continue;
		const struct output to = { live, sinks[f->connection], started_ms };
		struct channel *ch = &r->channels[r->channel_count++];
		*ch = (struct channel){ .format = f, .state = f->open(&to) };
		good = ch->state && init_devices(ch, c);
	}
	if (good)
		return r;
	reporter_free(r);
	return NULL;
}

static void free_points(struct told_device *t, size_t count)
{
	for (size_t i = 0; t->points && i < count; i++)
		value_clear(&t->points[i].value);
	free(t->points);
	t->points = NULL;
}

void reporter_free(struct reporter *r)
{
	if (!r)
		return;
	for (size_t k = 0; k < r->channel_count; k++) {
		struct channel *ch = &r->channels[k];
		for (size_t i = 0; ch->devices && i < r->live->config->device_count; i++)
			free_points(&ch->devices[i], r->live->config->devices[i].point_count);
		free(ch->devices);
		if (ch->state)
			ch->format->close(ch->state);
	}
	free(r->pues);
	free(r);
}

static void inherit(
    struct channel *ch, const struct config *c, struct channel *old, const struct config *old_config)
{
	if (ch->format->inherit)
		ch->format->inherit(ch->state, old->state);
	for (size_t i = 0; ch->devices && i < c->device_count; i++) {
		size_t same = device_same(old_config, &c->devices[i]);
		if (same == SIZE_MAX)
			continue;
		free_points(&ch->devices[i], c->devices[i].point_count);
		ch->devices[i] = old->devices[same];
		old->devices[same].points = NULL;
	}
}

static void inherit_pues(struct reporter *r, const struct reporter *old)
{
	const struct config *c = r->live->config, *was = old->live->config;
	for (size_t i = 0; i < c->pue_count; i++) {
		const char *name = c->pues[i].name;
		const struct pue_config *same = name_index_find(&was->pue_names, name, strlen(name));
		if (same)
			r->pues[i] = old->pues[same - was->pues];
	}
}

void reporter_inherit(struct reporter *r, struct reporter *old)
{
	inherit_pues(r, old);
	r->tick_ms = old->tick_ms;
	r->trends_ms = old->trends_ms;
	for (size_t i = 0; i < r->channel_count; i++)
		for (size_t k = 0; k < old->channel_count; k++)
			if (old->channels[k].format == r->channels[i].format)
				inherit(
				    &r->channels[i], r->live->config, &old->channels[k], old->live->config);
}

/* The formats of a connection, one after the other from `*i` on; NULL behind the last. */
static const struct output_format *next_format(
    const struct config *c, enum output_connection which, size_t *i)
{
	while (*i < FORMAT_COUNT) {
		const struct output_format *f = formats[(*i)++];
		if (f->connection == which && is_wanted(f, c))
			return f;
	}
	return NULL;
}

int reporter_presence(
    const struct config *c, enum output_connection which, uint64_t connect, struct output_presence *ret)
{
	const struct output_format *f;
	*ret = (struct output_presence){ 0 };
	for (size_t i = 0; (f = next_format(c, which, &i));)
		if (f->presence)
			return f->presence(c, connect, ret);
	return 0;
}

int reporter_listens(const struct config *c, enum output_connection which, char *topics[OUTPUT_TOPICS_MAX])
{
	const struct output_format *f;
	for (size_t i = 0; (f = next_format(c, which, &i));)
		if (f->listens)
			return f->listens(c, topics);
	return 0;
}

const char *reporter_waits_for(const struct config *c, enum output_connection which)
{
	const struct output_format *f;
	for (size_t i = 0; (f = next_format(c, which, &i));)
		if (f->waits_for)
			return f->waits_for(c);
	return "";
}

enum output_wish reporter_hear(struct reporter *r, enum output_connection which, uint64_t connect,
    const char *topic, const char *payload, size_t size)
{
	for (size_t i = 0; i < r->channel_count; i++) {
		const struct channel *ch = &r->channels[i];
		if (ch->format->connection == which && ch->format->hear)
			return ch->format->hear(ch->state, connect, topic, payload, size);
	}
	return OUTPUT_WISH_NONE;
}

size_t reporter_tail(struct reporter *r, enum output_connection which, const struct message *m,
    uint8_t tail[static OUTPUT_TAIL_MAX])
{
	for (size_t i = 0; i < r->channel_count; i++) {
		const struct channel *ch = &r->channels[i];
		if (ch->format->connection == which && ch->format->tail)
			return ch->format->tail(ch->state, m, tail);
	}
	return 0;
}

static bool has_changed(const struct point *config, const struct sample *s, const struct told_point *t)
{
	if (!t->told || t->quality != s->quality)
		return true;
	if (value_equal(&t->value, &s->value))
		return false;
	double before = value_number(&t->value);
	double moved = fabs(value_number(&s->value) - before);
	double size = config->deadband.size * (config->deadband.percent ? fabs(before) / 100 : 1);
	return !(moved < size); /* also when one of them is no number */
}

static void remember(struct told_point *t, const struct sample *s)
{
	value_clear(&t->value);
	t->told = true;
	t->quality = s->quality;
	t->value = s->value;
	if (s->value.kind != VALUE_TEXT)
		return;
	t->value.text = strdup(s->value.text);
	if (!t->value.text)
		t->value.kind = VALUE_NONE;
}

/* The newest reply of the device; when the news is that values turned stale, now. */
static int64_t time_of(const struct table_device *d, const bool *news, int64_t now_ns)
{
	bool has_reply = false;
	for (size_t i = 0; i < d->config->point_count; i++) {
		enum quality q = d->points[i].sample.quality;
		has_reply |= news[i] && q != QUALITY_STALE && q != QUALITY_OUT_OF_SERVICE;
	}
	int64_t offset = d->utc_offset_ns ? d->utc_offset_ns : clock_realtime_offset();
	return ((has_reply ? d->last_ns : now_ns) + offset) / NS_PER_MS;
}

/* A flag that changes, as of a leak, does not wait behind numbers. */
static bool is_urgent(const struct table_device *d, const struct told_device *t, const bool *news)
{
	for (size_t i = 0; i < d->config->point_count; i++) {
		const struct value *now = &d->points[i].sample.value;
		if (news[i] && t->points[i].told && now->kind == VALUE_BOOL &&
		    !value_equal(&t->points[i].value, now))
			return true;
	}
	return false;
}

/* Chooses the points, and remembers that their updates are seen. Whether there are any. */
static bool choose(const struct table_device *d, struct told_device *t, bool full, bool always, bool *news)
{
	bool any = false;
	for (size_t i = 0; i < d->config->point_count; i++) {
		const struct table_point *p = &d->points[i];
		struct told_point *told = &t->points[i];
		/* something can be said of it: it was read, turned stale, or is out of service */
		bool known = p->updates > 0 || p->sample.quality == QUALITY_OUT_OF_SERVICE;
		bool fresh = told->seen != p->updates;
		bool due = fresh && (always || has_changed(&d->config->points[i], &p->sample, told));
		news[i] = full ? known : due;
		any |= news[i];
		told->seen = p->updates;
	}
	t->seen = d->updates;
	return any;
}

/* A device is not told half before it was told whole. */
static bool is_incomplete(const struct table_device *d, struct told_device *t, int64_t now_ns)
{
	if (t->last_full_ns != 0 || d->updates == 0)
		return false;
	if (t->first_ns == 0)
		t->first_ns = now_ns;
	for (size_t i = 0; i < d->config->point_count; i++)
		if (d->points[i].updates == 0)
			return d->config->enabled && now_ns - t->first_ns < COMPLETE_NS;
	return false;
}

static void report(
    const struct reporter *r, struct channel *ch, const struct table_device *d, bool full, int64_t now_ns)
{
	if (!ch->devices)
		return;
	struct told_device *t = &ch->devices[d - r->live->table->devices];
	_cleanup_free_ bool *news = calloc(d->config->point_count + 1, sizeof(*news));
	const struct mqtt_config *c = r->live->config->mqtt;
	bool always = ch->format->full_interval == 0 && c->publish == MQTT_PUBLISH_ALWAYS;
	int64_t interval = ch->format->full_interval ? ch->format->full_interval : c->full_interval;
	full |= t->last_full_ns == 0 || (!always && now_ns - t->last_full_ns >= interval);
	if (!news || is_incomplete(d, t, now_ns) || !choose(d, t, full, always, news))
		return;
	const struct output_device what = { .device = d,
		.news = news,
		.full = full,
		.urgent = is_urgent(d, t, news),
		.seq = ++t->seq,
		.ts_ms = time_of(d, news, now_ns) };
	ch->format->device(ch->state, &what);
	for (size_t i = 0; i < d->config->point_count; i++)
		if (news[i])
			remember(&t->points[i], &d->points[i].sample);
	if (full)
		t->last_full_ns = now_ns;
}

void reporter_device(struct reporter *r, const struct table_device *d, int64_t now_ns)
{
	for (size_t i = 0; i < r->channel_count; i++)
		report(r, &r->channels[i], d, false, now_ns);
}

static void report_loops(const struct reporter *r, const struct channel *ch, struct output_moment at)
{
	for (size_t i = 0; ch->format->loop && i < r->live->config->loop_count; i++)
		ch->format->loop(ch->state, i, at);
	for (size_t i = 0; ch->format->group && i < r->live->config->group_count; i++)
		ch->format->group(ch->state, i, at);
}

/* The moment of its powers, or 0 while there is no ratio. */
static int64_t moment_of(const struct reporter *r, size_t pue)
{
	int64_t moment;
	struct figure ratio = pue_power_ratio(pues_at(r->live->pues, pue), &moment);
	return quality_has_value(ratio.quality) ? moment : 0;
}

static void report_pue(struct reporter *r, size_t i, struct output_moment at)
{
	for (size_t k = 0; k < r->channel_count; k++)
		if (r->channels[k].format->pue)
			r->channels[k].format->pue(r->channels[k].state, i, at);
}

/* A ratio has the time of its readings, and a tick that comes at nearly their time sees one of them twice and
 * the next not at all: it is told as soon as it is there. Quicker readings are told as often as there are
 * ticks. */
void reporter_fed(struct reporter *r)
{
	int64_t interval = r->live->config->daemon->control_interval;
	for (size_t i = 0; i < r->live->config->pue_count; i++) {
		int64_t moment = moment_of(r, i);
		if (moment == 0 || moment - r->pues[i].moment_ns < interval - interval / 10)
			continue;
		r->pues[i] = (struct told_pue){ moment, true };
		report_pue(r, i, (struct output_moment){ clock_utc_ms(), true });
	}
}

static void report_pues(struct reporter *r, struct output_moment at)
{
	for (size_t i = 0; i < r->live->config->pue_count; i++) {
		struct told_pue *t = &r->pues[i];
		int64_t moment = moment_of(r, i);
		bool is_told = moment != 0 && moment == t->moment_ns;
		if (!is_told || !t->since_tick)
			report_pue(
			    r, i, (struct output_moment){ at.ts_ms, moment == 0 ? at.is_new : !is_told });
		t->since_tick = false;
		if (moment != 0)
			t->moment_ns = moment;
	}
}

static void report_trends(const struct channel *ch, const struct trends *t)
{
	for (enum trends_kind k = 0; ch->format->trend && k < TRENDS_KINDS; k++)
		for (size_t i = 0; i < trends_count(t, k); i++)
			ch->format->trend(ch->state, k, i);
}

/* A device that is silent has nothing new, but a format that repeats all repeats that too. */
static bool is_repeat_due(const struct channel *ch, const struct told_device *t, int64_t now_ns)
{
	int64_t interval = ch->format->full_interval;
	return interval != 0 && t->last_full_ns != 0 && now_ns - t->last_full_ns >= interval;
}

void reporter_tick(struct reporter *r, int64_t now_ns)
{
	int64_t ms = clock_utc_ms();
	const struct output_moment at = { ms, ms != r->tick_ms };
	r->tick_ms = ms;
	for (size_t k = 0; k < r->channel_count; k++) {
		struct channel *ch = &r->channels[k];
		for (size_t i = 0; ch->devices && i < r->live->config->device_count; i++)
			if (ch->devices[i].seen != r->live->table->devices[i].updates ||
			    is_repeat_due(ch, &ch->devices[i], now_ns))
				report(r, ch, &r->live->table->devices[i], false, now_ns);
		report_loops(r, ch, at);
	}
	report_pues(r, at);
	for (size_t k = 0; k < r->channel_count; k++)
		if (r->channels[k].format->tick)
			r->channels[k].format->tick(r->channels[k].state, now_ns);
	if (trends_end_ms(r->live->trends) == r->trends_ms)
		return;
	r->trends_ms = trends_end_ms(r->live->trends);
	for (size_t k = 0; k < r->channel_count; k++)
		report_trends(&r->channels[k], r->live->trends);
}

static void see_alarm(const struct alarm *a, void *user)
{
	const struct channel *ch = user;
	if (ch->format->alarm)
		ch->format->alarm(ch->state, a, false);
}

/* On which connection a topic is emptied: of one that is there no more on the main one, since most have one
 * broker. */
static enum output_connection connection_of_topic(const struct config *c, const char *topic)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		const struct output_format *f = formats[i];
		if (f->root && strncmp(topic, f->root, strlen(f->root)) == 0 &&
		    output_connection_of(c, f->connection))
			return f->connection;
	}
	return OUTPUT_MAIN;
}

/* Where topics are to be emptied. */
struct emptier {
	const struct config *config;
	const struct output_sink *to;
	enum output_connection connection;
};

/* An empty payload: the broker forgets the topic. */
static void empty(const char *topic, void *user)
{
	const struct emptier *e = user;
	const struct output_sink *to = e->to;
	if (connection_of_topic(e->config, topic) != e->connection)
		return;
	to->send(to->user, message_new(topic, NULL, strdup(""), 0, PUBLISH_RETAIN, clock_utc_ms()));
}

static void add_topic(const char *topic, void *user)
{
	retained_add(user, topic);
}

void reporter_retain(const struct reporter *r, struct retained *to)
{
	for (size_t i = 0; i < r->channel_count; i++)
		if (r->channels[i].format->topics)
			r->channels[i].format->topics(r->channels[i].state, add_topic, to);
}

void reporter_everything(
    struct reporter *r, enum output_connection connection, uint64_t connect, int64_t now_ns)
{
	const struct output_moment at = { .ts_ms = clock_utc_ms() };
	for (size_t k = 0; k < r->channel_count; k++) {
		struct channel *ch = &r->channels[k];
		if (ch->format->connection != connection)
			continue;
		if (ch->format->begin)
			ch->format->begin(ch->state, connect);
		for (size_t i = 0; i < r->live->config->device_count; i++)
			report(r, ch, &r->live->table->devices[i], true, now_ns);
		report_loops(r, ch, at);
		for (size_t i = 0; ch->format->pue && i < r->live->config->pue_count; i++)
			ch->format->pue(ch->state, i, at);
		if (r->trends_ms != 0)
			report_trends(ch, r->live->trends);
		alarms_each(r->live->alarms, see_alarm, ch);
	}
	struct emptier e = { r->live->config, &r->sinks[connection], connection };
	retained_each_gone(&r->live->retained, empty, &e);
}

void reporter_alarm(struct reporter *r, const struct alarm *a, bool is_event)
{
	for (size_t i = 0; i < r->channel_count; i++)
		if (r->channels[i].format->alarm)
			r->channels[i].format->alarm(r->channels[i].state, a, is_event);
}

void reporter_health(struct reporter *r, const struct health *h)
{
	for (size_t i = 0; i < r->channel_count; i++)
		if (r->channels[i].format->health)
			r->channels[i].format->health(r->channels[i].state, h);
}

struct message *reporter_gap(
    struct reporter *r, enum output_connection connection, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	for (size_t i = 0; i < r->channel_count; i++) {
		const struct channel *ch = &r->channels[i];
		if (ch->format->connection == connection && ch->format->gap)
			return ch->format->gap(ch->state, from_ms, to_ms, dropped);
	}
	return NULL;
}
