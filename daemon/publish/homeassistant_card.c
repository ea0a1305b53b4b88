#include "daemon/publish/homeassistant_card.h"

#include "drivers/os/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Adds a part to an id of [A-Za-z0-9_-]; the parts can be told apart since names begin with no _. */
static void add_part(char id[static HOMEASSISTANT_ID_MAX], const char *part)
{
	size_t n = strlen(id);
	if (n > 0 && n < HOMEASSISTANT_ID_MAX - 1)
		id[n++] = '_';
	for (const char *c = part; *c != '\0' && n < HOMEASSISTANT_ID_MAX - 5; c++)
		if (isalnum((unsigned char)*c) || *c == '-')
			id[n++] = *c;
		else
			n += (size_t)sprintf(id + n, *c == '_' ? "__" : "_x%02x", (unsigned char)*c);
	id[n] = '\0';
}

void homeassistant_site_init(struct homeassistant_site *s, const struct config *config)
{
	*s = (struct homeassistant_site){ .config = config };
	json_base(config, s->base);
	add_part(s->rack_id, "coolantd");
	add_part(s->rack_id, config->daemon->site);
	add_part(s->rack_id, config->daemon->rack);
}

static void put_id(char id[static HOMEASSISTANT_ID_MAX], const struct homeassistant_site *s, const char *kind,
    const char *name)
{
	snprintf(id, HOMEASSISTANT_ID_MAX, "%s", s->rack_id);
	if (kind)
		add_part(id, kind);
	if (name)
		add_part(id, name);
}

static void put_topic(
    const struct homeassistant_site *s, const char *id, char topic[static HOMEASSISTANT_TOPIC_MAX])
{
	snprintf(
	    topic, HOMEASSISTANT_TOPIC_MAX, "%s/device/%s/config", s->config->mqtt->homeassistant_prefix, id);
}

void homeassistant_topic(const struct homeassistant_site *s, const char *kind, const char *name,
    char topic[static HOMEASSISTANT_TOPIC_MAX])
{
	char id[HOMEASSISTANT_ID_MAX];
	put_id(id, s, kind, name);
	put_topic(s, id, topic);
}

void homeassistant_name(char words[static HOMEASSISTANT_TEXT_MAX], const char *name, const char *part)
{
	snprintf(words, HOMEASSISTANT_TEXT_MAX, "%s%s%s", name, part ? " " : "", part ? part : "");
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

static void put_rack(struct json_writer *w, const struct homeassistant_site *s)
{
	const struct daemon_config *c = s->config->daemon;
	char name[HOMEASSISTANT_TEXT_MAX];
	snprintf(name, sizeof(name), "%s %s", c->site, c->rack);
	put_ids(w, s->rack_id);
	json_text(w, "name", name);
	json_text(w, "mf", "coolantd");
	json_text(w, "mdl", "liquid cooling of a rack or row");
	json_text(w, "sw", COOLANTD_VERSION);
}

static void put_device(
    struct json_writer *w, const struct homeassistant_site *s, const struct device_config *d, const char *id)
{
	put_ids(w, id);
	json_text(w, "name", d->name);
	if (d->profile && d->profile->vendor[0] != '\0')
		json_text(w, "mf", d->profile->vendor);
	if (d->profile && d->profile->model[0] != '\0')
		json_text(w, "mdl", d->profile->model);
	put_label(w, "sn", &d->labels, "serial");
	json_text(w, "via_device", s->rack_id);
}

void homeassistant_card_begin(struct homeassistant_card *card, const struct homeassistant_site *s,
    const char *kind, const char *name, const struct device_config *device)
{
	struct json_writer *w = &card->w;
	card->site = s;
	put_id(card->id, s, kind, name);
	json_begin(w);
	json_open(w, NULL);
	json_open(w, "dev");
	if (device)
		put_device(w, s, device, card->id);
	else
		put_rack(w, s);
	json_close(w);
	json_open(w, "o");
	json_text(w, "name", "coolantd");
	json_text(w, "sw", COOLANTD_VERSION);
	json_close(w);
	json_open(w, "cmps");
}

struct message *homeassistant_card_end(struct homeassistant_card *card)
{
	char topic[HOMEASSISTANT_TOPIC_MAX];
	json_close(&card->w);
	json_close(&card->w);
	char *text = json_finish(&card->w);
	put_topic(card->site, card->id, topic);
	return message_new(topic, NULL, text, card->w.size, PUBLISH_RETAIN, clock_utc_ms());
}

static void put_below(
    struct json_writer *w, const char *key, const struct homeassistant_site *s, const char *topic)
{
	char whole[JSON_BASE_MAX + HOMEASSISTANT_TEXT_MAX];
	snprintf(whole, sizeof(whole), "%s/%s", s->base, topic);
	json_text(w, key, whole);
}

/* We are there, and so is the value. */
static void put_availability(
    struct json_writer *w, const struct homeassistant_site *s, const struct homeassistant_entity *e)
{
	char template[2 * HOMEASSISTANT_TEXT_MAX];
	json_open_list(w, "avty");
	json_open(w, NULL);
	put_below(w, "t", s, "status");
	json_close(w);
	json_open(w, NULL);
	put_below(w, "t", s, e->topic);
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
	char buf[HOMEASSISTANT_TEXT_MAX];
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

void homeassistant_card_add(struct homeassistant_card *card, const struct homeassistant_entity *e)
{
	struct json_writer *w = &card->w;
	char unique[HOMEASSISTANT_ID_MAX + HOMEASSISTANT_TEXT_MAX], template[HOMEASSISTANT_TEXT_MAX];
	snprintf(unique, sizeof(unique), "%s.%s", card->id, e->key);
	json_open(w, e->key);
	put_class(w, &e->class);
	json_text(w, "uniq_id", unique);
	json_text(w, "name", e->name);
	put_below(w, "stat_t", card->site, e->topic);
	if (e->expression) {
		snprintf(template, sizeof(template), "{{ %s }}", e->expression);
		json_text(w, "val_tpl", template);
		put_availability(w, card->site, e);
	}
	if (e->on) {
		json_text(w, "pl_on", e->on);
		json_text(w, "pl_off", e->off);
	}
	if (e->words)
		put_words(w, e->words);
	if (e->has_attributes)
		put_below(w, "json_attr_t", card->site, e->topic);
	json_close(w);
}

void homeassistant_card_remove(struct homeassistant_card *card, const char *key, const char *platform)
{
	json_open(&card->w, key);
	json_text(&card->w, "p", platform);
	json_close(&card->w);
}
