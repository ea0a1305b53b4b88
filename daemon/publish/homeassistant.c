#include "daemon/publish/homeassistant.h"

#include "daemon/publish/homeassistant_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct homeassistant {
	struct output to;
	struct homeassistant_site site;
	struct config *before; /* that was told of before a reload; NULL = none */
};

static void *open_homeassistant(const struct output *to)
{
	struct homeassistant *ha = calloc(1, sizeof(*ha));
	if (!ha)
		return NULL;
	ha->to = *to;
	homeassistant_site_init(&ha->site, to->live->config);
	return ha;
}

static void close_homeassistant(void *state)
{
	struct homeassistant *ha = state;
	config_unref(ha->before);
	free(ha);
}

static void inherit_homeassistant(void *state, const void *old)
{
	struct homeassistant *ha = state;
	const struct homeassistant *was = old;
	ha->before = config_ref(was->to.live->config);
}

static void send(const struct homeassistant *ha, struct homeassistant_card *card)
{
	ha->to.sink.send(ha->to.sink.user, homeassistant_card_end(card));
}

/* The word of a flag; without one it is printed as Python does. */
static const char *flag_word(const struct point *p, bool truth)
{
	const char *word = point_enum_word(p, truth);
	return word ? word : truth ? "True" : "False";
}

static void put_point(struct homeassistant_card *card, const struct device_config *d, const struct point *p)
{
	char topic[HOMEASSISTANT_TEXT_MAX], expression[HOMEASSISTANT_TEXT_MAX],
	    condition[HOMEASSISTANT_TEXT_MAX + 16], name[HOMEASSISTANT_TEXT_MAX];
	if (card->site->config->mqtt->layout & LAYOUT_DEVICE) {
		snprintf(topic, sizeof(topic), "device/%s", d->name);
		snprintf(expression, sizeof(expression), "value_json['values'].get('%s')", p->name);
	} else {
		snprintf(topic, sizeof(topic), "point/%s/%s", d->name, p->name);
		snprintf(expression, sizeof(expression), "value_json['value']");
	}
	homeassistant_name(name, p->name, NULL);
	struct homeassistant_entity e = { .key = p->name,
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
	homeassistant_card_add(card, &e);
}

/* The points that the device had before and has no more. */
static void remove_points(
    struct homeassistant_card *card, const struct config *before, const struct device_config *d)
{
	const struct device_config *was = before ? device_find(before, d->name, strlen(d->name)) : NULL;
	for (size_t i = 0; was && i < was->point_count; i++)
		if (device_find_point(d, was->points[i].name) == SIZE_MAX)
			homeassistant_card_remove(
			    card, was->points[i].name, homeassistant_point_class(&was->points[i]).platform);
}

static void tell_device(const struct homeassistant *ha, const struct device_config *d)
{
	struct homeassistant_card card;
	char expression[HOMEASSISTANT_TEXT_MAX];
	homeassistant_card_begin(&card, &ha->site, NULL, d->name, d);
	for (size_t i = 0; i < d->point_count; i++)
		put_point(&card, d, &d->points[i]);
	remove_points(&card, ha->before, d);
	snprintf(expression, sizeof(expression),
	    "value_json['buses'].get('%s', {}).get('devices', {}).get('%s', {}).get('up')", d->bus_name,
	    d->name);
	const struct homeassistant_entity up = { .key = "connection.up",
		.name = "Connection",
		.topic = "health",
		.expression = expression,
		.on = "True",
		.off = "False",
		.class = { "binary_sensor", "connectivity", NULL, NULL, true } };
	homeassistant_card_add(&card, &up);
	send(ha, &card);
}

static void tell_rack(const struct homeassistant *ha)
{
	static const struct homeassistant_entity entities[] = {
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
	struct homeassistant_card card;
	homeassistant_card_begin(&card, &ha->site, NULL, NULL, NULL);
	for (size_t i = 0; i < COUNT(entities); i++)
		homeassistant_card_add(&card, &entities[i]);
	send(ha, &card);
}

/* A figure of the rack; `expression` is of its payload. */
static void put_figure(struct homeassistant_card *card, const char *kind, const char *owner,
    const char *figure, const char *expression, struct homeassistant_class class)
{
	char topic[HOMEASSISTANT_TEXT_MAX], name[HOMEASSISTANT_TEXT_MAX];
	snprintf(topic, sizeof(topic), "%s/%s", kind, owner);
	homeassistant_name(name, owner, figure);
	homeassistant_card_add(card,
	    &(struct homeassistant_entity){
		.key = figure, .name = name, .topic = topic, .expression = expression, .class = class });
}

/* One of `values` of the payload. */
static void put_value(struct homeassistant_card *card, const char *kind, const char *owner, const char *word,
    struct homeassistant_class class)
{
	char expression[HOMEASSISTANT_TEXT_MAX];
	snprintf(expression, sizeof(expression), "value_json['values'].get('%s')", word);
	put_figure(card, kind, owner, word, expression, class);
}

static void remove_values(
    struct homeassistant_card *card, const struct config *before, const struct loop_config *l)
{
	const struct loop_config *was =
	    before ? name_index_find(&before->loop_names, l->name, strlen(l->name)) : NULL;
	for (enum loop_value v = 0; was && v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(was, v) && !loop_has_value(l, v))
			homeassistant_card_remove(card, loop_values[v].word, "sensor");
}

static void tell_loop(const struct homeassistant *ha, const struct loop_config *l)
{
	struct homeassistant_card card;
	homeassistant_card_begin(&card, &ha->site, "loop", l->name, NULL);
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, v))
			put_value(&card, "loop", l->name, loop_values[v].word,
			    homeassistant_figure_class(loop_values[v].unit));
	remove_values(&card, ha->before, l);
	send(ha, &card);
}

static void tell_group(const struct homeassistant *ha, const struct group_config *g)
{
	struct homeassistant_card card;
	homeassistant_card_begin(&card, &ha->site, "group", g->name, NULL);
	for (enum group_value v = 0; v < GROUP_VALUE_COUNT; v++) {
		struct homeassistant_class class = homeassistant_figure_class(group_values[v].unit);
		if (v == GROUP_REDUNDANCY)
			class = (struct homeassistant_class){ .platform = "sensor" };
		put_value(&card, "group", g->name, group_values[v].word, class);
	}
	send(ha, &card);
}

static bool has_window(const struct pue_config *p, const char *name)
{
	for (size_t i = 0; i < p->window_count; i++)
		if (strcmp(p->window_names.items[i], name) == 0)
			return true;
	return false;
}

static void remove_figures(
    struct homeassistant_card *card, const struct config *before, const struct pue_config *p)
{
	const struct pue_config *was =
	    before ? name_index_find(&before->pue_names, p->name, strlen(p->name)) : NULL;
	char key[HOMEASSISTANT_TEXT_MAX];
	for (enum pue_role r = 0; was && r < PUE_ROLE_COUNT; r++) {
		snprintf(key, sizeof(key), "%s_%s", pue_role_word(r), pue_role_unit(r)->rate);
		if (was->role_names[r].count > 0 && p->role_names[r].count == 0)
			homeassistant_card_remove(card, key, "sensor");
	}
	for (size_t i = 0; was && i < was->window_count; i++) {
		snprintf(key, sizeof(key), "pue_%s", was->window_names.items[i]);
		if (!has_window(p, was->window_names.items[i]))
			homeassistant_card_remove(card, key, "sensor");
	}
}

static void tell_pue(const struct homeassistant *ha, const struct pue_config *p)
{
	struct homeassistant_card card;
	char figure[HOMEASSISTANT_TEXT_MAX / 2], expression[HOMEASSISTANT_TEXT_MAX];
	homeassistant_card_begin(&card, &ha->site, "pue", p->name, NULL);
	put_figure(&card, "pue", p->name, "power_ratio", "value_json['power_ratio']",
	    homeassistant_figure_class("1"));
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++) {
		if (p->role_names[r].count == 0)
			continue;
		snprintf(figure, sizeof(figure), "%s_%s", pue_role_word(r), pue_role_unit(r)->rate);
		snprintf(expression, sizeof(expression), "value_json['%s']", figure);
		put_figure(&card, "pue", p->name, figure, expression,
		    homeassistant_figure_class(pue_role_unit(r)->rate_unit));
	}
	for (size_t i = 0; i < p->window_count; i++) {
		const char *window = p->window_names.items[i];
		snprintf(figure, sizeof(figure), "pue_%s", window);
		snprintf(
		    expression, sizeof(expression), "value_json['windows'].get('%s', {}).get('pue')", window);
		put_figure(&card, "pue", p->name, figure, expression, homeassistant_figure_class("1"));
	}
	remove_figures(&card, ha->before, p);
	send(ha, &card);
}

static void tell_alarm(const struct alarm *a, void *user)
{
	const struct homeassistant *ha = user;
	struct homeassistant_card card;
	const char *name = a->config->name;
	char topic[HOMEASSISTANT_TEXT_MAX], words[HOMEASSISTANT_TEXT_MAX];
	homeassistant_card_begin(&card, &ha->site, "alarm", name, NULL);
	snprintf(topic, sizeof(topic), "alarm/%s", name);
	homeassistant_name(words, "alarm", name);
	homeassistant_card_add(
	    &card, &(struct homeassistant_entity){ .key = "active",
		       .name = words,
		       .topic = topic,
		       .expression = "value_json['state'] == 'active'",
		       .condition = "value_json['state'] != 'unknown'",
		       .on = "True",
		       .off = "False",
		       .has_attributes = true,
		       .class = { .platform = "binary_sensor", .device_class = "problem" } });
	send(ha, &card);
}

/* The rack first: the others name it. */
static void tell_everything(void *state, uint64_t connect)
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
	char topic[HOMEASSISTANT_TOPIC_MAX];
	homeassistant_topic(&v->ha->site, kind, name, topic);
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
	.close = close_homeassistant,
	.inherit = inherit_homeassistant,
	.begin = tell_everything,
	.topics = see_topics,
};
