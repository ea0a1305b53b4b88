#include "daemon/publish/dsx.h"

#include "daemon/publish/dsx_point.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "BMS/v1/PUB/"
/* Of a topic, with its NUL: two types, site, rack, a name and one of its points. */
#define TOPIC_MAX 448
#define REPEAT_NS (100 * NS_PER_S)
#define HEARTBEAT_NS (10 * NS_PER_S)
#define HEARTBEAT "HeartbeatTimestampBms"

/* What is told of one value. */
struct item {
	struct dsx_source source;
	struct dsx_point point;
	struct figure told; /* of a figure: the last one */
	int64_t told_ns;    /* 0 = never */
};

/* A device, a loop or a PUE figure. */
struct thing {
	struct dsx_object object;
	char *path; /* its part of the tag path */
	struct item *items;
	size_t count;
};

struct dsx {
	struct output to;
	struct thing *devices, *loops, *pues; /* as in the configuration */
	int64_t metadata_ns, heartbeat_ns;    /* when they were told last; 0 = never */
};

static bool is_wanted(const struct config *c)
{
	return c->dsx;
}

static const struct config *config_of(const struct dsx *d)
{
	return d->to.live->config;
}

static bool init_thing(
    struct thing *t, struct dsx_object object, const char *kind, const char *name, size_t n)
{
	t->object = object;
	t->items = calloc(n + 1, sizeof(t->items[0]));
	if (asprintf(&t->path, "%s%s%s", kind, *kind ? "/" : "", name) < 0)
		t->path = NULL;
	return t->items && t->path;
}

static void add_item(struct thing *t, struct dsx_source source)
{
	t->items[t->count++] = (struct item){ .source = source, .point = dsx_point_of(&t->object, &source) };
}

static bool init_device(struct thing *t, const struct config *c, const struct device_config *d)
{
	if (!init_thing(t, dsx_object_of_device(c, d), "", d->name, d->point_count))
		return false;
	for (size_t i = 0; i < d->point_count; i++)
		if (point_format(&d->points[i]) == POINT_TEXT)
			t->items[t->count++] = (struct item){ .point.type = NULL };
		else
			add_item(t, dsx_source_of_point(&d->points[i]));
	return true;
}

static bool init_loop(struct thing *t, const struct config *c, const struct loop_config *l)
{
	if (!init_thing(t, dsx_object_of_figure(c, "loop", l->name), "loop", l->name, LOOP_VALUE_COUNT))
		return false;
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, v))
			add_item(t, dsx_source_of_figure(loop_values[v].word, loop_values[v].unit));
	return true;
}

/* The powers of a figure, behind its ratio, have these names. */
static const char *const role_names[PUE_ROLE_COUNT] = { "facility_power", "it_power", "cooling_power",
	"loss_power", "it_embedded_cooling_power", "export_power", "reuse_heat" };

static bool init_pue(struct thing *t, const struct config *c, const struct pue_config *p)
{
	if (!init_thing(t, dsx_object_of_figure(c, "pue", p->name), "pue", p->name, 1 + PUE_ROLE_COUNT))
		return false;
	add_item(t, dsx_source_of_figure("power_ratio", "1"));
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		if (p->role_names[r].count > 0)
			add_item(t, dsx_source_of_figure(role_names[r], "kW"));
	return true;
}

static bool init(struct dsx *d)
{
	const struct config *c = config_of(d);
	bool good = true;
	d->devices = calloc(c->device_count + 1, sizeof(d->devices[0]));
	d->loops = calloc(c->loop_count + 1, sizeof(d->loops[0]));
	d->pues = calloc(c->pue_count + 1, sizeof(d->pues[0]));
	if (!d->devices || !d->loops || !d->pues)
		return false;
	for (size_t i = 0; i < c->device_count; i++)
		good &= init_device(&d->devices[i], c, &c->devices[i]);
	for (size_t i = 0; i < c->loop_count; i++)
		good &= init_loop(&d->loops[i], c, &c->loops[i]);
	for (size_t i = 0; i < c->pue_count; i++)
		good &= init_pue(&d->pues[i], c, &c->pues[i]);
	return good;
}

static void each_thing(struct dsx *d, void (*see)(struct thing *t, void *user), void *user)
{
	const struct config *c = config_of(d);
	for (size_t i = 0; d->devices && i < c->device_count; i++)
		see(&d->devices[i], user);
	for (size_t i = 0; d->loops && i < c->loop_count; i++)
		see(&d->loops[i], user);
	for (size_t i = 0; d->pues && i < c->pue_count; i++)
		see(&d->pues[i], user);
}

static void free_thing(struct thing *t, void *user)
{
	free(t->path);
	free(t->items);
}

static void close_dsx(void *state)
{
	struct dsx *d = state;
	each_thing(d, free_thing, NULL);
	free(d->devices);
	free(d->loops);
	free(d->pues);
	free(d);
}

static void *open_dsx(const struct output *to)
{
	struct dsx *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->to = *to;
	if (init(d))
		return d;
	close_dsx(d);
	return NULL;
}

static void inherit_dsx(void *state, const void *old)
{
	struct dsx *d = state;
	const struct dsx *was = old;
	d->heartbeat_ns = was->heartbeat_ns;
}

static void put_topic(char topic[static TOPIC_MAX], const struct dsx *d, const char *what, const char *object,
    const char *type, const char *path, const char *point)
{
	const struct daemon_config *c = config_of(d)->daemon;
	snprintf(topic, TOPIC_MAX, ROOT "%s/%s/%s/%s/%s/%s%s%s", what, object, type, c->site, c->rack, path,
	    point ? "/" : "", point ? point : "");
}

static void send(const struct dsx *d, const char *topic, char *text, size_t size, unsigned flags)
{
	d->to.sink.send(d->to.sink.user, message_new(topic, NULL, text, size, flags, clock_utc_ms()));
}

static void send_value(const struct dsx *d, const char *topic, double value, bool good, int64_t ts_ms)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_number(&w, "value", value, JSON_DECIMAL);
	json_integer(&w, "timestamp", ts_ms);
	json_integer(&w, "quality", good);
	json_close(&w);
	char *text = json_finish(&w);
	send(d, topic, text, w.size, 0);
}

static void tell_metadata(struct thing *t, void *user)
{
	const struct dsx *d = user;
	char topic[TOPIC_MAX];
	for (size_t i = 0; i < t->count; i++) {
		const struct item *item = &t->items[i];
		size_t size;
		if (!item->point.type)
			continue;
		put_topic(
		    topic, d, "Metadata", item->point.object, item->point.type, t->path, item->source.name);
		char *text = dsx_metadata(&t->object, &item->source, &item->point, &size);
		send(d, topic, text, size, PUBLISH_RETAIN);
	}
}

static void tell_own_metadata(const struct dsx *d)
{
	const struct daemon_config *c = config_of(d)->daemon;
	char topic[TOPIC_MAX], id[DSX_ID_MAX], scope[DSX_ID_MAX];
	struct json_writer w;
	snprintf(id, sizeof(id), "coolantd-%s-%s", c->site, c->rack);
	snprintf(scope, sizeof(scope), ROOT "+/+/+/%s/%s/#", c->site, c->rack);
	put_topic(topic, d, "Metadata", "System", HEARTBEAT, "heartbeat", NULL);
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "objectType", "System");
	json_text(&w, "pointType", HEARTBEAT);
	json_text(&w, "objectName", id);
	json_text(&w, "objectId", id);
	json_text(&w, "scope", scope);
	json_close(&w);
	char *text = json_finish(&w);
	send(d, topic, text, w.size, PUBLISH_RETAIN);
}

static void tell_all_metadata(struct dsx *d, int64_t now_ns)
{
	d->metadata_ns = now_ns;
	tell_own_metadata(d);
	each_thing(d, tell_metadata, d);
}

static void tell_heartbeat(struct dsx *d, int64_t now_ns)
{
	char topic[TOPIC_MAX];
	int64_t now = clock_utc_ms();
	d->heartbeat_ns = now_ns;
	put_topic(topic, d, "Value", "System", HEARTBEAT, "heartbeat", NULL);
	send_value(d, topic, (double)now, true, now);
}

/* What was told while nobody was connected was told to nobody. */
static void forget_told(struct thing *things, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < things[i].count; k++)
			things[i].items[k].told_ns = 0;
}

static void begin(void *state, uint64_t connect)
{
	struct dsx *d = state;
	int64_t now = clock_boottime();
	forget_told(d->loops, config_of(d)->loop_count);
	forget_told(d->pues, config_of(d)->pue_count);
	tell_all_metadata(d, now);
	tell_heartbeat(d, now);
}

static void turn(void *state, int64_t now_ns)
{
	struct dsx *d = state;
	if (now_ns - d->metadata_ns >= REPEAT_NS)
		tell_all_metadata(d, now_ns);
	if (now_ns - d->heartbeat_ns >= HEARTBEAT_NS)
		tell_heartbeat(d, now_ns);
}

static void tell_value(const struct dsx *d, const struct thing *t, const struct item *item, double value,
    enum quality quality, int64_t ts_ms)
{
	char topic[TOPIC_MAX];
	put_topic(topic, d, "Value", item->point.object, item->point.type, t->path, item->source.name);
	double theirs = quality_has_value(quality) ? value * item->point.factor + item->point.zero : NAN;
	bool good = quality == QUALITY_GOOD || quality == QUALITY_ESTIMATED;
	send_value(d, topic, theirs, good && isfinite(theirs), ts_ms);
}

static void tell_device(void *state, const struct output_device *device)
{
	const struct dsx *d = state;
	const struct table_device *table = device->device;
	const struct thing *t = &d->devices[table - d->to.live->table->devices];
	for (size_t i = 0; i < t->count; i++) {
		const struct sample *s = &table->points[i].sample;
		bool has_value = quality_has_value(s->quality) && s->time_ns != 0;
		if (device->news[i] && t->items[i].point.type)
			tell_value(d, t, &t->items[i], value_number(&s->value), s->quality,
			    has_value ? (s->time_ns + table->utc_offset_ns) / NS_PER_MS : device->ts_ms);
	}
}

static bool is_same(const struct figure *a, const struct figure *b)
{
	return a->quality == b->quality && (a->value == b->value || (isnan(a->value) && isnan(b->value)));
}

/* A figure when it is another, or was not told for long. */
static void tell_figure(const struct dsx *d, const struct thing *t, size_t i, struct figure f, int64_t ts_ms)
{
	struct item *item = &t->items[i];
	int64_t now = clock_boottime();
	if (item->told_ns != 0 && now - item->told_ns < REPEAT_NS && is_same(&f, &item->told))
		return;
	item->told = f;
	item->told_ns = now;
	tell_value(d, t, item, f.value, f.quality, ts_ms);
}

static void tell_loop(void *state, size_t i, struct output_moment at)
{
	const struct dsx *d = state;
	const struct figure *figures = loops_figures(d->to.live->loops, i);
	size_t n = 0;
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(&config_of(d)->loops[i], v))
			tell_figure(d, &d->loops[i], n++, figures[v], at.ts_ms);
}

static void tell_pue(void *state, size_t i, struct output_moment at)
{
	const struct dsx *d = state;
	const struct pue *p = pues_at(d->to.live->pues, i);
	size_t n = 0;
	int64_t when;
	tell_figure(d, &d->pues[i], n++, pue_power_ratio(p, &when), at.ts_ms);
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		if (config_of(d)->pues[i].role_names[r].count > 0)
			tell_figure(d, &d->pues[i], n++, pue_role_power(p, r), at.ts_ms);
}

/* Who is to see topics. */
struct viewer {
	const struct dsx *d;
	void (*see)(const char *topic, void *user);
	void *user;
};

static void see_topics_of(struct thing *t, void *user)
{
	const struct viewer *v = user;
	char topic[TOPIC_MAX];
	for (size_t i = 0; i < t->count; i++) {
		const struct item *item = &t->items[i];
		if (!item->point.type)
			continue;
		put_topic(topic, v->d, "Metadata", item->point.object, item->point.type, t->path,
		    item->source.name);
		v->see(topic, v->user);
	}
}

static void see_topics(void *state, void (*see)(const char *topic, void *user), void *user)
{
	struct viewer v = { state, see, user };
	char topic[TOPIC_MAX];
	put_topic(topic, v.d, "Metadata", "System", HEARTBEAT, "heartbeat", NULL);
	see(topic, user);
	each_thing(state, see_topics_of, &v);
}

const struct output_format dsx_format = {
	.connection = OUTPUT_DSX,
	.root = ROOT,
	.full_interval = REPEAT_NS,
	.is_wanted = is_wanted,
	.open = open_dsx,
	.close = close_dsx,
	.inherit = inherit_dsx,
	.begin = begin,
	.topics = see_topics,
	.device = tell_device,
	.loop = tell_loop,
	.pue = tell_pue,
	.tick = turn,
};
