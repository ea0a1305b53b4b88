#include "daemon/http/config_view.h"

#include "config/ini/cleanup.h"
#include "config/ini/ini_tree.h"

#include <string.h>

void config_view_redact(char *text)
{
	for (char *url = text; (url = strstr(url, "://"));) {
		char *host = url + 3, *at = NULL;
		size_t n = strcspn(host, "/?#, \t");
		for (size_t i = 0; i < n; i++)
			if (host[i] == '@')
				at = host + i;
		if (at)
			memmove(host, at + 1, strlen(at + 1) + 1);
		url = host;
	}
}

static void put_value(struct json_writer *w, const char *key, const char *value)
{
	_cleanup_free_ char *text = strdup(value);
	if (!text)
		return;
	config_view_redact(text);
	json_text(w, key, text);
}

static const struct config_section *find_kind(const char *kind)
{
	size_t i = 0;
	while (strcmp(config_sections[i]->kind, kind) != 0)
		i++;
	return config_sections[i];
}

/* What the section has from which an empty value is inherited. */
static const char *inherited(const struct config *c, const char *kind, const char *key)
{
	for (const struct ini_section *s = c->sections; s; s = s->next) {
		const struct ini_entry *e = strcmp(s->kind, kind) == 0 ? ini_section_entry(s, key) : NULL;
		if (e && *e->value != '\0')
			return e->value;
	}
	const struct schema_key *row = find_kind(kind)->keys;
	while (strcmp(row->key, key) != 0)
		row++;
	return row->def ? row->def : "";
}

/* What is made of an empty value. */
static const char *filled_in(
    const struct config *c, const struct config_section *k, const struct schema_key *row)
{
	if (row->flags & SCHEMA_INHERITED)
		return inherited(c, k->inherits, row->key);
	const struct {
		const char *kind, *key, *value;
	} made[] = {
		{ "daemon", "state_dir", c->daemon->state_dir },
		{ "daemon", "http_socket", c->daemon->http_socket },
		{ "mqtt", "client_id", c->mqtt->connection.client_id },
		{ "dsx", "client_id", c->dsx ? c->dsx->connection.client_id : "" },
		{ "dsx", "rack_location_name", c->dsx ? c->dsx->rack_location_name : "" },
		{ "sparkplug", "client_id", c->sparkplug ? c->sparkplug->connection.client_id : "" },
		{ "sparkplug", "node", c->sparkplug ? c->sparkplug->node : "" },
	};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (strcmp(made[i].kind, k->kind) == 0 && strcmp(made[i].key, row->key) == 0)
			return made[i].value;
	return "";
}

/* `from` is NULL for a section that is not written. */
static void put_section(struct json_writer *w, const struct config *c, const struct config_section *k,
    const struct ini_section *from)
{
	json_open(w, from ? from->title : k->kind);
	for (const struct schema_key *row = k->keys; row->key; row++) {
		const struct ini_entry *e = from ? ini_section_entry(from, row->key) : NULL;
		bool written = e && *e->value != '\0';
		/* what a section changes of something else has no defaults */
		if (!written && k->size == 0)
			continue;
		const char *value = written ? e->value : row->def;
		put_value(w, row->key, value && *value ? value : filled_in(c, k, row));
	}
	json_close(w);
}

static void put_kind(struct json_writer *w, const struct config *c, const struct config_section *k)
{
	bool any = false;
	for (const struct ini_section *s = c->sections; s; s = s->next) {
		if (strcmp(s->kind, k->kind) != 0)
			continue;
		put_section(w, c, k, s);
		any = true;
	}
	if (!any && !k->name && !k->optional)
		put_section(w, c, k, NULL);
}

void config_view_put(struct json_writer *w, const struct config *c)
{
	for (size_t i = 0; i < config_section_count; i++)
		put_kind(w, c, config_sections[i]);
}
