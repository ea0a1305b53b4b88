#include "config/config.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"
#include "config/sections/default_alarms.h"
#include "config/sections/point.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* In the order in which they are checked: each after those that it refers to, so alarms at the end. */
const struct config_section *const config_sections[] = {
	&daemon_section,
	&mqtt_section,
	&sparkplug_section,
	&dsx_section,
	&spool_section,
	&records_section,
	&bus_section,
	&device_section,
	&point_section,
	&loop_section,
	&group_section,
	&pue_section,
	&alarm_section,
};
const size_t config_section_count = COUNT(config_sections);

static bool is_dotted_name(const char *name)
{
	const char *dot = strchr(name, '.');
	char first[NAME_LENGTH_MAX + 2];
	if (!dot || (size_t)(dot - name) > NAME_LENGTH_MAX)
		return false;
	snprintf(first, sizeof(first), "%.*s", (int)(dot - name), name);
	return text_is_name(first) && text_is_name(dot + 1);
}

static void refuse_kind(const struct config_loading *l, const struct ini_section *s)
{
	const char *kinds[COUNT(config_sections)], *allowed = "";
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct config_section *k = config_sections[i];
		kinds[i] = k->kind;
		allowed = arena_printf(l->arena, "%s%s%s%s%s", allowed, i ? ", " : "", k->kind,
		    k->name ? ":" : "", k->name ? k->name : "");
	}
	schema_error(l->diag, s, NULL, "unknown section%s (allowed: %s)",
	    suggest_word(l->arena, s->kind, kinds, COUNT(kinds), sizeof(kinds[0])), allowed);
}

static void refuse_name(const struct config_loading *l, const struct ini_section *s)
{
	char *name = arena_strdup(l->arena, s->name);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == ' ' || *c == '.' ? '_' : (char)tolower((unsigned char)*c);
	schema_error(l->diag, s, NULL, "not a name%s (allowed: " TEXT_NAME_FORM ")",
	    text_is_name(name) ? arena_printf(l->arena, ", did you mean '%s'?", name) : "");
}

static void check_title(const struct config_loading *l, const struct ini_section *s)
{
	const struct config_section *k = NULL;
	for (size_t i = 0; i < COUNT(config_sections) && !k; i++)
		if (strcmp(config_sections[i]->kind, s->kind) == 0)
			k = config_sections[i];

	if (!k)
		refuse_kind(l, s);
	else if (!k->name && s->name)
		schema_error(l->diag, s, NULL, "takes no name (allowed: [%s])", k->kind);
	else if (k->name && !s->name)
		schema_error(l->diag, s, NULL, "needs a name (allowed: [%s:NAME])", k->kind);
	else if (k->name && strchr(k->name, '.') && !is_dotted_name(s->name))
		schema_error(l->diag, s, NULL, "not of the form [%s:%s]", k->kind, k->name);
	else if (k->name && !strchr(k->name, '.') && !text_is_name(s->name))
		refuse_name(l, s);
}

/* The sections of a kind, in the order of the files. */
struct found {
	const struct ini_section **items;
	size_t count;
};

static bool is_of(const struct ini_section *s, const struct config_section *k)
{
	return strcmp(s->kind, k->kind) == 0 && !s->name == !k->name;
}

/* Of a kind without a name there is always one: an empty one, as of the first line, stands for one that is
 * not written. */
static struct found find_sections(const struct config_loading *l, const struct config_section *k)
{
	size_t n = 0;
	for (const struct ini_section *s = l->tree->sections; s; s = s->next)
		n += is_of(s, k);
	if (k->max > 0 && n > k->max) {
		diag_add(l->diag, (struct diag_place){ l->config->path, 0, NULL, NULL },
		    "%zu [%s:…] sections (at most %zu)", n, k->kind, k->max);
		n = k->max;
	}
	struct found found = { arena_alloc(l->arena, (n + 1) * sizeof(found.items[0])), 0 };
	for (const struct ini_section *s = l->tree->sections; s && found.count < n; s = s->next)
		if (is_of(s, k))
			found.items[found.count++] = s;
	if (!k->name && !k->optional && found.count == 0) {
		struct ini_section *empty = arena_alloc(l->arena, sizeof(*empty));
		*empty = (struct ini_section){
			.title = k->kind, .kind = k->kind, .file = l->config->path, .line = 1
		};
		found.items[found.count++] = empty;
	}
	return found;
}

/* Reads the sections of a kind by their rows into an array of its structs. */
static void read_kind(struct config_loading *l, const struct config_section *k, const struct found *found)
{
	char *config = (char *)l->config, *item = NULL;
	if (k->name || found->count > 0)
		item = arena_alloc(l->arena, (found->count + 1) * k->size);
	memcpy(config + k->place, &item, sizeof(item)); /* the pointer's type is the section's */
	if (k->name)
		*(size_t *)(config + k->count) = found->count;
	for (size_t i = 0; i < found->count; i++, item += k->size) {
		if (k->name)
			*(const char **)item = found->items[i]->name;
		schema_defaults(k->keys, l->arena, item);
		schema_read(k->keys, found->items[i], true, l->arena, l->diag, item);
	}
}

static void check_kind(struct config_loading *l, const struct config_section *k, const struct found *found)
{
	char *item;
	memcpy(&item, (const char *)l->config + k->place, sizeof(item));
	for (size_t i = 0; k->check && i < found->count; i++, item += k->size) {
		l->from = found->items[i];
		k->check(l, item);
	}
	if (k->check_all)
		k->check_all(l, found->items, found->count);
}

static void read_sections(struct config_loading *l)
{
	struct found found[COUNT(config_sections)];
	for (const struct ini_section *s = l->tree->sections; s; s = s->next) {
		check_title(l, s);
		l->config->fingerprint = l->config->fingerprint * 31 + ini_section_fingerprint(s);
	}
	for (size_t i = 0; i < COUNT(found); i++) {
		found[i] = find_sections(l, config_sections[i]);
		if (config_sections[i]->size > 0)
			read_kind(l, config_sections[i], &found[i]);
	}
	for (size_t i = 0; i < COUNT(found); i++)
		check_kind(l, config_sections[i], &found[i]);
	const struct found *alarms = &found[COUNT(found) - 1];
	default_alarms_add(l, alarms->items);
	alarms_link(l, alarms->items, alarms->count);
}

static bool is_drop_in(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && strcmp(name + n - 4, ".ini") == 0;
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_drop_ins(const char *path, struct ini_tree *tree, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	const char *folder =
	    slash ? arena_printf(tree->arena, "%.*s/coolantd.d", (int)(slash - path), path) : "coolantd.d";
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_visible, by_bytes);
	if (n < 0) {
		if (errno != ENOENT)
			diag_add(d, (struct diag_place){ folder, 0, NULL, NULL }, "cannot be read: %s",
			    strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *file = arena_printf(tree->arena, "%s/%s", folder, found[i]->d_name);
		if (is_drop_in(found[i]->d_name))
			ini_tree_read(tree, file, d);
		else
			diag_note(d, (struct diag_place){ .file = file },
			    "not read (allowed: names that end in .ini)");
		free(found[i]);
	}
	free(found);
}

struct config *config_load(const char *path, struct diag *d)
{
	struct arena *a = arena_new();
	struct config *c = arena_alloc(a, sizeof(*c));
	struct ini_tree tree = { .arena = a };
	struct config_loading loading = { .config = c, .arena = a, .tree = &tree, .diag = d };
	c->arena = a;
	c->references = 1;
	c->path = arena_strdup(a, path);

	int err = ini_tree_read(&tree, path, d);
	if (err == 0 || err == -EINVAL) {
		read_drop_ins(c->path, &tree, d);
		read_sections(&loading);
	}
	c->sections = tree.sections;
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
		arena_free(c->arena);
}
