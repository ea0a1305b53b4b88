/* homeassistant_card: a discovery message of Home Assistant: a device, or something of the rack, with its
 * entities (holder, until it is finished).
 *
 * The keys are the short forms of those that its page "MQTT" has for a device discovery payload. The rest of
 * the topic and the ids are of [A-Za-z0-9_-], and told apart by their parts, since names begin with no _.
 */
#pragma once

#include "daemon/publish/homeassistant_class.h"
#include "daemon/publish/json.h"
#include "daemon/publish/json_writer.h"

/* "coolantd", site, rack, kind and name, each byte of them as up to four. */
#define HOMEASSISTANT_ID_MAX 1280
/* A prefix of 200 bytes and the rest of the topic. */
#define HOMEASSISTANT_TOPIC_MAX (HOMEASSISTANT_ID_MAX + 256)
/* Two names and what stands around them. */
#define HOMEASSISTANT_TEXT_MAX 256

struct homeassistant_site {
	const struct config *config;
	char base[JSON_BASE_MAX];
	char rack_id[HOMEASSISTANT_ID_MAX];
};

struct homeassistant_card {
	const struct homeassistant_site *site;
	struct json_writer w;
	char id[HOMEASSISTANT_ID_MAX];
};

/* A value as Home Assistant is to find it. Texts in which `expression` stands are of Jinja. */
struct homeassistant_entity {
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

/* `config` must outlive it. */
void homeassistant_site_init(struct homeassistant_site *s, const struct config *config);

/* The topic of a device (kind NULL), of a thing of the rack, or (name NULL too) of the rack. */
void homeassistant_topic(const struct homeassistant_site *s, const char *kind, const char *name,
    char topic[static HOMEASSISTANT_TOPIC_MAX]);

/* Begins that message; `device` is NULL for the rack and its things. */
void homeassistant_card_begin(struct homeassistant_card *card, const struct homeassistant_site *s,
    const char *kind, const char *name, const struct device_config *device);
/* NULL without memory. */
struct message *homeassistant_card_end(struct homeassistant_card *card);

void homeassistant_card_add(struct homeassistant_card *card, const struct homeassistant_entity *e);
/* An entity that was in the message before: what is only left out stays there. */
void homeassistant_card_remove(struct homeassistant_card *card, const char *key, const char *platform);

/* A name, and what of it (NULL = nothing), in words: flow_rate is Flow rate. */
void homeassistant_name(char words[static HOMEASSISTANT_TEXT_MAX], const char *name, const char *part);
