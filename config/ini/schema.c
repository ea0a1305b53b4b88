#include "config/ini/schema.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct diag_place schema_place(const struct ini_section *s, const char *key)
{
	const struct ini_entry *e = key ? ini_section_entry(s, key) : NULL;
	return (struct diag_place){ e ? e->file : s->file, e ? e->line : s->line, s->title, key };
}

void schema_error(struct diag *d, const struct ini_section *s, const char *key, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	diag_vadd(d, schema_place(s, key), format, ap);
	va_end(ap);
}

bool schema_refuse(struct schema_value *v, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	if (v->diag) /* a default may be what nobody can write: the section knows what it means */
		diag_vadd(v->diag, v->place, format, ap);
	va_end(ap);
	return false;
}

static const char *limit_text(const struct schema_key *row, double limit, char buf[static 32])
{
	if (row->type == SCHEMA_DURATION)
		return text_of_duration((int64_t)(limit * 1e9), buf);
	snprintf(buf, 32, "%.15g", limit);
	return buf;
}

/* `err` is what reading the text came to, `number` is in the unit of the row's limits. */
static bool check_number(struct schema_value *v, const char *text, int err, double number, const char *form)
{
	const struct schema_key *row = v->row;
	const char *wrong = err == -EINVAL ? "not valid" : "out of range";
	char low[32], high[32];
	if (row->max <= row->min)
		return err == 0 || schema_refuse(v, "'%s' is %s (allowed: %s)", text, wrong, form);
	if (err == 0 && number >= row->min && number <= row->max)
		return true;
	return schema_refuse(v, "'%s' is %s (allowed: %s, %s..%s)", text, wrong, form,
	    limit_text(row, row->min, low), limit_text(row, row->max, high));
}

/* Whole numbers; `unit` is that of the row's limits. */
static const struct {
	int (*read)(const char *text, int64_t *ret);
	const char *form;
	double unit;
} integers[] = {
	[SCHEMA_INT] = { text_int, "a whole number", 1 },
	[SCHEMA_DURATION] = { text_duration, "a duration with unit ms, s, m, h or d", 1e9 },
	[SCHEMA_SIZE] = { text_size, "a size with unit B, KiB, MiB or GiB", 1 },
};

static bool parse_integer(struct schema_value *v, const char *text)
{
	enum schema_type type = v->row->type;
	int64_t n = 0;
	int err = integers[type].read(text, &n);
	if (!check_number(v, text, err, (double)n / integers[type].unit, integers[type].form))
		return false;
	*(int64_t *)v->field = n;
	return true;
}

static bool parse_double(struct schema_value *v, const char *text)
{
	double n = NAN;
	int err = *text != '\0' ? text_double(text, &n) : 0;
	if (*text != '\0' &&
	    !check_number(v, text, err, n,
		strchr(text, ',') ? "a number, with a point: 20.5" : "a number, without its unit"))
		return false;
	*(double *)v->field = n;
	return true;
}

static bool parse_text(struct schema_value *v, const char *text)
{
	*(const char **)v->field = text;
	return true;
}

static bool parse_name(struct schema_value *v, const char *text)
{
	if (*text != '\0' && !text_is_name(text))
		return schema_refuse(v, "'%s' is not a name (allowed: " TEXT_NAME_FORM ")", text);
	return parse_text(v, text);
}

/* The word whose other spellings have the text; "" = of none. */
static const char *choice_meant(struct arena *a, const struct schema_choice *choices, const char *text)
{
	size_t n = strlen(text);
	for (; choices->word; choices++)
		for (const char *w = choices->also; w && *w != '\0'; w += strcspn(w, " "), w += *w == ' ')
			if (strcspn(w, " ") == n && strncasecmp(w, text, n) == 0)
				return arena_printf(a, ", did you mean '%s'?", choices->word);
	return "";
}

static bool read_choice(
    struct schema_value *v, const struct schema_choice *choices, const char *text, int *ret)
{
	const char *allowed = choices[0].word;
	size_t n = 0;
	for (; choices[n].word; n++) {
		if (strcmp(choices[n].word, text) != 0)
			continue;
		*ret = choices[n].value;
		return true;
	}
	for (size_t i = 1; i < n; i++)
		allowed = arena_printf(v->arena, "%s, %s", allowed, choices[i].word);
	const char *meant = choice_meant(v->arena, choices, text);
	if (*meant == '\0')
		meant = suggest_word(v->arena, text, choices, n, sizeof(choices[0]));
	return schema_refuse(v, "'%s' is not valid%s (allowed: %s)", text, meant, allowed);
}

/* Into an int, or an enum: both compilers make it an int's size. */
static bool parse_choice(struct schema_value *v, const char *text)
{
	return read_choice(v, v->row->choices, text, v->field);
}

static bool parse_bool(struct schema_value *v, const char *text)
{
	static const struct schema_choice words[] = { { "yes", true, "true on 1 y enabled" },
		{ "no", false, "false off 0 n disabled" }, { NULL } };
	int yes = false;
	if (!read_choice(v, words, text, &yes))
		return false;
	*(bool *)v->field = yes;
	return true;
}

static bool parse_list(struct schema_value *v, const char *text)
{
	const char **items = arena_alloc(v->arena, (strlen(text) / 2 + 1) * sizeof(items[0]));
	char *rest = arena_strdup(v->arena, text);
	size_t n = 0;
	while (rest && *text != '\0') {
		items[n] = text_strip(strsep(&rest, ","));
		if (*items[n] == '\0')
			return schema_refuse(
			    v, "an empty item in the list (allowed: items with one comma between them)");
		if (n++ == SCHEMA_LIST_MAX)
			return schema_refuse(v, "too many items (at most %d)", SCHEMA_LIST_MAX);
	}
	*(struct schema_list *)v->field = (struct schema_list){ items, n };
	return true;
}

/* How a type is read, and the size of its field; without a parser the row has its own, which knows it. */
static const struct {
	schema_parse parse;
	size_t size;
} types[] = {
	[SCHEMA_BOOL] = { parse_bool, sizeof(bool) },
	[SCHEMA_INT] = { parse_integer, sizeof(int64_t) },
	[SCHEMA_DOUBLE] = { parse_double, sizeof(double) },
	[SCHEMA_DURATION] = { parse_integer, sizeof(int64_t) },
	[SCHEMA_SIZE] = { parse_integer, sizeof(int64_t) },
	[SCHEMA_TEXT] = { parse_text, sizeof(const char *) },
	[SCHEMA_NAME] = { parse_name, sizeof(const char *) },
	[SCHEMA_CHOICE] = { parse_choice, sizeof(int) },
	[SCHEMA_LIST] = { parse_list, sizeof(struct schema_list) },
	[SCHEMA_CUSTOM] = { NULL, 0 },
};

static bool parse_value(const struct schema_key *row, struct arena *a, struct diag *d,
    struct diag_place place, void *target, const char *text)
{
	struct schema_value v = { row, a, (char *)target + row->field.offset, d, place };
	if (!types[row->type].parse)
		return row->parse(&v, text);
	if (types[row->type].size != row->field.size)
		abort();
	return types[row->type].parse(&v, text);
}

void schema_defaults(const struct schema_key *keys, struct arena *a, void *target)
{
	const struct diag_place nowhere = { 0 };
	for (const struct schema_key *row = keys; row->key; row++)
		if (row->def || row->type == SCHEMA_DOUBLE || row->type == SCHEMA_TEXT ||
		    row->type == SCHEMA_NAME)
			(void)parse_value(row, a, NULL, nowhere, target, row->def ? row->def : "");
}

/* A key with nothing behind it: what holds is the default. */
static void read_empty(
    const struct schema_key *row, struct arena *a, struct diag *d, struct diag_place place, void *target)
{
	if (row->flags & SCHEMA_INHERITED)
		return;
	bool own = row->type == SCHEMA_CUSTOM || (row->type == SCHEMA_CHOICE && !row->def);
	if (!own && row->def && *row->def != '\0')
		diag_note(d, place, "empty, so the default holds: %s", row->def);
	else if (row->type == SCHEMA_DOUBLE)
		diag_note(d, place, "empty, so it is not set");
	(void)parse_value(row, a, own ? d : NULL, place, target, !own && row->def ? row->def : "");
}

static const struct schema_key *find_key(const struct schema_key *keys, const char *key)
{
	while (keys->key && strcmp(keys->key, key) != 0)
		keys++;
	return keys->key ? keys : NULL;
}

static void unknown_key(
    const struct schema_key *keys, struct diag_place place, struct arena *a, struct diag *d)
{
	const char *allowed = keys[0].key;
	size_t n = 1;
	for (; keys[n].key; n++)
		allowed = arena_printf(a, "%s, %s", allowed, keys[n].key);
	const char *meant = suggest_word(a, place.key, keys, n, sizeof(keys[0]));
	if (*meant)
		diag_add(d, place, "unknown key%s", meant);
	else
		diag_add(d, place, "unknown key (allowed: %s)", allowed);
}

void schema_read(const struct schema_key *keys, const struct ini_section *from, bool complete,
    struct arena *a, struct diag *d, void *target)
{
	for (const struct ini_entry *e = from->entries; e; e = e->next) {
		struct diag_place place = { e->file, e->line, from->title, e->key };
		const struct schema_key *row = find_key(keys, e->key);
		if (row && row->type == SCHEMA_TEXT && e->cut)
			diag_note(d, place,
			    "'%s' is taken, what follows is a comment (in double quotes all is taken)",
			    e->value);
		if (!row)
			unknown_key(keys, place, a, d);
		else if (*e->value != '\0')
			(void)parse_value(row, a, d, place, target, e->value);
		else if (!complete || !(row->flags & SCHEMA_REQUIRED)) /* else it is missing: see below */
			read_empty(row, a, d, place, target);
	}
	for (const struct schema_key *row = keys; complete && row->key; row++)
		if ((row->flags & SCHEMA_REQUIRED) && !ini_section_gives(from, row->key))
			schema_error(d, from, row->key, "missing, but required (%s)", row->help);
}

void schema_check_rules(
    const struct ini_section *s, const struct schema_rule *rules, size_t count, struct diag *d)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].broken && rules[i].is_note)
			diag_note(d, schema_place(s, rules[i].key), "%s", rules[i].what);
		else if (rules[i].broken)
			schema_error(d, s, rules[i].key, "%s", rules[i].what);
}
