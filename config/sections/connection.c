#include "config/sections/connection.h"

#include "config/ini/text.h"
#include "config/sections/general.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define BROKERS_MAX 8

const struct schema_choice connection_protocols[] = { { "5", MQTT_5, "5.0 v5 mqttv5" },
	{ "3.1.1", MQTT_3_1_1, "4 3 3.1 311 v3.1.1 mqttv3.1.1 mqttv311" }, { NULL, 0 } };

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

bool connection_parse_brokers(struct schema_value *v, const char *text)
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
bool connection_parse_client_id(struct schema_value *v, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return schema_refuse(v,
			    "'%s' is not a client id (allowed: a word without blanks and control characters)",
			    text);
	*(const char **)v->field = text;
	return true;
}

static bool has_tls(const struct connection_config *c)
{
	for (size_t i = 0; i < c->brokers.count; i++)
		if (strncmp(c->brokers.items[i], "mqtts:", 6) == 0 ||
		    strncmp(c->brokers.items[i], "wss:", 4) == 0)
			return true;
	return false;
}

static void take_over(struct connection_config *c, const struct connection_config *from)
{
	if (c->brokers.count == 0)
		c->brokers = from->brokers;
	bool tls = has_tls(c); /* else the files are not meant */
	const struct {
		const char **text, *other;
	} texts[] = { { &c->username, from->username }, { &c->password_file, from->password_file },
		{ &c->ca_file, tls ? from->ca_file : "" }, { &c->cert_file, tls ? from->cert_file : "" },
		{ &c->key_file, tls ? from->key_file : "" } };
	for (size_t i = 0; i < COUNT(texts); i++)
		if (*texts[i].text[0] == '\0')
			*texts[i].text = texts[i].other;
	if (c->protocol == 0)
		c->protocol = from->protocol;
	if (c->keep_alive == 0)
		c->keep_alive = from->keep_alive;
	c->reconnect_max = from->reconnect_max;
}

/* The two would throw each other out for ever. */
static bool is_mistaken_for(const struct connection_config *a, const struct connection_config *b)
{
	if (strcmp(a->client_id, b->client_id) != 0)
		return false;
	for (size_t i = 0; i < a->brokers.count; i++)
		for (size_t k = 0; k < b->brokers.count; k++)
			if (strcmp(a->brokers.items[i], b->brokers.items[k]) == 0)
				return true;
	return false;
}

void connection_check(
    const struct config_loading *l, struct connection_config *c, const struct connection_config *main)
{
	const struct daemon_config *daemon = l->config->daemon;
	if (main)
		take_over(c, main);
	if (*c->client_id == '\0' && daemon->site && daemon->rack)
		c->client_id = arena_printf(l->arena, "coolantd-%s-%s%s%s", daemon->site, daemon->rack,
		    main ? "-" : "", main ? l->from->kind : "");
	c->fingerprint = ini_section_fingerprint(l->from) + ini_text_fingerprint(c->client_id) +
			 (main ? main->fingerprint : 0);
	bool cert = *c->cert_file != '\0', key = *c->key_file != '\0';
	const char *tls = cert ? "cert_file" : key ? "key_file" : *c->ca_file != '\0' ? "ca_file" : NULL;
	const struct schema_rule rules[] = {
		{ tls && !has_tls(c), tls,
		    "has no meaning without TLS (allowed: with a broker of mqtts:// or wss://)" },
		{ cert != key, cert ? "cert_file" : "key_file",
		    "cert_file and key_file go together (allowed: both or none)" },
		{ *c->password_file != '\0' && *c->username == '\0', "password_file",
		    "a password needs a username" },
		{ main && is_mistaken_for(c, main), "client_id",
		    "the same as in [mqtt], on the same broker (allowed: one client for each id)" },
	};
	schema_check_rules(l->from, rules, COUNT(rules), l->diag);
}
