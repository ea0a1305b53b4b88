#include "config/profile.h"

#include "config/ini/cleanup.h"
#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

/* COOLANTD_PROFILE_DIR is where the build installs them */
#define DEFAULT_PATH "/etc/coolantd/profiles:" COOLANTD_PROFILE_DIR

/* TABLE:ADDRESS or TABLE:FIRST..LAST */
static bool parse_hole(char *item, struct profile_hole *ret)
{
	int64_t first, last;
	char *colon = strchr(item, ':'), *dots = colon ? strstr(colon, "..") : NULL;
	if (!colon)
		return false;
	if (dots)
		*dots = '\0';
	if (text_int(colon + 1, &first) < 0 || text_int(dots ? dots + 2 : colon + 1, &last) < 0)
		return false;
	if (first < 0 || last > UINT16_MAX || first > last)
		return false;
	enum register_table table = point_table_find(item, (size_t)(colon - item));
	if (table == POINT_TABLE_COUNT)
		return false;
	*ret = (struct profile_hole){ table, (uint16_t)first, (uint16_t)last };
	return true;
}

static bool parse_holes(struct schema_value *v, const char *text)
{
	struct profile_hole *items = arena_alloc(v->arena, PROFILE_HOLES_MAX * sizeof(*items));
	size_t n = 0;
	char *copy = arena_strdup(v->arena, text), *save = NULL;
	for (char *item = strtok_r(copy, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save)) {
		if (n < PROFILE_HOLES_MAX && parse_hole(item, &items[n++]))
			continue;
		return schema_refuse(v,
		    "'%s' is not a list of holes (allowed: up to %d of TABLE:ADDRESS or TABLE:FIRST..LAST, "
		    "with commas between them)",
		    text, PROFILE_HOLES_MAX);
	}
	*(struct profile_holes *)v->field = (struct profile_holes){ items, n };
	return true;
}

#define FIELD(f) SCHEMA_FIELD(struct profile, f)

const struct schema_key profile_keys[] = {
	{ "vendor", SCHEMA_TEXT, FIELD(vendor), .help = "who makes the device" },
	{ "model", SCHEMA_TEXT, FIELD(model), .help = "its model" },
	{ "source", SCHEMA_TEXT, FIELD(source), .help = "where the register facts are from" },
	{ "word_order", SCHEMA_CHOICE, FIELD(word_order), "big", .choices = point_order_choices,
	    .help = "order of the registers of a wide value" },
	{ "byte_order", SCHEMA_CHOICE, FIELD(byte_order), "big", .choices = point_order_choices,
	    .help = "order of the bytes in a register" },
	{ "max_registers", SCHEMA_INT, FIELD(max_registers), "125", .min = 1, .max = 125,
	    .help = "most registers the device gives in one reply" },
	{ "max_gap", SCHEMA_INT, FIELD(max_gap), "0", .min = 0, .max = 124,
	    .help = "unused registers that may be read along to join points into one request" },
	{ "holes", SCHEMA_CUSTOM, FIELD(holes), "", .parse = parse_holes,
	    .help = "addresses that the device does not have, never read along: holding:300..309, input:7" },
	{ "default_unit", SCHEMA_INT, FIELD(default_unit), "-1", .min = -1, .max = 255,
	    .help = "unit id when the device section has none" },
	{ "accuracy_class", SCHEMA_DOUBLE, FIELD(accuracy_class), .min = 0.001, .max = 20,
	    .help = "of a meter, in percent, as 0.5 for class 0.5: for the uncertainty of a PUE" },
	{ NULL },
};

const char *profile_path(void)
{
	const char *path = getenv("COOLANTD_PROFILE_PATH");
	return path && *path ? path : DEFAULT_PATH;
}

/* The folders of the path, one call each until `see` returns true. */
static bool each_folder(struct arena *a, bool (*see)(const char *folder, void *user), void *user)
{
	char *copy = arena_strdup(a, profile_path()), *save = NULL;
	for (char *folder = strtok_r(copy, ":", &save); folder; folder = strtok_r(NULL, ":", &save))
		if (see(folder, user))
			return true;
	return false;
}

struct lookup {
	struct arena *arena;
	const char *name, *path;
};

static bool see_file(const char *folder, void *user)
{
	struct lookup *l = user;
	l->path = arena_printf(l->arena, "%s/%s.ini", folder, l->name);
	return access(l->path, F_OK) == 0;
}

struct names {
	struct arena *arena;
	const char *items[1024];
	size_t count;
};

static bool see_folder(const char *folder, void *user)
{
	struct names *names = user;
	DIR *dir = opendir(folder);
	if (!dir)
		return false;
	for (struct dirent *e; (e = readdir(dir));) {
		size_t n = strlen(e->d_name);
		if (n <= 4 || strcmp(e->d_name + n - 4, ".ini") != 0)
			continue;
		if (names->count == sizeof(names->items) / sizeof(names->items[0]))
			break;
		names->items[names->count++] = arena_strndup(names->arena, e->d_name, n - 4);
	}
	closedir(dir);
	return false;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

size_t profile_names(struct arena *a, const char ***ret)
{
	struct names *names = arena_alloc(a, sizeof(*names));
	names->arena = a;
	each_folder(a, see_folder, names);
	qsort(names->items, names->count, sizeof(names->items[0]), by_name);
	size_t unique = 0;
	for (size_t i = 0; i < names->count; i++)
		if (unique == 0 || strcmp(names->items[unique - 1], names->items[i]) != 0)
			names->items[unique++] = names->items[i];
	*ret = names->items;
	return unique;
}

static void say_missing(const char *name, struct arena *a, struct diag *d, struct diag_place asked)
{
	const char **names;
	size_t n = profile_names(a, &names);
	diag_add(d, asked, "no profile '%s'%s (looked for %s.ini in %s)", name,
	    suggest_word(a, name, names, n, sizeof(names[0])), name, profile_path());
}

static bool is_known_section(const struct ini_section *s)
{
	if (strcmp(s->kind, "profile") == 0)
		return !s->name;
	return strcmp(s->kind, "point") == 0 && s->name;
}

struct point_defaults profile_point_defaults(const struct profile *p)
{
	if (!p)
		return (struct point_defaults){ POINT_BIG, POINT_BIG, MODBUS_REGISTERS_MAX };
	return (struct point_defaults){ p->word_order, p->byte_order, (unsigned)p->max_registers };
}

static bool read_points(struct profile *p, const struct ini_tree *tree, struct diag *d)
{
	const struct point_defaults all = profile_point_defaults(p);
	bool good = true;
	size_t count = 0;
	for (const struct ini_section *s = tree->sections; s; s = s->next)
		count += strcmp(s->kind, "point") == 0;
	if (count > PROFILE_POINTS_MAX) {
		struct diag_place place = { p->path, 0, NULL, NULL };
		diag_add(d, place, "%zu points (at most %d)", count, PROFILE_POINTS_MAX);
		return false;
	}
	struct point *points = arena_alloc(tree->arena, (count + 1) * sizeof(*points));
	for (const struct ini_section *s = tree->sections; s; s = s->next) {
		if (!is_known_section(s)) {
			schema_error(
			    d, s, NULL, "unknown section (allowed in a profile: [profile] and [point:NAME])");
			good = false;
			continue;
		}
		if (!s->name)
			continue;
		struct point *point = &points[p->point_count++];
		point->name = s->name;
		name_index_add(&p->point_names, tree->arena, point->name, point);
		if (!text_is_name(s->name)) {
			schema_error(d, s, NULL,
			    "not a name (allowed: 1 to %d of a-z 0-9 _ -, the first a letter or digit)",
			    NAME_LENGTH_MAX);
			good = false;
		}
		good &= point_read(point, s, true, &all, tree->arena, d);
	}
	p->points = points;
	return good;
}

const struct profile *profile_load(const char *name, struct arena *a, struct diag *d, struct diag_place asked)
{
	struct lookup lookup = { .arena = a, .name = name };
	if (!text_is_name(name) || !each_folder(a, see_file, &lookup)) {
		say_missing(name, a, d, asked);
		return NULL;
	}
	struct ini_tree tree = { .arena = a };
	struct profile *p = arena_alloc(a, sizeof(*p));
	p->name = arena_strdup(a, name);
	p->path = lookup.path;

	bool good = ini_tree_read(&tree, p->path, d) == 0;
	schema_defaults(profile_keys, a, p);
	for (const struct ini_section *s = tree.sections; s; s = s->next)
		p->fingerprint += ini_section_fingerprint(s);
	const struct ini_section *own = ini_tree_find(&tree, "profile");
	if (own)
		good &= schema_read(profile_keys, own, true, a, d, p);
	good &= read_points(p, &tree, d);
	if (good && p->point_count == 0) {
		diag_add(d, (struct diag_place){ p->path, 0, NULL, NULL },
		    "no points (allowed: at least one [point:NAME])");
		good = false;
	}
	return good ? p : NULL;
}
