#include "config/ini/schema.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What one parse has at hand: the row, where to put the value, how to say what is wrong. */
struct parse {
	const struct schema_key *row;
	struct arena *arena;
	void *field;
	const char *why; /* what is wrong and what is allowed */
};

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

static int refuse_number(struct parse *p, int err, const char *text, const char *form)
{
	const char *range = "";
	if (!isnan(p->row->min) && p->row->max > p->row->min)
		range = arena_printf(p->arena, ", %.15g..%.15g", p->row->min, p->row->max);
	p->why = arena_printf(p->arena, "'%s' is %s (allowed: %s%s)", text,
	    err == -ERANGE ? "out of range" : "not valid", form, range);
	return -EINVAL;
}

static bool in_range(const struct schema_key *row, double v)
{
	return row->max <= row->min || (v >= row->min && v <= row->max);
}

static int parse_bool(struct parse *p, const char *text)
{
	if (text_bool(text, p->field) == 0)
		return 0;
	p->why = arena_printf(p->arena, "'%s' is not valid (allowed: yes, no)", text);
	return -EINVAL;
}

static int parse_int(struct parse *p, const char *text)
{
	int64_t v = 0;
	int err = text_int(text, &v);
	if (err == 0 && !in_range(p->row, (double)v))
		err = -ERANGE;
	if (err < 0)
		return refuse_number(p, err, text, "a whole number");
	*(int64_t *)p->field = v;
	return 0;
}

static int parse_double(struct parse *p, const char *text)
{
	double v = NAN;
	if (*text != '\0') {
		int err = text_double(text, &v);
		if (err == 0 && !in_range(p->row, v))
			err = -ERANGE;
		if (err < 0)
			return refuse_number(p, err, text, "a number");
	}
	*(double *)p->field = v;
	return 0;
}

static int parse_duration(struct parse *p, const char *text)
{
	int64_t v = 0;
	int err = text_duration(text, &v);
	if (err == 0 && !in_range(p->row, (double)v / 1e9))
		err = -ERANGE;
	if (err < 0) {
		char low[32], high[32];
		p->why = arena_printf(p->arena,
		    "'%s' is %s (allowed: a duration with unit ms, s, m, h or d, %s..%s)", text,
		    err == -ERANGE ? "out of range" : "not valid",
		    text_of_duration((int64_t)(p->row->min * 1e9), low),
		    text_of_duration((int64_t)(p->row->max * 1e9), high));
		return -EINVAL;
	}
	*(int64_t *)p->field = v;
	return 0;
}

static int parse_size(struct parse *p, const char *text)
{
	int64_t v = 0;
	int err = text_size(text, &v);
	if (err == 0 && !in_range(p->row, (double)v))
		err = -ERANGE;
	if (err < 0)
		return refuse_number(p, err, text, "a size with unit B, KiB, MiB or GiB");
	*(int64_t *)p->field = v;
	return 0;
}

static int parse_text(struct parse *p, const char *text)
{
	*(const char **)p->field = text;
	return 0;
}

static int parse_name(struct parse *p, const char *text)
{
	if (*text != '\0' && !text_is_name(text)) {
		p->why = arena_printf(p->arena,
		    "'%s' is not a name (allowed: 1 to %d of a-z 0-9 _ -, the first a letter or digit)", text,
		    NAME_LENGTH_MAX);
		return -EINVAL;
	}
	return parse_text(p, text);
}

static int parse_choice(struct parse *p, const char *text)
{
	const struct schema_choice *choices = p->row->choices;
	const char *allowed = choices[0].word;
	size_t n = 0;
	for (; choices[n].word; n++) {
		if (strcmp(choices[n].word, text) != 0)
			continue;
		*(int *)p->field =
		    choices[n].value; /* of an enum too: both compilers make it an int's size */
		return 0;
	}
	for (size_t i = 1; i < n; i++)
		allowed = arena_printf(p->arena, "%s, %s", allowed, choices[i].word);
	p->why = arena_printf(p->arena, "'%s' is not valid%s (allowed: %s)", text,
	    suggest_word(p->arena, text, choices, n, sizeof(choices[0])), allowed);
	return -EINVAL;
}

static int parse_list(struct parse *p, const char *text)
{
	const char *items[SCHEMA_LIST_MAX] = { 0 };
	size_t n = 0;
	while (*text != '\0') {
		size_t length = strcspn(text, ",");
		const char *start = text, *end = text + length;
		text = *end ? end + 1 : end;
		while (start < end && isspace((unsigned char)*start))
			start++;
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		if (start == end) {
			p->why = "an empty item in the list (allowed: items with one comma between them)";
			return -EINVAL;
		}
		if (n == SCHEMA_LIST_MAX) {
			p->why = arena_printf(p->arena, "too many items (at most %d)", SCHEMA_LIST_MAX);
			return -EINVAL;
		}
		items[n++] = arena_strndup(p->arena, start, (size_t)(end - start));
	}
	struct schema_list *list = p->field;
	list->count = n;
	list->items = arena_alloc(p->arena, (n + 1) * sizeof(items[0]));
	memcpy(list->items, items, n * sizeof(items[0]));
	return 0;
}

static int parse_custom(struct parse *p, const char *text)
{
	return p->row->parse(p->arena, text, p->field, &p->why);
}

static int (*const parsers[])(struct parse *p, const char *text) = {
	[SCHEMA_BOOL] = parse_bool,
	[SCHEMA_INT] = parse_int,
	[SCHEMA_DOUBLE] = parse_double,
	[SCHEMA_DURATION] = parse_duration,
	[SCHEMA_SIZE] = parse_size,
	[SCHEMA_TEXT] = parse_text,
	[SCHEMA_NAME] = parse_name,
	[SCHEMA_CHOICE] = parse_choice,
	[SCHEMA_LIST] = parse_list,
	[SCHEMA_CUSTOM] = parse_custom,
};

/* By type; 0 = what the row's own parser knows. */
static const size_t field_sizes[] = {
	[SCHEMA_BOOL] = sizeof(bool),
	[SCHEMA_INT] = sizeof(int64_t),
	[SCHEMA_DOUBLE] = sizeof(double),
	[SCHEMA_DURATION] = sizeof(int64_t),
	[SCHEMA_SIZE] = sizeof(int64_t),
	[SCHEMA_TEXT] = sizeof(const char *),
	[SCHEMA_NAME] = sizeof(const char *),
	[SCHEMA_CHOICE] = sizeof(int),
	[SCHEMA_LIST] = sizeof(struct schema_list),
	[SCHEMA_CUSTOM] = 0,
};

/* A key whose function comes later may be written with its default: that asks for nothing. */
static bool is_default(const struct schema_key *row, const char *text)
{
	return strcmp(text, row->def ? row->def : "") == 0;
}

static int parse_value(
    const struct schema_key *row, struct arena *a, void *target, const char *text, const char **why)
{
	if ((row->flags & SCHEMA_LATER) && !is_default(row, text)) {
		*why = arena_printf(
		    a, "not available in this version (allowed: the default '%s')", row->def ? row->def : "");
		return -EINVAL;
	}
	if (field_sizes[row->type] != 0 && field_sizes[row->type] != row->field.size)
		abort();
	struct parse p = { .row = row, .arena = a, .field = (char *)target + row->field.offset };
	int err = parsers[row->type](&p, text);
	*why = p.why;
	return err;
}

void schema_defaults(const struct schema_key *keys, struct arena *a, void *target)
{
	for (const struct schema_key *row = keys; row->key; row++) {
		const char *why;
		if (row->def || row->type == SCHEMA_DOUBLE || row->type == SCHEMA_TEXT ||
		    row->type == SCHEMA_NAME)
			(void)parse_value(row, a, target, row->def ? row->def : "", &why);
	}
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
	char allowed[1024];
	size_t n = 0, used = 0;
	for (; keys[n].key; n++)
		if (used < sizeof(allowed))
			used += (size_t)snprintf(
			    allowed + used, sizeof(allowed) - used, "%s%s", n ? ", " : "", keys[n].key);
	const char *meant = suggest_word(a, place.key, keys, n, sizeof(keys[0]));
	if (*meant)
		diag_add(d, place, "unknown key%s", meant);
	else
		diag_add(d, place, "unknown key (allowed: %s)", allowed);
}

bool schema_read(const struct schema_key *keys, const struct ini_section *from, bool complete,
    struct arena *a, struct diag *d, void *target)
{
	bool good = true;
	for (const struct ini_entry *e = from->entries; e; e = e->next) {
		struct diag_place place = { e->file, e->line, from->title, e->key };
		const struct schema_key *row = find_key(keys, e->key);
		const char *why = NULL;
		if (!row) {
			unknown_key(keys, place, a, d);
			good = false;
		} else if (parse_value(row, a, target, e->value, &why) < 0) {
			diag_add(d, place, "%s", why);
			good = false;
		}
	}
	for (const struct schema_key *row = keys; complete && row->key; row++) {
		if (!(row->flags & SCHEMA_REQUIRED) || ini_section_gives(from, row->key))
			continue;
		schema_error(d, from, row->key, "missing, but required (%s)", row->help);
		good = false;
	}
	return good;
}

bool schema_check_rules(
    const struct ini_section *s, const struct schema_rule *rules, size_t count, struct diag *d)
{
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		if (!rules[i].broken)
			continue;
		schema_error(d, s, rules[i].key, "%s", rules[i].what);
		good = false;
	}
	return good;
}
