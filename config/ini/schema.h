/* schema: one row per configuration key, and the engine that reads a section by its rows (pure).
 *
 * From a row come parsing, range checks, the default, the text of the error, did-you-mean and the manual
 * page; nothing about a key is written anywhere else. A row says where in the section's struct the value
 * goes:
 *
 *   type             field                 notes
 *   SCHEMA_BOOL      bool                  yes | no
 *   SCHEMA_INT       int64_t               min..max
 *   SCHEMA_DOUBLE    double                NAN without a default
 *   SCHEMA_DURATION  int64_t               nanoseconds; min..max in seconds
 *   SCHEMA_SIZE      int64_t               bytes; min..max
 *   SCHEMA_TEXT      const char *          "" when empty
 *   SCHEMA_NAME      const char *          a name; "" when empty
 *   SCHEMA_CHOICE    int or an enum        one of `choices`
 *   SCHEMA_LIST      struct schema_list    comma list, blanks around items dropped
 *   SCHEMA_CUSTOM    what `parse` writes
 *
 * A key without a value is not told: its default holds, but for a SCHEMA_CUSTOM, whose parser gets the empty
 * text. Strings point into the tree's arena or into the row. The rows of a section are an array that ends
 * with one without a key.
 */
#pragma once

#include "config/ini/arena.h"
#include "config/ini/diag.h"
#include "config/ini/ini_tree.h"

#include <stddef.h>
#include <stdint.h>

enum schema_type {
	SCHEMA_BOOL,
	SCHEMA_INT,
	SCHEMA_DOUBLE,
	SCHEMA_DURATION,
	SCHEMA_SIZE,
	SCHEMA_TEXT,
	SCHEMA_NAME,
	SCHEMA_CHOICE,
	SCHEMA_LIST,
	SCHEMA_CUSTOM,
};

enum schema_flags {
	SCHEMA_REQUIRED = 1 << 0,
	SCHEMA_INHERITED = 1 << 1, /* without a default: left out it is as in another section */
};

#define SCHEMA_LIST_MAX 256

struct schema_list {
	const char **items;
	size_t count;
};

struct schema_choice {
	const char *word; /* NULL ends the list */
	int value;
	const char
	    *also; /* what users write for it elsewhere, blanks between: it is said to be meant. Or NULL */
};

/* Where a value goes. The size is held against the row's type: a row whose field is of another type ends the
 * process at the first reading, before anything is written past the field. */
struct schema_field {
	size_t offset, size;
};
#define SCHEMA_FIELD(type, member)                                                                           \
	{                                                                                                    \
		offsetof(type, member), sizeof(((type *)NULL)->member)                                       \
	}

struct schema_key;

/* What the parser of a value has at hand. */
struct schema_value {
	const struct schema_key *row;
	struct arena *arena;
	void *field; /* where it goes */
	struct diag *diag;
	struct diag_place place;
};

/* Reads `text` into the field. False when it is wrong, which schema_refuse has said. */
typedef bool (*schema_parse)(struct schema_value *v, const char *text);

/* Says what is wrong with a value and what is allowed. False, for the parser to return. */
bool schema_refuse(struct schema_value *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct schema_key {
	const char *key; /* NULL ends the rows */
	enum schema_type type;
	struct schema_field field;
	const char *def; /* as a user would write it; NULL = empty */
	double min, max;
	const struct schema_choice *choices;
	schema_parse parse;
	unsigned flags;
	const char *help;
};

/* Sets every field of `target` to its default. */
void schema_defaults(const struct schema_key *keys, struct arena *a, void *target);

/* Reads the entries of an INI section into `target` over what is there; findings go to `d`. With `complete`,
 * missing required keys are findings too. */
void schema_read(const struct schema_key *keys, const struct ini_section *from, bool complete,
    struct arena *a, struct diag *d, void *target);

/* What must not be, beyond what one row can tell, and the key that is to blame. */
struct schema_rule {
	bool broken;
	const char *key, *what;
	bool is_note; /* it may be meant so: said, and taken */
};

/* A finding for each rule that is broken. */
void schema_check_rules(
    const struct ini_section *s, const struct schema_rule *rules, size_t count, struct diag *d);

/* The place of a key in a section: its own line when it was given, else the section's. */
struct diag_place schema_place(const struct ini_section *s, const char *key);

/* A finding there; `key` NULL = at the section. */
void schema_error(struct diag *d, const struct ini_section *s, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
