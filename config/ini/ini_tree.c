#include "config/ini/ini_tree.h"

#include "config/ini/cleanup.h"
#include "config/ini/hash.h"
#include "config/ini/text.h"
#include "config/ini/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A section of so many keys is searched by walking; beyond, which no section of ours reaches, by an index. */
#define WALKED_MAX 64

struct reader {
	struct ini_tree *tree;
	struct diag *diag;
	const char *file;
	char *next, *end; /* what is left of the text */
	int line;
	struct ini_section *section;
	bool section_refused; /* its entries are passed over, the section was said already */
};

struct ini_section *ini_tree_find(const struct ini_tree *t, const char *title)
{
	return name_index_find(&t->titles, title, strlen(title));
}

struct ini_entry *ini_section_entry(const struct ini_section *s, const char *key)
{
	if (s->entry_count > WALKED_MAX)
		return name_index_find(&s->keys, key, strlen(key));
	for (struct ini_entry *e = s->entries; e; e = e->next)
		if (strcmp(e->key, key) == 0)
			return e;
	return NULL;
}

bool ini_section_gives(const struct ini_section *s, const char *key)
{
	const struct ini_entry *e = ini_section_entry(s, key);
	return e && *e->value != '\0';
}

uint64_t ini_text_fingerprint(const char *text)
{
	return hash_text(HASH_BASIS, text);
}

uint64_t ini_section_fingerprint(const struct ini_section *s)
{
	uint64_t sum = hash_text(HASH_BASIS, s->title);
	for (const struct ini_entry *e = s->entries; e; e = e->next)
		sum += hash_text(hash_text(HASH_BASIS, e->key), e->value);
	return sum;
}

static struct diag_place here(const struct reader *r, const char *section, const char *key)
{
	return (struct diag_place){ r->file, r->line, section, key };
}

static void complain(struct reader *r, const char *what)
{
	diag_add(r->diag, here(r, NULL, NULL), "%s", what);
}

/* Cuts the comment off: what stands behind its mark, or NULL when there is none. */
static char *cut_comment(char *s)
{
	for (char *p = s; *p; p++) {
		if ((*p == '#' || *p == ';') && (p == s || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			return p + 1;
		}
	}
	return NULL;
}

/* Takes a value out of its quotes, in place; NULL when it is not of that form. */
static char *unquote(char *s)
{
	char *to = s, *from = s + 1;
	for (; *from != '\0' && *from != '"'; from++) {
		if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	if (*from != '"')
		return NULL;
	(void)cut_comment(from + 1);
	if (*text_strip(from + 1) != '\0')
		return NULL;
	*to = '\0';
	return s;
}

static struct ini_section *append_section(struct ini_tree *t, const char *title)
{
	struct ini_section *s = arena_alloc(t->arena, sizeof(*s));
	const char *colon = strchr(title, ':');

	s->title = arena_strdup(t->arena, title);
	s->kind = colon ? arena_strndup(t->arena, title, (size_t)(colon - title)) : s->title;
	s->name = colon ? arena_strdup(t->arena, colon + 1) : NULL;
	if (t->last)
		t->last->next = s;
	else
		t->sections = s;
	t->last = s;
	name_index_add(&t->titles, t->arena, s->title, s);
	return s;
}

static struct ini_entry *append_entry(struct ini_section *s, struct arena *a, const char *key)
{
	struct ini_entry *e = arena_alloc(a, sizeof(*e));
	e->key = arena_strdup(a, key);
	if (s->last)
		s->last->next = e;
	else
		s->entries = e;
	s->last = e;
	s->entry_count++;
	if (s->entry_count > WALKED_MAX)
		for (struct ini_entry *i = s->keys.count == 0 ? s->entries : e; i; i = i->next)
			name_index_add(&s->keys, a, i->key, i);
	return e;
}

/* `line` is "[title]" or a broken form of it. */
static void open_section(struct reader *r, char *line)
{
	(void)cut_comment(line);
	char *end = strchr(text_strip(line), ']');
	r->section = NULL;
	r->section_refused = true;
	if (!end || end[1] != '\0') {
		complain(r, "a section line is not of the form [kind] or [kind:name]");
		return;
	}
	*end = '\0';
	char *title = text_strip(line + 1);
	struct ini_section *s = ini_tree_find(r->tree, title);
	if (s && s->file == r->file) {
		diag_add(r->diag, here(r, title, NULL),
		    "duplicate section (the first is at line %d; one file has each section once)", s->line);
		return;
	}
	if (!s)
		s = append_section(r->tree, title);
	s->file = r->file;
	s->line = r->line;
	r->section = s;
	r->section_refused = false;
}

/* The next line's text, without white space at its ends, or NULL at the end. */
static char *next_line(struct reader *r)
{
	if (r->next >= r->end)
		return NULL;
	char *line = r->next, *newline = memchr(line, '\n', (size_t)(r->end - line));
	size_t n = (size_t)((newline ? newline : r->end) - line);

	r->next = line + n + (newline ? 1 : 0);
	r->line++;
	line[n] = '\0'; /* the buffer has a spare byte at its end */
	if (strlen(line) != n) {
		complain(r, "a NUL byte (the file must be UTF-8 text)");
		return line + n;
	}
	if (n > INI_LINE_MAX) {
		diag_add(r->diag, here(r, NULL, NULL), "a line of %zu bytes (at most %d)", n, INI_LINE_MAX);
		return line + n;
	}
	if (!utf8_is_valid(line, n)) {
		complain(r, "bytes that are not UTF-8 (the file must be UTF-8 text)");
		return line + n;
	}
	return text_strip(line);
}

/* The value that `rest` of a line is, and what may be missed of it. NULL when it is none. */
static const char *read_value(struct arena *a, char *rest, const char **cut)
{
	*cut = NULL;
	rest = text_strip(rest);
	if (*rest == '"') {
		const char *value = unquote(rest);
		return value ? arena_strdup(a, value) : NULL;
	}
	const char *comment = cut_comment(rest);
	if (comment && *comment != '\0' && !isspace((unsigned char)*comment) && !strchr("#;-=", *comment))
		*cut = arena_strdup(a, comment);
	return arena_strdup(a, text_strip(rest));
}

static void read_entry(struct reader *r, char *line)
{
	struct arena *a = r->tree->arena;
	char *rest = line, *key = text_strip(strsep(&rest, "=:"));
	if (!rest || strpbrk(key, "#;")) {
		complain(r, "neither a [section] nor a line of the form key = value");
		return;
	}
	struct ini_entry *e = ini_section_entry(r->section, key);
	if (e && e->file == r->file) {
		diag_add(r->diag, here(r, r->section->title, key), "duplicate key (the first is at line %d)",
		    e->line);
		return;
	}
	const char *cut, *value = read_value(a, rest, &cut);
	if (!value) {
		diag_add(r->diag, here(r, r->section->title, key),
		    "a value that begins with a quote and does not end with one (allowed: \"text\", with "
		    "\\\" "
		    "for a quote inside; or no quotes)");
		return;
	}
	if (!e)
		e = append_entry(r->section, a, key);
	e->value = value;
	e->cut = cut;
	e->file = r->file;
	e->line = r->line;
}

static void read_lines(struct reader *r)
{
	for (char *line; (line = next_line(r));) {
		if (*line == '[')
			open_section(r, line);
		else if (strchr("#;", *line) /* or empty */ || r->section_refused)
			continue;
		else if (r->section)
			read_entry(r, line);
		else
			complain(r, "an entry before the first [section]");
	}
}

/* The whole file, in memory that has a spare byte behind it. */
static int slurp(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	/* not at once as much as it may be: the allocator, when it has freed a large block, keeps such blocks
	 * of anybody's from then on */
	size_t room = 0;
	do {
		room = 2 * room + 4096;
		char *wider = realloc(*ret, room);
		if (!wider)
			return -ENOMEM;
		*ret = wider;
		*ret_size += fread(wider + *ret_size, 1, room - 1 - *ret_size, f);
	} while (*ret_size == room - 1 && *ret_size <= INI_FILE_MAX);
	if (ferror(f))
		return errno > 0 ? -errno : -EIO;
	return *ret_size > INI_FILE_MAX ? -EFBIG : 0;
}

int ini_tree_read(struct ini_tree *t, const char *path, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, before = diag_errors(d);
	struct reader r = { .tree = t, .diag = d };

	r.file = arena_strdup(t->arena, path);
	int err = slurp(path, &text, &size);
	if (err < 0) {
		diag_add(d, here(&r, NULL, NULL), "cannot be read: %s", strerror(-err));
		return err;
	}
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		diag_add(d, here(&r, NULL, NULL), "UTF-16 text (allowed: UTF-8; save it anew as that)");
		return -EINVAL;
	}
	bool has_mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
	r.next = text + (has_mark ? 3 : 0);
	r.end = text + size;
	read_lines(&r);
	return diag_errors(d) > before ? -EINVAL : 0;
}
