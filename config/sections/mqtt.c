#include "config/sections/mqtt.h"

#include "config/ini/text.h"
#include "config/sections/general.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BROKERS_MAX 8

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

static const struct {
	const char *scheme;
	int port;
} schemes[] = { { "mqtt", 1883 }, { "mqtts", 8883 }, { "ws", 80 }, { "wss", 443 } };

/* scheme://host[:port] or scheme://[v6]:port, of WebSockets with a /path or without, made complete; NULL when
 * it is not of the form. */
static const char *complete_uri(struct arena *a, const char *uri)
{
	const char *sep = strstr(uri, "://");
	for (size_t i = 0; sep && i < COUNT(schemes); i++) {
		if (strlen(schemes[i].scheme) != (size_t)(sep - uri) ||
		    strncmp(schemes[i].scheme, uri, (size_t)(sep - uri)) != 0)
			continue;
		size_t size = strcspn(sep + 3, "/");
		const char *host = arena_strndup(a, sep + 3, size), *path = sep + 3 + size;
		const char *bracket = *host == '[' ? strchr(host, ']') : NULL;
		const char *colon = strchr(bracket ? bracket : host, ':');
		int64_t port = schemes[i].port;
		int length = colon ? (int)(colon - host) : (int)strlen(host);
		if (length == 0 || strpbrk(uri, " \t@?#") || (*host == '[' && !bracket))
			return NULL;
		if (colon && (text_int(colon + 1, &port) < 0 || port < 1 || port > 65535))
			return NULL;
		if (*path != '\0' && schemes[i].scheme[0] != 'w')
			return NULL;
		return arena_printf(a, "%s://%.*s:%d%s", schemes[i].scheme, length, host, (int)port, path);
	}
	return NULL;
}

/* What users write for a broker elsewhere, and the way out; a password is never repeated. */
static bool refuse_broker(struct schema_value *v, const char *item)
{
	static const struct {
		const char *scheme, *meant;
	} others[] = { { "tcp", "mqtt" }, { "ssl", "mqtts" }, { "tls", "mqtts" }, { "http", "ws" },
		{ "https", "wss" } };
	const char *sep = strstr(item, "://"), *host = sep ? sep + 3 : item;
	if (strchr(host, '@'))
		return schema_refuse(v,
		    "user and password do not belong into the address (allowed: the keys username and "
		    "password_file)");
	for (size_t i = 0; sep && i < COUNT(others); i++)
		if (strlen(others[i].scheme) == (size_t)(sep - item) &&
		    strncmp(others[i].scheme, item, (size_t)(sep - item)) == 0)
			return schema_refuse(
			    v, "'%s' is not a broker, did you mean '%s://%s'?", item, others[i].meant, host);
	if (!sep && *item != '\0' && complete_uri(v->arena, arena_printf(v->arena, "mqtt://%s", item)))
		return schema_refuse(v, "'%s' is not a broker, did you mean 'mqtt://%s'?", item, item);
	return schema_refuse(v,
	    "'%s' is not a broker (allowed: 1 to %d of mqtt://HOST[:PORT], mqtts://, ws:// or wss://, these "
	    "two also with a /path, with commas between them)",
	    item, BROKERS_MAX);
}

static bool parse_brokers(struct schema_value *v, const char *text)
{
	const char **items = arena_alloc(v->arena, BROKERS_MAX * sizeof(items[0]));
	size_t n = 0;
	char *rest = arena_strdup(v->arena, text);
	while (rest && *text != '\0') {
		const char *item = text_strip(strsep(&rest, ","));
		const char *uri = n < BROKERS_MAX ? complete_uri(v->arena, item) : NULL;
		if (!uri)
			return refuse_broker(v, item);
		items[n++] = uri;
	}
	if (n == 0)
		return schema_refuse(v, "no broker (allowed: mqtt://HOST[:PORT], mqtts://, ws:// or wss://)");
	*(struct schema_list *)v->field = (struct schema_list){ items, n };
	return true;
}

/* Brokers and their logs know us by it: one visible word. */
static bool parse_client_id(struct schema_value *v, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return schema_refuse(v,
			    "'%s' is not a client id (allowed: a word without blanks and control characters)",
			    text);
	*(const char **)v->field = text;
	return true;
}

static const struct schema_choice protocols[] = { { "5", MQTT_5, "5.0 v5 mqttv5" },
	{ "3.1.1", MQTT_3_1_1, "4 3 3.1 311 v3.1.1 mqttv3.1.1 mqttv311" }, { NULL, 0 } };
static const struct schema_choice layouts[] = { { "device", LAYOUT_DEVICE }, { "point", LAYOUT_POINT },
	{ "both", LAYOUT_BOTH }, { NULL, 0 } };
static const struct schema_choice publish_modes[] = { { "change", MQTT_PUBLISH_CHANGE },
	{ "always", MQTT_PUBLISH_ALWAYS }, { NULL, 0 } };

#define FIELD(f) SCHEMA_FIELD(struct mqtt_config, f)
static const struct schema_key keys[] = {
	{ "broker", SCHEMA_CUSTOM, FIELD(brokers), "mqtt://localhost:1883", .parse = parse_brokers,
	    .help = "where to publish; a comma list is tried in order" },
	{ "client_id", SCHEMA_CUSTOM, FIELD(client_id), "", .parse = parse_client_id,
	    .help = "default coolantd-SITE-RACK" },
	{ "protocol", SCHEMA_CHOICE, FIELD(protocol), "5", .choices = protocols, .help = "version of MQTT" },
	{ "topic_prefix", SCHEMA_CUSTOM, FIELD(topic_prefix), "coolant", .parse = parse_prefix,
	    .help = "first part of every topic: PREFIX/SITE/RACK" },
	{ "qos", SCHEMA_INT, FIELD(qos), "1", .min = 0, .max = 1,
	    .help = "quality of service of every message" },
	{ "keep_alive", SCHEMA_DURATION, FIELD(keep_alive), "15s", .min = 1, .max = 3600,
	    .help = "a broken link is noticed after about one and a half of it" },
	{ "username", SCHEMA_TEXT, FIELD(username), .help = "for the broker" },
	{ "password_file", SCHEMA_TEXT, FIELD(password_file),
	    .help = "file with the password; a relative path is looked "
		    "up in $CREDENTIALS_DIRECTORY, then beside the configuration" },
	{ "ca_file", SCHEMA_TEXT, FIELD(ca_file),
	    .help = "CA certificates for mqtts and wss; default the system's" },
	{ "cert_file", SCHEMA_TEXT, FIELD(cert_file), .help = "own certificate, PEM" },
	{ "key_file", SCHEMA_TEXT, FIELD(key_file), .help = "own private key, PEM" },
	{ "layout", SCHEMA_CHOICE, FIELD(layout), "device", .choices = layouts,
	    .help = "one topic per device, one per point, or both" },
	{ "publish", SCHEMA_CHOICE, FIELD(publish), "change", .choices = publish_modes,
	    .help = "change: a device when a value moved by more than its deadband; always: each cycle" },
	{ "full_interval", SCHEMA_DURATION, FIELD(full_interval), "60s", .min = 1, .max = 86400,
	    .help = "in change mode every device is still sent this often" },
	{ "reconnect_max", SCHEMA_DURATION, FIELD(reconnect_max), "3s", .min = 1, .max = 3600,
	    .help = "a broker that is away is tried again after 1 s, then ever more rarely up to this; a "
		    "fifth more or less at random" },
	{ "homeassistant", SCHEMA_BOOL, FIELD(homeassistant), "no",
	    .help = "yes: everything appears in Home Assistant by its MQTT discovery, device based" },
	{ "homeassistant_prefix", SCHEMA_CUSTOM, FIELD(homeassistant_prefix), "homeassistant",
	    .parse = parse_prefix, .help = "topic prefix of the discovery, as set in Home Assistant" },
	{ "sparkplug_group", SCHEMA_TEXT, FIELD(sparkplug_group), .flags = SCHEMA_LATER,
	    .help = "Sparkplug B group; empty = off" },
	{ "dsx", SCHEMA_BOOL, FIELD(dsx), "no", .flags = SCHEMA_LATER,
	    .help = "NVIDIA DSX BMS event-bus profile" },
	{ NULL },
};

static bool has_tls(const struct mqtt_config *mqtt)
{
	for (size_t i = 0; i < mqtt->brokers.count; i++)
		if (strncmp(mqtt->brokers.items[i], "mqtts:", 6) == 0 ||
		    strncmp(mqtt->brokers.items[i], "wss:", 4) == 0)
			return true;
	return false;
}

static void check(const struct config_loading *l, void *item)
{
	const struct daemon_config *daemon = l->config->daemon;
	struct mqtt_config *mqtt = item;
	bool cert = *mqtt->cert_file != '\0', key = *mqtt->key_file != '\0';
	mqtt->fingerprint = ini_section_fingerprint(l->from);
	if (*mqtt->client_id == '\0' && daemon->site && daemon->rack)
		mqtt->client_id = arena_printf(l->arena, "coolantd-%s-%s", daemon->site, daemon->rack);
	const char *tls = cert ? "cert_file" : key ? "key_file" : *mqtt->ca_file != '\0' ? "ca_file" : NULL;
	const struct schema_rule rules[] = {
		{ tls && !has_tls(mqtt), tls,
		    "has no meaning without TLS (allowed: with a broker of mqtts:// or wss://)" },
		{ cert != key, cert ? "cert_file" : "key_file",
		    "cert_file and key_file go together (allowed: both or none)" },
		{ *mqtt->password_file != '\0' && *mqtt->username == '\0', "password_file",
		    "a password needs a username" },
	};
	schema_check_rules(l->from, rules, COUNT(rules), l->diag);
}

const struct config_section mqtt_section = {
	.kind = "mqtt",
	.help = "the broker and what it gets",
	.keys = keys,
	.size = sizeof(struct mqtt_config),
	.place = offsetof(struct config, mqtt),
	.check = check,
};
