#include "config/profile.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* COOLANTD_PROFILE_DIR is where the build installs them */
#define DEFAULT_PATH "/etc/coolantd/profiles:" COOLANTD_PROFILE_DIR
/* Of them the one that was probably meant is said. */
#define NAMES_MAX 1024

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

/* TABLE:ADDRESS VALUE */
static bool parse_identity(const char *item, struct profile_identity *ret)
{
	char table[16], address[16], value[16], more;
	int64_t at, is;
	if (sscanf(item, " %15[^: ]:%15s %15s %c", table, address, value, &more) != 3)
		return false;
	ret->reg.table = point_table_find(table, strlen(table));
	if (ret->reg.table == POINT_TABLE_COUNT || text_int(address, &at) < 0 || text_int(value, &is) < 0)
		return false;
	ret->reg.address = (uint16_t)at;
	ret->value = (uint16_t)is;
	int64_t most = point_is_bit_table(ret->reg.table) ? 1 : UINT16_MAX;
	return at >= 0 && at <= UINT16_MAX && is >= 0 && is <= most;
}

static bool is_twice(const struct profile_identity *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].reg.table == items[n].reg.table && items[i].reg.address == items[n].reg.address)
			return true;
	return false;
}

static bool parse_identities(struct schema_value *v, const char *text)
{
	struct profile_identity *items = arena_alloc(v->arena, PROFILE_IDENTITIES_MAX * sizeof(*items));
	size_t n = 0;
	char *copy = arena_strdup(v->arena, text), *save = NULL;
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		if (n < PROFILE_IDENTITIES_MAX && parse_identity(item, &items[n]) && !is_twice(items, n)) {
			n++;
			continue;
		}
		return schema_refuse(v,
		    "'%s' is not a list of registers and what they hold (allowed: up to %d of "
		    "TABLE:ADDRESS VALUE with commas between them, each once, the value 0 to 0xffff, of a "
		    "coil or discrete input 0 or 1)",
		    text, PROFILE_IDENTITIES_MAX);
	}
	*(struct profile_identities *)v->field = (struct profile_identities){ items, n };
	return true;
}

#define FIELD(f) SCHEMA_FIELD(struct profile, f)

const struct schema_key profile_keys[] = {
	{ "vendor", SCHEMA_TEXT, FIELD(vendor), .help = "who makes the device" },
	{ "model", SCHEMA_TEXT, FIELD(model), .help = "its model" },
	{ "source", SCHEMA_TEXT, FIELD(source), .help = "where the register facts are from" },
	{ "tested", SCHEMA_BOOL, FIELD(tested), "no",
	    .help =
		"yes: its figures were compared with those of a device; no: it was written from a manual, "
		"which the journal says where it is used" },
	{ "identify", SCHEMA_CUSTOM, FIELD(identify), "", .parse = parse_identities,
	    .help =
		"registers that only this model answers so: holding:1 0x1234, input:2 55. They are asked "
		"before anything is read and after each silence; while another device answers, all values "
		"are invalid, and it is asked again in growing pauses. coolantctl scan tells devices by "
		"them" },
	{ "word_order", SCHEMA_CHOICE, FIELD(word_order), "big", .choices = point_word_order_choices,
	    .help = "order of the registers of a wide value" },
	{ "byte_order", SCHEMA_CHOICE, FIELD(byte_order), "big", .choices = point_byte_order_choices,
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

/* The first NAME.ini of the path; NULL = there is none. */
static const char *find_file(const char *name, struct arena *a)
{
	char *copy = arena_strdup(a, profile_path()), *save = NULL;
	for (char *folder = strtok_r(copy, ":", &save); folder; folder = strtok_r(NULL, ":", &save)) {
		const char *path = arena_printf(a, "%s/%s.ini", folder, name);
		if (access(path, F_OK) == 0)
			return path;
	}
	return NULL;
}

/* The names of the profiles in a folder, behind the `count` that are there; how many there are then. */
static size_t add_names(
    const char *folder, struct arena *a, const char *names[static NAMES_MAX], size_t count)
{
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir && count < NAMES_MAX && (e = readdir(dir));) {
		size_t n = strlen(e->d_name);
		if (n > 4 && strcmp(e->d_name + n - 4, ".ini") == 0)
			names[count++] = arena_strndup(a, e->d_name, n - 4);
	}
	if (dir)
		closedir(dir);
	return count;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

size_t profile_names(struct arena *a, const char ***ret)
{
	const char **names = arena_alloc(a, NAMES_MAX * sizeof(*names));
	size_t n = 0, count = 0;
	char *copy = arena_strdup(a, profile_path()), *save = NULL;
	for (char *folder = strtok_r(copy, ":", &save); folder; folder = strtok_r(NULL, ":", &save))
		n = add_names(folder, a, names, n);
	if (n > 1)
		qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++)
		if (count == 0 || strcmp(names[count - 1], names[i]) != 0)
			names[count++] = names[i];
	*ret = names;
	return count;
}

static void say_missing(const char *name, struct arena *a, struct diag *d, struct diag_place asked)
{
	const char **names;
	size_t n = profile_names(a, &names);
	size_t length = strlen(name);
	if (length > 4 && strcmp(name + length - 4, ".ini") == 0) /* it is added to the name */
		name = arena_strndup(a, name, length - 4);
	const char *const *same = n > 0 ? bsearch(&name, names, n, sizeof(names[0]), by_name) : NULL;
	const char *meant = same ? arena_printf(a, ", did you mean '%s'?", name)
				 : suggest_word(a, name, names, n, sizeof(names[0]));
	diag_add(d, asked, "no such profile%s (looked for %s.ini in %s)", meant, name, profile_path());
}

/* What is said to be there and not to be there. */
static void check_identities(const struct profile *p, const struct ini_section *own, struct diag *d)
{
	for (size_t i = 0; i < p->identify.count; i++)
		for (size_t k = 0; k < p->holes.count; k++) {
			const struct point_register *r = &p->identify.items[i].reg;
			const struct profile_hole *h = &p->holes.items[k];
			if (r->table == h->table && r->address >= h->first && r->address <= h->last)
				schema_error(d, own, "identify", "%s:%u is in a hole of this profile",
				    point_table_word(r->table), r->address);
		}
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

static void read_point(
    struct profile *p, struct point *point, const struct ini_section *from, struct arena *a, struct diag *d)
{
	const struct point_defaults all = profile_point_defaults(p);
	point->name = from->name;
	name_index_add(&p->point_names, a, point->name, point);
	if (!text_is_name(from->name))
		schema_error(d, from, NULL, "not a name (allowed: " TEXT_NAME_FORM ")");
	point_read(point, from, true, &all, a, d);
}

static void read_points(struct profile *p, const struct ini_tree *tree, struct diag *d)
{
	size_t count = 0;
	for (const struct ini_section *s = tree->sections; s; s = s->next)
		count += strcmp(s->kind, "point") == 0;
	if (count > PROFILE_POINTS_MAX) {
		diag_add(d, (struct diag_place){ .file = p->path }, "%zu points (at most %d)", count,
		    PROFILE_POINTS_MAX);
		return;
	}
	struct point *points = arena_alloc(tree->arena, (count + 1) * sizeof(*points));
	p->points = points;
	for (const struct ini_section *s = tree->sections; s; s = s->next)
		if (!is_known_section(s))
			schema_error(
			    d, s, NULL, "unknown section (allowed in a profile: [profile] and [point:NAME])");
		else if (s->name)
			read_point(p, &points[p->point_count++], s, tree->arena, d);
	struct point *point = points;
	for (const struct ini_section *s = tree->sections; s; s = s->next)
		if (is_known_section(s) && s->name)
			point_find_scale(point++, points, &p->point_names, s, d);
}

const struct profile *profile_load_file(const char *path, struct arena *a, struct diag *d)
{
	const size_t before = diag_errors(d);
	struct ini_tree tree = { .arena = a };
	struct profile *p = arena_alloc(a, sizeof(*p));
	p->path = path;
	(void)ini_tree_read(&tree, p->path, d); /* what is wrong is in d */
	schema_defaults(profile_keys, a, p);
	for (const struct ini_section *s = tree.sections; s; s = s->next)
		p->fingerprint += ini_section_fingerprint(s);
	const struct ini_section *own = ini_tree_find(&tree, "profile");
	if (own) {
		schema_read(profile_keys, own, true, a, d, p);
		check_identities(p, own, d);
	}
	read_points(p, &tree, d);
	if (diag_errors(d) == before && p->point_count == 0)
		diag_add(d, (struct diag_place){ .file = p->path },
		    "no points (allowed: at least one [point:NAME])");
	return diag_errors(d) == before ? p : NULL;
}

const struct profile *profile_load(const char *name, struct arena *a, struct diag *d, struct diag_place asked)
{
	const char *path = text_is_name(name) ? find_file(name, a) : NULL;
	if (path)
		return profile_load_file(path, a, d);
	say_missing(name, a, d, asked);
	return NULL;
}
