/* ini_tree: INI files as sections and entries, each with its place (holder).
 *
 * Several files can be read into one tree: a later file adds sections and overrides keys. Within one file a
 * second section of the same title and a second key of the same name are errors. A key ends at the first `=`
 * or `:`. `#` and `;` start a comment at the start of a line or after white space. A value may stand in
 * double quotes, which do not belong to it: then `#` and `;` do, and `\"` and `\\` are a quote and a
 * backslash. A byte order mark and CRLF line ends are taken; leading white space has no meaning (no
 * continuation lines); NUL bytes, invalid UTF-8 and lines over INI_LINE_MAX bytes are errors.
 */
#pragma once

#include "config/ini/arena.h"
#include "config/ini/diag.h"
#include "config/ini/name_index.h"

#include <stdbool.h>
#include <stdint.h>

#define INI_LINE_MAX 4096		/* a comma list of 60 points fits; a binary file does not */
#define INI_FILE_MAX ((size_t)16 << 20) /* 50,000 points of 300 bytes each */

struct ini_entry {
	struct ini_entry *next;
	const char *key, *value;
	const char *cut; /* a comment behind the value that may be meant as part of it: #1; or NULL */
	const char *file;
	int line;
};

struct ini_section {
	struct ini_section *next;
	const char *title; /* kind or kind:name, as written */
	const char *kind;
	const char *name; /* NULL when there is no colon */
	const char *file; /* of the latest file that has it */
	int line;
	struct ini_entry *entries; /* in order of first appearance */
	struct ini_entry *last;
	size_t entry_count;
	struct name_index keys; /* of a section with many */
};

struct ini_tree {
	struct arena *arena;
	struct ini_section *sections; /* in order of first appearance */
	struct ini_section *last;
	struct name_index titles;
};

/* Reads a file into the tree. Returns 0; or -EINVAL with the findings in `d`; or the negative errno of
 * opening or reading it, also said in `d`. What could be read is in the tree in any case. */
int ini_tree_read(struct ini_tree *t, const char *path, struct diag *d);

/* A number that differs when a key or value of the section differs; the order of keys, comments and white
 * space do not count. Not for security: it tells what a reload changed. */
uint64_t ini_section_fingerprint(const struct ini_section *s);
uint64_t ini_text_fingerprint(const char *text);

/* By what is written between the brackets; NULL = none. */
struct ini_section *ini_tree_find(const struct ini_tree *t, const char *title);

struct ini_entry *ini_section_entry(const struct ini_section *s, const char *key); /* NULL = none */
/* Whether the key is there with more than an empty value. */
bool ini_section_gives(const struct ini_section *s, const char *key);
