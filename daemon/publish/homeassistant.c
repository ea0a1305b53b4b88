#include "daemon/publish/homeassistant.h"

#include "daemon/publish/homeassistant_class.h"
#include "daemon/publish/json.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "coolantd", site, rack, kind and name, each byte of them as up to four. */
#define ID_MAX 1280
/* A prefix of 200 bytes and the rest of the topic. */
#define TOPIC_MAX (ID_MAX + 256)
/* Two names and what stands around them. */
#define PHRASE_MAX 256

struct homeassistant {
	struct output to;
	char base[JSON_BASE_MAX];
	char rack_id[ID_MAX];
};

/* A device, or some entities of the rack. */
struct card {
	const struct homeassistant *ha;
	struct json_writer w;
	char id[ID_MAX];
};

/* A value as Home Assistant is to find it. Texts in which `expression` stands are of Jinja. */
struct entity {
	const char *key;	/* of it in the message, and the end of its unique_id */
	const char *name;	/* as shown, its device's in front */
	const char *topic;	/* behind B/ */
	const char *expression; /* of the payload; NULL = the payload itself, always there */
	const char *condition;	/* of its being available; NULL = the expression is not null */
	const char *on, *off;	/* of a binary sensor, as the expression prints them */
	const struct point *words;
	bool has_attributes; /* the rest of the payload is shown with it */
	struct homeassistant_class class;
};

/* Adds a part to an id of [A-Za-z0-9_-]; the parts can be told apart since names begin with no _. */
static void add_part(char id[static ID_MAX], const char *part)
{
	size_t n = strlen(id);
	if (n > 0 && n < ID_MAX - 1)
		id[n++] = '_';
	for (const char *c = part; *c != '\0' && n < ID_MAX - 5; c++)
		if (isalnum((unsigned char)*c) || *c == '-')
			id[n++] = *c;
		else
			n += (size_t)sprintf(id + n, *c == '_' ? "__" : "_x%02x", (unsigned char)*c);
	id[n] = '\0';
}

/* The id of a device (kind NULL), of a thing of the rack, or (name NULL) of the rack. */
static void put_id(char id[static ID_MAX], const struct homeassistant *ha, const char *kind, const char *name)
{
	snprintf(id, ID_MAX, "%s", ha->rack_id);
	if (kind)
		add_part(id, kind);
	if (name)
		add_part(id, name);
}

static void put_topic(char topic[static TOPIC_MAX], const struct homeassistant *ha, const char *id)
{
	snprintf(
	    topic, TOPIC_MAX, "%s/device/%s/config", ha->to.live->config->mqtt->homeassistant_prefix, id);
}

static void *open_homeassistant(const struct output *to)
{
	struct homeassistant *ha = calloc(1, sizeof(*ha));
	if (!ha)
		return NULL;
	ha->to = *to;
	json_base(to->live->config, ha->base);
	add_part(ha->rack_id, "coolantd");
	add_part(ha->rack_id, to->live->config->daemon->site);
	add_part(ha->rack_id, to->live->config->daemon->rack);
	return ha;
}

/* A name, and what of it, in words: flow_rate is Flow rate. */
static void put_name(char words[static PHRASE_MAX], const char *name, const char *part)
{
	snprintf(words, PHRASE_MAX, "%s%s%s", name, part ? " " : "", part ? part : "");
	for (char *c = words; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	words[0] = (char)toupper((unsigned char)words[0]);
}

static void put_label(
    struct json_writer *w, const char *key, const struct schema_list *labels, const char *label)
{
	size_t n = strlen(label);
	for (size_t i = 0; i < labels->count; i++) {
		const char *text = labels->items[i];
		if (strncmp(text, label, n) == 0 && text[n] == ':')
			json_text(w, key, text + n + 1 + strspn(text + n + 1, " \t"));
	}
}

static void put_ids(struct json_writer *w, const char *id)
{
	json_open_list(w, "ids");
	json_text(w, NULL, id);
	json_close_list(w);
}

static void put_rack(struct json_writer *w, const struct homeassistant *ha)
{
	const struct daemon_config *c = ha->to.live->config->daemon;
	char name[PHRASE_MAX];
	snprintf(name, sizeof(name), "%s %s", c->site, c->rack);
	put_ids(w, ha->rack_id);
	json_text(w, "name", name);
	json_text(w, "mf", "coolantd");
	json_text(w, "mdl", "liquid cooling of a rack or row");
	json_text(w, "sw", COOLANTD_VERSION);
}

static void put_device(
    struct json_writer *w, const struct homeassistant *ha, const struct device_config *d, const char *id)
{
	put_ids(w, id);
	json_text(w, "name", d->name);
	if (d->profile && d->profile->vendor[0] != '\0')
		json_text(w, "mf", d->profile->vendor);
	if (d->profile && d->profile->model[0] != '\0')
		json_text(w, "mdl", d->profile->model);
	put_label(w, "sn", &d->labels, "serial");
	json_text(w, "via_device", ha->rack_id);
}

/* Begins the message of a device, or (NULL) of something of the rack; its id is set. */
static void begin_card(struct card *card, const struct device_config *d)
{
	struct json_writer *w = &card->w;
	json_begin(w);
	json_open(w, NULL);
	json_open(w, "dev");
	if (d)
		put_device(w, card->ha, d, card->id);
	else
		put_rack(w, card->ha);
	json_close(w);
	json_open(w, "o");
	json_text(w, "name", "coolantd");
	json_text(w, "sw", COOLANTD_VERSION);
	json_close(w);
	json_open(w, "cmps");
}

static void end_card(struct card *card)
{
	char topic[TOPIC_MAX];
	json_close(&card->w);
	json_close(&card->w);
	char *text = json_finish(&card->w);
	put_topic(topic, card->ha, card->id);
	card->ha->to.sink.send(card->ha->to.sink.user,
	    message_new(topic, NULL, text, card->w.size, PUBLISH_RETAIN, clock_utc_ms()));
}

static void put_below(
    struct json_writer *w, const char *key, const struct homeassistant *ha, const char *topic)
{
	char whole[JSON_BASE_MAX + PHRASE_MAX];
	snprintf(whole, sizeof(whole), "%s/%s", ha->base, topic);
	json_text(w, key, whole);
}

/* We are there, and so is the value. */
static void put_availability(struct json_writer *w, const struct homeassistant *ha, const struct entity *e)
{
	char template[2 * PHRASE_MAX];
	json_open_list(w, "avty");
	json_open(w, NULL);
	put_below(w, "t", ha, "status");
	json_close(w);
	json_open(w, NULL);
	put_below(w, "t", ha, e->topic);
	if (e->condition)
		snprintf(template, sizeof(template), "{{ 'online' if %s else 'offline' }}", e->condition);
	else
		snprintf(template, sizeof(template), "{{ 'online' if %s is not none else 'offline' }}",
		    e->expression);
	json_text(w, "val_tpl", template);
	json_close(w);
	json_close_list(w);
	json_text(w, "avty_mode", "all");
}

static void put_class(struct json_writer *w, const struct homeassistant_class *c)
{
	char buf[PHRASE_MAX];
	const char *unit = c->unit ? homeassistant_unit(c->unit, buf, sizeof(buf)) : NULL;
	json_text(w, "p", c->platform);
	if (c->device_class)
		json_text(w, "dev_cla", c->device_class);
	if (c->state_class)
		json_text(w, "stat_cla", c->state_class);
	if (unit)
		json_text(w, "unit_of_meas", unit);
	if (c->is_diagnostic)
		json_text(w, "ent_cat", "diagnostic");
}

static void put_words(struct json_writer *w, const struct point *p)
{
	json_open_list(w, "ops");
	for (size_t i = 0; i < p->enums.count; i++)
		json_text(w, NULL, p->enums.items[i].word);
	json_close_list(w);
}

static void put_entity(struct card *card, const struct entity *e)
{
	struct json_writer *w = &card->w;
	char unique[ID_MAX + PHRASE_MAX], template[PHRASE_MAX];
	snprintf(unique, sizeof(unique), "%s.%s", card->id, e->key);
	json_open(w, e->key);
	put_class(w, &e->class);
	json_text(w, "uniq_id", unique);
	json_text(w, "name", e->name);
	put_below(w, "stat_t", card->ha, e->topic);
	if (e->expression) {
		snprintf(template, sizeof(template), "{{ %s }}", e->expression);
		json_text(w, "val_tpl", template);
		put_availability(w, card->ha, e);
	}
	if (e->on) {
		json_text(w, "pl_on", e->on);
		json_text(w, "pl_off", e->off);
	}
	if (e->words)
		put_words(w, e->words);
	if (e->has_attributes)
		put_below(w, "json_attr_t", card->ha, e->topic);
	json_close(w);
}

/* The word of a flag; without one it is printed as Python does. */
static const char *flag_word(const struct point *p, bool truth)
{
	const char *word = point_enum_word(p, truth);
	return word ? word : truth ? "True" : "False";
}

static void put_point(struct card *card, const struct device_config *d, const struct point *p)
{
	char topic[PHRASE_MAX], expression[PHRASE_MAX], condition[PHRASE_MAX + 16], name[PHRASE_MAX];
	if (card->ha->to.live->config->mqtt->layout & LAYOUT_DEVICE) {
		snprintf(topic, sizeof(topic), "device/%s", d->name);
		snprintf(expression, sizeof(expression), "value_json['values'].get('%s')", p->name);
	} else {
		snprintf(topic, sizeof(topic), "point/%s/%s", d->name, p->name);
		snprintf(expression, sizeof(expression), "value_json['value']");
	}
	put_name(name, p->name, NULL);
	struct entity e = { .key = p->name,
		.name = name,
		.topic = topic,
		.expression = expression,
		.class = homeassistant_point_class(p) };
	if (strcmp(e.class.platform, "binary_sensor") == 0) {
		e.on = flag_word(p, true);
		e.off = flag_word(p, false);
	} else if (homeassistant_has_words(p)) {
		/* a number without a word is none of the options */
		snprintf(condition, sizeof(condition), "%s is string", expression);
		e.condition = condition;
		e.words = p;
	}
	put_entity(card, &e);
}

static void tell_device(const struct homeassistant *ha, const struct device_config *d)
{
	struct card card = { .ha = ha };
	char expression[PHRASE_MAX];
	put_id(card.id, ha, NULL, d->name);
	begin_card(&card, d);
	for (size_t i = 0; i < d->point_count; i++)
		put_point(&card, d, &d->points[i]);
	snprintf(expression, sizeof(expression),
	    "value_json['buses'].get('%s', {}).get('devices', {}).get('%s', {}).get('up')", d->bus_name,
	    d->name);
	const struct entity up = { .key = "connection.up",
		.name = "Connection",
		.topic = "health",
		.expression = expression,
		.on = "True",
		.off = "False",
		.class = { "binary_sensor", "connectivity", NULL, NULL, true } };
	put_entity(&card, &up);
	end_card(&card);
}

static void tell_rack(const struct homeassistant *ha)
{
	static const struct entity entities[] = {
		{ .key = "connection",
		    .name = "Connection",
		    .topic = "status",
		    .on = "online",
		    .off = "offline",
		    .class = { "binary_sensor", "connectivity", NULL, NULL, true } },
		{ .key = "spool.depth",
		    .name = "Messages waiting",
		    .topic = "health",
		    .expression = "value_json['spool']['depth']",
		    .class = { "sensor", NULL, "measurement", NULL, true } },
	};
	struct card card = { .ha = ha };
	put_id(card.id, ha, NULL, NULL);
	begin_card(&card, NULL);
	for (size_t i = 0; i < COUNT(entities); i++)
		put_entity(&card, &entities[i]);
	end_card(&card);
}

/* A figure of the rack; `expression` is of its payload. */
static void put_figure(struct card *card, const char *kind, const char *owner, const char *figure,
    const char *expression, struct homeassistant_class class)
{
	char topic[PHRASE_MAX], name[PHRASE_MAX];
	snprintf(topic, sizeof(topic), "%s/%s", kind, owner);
	put_name(name, owner, figure);
	put_entity(card,
	    &(struct entity){
		.key = figure, .name = name, .topic = topic, .expression = expression, .class = class });
}

/* One of `values` of the payload. */
static void put_value(struct card *card, const char *kind, const char *owner, const char *word,
    struct homeassistant_class class)
{
	char expression[PHRASE_MAX];
	snprintf(expression, sizeof(expression), "value_json['values'].get('%s')", word);
	put_figure(card, kind, owner, word, expression, class);
}

static void tell_loop(const struct homeassistant *ha, const struct loop_config *l)
{
	struct card card = { .ha = ha };
	put_id(card.id, ha, "loop", l->name);
	begin_card(&card, NULL);
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, v))
			put_value(&card, "loop", l->name, loop_values[v].word,
			    homeassistant_figure_class(loop_values[v].unit));
	end_card(&card);
}

static void tell_group(const struct homeassistant *ha, const struct group_config *g)
{
	struct card card = { .ha = ha };
	put_id(card.id, ha, "group", g->name);
	begin_card(&card, NULL);
	for (enum group_value v = 0; v < GROUP_VALUE_COUNT; v++) {
		struct homeassistant_class class = homeassistant_figure_class(group_values[v].unit);
		if (v == GROUP_REDUNDANCY)
			class = (struct homeassistant_class){ .platform = "sensor" };
		put_value(&card, "group", g->name, group_values[v].word, class);
	}
	end_card(&card);
}

static void tell_pue(const struct homeassistant *ha, const struct pue_config *p)
{
	struct card card = { .ha = ha };
	char figure[PHRASE_MAX / 2], expression[PHRASE_MAX];
	put_id(card.id, ha, "pue", p->name);
	begin_card(&card, NULL);
	put_figure(&card, "pue", p->name, "power_ratio", "value_json['power_ratio']",
	    homeassistant_figure_class("1"));
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++) {
		if (p->role_names[r].count == 0)
			continue;
		snprintf(figure, sizeof(figure), "%s_kw", pue_role_word(r));
		snprintf(expression, sizeof(expression), "value_json['%s']", figure);
		put_figure(&card, "pue", p->name, figure, expression, homeassistant_figure_class("kW"));
	}
	for (size_t i = 0; i < p->window_count; i++) {
		const char *window = p->window_names.items[i];
		snprintf(figure, sizeof(figure), "pue_%s", window);
		snprintf(
		    expression, sizeof(expression), "value_json['windows'].get('%s', {}).get('pue')", window);
		put_figure(&card, "pue", p->name, figure, expression, homeassistant_figure_class("1"));
	}
	end_card(&card);
}

static void tell_alarm(const struct alarm *a, void *user)
{
	struct card card = { .ha = user };
	const char *name = a->config->name;
	char topic[PHRASE_MAX], words[PHRASE_MAX];
	put_id(card.id, card.ha, "alarm", name);
	begin_card(&card, NULL);
	snprintf(topic, sizeof(topic), "alarm/%s", name);
	put_name(words, "alarm", name);
	put_entity(&card, &(struct entity){ .key = "active",
			      .name = words,
			      .topic = topic,
			      .expression = "value_json['state'] == 'active'",
			      .condition = "value_json['state'] != 'unknown'",
			      .on = "True",
			      .off = "False",
			      .has_attributes = true,
			      .class = { .platform = "binary_sensor", .device_class = "problem" } });
	end_card(&card);
}

/* The rack first: the others name it. */
static void tell_everything(void *state)
{
	struct homeassistant *ha = state;
	const struct config *c = ha->to.live->config;
	tell_rack(ha);
	for (size_t i = 0; i < c->device_count; i++)
		tell_device(ha, &c->devices[i]);
	for (size_t i = 0; i < c->loop_count; i++)
		tell_loop(ha, &c->loops[i]);
	for (size_t i = 0; i < c->group_count; i++)
		tell_group(ha, &c->groups[i]);
	for (size_t i = 0; i < c->pue_count; i++)
		tell_pue(ha, &c->pues[i]);
	alarms_each(ha->to.live->alarms, tell_alarm, ha);
}

/* Who is to see topics. */
struct viewer {
	const struct homeassistant *ha;
	void (*see)(const char *topic, void *user);
	void *user;
};

static void see_topic(const struct viewer *v, const char *kind, const char *name)
{
	char id[ID_MAX], topic[TOPIC_MAX];
	put_id(id, v->ha, kind, name);
	put_topic(topic, v->ha, id);
	v->see(topic, v->user);
}

static void see_alarm_topic(const struct alarm *a, void *user)
{
	see_topic(user, "alarm", a->config->name);
}

static void see_topics(void *state, void (*see)(const char *topic, void *user), void *user)
{
	const struct homeassistant *ha = state;
	const struct config *c = ha->to.live->config;
	struct viewer v = { ha, see, user };
	see_topic(&v, NULL, NULL);
	for (size_t i = 0; i < c->device_count; i++)
		see_topic(&v, NULL, c->devices[i].name);
	for (size_t i = 0; i < c->loop_count; i++)
		see_topic(&v, "loop", c->loops[i].name);
	for (size_t i = 0; i < c->group_count; i++)
		see_topic(&v, "group", c->groups[i].name);
	for (size_t i = 0; i < c->pue_count; i++)
		see_topic(&v, "pue", c->pues[i].name);
	alarms_each(ha->to.live->alarms, see_alarm_topic, &v);
}

static bool is_wanted(const struct config *c)
{
	return c->mqtt->homeassistant;
}

const struct output_format homeassistant_format = {
	.connection = OUTPUT_MAIN,
	.is_wanted = is_wanted,
	.open = open_homeassistant,
	.close = free,
	.begin = tell_everything,
	.topics = see_topics,
};
