#include "config/config.h"

#include "config/config_private.h"
#include "config/config_schema.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What a section of no kind was probably meant to be. */
static const char *suggest_kind(struct arena *a, const char *typed)
{
	const char **kinds = arena_alloc(a, config_section_count * sizeof(kinds[0]));
	for (size_t i = 0; i < config_section_count; i++)
		kinds[i] = config_sections[i]->kind;
	return suggest_word(a, typed, kinds, config_section_count, sizeof(kinds[0]));
}

static bool is_point_name(const char *name)
{
	const char *dot = strchr(name, '.');
	char device[NAME_LENGTH_MAX + 2];
	if (!dot || (size_t)(dot - name) > NAME_LENGTH_MAX)
		return false;
	snprintf(device, sizeof(device), "%.*s", (int)(dot - name), name);
	return text_is_name(device) && text_is_name(dot + 1);
}

static void check_title(const struct ini_section *s, struct arena *a, struct diag *d)
{
	const struct schema_section *known = NULL;
	for (size_t i = 0; i < config_section_count && !known; i++)
		if (strcmp(config_sections[i]->kind, s->kind) == 0)
			known = config_sections[i];

	struct diag_place place = schema_place(s, NULL);
	if (!known) {
		diag_add(d, DIAG_ERROR, place,
		    "unknown section%s (allowed: daemon, mqtt, spool, bus:NAME, device:NAME, "
		    "point:DEVICE.NAME, loop:NAME, pue:NAME, alarm:NAME)",
		    suggest_kind(a, s->kind));
	} else if (!known->named && s->name) {
		diag_add(d, DIAG_ERROR, place, "takes no name (allowed: [%s])", s->kind);
	} else if (known->named && !s->name) {
		diag_add(d, DIAG_ERROR, place, "needs a name (allowed: [%s:NAME])", s->kind);
	} else if (s->name && known == &point_section && !is_point_name(s->name)) {
		diag_add(d, DIAG_ERROR, place, "not of the form [point:DEVICE.NAME]");
	} else if (known->named && known != &point_section && !text_is_name(s->name)) {
		diag_add(d, DIAG_ERROR, place,
		    "not a name (allowed: 1 to %d of a-z 0-9 _ -, the first a letter or digit)",
		    NAME_LENGTH_MAX);
	}
}

/* Reads all sections of a kind into an array of `size`-byte structs, each of which starts with its name. */
static void *read_all(
    struct config *c, enum config_kind kind, size_t size, size_t max, struct diag *d, size_t *count)
{
	const struct schema_section *schema = config_sections[kind];
	struct arena *a = c->tree.arena;
	size_t n = 0;
	for (const struct ini_section *s = c->tree.sections; s; s = s->next)
		n += s->name && strcmp(s->kind, schema->kind) == 0;
	if (n > max) {
		diag_add(d, DIAG_ERROR, (struct diag_place){ c->path, 0, NULL, NULL },
		    "%zu [%s:…] sections (at most %zu)", n, schema->kind, max);
		n = max;
	}
	char *items = arena_alloc(a, (n + 1) * size), *item = items;
	for (const struct ini_section *s = c->tree.sections; s && item < items + n * size; s = s->next) {
		if (!s->name || strcmp(s->kind, schema->kind) != 0)
			continue;
		*(const char **)item = s->name;
		schema_defaults(schema, a, item);
		schema_read(schema, s, true, a, d, item);
		item += size;
	}
	*count = n;
	return items;
}

static void read_single(struct config *c, enum config_kind kind, void *target, struct diag *d)
{
	const struct schema_section *schema = config_sections[kind];
	const struct ini_section *s = ini_tree_find(&c->tree, schema->kind, NULL);
	schema_defaults(schema, c->tree.arena, target);
	if (s) {
		schema_read(schema, s, true, c->tree.arena, d, target);
		return;
	}
	for (size_t i = 0; i < schema->key_count; i++)
		if (schema->keys[i].flags & SCHEMA_REQUIRED)
			diag_add(d, DIAG_ERROR,
			    (struct diag_place){ c->path, 0, schema->kind, schema->keys[i].key },
			    "missing, but required (%s)", schema->keys[i].help);
}

static void complete_daemon(struct config *c, struct diag *d)
{
	struct arena *a = c->tree.arena;
	const struct ini_section *mqtt = ini_tree_find(&c->tree, "mqtt", NULL);
	const char *state = getenv("STATE_DIRECTORY");

	if (*c->daemon.state_dir == '\0')
		c->daemon.state_dir = state && *state ? arena_strdup(a, state) : "/var/lib/coolantd";
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	if (*c->daemon.http_socket == '\0' && runtime && *runtime)
		c->daemon.http_socket = arena_printf(a, "%s/http.sock", runtime);
	if (*c->mqtt.client_id == '\0' && c->daemon.site && c->daemon.rack)
		c->mqtt.client_id = arena_printf(a, "coolantd-%s-%s", c->daemon.site, c->daemon.rack);
	if (mqtt) {
		c->mqtt.fingerprint = ini_section_fingerprint(mqtt);
		if ((*c->mqtt.cert_file == '\0') != (*c->mqtt.key_file == '\0'))
			diag_add(d, DIAG_ERROR,
			    schema_place(mqtt, *c->mqtt.cert_file ? "cert_file" : "key_file"),
			    "cert_file and key_file go together (allowed: both or none)");
		if (*c->mqtt.password_file != '\0' && *c->mqtt.username == '\0')
			diag_add(d, DIAG_ERROR, schema_place(mqtt, "password_file"),
			    "a password needs a username");
	}
	for (const struct ini_section *s = c->tree.sections; s; s = s->next)
		c->fingerprint = c->fingerprint * 31 + ini_section_fingerprint(s);
}

static int is_drop_in(const struct dirent *e)
{
	size_t n = strlen(e->d_name);
	return e->d_name[0] != '.' && n > 4 && strcmp(e->d_name + n - 4, ".ini") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_drop_ins(struct config *c, struct diag *d)
{
	const char *slash = strrchr(c->path, '/');
	const char *folder =
	    slash ? arena_printf(c->tree.arena, "%.*s/coolantd.d", (int)(slash - c->path), c->path)
		  : "coolantd.d";
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_drop_in, by_bytes);
	if (n < 0) {
		if (errno != ENOENT)
			diag_add(d, DIAG_ERROR, (struct diag_place){ folder, 0, NULL, NULL },
			    "cannot be read: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		ini_tree_read(&c->tree, arena_printf(c->tree.arena, "%s/%s", folder, found[i]->d_name), d);
		free(found[i]);
	}
	free(found);
}

static void read_sections(struct config *c, struct diag *d)
{
	for (const struct ini_section *s = c->tree.sections; s; s = s->next)
		check_title(s, c->tree.arena, d);
	read_single(c, CONFIG_DAEMON, &c->daemon, d);
	read_single(c, CONFIG_MQTT, &c->mqtt, d);
	read_single(c, CONFIG_SPOOL, &c->spool, d);
	c->buses = read_all(c, CONFIG_BUS, sizeof(*c->buses), CONFIG_BUSES_MAX, d, &c->bus_count);
	c->devices = read_all(c, CONFIG_DEVICE, sizeof(*c->devices), CONFIG_DEVICES_MAX, d, &c->device_count);
	c->loops = read_all(c, CONFIG_LOOP, sizeof(*c->loops), CONFIG_ENTRIES_MAX, d, &c->loop_count);
	c->pues = read_all(c, CONFIG_PUE, sizeof(*c->pues), CONFIG_ENTRIES_MAX, d, &c->pue_count);
	c->alarms = read_all(c, CONFIG_ALARM, sizeof(*c->alarms), CONFIG_ENTRIES_MAX, d, &c->alarm_count);
}

struct config *config_load(const char *path, struct diag *d)
{
	struct arena *a = arena_new();
	struct config *c = arena_alloc(a, sizeof(*c));
	c->tree.arena = a;
	c->references = 1;
	c->path = arena_strdup(a, path);

	int err = ini_tree_read(&c->tree, path, d);
	if (err == 0 || err == -EINVAL) {
		read_drop_ins(c, d);
		read_sections(c, d);
		complete_daemon(c, d);
		config_check_buses(c, d);
		config_check_devices(c, d);
		config_check_loops(c, d);
		config_check_pues(c, d);
		config_check_alarms(c, d);
	}
	if (diag_errors(d) == 0)
		return c;
	config_unref(c);
	return NULL;
}

struct config *config_ref(struct config *c)
{
	__atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED);
	return c;
}

void config_unref(struct config *c)
{
	if (c && __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(c->tree.arena);
}
