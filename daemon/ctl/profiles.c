/* profiles: what device profiles there are and whether one is good. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/lint.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/table.h"
#include "daemon/publish/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define LINT_FINDINGS_MAX 2000

static int finish(struct arena *a, struct json_writer *w)
{
	_cleanup_free_ char *text = json_finish(w);
	if (!text)
		return EXIT_FAILURE;
	printf("%s\n", printable_json(a, text));
	return EXIT_SUCCESS;
}

static void put_json_head(struct json_writer *w, const char *name, const struct profile *p)
{
	json_text(w, "name", name);
	json_text(w, "vendor", p->vendor);
	json_text(w, "model", p->model);
	json_text(w, "source", p->source);
	json_bool(w, "tested", p->tested);
	json_bool(w, "identify", p->identify.count > 0);
	json_number(w, "accuracy_class", p->accuracy_class, JSON_DECIMAL);
	json_text(w, "path", p->path);
}

static void put_row(struct table *t, const char *name, const struct profile *p)
{
	table_cell(t, TABLE_PLAIN, "%s", name);
	table_cell(t, p->tested ? TABLE_GOOD : TABLE_PLAIN, "%s", p->tested ? "yes" : "no");
	table_cell(t, TABLE_PLAIN, "%s", p->identify.count ? "yes" : "no");
	table_cell(t, TABLE_PLAIN, "%zu", p->point_count);
	table_cell(t, TABLE_PLAIN, "%s %s", p->vendor, p->model);
	table_cell(t, TABLE_FAINT, "%s", p->source);
}

/* A profile that is bad is said and left out. Returns the exit code. */
static int list(const struct ctl *ctl, struct arena *a, struct diag *d)
{
	static const struct table_column columns[] = { { "PROFILE" }, { "TESTED" }, { "IDENTIFY" },
		{ "POINTS", true }, { "DEVICE" }, { "SOURCE" } };
	const char **names;
	struct json_writer w;
	size_t count = profile_names(a, &names);
	struct table *t = table_new(a, columns, sizeof(columns) / sizeof(columns[0]));
	json_begin(&w);
	json_open_list(&w, NULL);
	for (size_t i = 0; i < count; i++) {
		const struct profile *p =
		    profile_load(names[i], a, d, (struct diag_place){ .file = names[i] });
		if (!p)
			continue;
		json_open(&w, NULL);
		put_json_head(&w, names[i], p);
		json_unsigned(&w, "points", p->point_count);
		json_close(&w);
		put_row(t, names[i], p);
	}
	json_close_list(&w);
	diag_each(d, say_finding, NULL);
	int code = ctl->json ? finish(a, &w) : (free(json_finish(&w)), EXIT_SUCCESS);
	if (!ctl->json)
		table_print(t);
	return diag_errors(d) > 0 ? EX_CONFIG : code;
}

static int show_json(struct arena *a, const char *name, const struct profile *p)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	put_json_head(&w, name, p);
	json_open_list(&w, "points");
	for (size_t i = 0; i < p->point_count; i++) {
		const struct point *point = &p->points[i];
		json_open(&w, NULL);
		json_text(&w, "name", point->name);
		json_text(&w, "table", point_table_word(point->reg.table));
		json_unsigned(&w, "address", point->reg.address);
		json_text(&w, "type", point_type_word(point->type));
		json_text(&w, "unit", point->unit);
		json_text(&w, "description", point->description);
		json_close(&w);
	}
	json_close_list(&w);
	json_close(&w);
	return finish(a, &w);
}

static void print_head(struct arena *a, const char *name, const struct profile *p)
{
	const char *is = "";
	for (size_t i = 0; i < p->identify.count; i++)
		is = arena_printf(a, "%s%s %s:%u 0x%04x", is, i ? "," : "",
		    point_table_word(p->identify.items[i].reg.table), p->identify.items[i].reg.address,
		    p->identify.items[i].value);
	printf("%s: %s %s\nfile     %s\nsource   %s\ntested   %s\nidentify%s\n", printable(a, name),
	    printable(a, p->vendor), printable(a, p->model), printable(a, p->path), printable(a, p->source),
	    p->tested ? "yes" : "no", *is ? is : " -");
	if (!isnan(p->accuracy_class))
		printf("class    %g\n", p->accuracy_class);
	putchar('\n');
}

static void print_points(struct arena *a, const struct profile *p)
{
	static const struct table_column columns[] = { { "POINT" }, { "REGISTER" }, { "TYPE" }, { "UNIT" },
		{ "DESCRIPTION" } };
	struct table *t = table_new(a, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < p->point_count; i++) {
		const struct point *point = &p->points[i];
		table_cell(t, TABLE_PLAIN, "%s", point->name);
		table_cell(t, TABLE_PLAIN, "%s:%u", point_table_word(point->reg.table), point->reg.address);
		table_cell(t, TABLE_PLAIN, "%s", point_type_word(point->type));
		table_cell(t, TABLE_PLAIN, "%s", point->unit);
		table_cell(t, TABLE_PLAIN, "%s", point->description);
	}
	table_print(t);
}

static int show(const struct ctl *ctl, const char *name, struct arena *a, struct diag *d)
{
	const struct profile *p = profile_load(name, a, d, (struct diag_place){ .file = name });
	diag_each(d, say_finding, NULL);
	if (!p)
		return EX_CONFIG;
	if (ctl->json)
		return show_json(a, name, p);
	print_head(a, name, p);
	print_points(a, p);
	return EXIT_SUCCESS;
}

struct finding {
	enum lint_severity severity;
	int line;
	const char *section, *key, *text;
};

struct findings {
	struct arena *arena;
	struct finding items[LINT_FINDINGS_MAX];
	size_t count;
	const char *path;
	size_t counts[LINT_COUNT];
};

static void add(struct findings *f, struct finding x)
{
	f->counts[x.severity]++;
	if (f->count < LINT_FINDINGS_MAX)
		f->items[f->count++] = x;
}

static void take_style(
    enum lint_severity severity, const struct ini_section *s, const char *key, const char *text, void *user)
{
	struct findings *f = user;
	struct diag_place place = { .line = 0 };
	if (s)
		place = schema_place(s, key);
	add(f, (struct finding){ severity, place.line, place.section, key, arena_strdup(f->arena, text) });
}

/* FILE:LINE: [section] key: what; the file is known, and the line is what the list is sorted by. */
static void take_rule(bool is_error, const char *text, void *user)
{
	struct findings *f = user;
	size_t n = strlen(f->path);
	int line = 0;
	if (strncmp(text, f->path, n) == 0 && text[n] == ':') {
		char *end;
		line = (int)strtol(text + n + 1, &end, 10);
		text = line > 0 ? end + strspn(end, ": ") : text + n + strspn(text + n, ": ");
	}
	add(f, (struct finding){
		   is_error ? LINT_ERROR : LINT_HINT, line, NULL, NULL, arena_strdup(f->arena, text) });
}

static int by_line(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;
	return (a->line > b->line) - (a->line < b->line);
}

static void print_findings(const struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->items[i];
		printf("%s:", printable(f->arena, f->path));
		if (x->line > 0)
			printf("%d:", x->line);
		printf(" %s: ", lint_word(x->severity));
		if (x->section)
			printf("[%s]%s%s: ", printable(f->arena, x->section), x->key ? " " : "",
			    x->key ? printable(f->arena, x->key) : "");
		printf("%s\n", printable(f->arena, x->text));
	}
	printf("%s: %zu errors, %zu warnings, %zu hints\n", f->path, f->counts[LINT_ERROR],
	    f->counts[LINT_WARNING], f->counts[LINT_HINT]);
}

static int print_findings_json(const struct findings *f)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "file", f->path);
	json_unsigned(&w, "errors", f->counts[LINT_ERROR]);
	json_unsigned(&w, "warnings", f->counts[LINT_WARNING]);
	json_unsigned(&w, "hints", f->counts[LINT_HINT]);
	json_open_list(&w, "findings");
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->items[i];
		json_open(&w, NULL);
		json_text(&w, "severity", lint_word(x->severity));
		json_integer(&w, "line", x->line);
		if (x->section)
			json_text(&w, "section", x->section);
		if (x->key)
			json_text(&w, "key", x->key);
		json_text(&w, "text", x->text);
		json_close(&w);
	}
	json_close_list(&w);
	json_close(&w);
	return finish(f->arena, &w);
}

static int lint(const struct ctl *ctl, const char *path, struct arena *a, struct diag *d)
{
	struct ini_tree tree = { .arena = a };
	struct findings *f = arena_alloc(a, sizeof(*f));
	f->arena = a;
	f->path = path;
	const struct profile *p = profile_load_file(path, a, d);
	diag_each(d, take_rule, f);
	if (p) {
		struct diag *again = diag_new(); /* it was read without an error just now */
		(void)ini_tree_read(&tree, path, again);
		diag_free(again);
		lint_profile(p, &tree, take_style, f);
	}
	if (f->count > 1)
		qsort(f->items, f->count, sizeof(f->items[0]), by_line);
	if (!ctl->json)
		print_findings(f);
	else if (print_findings_json(f) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (f->counts[LINT_ERROR] > 0)
		return EX_CONFIG;
	return f->counts[LINT_WARNING] > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct ctl *c)
{
	struct diag *d = diag_new();
	int code = c->word_count ? show(c, c->words[0], c->arena, d) : list(c, c->arena, d);
	diag_free(d);
	return code;
}

static int run_lint(struct ctl *c)
{
	struct diag *d = diag_new();
	int code = lint(c, c->words[0], c->arena, d);
	diag_free(d);
	return code;
}

const struct command profiles_command = {
	.name = "profiles",
	.arguments = "[NAME]",
	.help = "the device profiles there are, or the points of one",
	.about = "They are searched in /etc/coolantd/profiles, then among those that are installed; "
		 "COOLANTD_PROFILE_PATH "
		 "says other folders.",
	.most = 1,
	.word = COMMAND_WORD_PROFILE,
	.schema = "ctl-profiles",
	.run = run,
};

const struct command profiles_lint_command = {
	.name = "profiles lint",
	.arguments = "FILE",
	.help = "what could be better in a profile",
	.about = "Exits with 78 when it has errors, with 1 when it has warnings.",
	.least = 1,
	.most = 1,
	.word = COMMAND_WORD_FILE,
	.schema = "ctl-lint",
	.run = run_lint,
};
