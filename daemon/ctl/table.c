#include "daemon/ctl/table.h"

#include "daemon/ctl/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GAP "  " /* between columns */

struct cell {
	const char *text;
	enum table_style style;
};

struct row {
	struct row *next;
	struct cell cells[];
};

struct table {
	struct arena *arena;
	const struct table_column *columns;
	size_t column_count, at; /* of the next cell; 0 = in a new row */
	size_t widths[TABLE_COLUMNS_MAX];
	struct row *first, *last;
};

struct table *table_new(struct arena *a, const struct table_column *columns, size_t count)
{
	struct table *t = arena_alloc(a, sizeof(*t));
	*t = (struct table){ .arena = a, .columns = columns, .column_count = count };
	for (size_t i = 0; i < count; i++)
		t->widths[i] = printable_width(columns[i].title);
	return t;
}

static void add_row(struct table *t)
{
	struct row *r = arena_alloc(t->arena, sizeof(*r) + t->column_count * sizeof(r->cells[0]));
	for (size_t i = 0; i < t->column_count; i++)
		r->cells[i].text = "";
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
}

void table_cell(struct table *t, enum table_style style, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	const char *text = printable(t->arena, arena_vprintf(t->arena, format, ap));
	va_end(ap);
	if (t->at == 0)
		add_row(t);
	t->last->cells[t->at] = (struct cell){ text, style };
	size_t width = printable_width(text);
	if (width > t->widths[t->at])
		t->widths[t->at] = width;
	t->at = (t->at + 1) % t->column_count;
}

bool table_has_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void table_put(enum table_style style, const char *text, size_t width, bool right)
{
	static const char *const codes[] = { [TABLE_PLAIN] = "",
		[TABLE_GOOD] = "32",
		[TABLE_HINT] = "36",
		[TABLE_WARNING] = "33",
		[TABLE_BAD] = "1;31",
		[TABLE_FAINT] = "2",
		[TABLE_STRONG] = "1" };
	const size_t own = printable_width(text);
	const int pad = width > own ? (int)(width - own) : 0;
	const bool colour = *codes[style] && *text && table_has_colour();
	printf("%*s", right ? pad : 0, "");
	if (colour)
		printf("\033[%sm%s\033[0m", codes[style], text);
	else
		fputs(text, stdout);
	printf("%*s", right ? 0 : pad, "");
}

/* Nothing is padded behind the last cell that has text. */
static void print_row(const struct table *t, const struct cell *cells)
{
	size_t count = t->column_count;
	while (count > 0 && cells[count - 1].text[0] == '\0')
		count--;
	for (size_t i = 0; i < count; i++) {
		const bool last = i + 1 == count;
		table_put(cells[i].style, cells[i].text, last && !t->columns[i].right ? 0 : t->widths[i],
		    t->columns[i].right);
		fputs(last ? "" : GAP, stdout);
	}
	putchar('\n');
}

void table_print(const struct table *t)
{
	struct cell titles[TABLE_COLUMNS_MAX];
	for (size_t i = 0; i < t->column_count; i++)
		titles[i] = (struct cell){ t->columns[i].title, TABLE_STRONG };
	print_row(t, titles);
	for (const struct row *r = t->first; r; r = r->next)
		print_row(t, r->cells);
}

enum table_style table_quality_style(const char *quality)
{
	static const struct {
		const char *word;
		enum table_style style;
	} styles[] = { { "good", TABLE_PLAIN }, { "estimated", TABLE_HINT }, { "suspect", TABLE_WARNING },
		{ "out_of_service", TABLE_FAINT } };
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (strcmp(styles[i].word, quality) == 0)
			return styles[i].style;
	return TABLE_BAD;
}
