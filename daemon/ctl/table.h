/* table: rows under titles, aligned for a terminal (holder).
 *
 * Cells are made printable and measured in columns of the terminal, so that UTF-8 is aligned too. Colour is
 * for terminals alone, and not with NO_COLOR or TERM=dumb.
 */
#pragma once

#include "daemon/ctl/ctl.h"

enum table_style { TABLE_PLAIN, TABLE_GOOD, TABLE_HINT, TABLE_WARNING, TABLE_BAD, TABLE_FAINT, TABLE_STRONG };

struct table_column {
	const char *title;
	bool right; /* aligned, as numbers are */
};

#define TABLE_COLUMNS_MAX 16

struct table;

/* `columns` must outlive it. It lives in the arena. */
struct table *table_new(struct arena *a, const struct table_column *columns, size_t count);

/* The next cell; a row is complete with as many as there are columns. */
void table_cell(struct table *t, enum table_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* On stdout, with the titles above it. */
void table_print(const struct table *t);

/* Whether stdout takes colour. */
bool table_has_colour(void);

/* Prints printable text in a style; `width` columns of it at least. */
void table_put(enum table_style style, const char *text, size_t width, bool right);

/* The styles of what coolantd says. */
enum table_style table_quality_style(const char *quality);
