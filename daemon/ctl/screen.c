#include "daemon/ctl/screen.h"

#include "daemon/ctl/printable.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct screen {
	SCREEN *terminal;
	bool colour;
	int line, column;
	int printed; /* columns of the line that are on paper */
};

#define PAPER_LINES 1000000
#define PAPER_COLUMNS 120

struct screen *screen_open(struct arena *a)
{
	struct screen *s = arena_alloc(a, sizeof(*s));
	s->colour = table_has_colour();
	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal)
		return NULL;
	set_term(s->terminal);
	const char *cup = tigetstr("cup");
	if (!cup || (intptr_t)cup == -1) { /* no place can be gone to */
		screen_close(s);
		return NULL;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	(void)curs_set(0);
	s->colour = s->colour && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (short i = 1; s->colour && i < 8; i++)
		init_pair(i, i, -1);
	return s;
}

struct screen *screen_paper(struct arena *a)
{
	return arena_alloc(a, sizeof(struct screen));
}

bool screen_is_paper(const struct screen *s)
{
	return !s->terminal;
}

void screen_close(struct screen *s)
{
	if (screen_is_paper(s))
		return;
	endwin();
	delscreen(s->terminal);
}

enum screen_key screen_key(struct screen *s)
{
	static const struct {
		int key;
		enum screen_key is;
	} keys[] = { { 'q', SCREEN_QUIT }, { 'Q', SCREEN_QUIT }, { KEY_UP, SCREEN_UP }, { 'k', SCREEN_UP },
		{ KEY_DOWN, SCREEN_DOWN }, { 'j', SCREEN_DOWN }, { KEY_PPAGE, SCREEN_PAGE_UP },
		{ KEY_NPAGE, SCREEN_PAGE_DOWN }, { ' ', SCREEN_PAGE_DOWN } };
	int key = getch();
	if (key == ERR)
		return SCREEN_NONE;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].key == key)
			return keys[i].is;
	return SCREEN_REDRAW; /* a resize too */
}

int screen_lines(const struct screen *s)
{
	return screen_is_paper(s) ? PAPER_LINES : LINES;
}

int screen_columns(const struct screen *s)
{
	return screen_is_paper(s) ? PAPER_COLUMNS : COLS;
}

void screen_begin(struct screen *s)
{
	if (!screen_is_paper(s))
		erase();
	s->line = s->column = 0;
}

void screen_end(struct screen *s)
{
	if (!screen_is_paper(s))
		refresh();
}

int screen_left(const struct screen *s)
{
	return screen_lines(s) - s->line;
}

static attr_t attributes(const struct screen *s, enum table_style style)
{
	static const struct {
		short pair;
		attr_t attr;
	} looks[] = { [TABLE_PLAIN] = { 0, 0 },
		[TABLE_GOOD] = { COLOR_GREEN, 0 },
		[TABLE_HINT] = { COLOR_CYAN, 0 },
		[TABLE_WARNING] = { COLOR_YELLOW, 0 },
		[TABLE_BAD] = { COLOR_RED, A_BOLD },
		[TABLE_FAINT] = { 0, A_DIM },
		[TABLE_STRONG] = { 0, A_BOLD } };
	return looks[style].attr |
	       (s->colour && looks[style].pair ? (attr_t)COLOR_PAIR(looks[style].pair) : 0);
}

/* Blanks at the end of a line are none. */
static void print_on(struct screen *s, const char *text)
{
	const size_t ink = strlen(text);
	if (ink == strspn(text, " ")) {
		s->column += (int)ink;
		return;
	}
	printf("%*s%s", s->column - s->printed, "", text);
	s->column += (int)printable_width(text);
	s->printed = s->column;
}

void screen_put(struct screen *s, struct arena *a, enum table_style style, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	const char *text = printable(a, arena_vprintf(a, format, ap));
	va_end(ap);
	const int columns = screen_columns(s);
	if (s->line >= screen_lines(s) || s->column >= columns)
		return;
	const char *shown = arena_strndup(a, text, printable_fit(text, (size_t)(columns - s->column)));
	if (screen_is_paper(s)) {
		print_on(s, shown);
		return;
	}
	const attr_t attr = attributes(s, style);
	attron(attr);
	(void)mvaddstr(s->line, s->column, shown);
	attroff(attr);
	s->column += (int)printable_width(shown);
}

void screen_tab(struct screen *s, int column)
{
	if (s->column < column)
		s->column = column;
}

void screen_line(struct screen *s)
{
	if (screen_is_paper(s))
		putchar('\n');
	s->line++;
	s->column = s->printed = 0;
}

void screen_bottom(struct screen *s)
{
	if (screen_is_paper(s))
		return;
	s->line = LINES - 1;
	s->column = 0;
	move(s->line, 0);
	clrtoeol();
}
