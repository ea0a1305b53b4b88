/* screen: a terminal, or paper, that is drawn on line by line (mover, main thread; owns curses).
 *
 * Text is cut at the right edge and made printable. Where there is no colour, a mark says what it would.
 */
#pragma once

#include "daemon/ctl/table.h"

struct screen;

/* NULL when the terminal cannot be drawn on. */
struct screen *screen_open(struct arena *a);
/* Where stdout is no terminal: what is drawn is printed, once, in as many lines as it takes. */
struct screen *screen_paper(struct arena *a);
bool screen_is_paper(const struct screen *s);
void screen_close(struct screen *s);

enum screen_key {
	SCREEN_NONE,
	SCREEN_QUIT,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_REDRAW
};

/* The next key that was pressed; SCREEN_NONE when there is no more. */
enum screen_key screen_key(struct screen *s);

int screen_lines(const struct screen *s);
int screen_columns(const struct screen *s);

/* Begins a frame at the top; what is drawn is shown by screen_end. */
void screen_begin(struct screen *s);
void screen_end(struct screen *s);

/* Lines that are left. */
int screen_left(const struct screen *s);

/* Text behind what the line has. */
void screen_put(struct screen *s, struct arena *a, enum table_style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Goes to a column, or to the next line. */
void screen_tab(struct screen *s, int column);
void screen_line(struct screen *s);
/* To the last line. */
void screen_bottom(struct screen *s);
