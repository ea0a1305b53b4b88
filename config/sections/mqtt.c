#include "config/sections/mqtt.h"

#include <string.h>

static bool parse_prefix(struct schema_value *v, const char *text)
{
	size_t n = strlen(text);
	if (n == 0 || n > 200 || strpbrk(text, "+# \t") || text[0] == '/' || text[n - 1] == '/' ||
	    text[0] == '$' || strstr(text, "//"))
		return schema_refuse(v,
		    "'%s' cannot be a topic prefix (allowed: levels with one / between them, "
		    "no blank + #, no / at either end, no $ in front)",
		    text);
	*(const char **)v->field = text;
	return true;
}

static const struct schema_choice layouts[] = { { "device", LAYOUT_DEVICE }, { "point", LAYOUT_POINT },
	{ "both", LAYOUT_BOTH }, { NULL, 0 } };
static const struct schema_choice publish_modes[] = { { "change", MQTT_PUBLISH_CHANGE },
	{ "always", MQTT_PUBLISH_ALWAYS }, { NULL, 0 } };

#define FIELD(f) SCHEMA_FIELD(struct mqtt_config, f)
static const struct schema_key keys[] = {
	CONNECTION_KEYS(struct mqtt_config, connection, 0, "mqtt://localhost:1883", "5", "15s"),
	{ "topic_prefix", SCHEMA_CUSTOM, FIELD(topic_prefix), "coolant", .parse = parse_prefix,
	    .help = "first part of every topic: PREFIX/SITE/RACK" },
	{ "qos", SCHEMA_INT, FIELD(connection.qos), "1", .min = 0, .max = 1,
	    .help = "quality of service of every message" },
	{ "layout", SCHEMA_CHOICE, FIELD(layout), "device", .choices = layouts,
	    .help = "one topic per device, one per point, or both" },
	{ "publish", SCHEMA_CHOICE, FIELD(publish), "change", .choices = publish_modes,
	    .help = "change: a device when a value moved by more than its deadband; always: each cycle" },
	{ "full_interval", SCHEMA_DURATION, FIELD(full_interval), "60s", .min = 1, .max = 86400,
	    .help = "in change mode every device is still sent this often" },
	{ "reconnect_max", SCHEMA_DURATION, FIELD(connection.reconnect_max), "3s", .min = 1, .max = 3600,
	    .help = "a broker that is away is tried again after 1 s, then ever more rarely up to this; a "
		    "fifth more or less at random" },
	{ "homeassistant", SCHEMA_BOOL, FIELD(homeassistant), "no",
	    .help = "yes: everything appears in Home Assistant by its MQTT discovery, device based" },
	{ "homeassistant_prefix", SCHEMA_CUSTOM, FIELD(homeassistant_prefix), "homeassistant",
	    .parse = parse_prefix, .help = "topic prefix of the discovery, as set in Home Assistant" },
	{ NULL },
};

static void check(const struct config_loading *l, void *item)
{
	struct mqtt_config *mqtt = item;
	connection_check(l, &mqtt->connection, NULL);
}

const struct config_section mqtt_section = {
	.kind = "mqtt",
	.help = "the broker and what it gets",
	.keys = keys,
	.size = sizeof(struct mqtt_config),
	.place = offsetof(struct config, mqtt),
	.check = check,
};
