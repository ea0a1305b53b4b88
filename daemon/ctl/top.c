/* top: all that matters on a screen that is made anew each second. */
#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/top_view.h"
#include "drivers/os/clock.h"

#include <poll.h>
#include <string.h>

#define INTERVAL_MS 1000
#define INTERVAL_LEAST_MS 200
/* A screen that hangs for longer is worse than one that says that there is no answer. */
#define TIMEOUT_MS 2000

struct top {
	struct ctl *ctl;
	struct screen *screen;
	struct arena *arena; /* of what is shown */
	struct client_reply replies[TOP_DOCUMENT_COUNT];
	const char *trouble; /* NULL = all answered */
	int64_t interval_ms, next_ms;
	size_t scroll;
	int page;
};

static int64_t now_ms(void)
{
	return clock_boottime() / NS_PER_MS;
}

static void forget(struct top *t)
{
	for (size_t i = 0; i < TOP_DOCUMENT_COUNT; i++)
		client_reply_deinit(&t->replies[i]);
	memset(t->replies, 0, sizeof(t->replies));
	arena_free(t->arena);
	t->arena = arena_new();
	t->trouble = NULL;
}

/* Asks for everything anew; what is shown is of one moment, or there is nothing but why. */
static void fetch(struct top *t)
{
	static const char *const paths[TOP_DOCUMENT_COUNT] = { "/v1/status", "/v1/pue", "/v1/loops",
		"/v1/alarms", "/v1/buses", "/v1/points" };
	struct ctl c = *t->ctl;
	forget(t);
	c.arena = t->arena;
	for (size_t i = 0; i < TOP_DOCUMENT_COUNT && !t->trouble; i++) {
		t->trouble = client_try(&c, "GET", paths[i], NULL, &t->replies[i]);
		if (!t->trouble && t->replies[i].status != 200)
			t->trouble = client_error(&c, &t->replies[i]);
	}
}

/* In as many lines as it takes: what to do about it is at its end. */
static void draw_trouble(struct top *t, struct arena *a)
{
	const char *text = printable(a, arena_printf(a, "no values: %s", t->trouble));
	while (*text && screen_left(t->screen) > 1) {
		size_t n = printable_fit(text, (size_t)screen_columns(t->screen));
		if (n == 0) /* narrower than a character */
			return;
		screen_put(t->screen, a, TABLE_BAD, "%s", arena_strndup(a, text, n));
		screen_line(t->screen);
		text += n;
	}
}

static void draw(struct top *t)
{
	struct arena *a = arena_new();
	struct top_view v = { .arena = a, .screen = t->screen, .scroll = t->scroll };
	screen_begin(t->screen);
	for (size_t i = 0; i < TOP_DOCUMENT_COUNT; i++)
		v.documents[i] = t->replies[i].json;
	if (t->trouble)
		draw_trouble(t, a);
	else
		top_view_draw(&v);
	t->scroll = v.scroll;
	t->page = v.page;
	screen_bottom(t->screen);
	if (!screen_is_paper(t->screen))
		screen_put(t->screen, a, TABLE_FAINT,
		    "q quits, arrows scroll   marks: ~ estimated, ? suspect, ! no usable value");
	screen_end(t->screen);
	arena_free(a);
}

/* False when it is to end. */
static bool obey(struct top *t, enum screen_key key)
{
	const size_t page = t->page > 1 ? (size_t)t->page : 1;
	if (key == SCREEN_UP || key == SCREEN_PAGE_UP) {
		const size_t step = key == SCREEN_UP ? 1 : page;
		t->scroll = t->scroll > step ? t->scroll - step : 0;
	} else if (key == SCREEN_DOWN || key == SCREEN_PAGE_DOWN) {
		t->scroll += key == SCREEN_DOWN ? 1 : page;
	}
	return key != SCREEN_QUIT;
}

/* Waits for a key, a signal, a resize or the next look. */
static bool wait_for_more(struct top *t)
{
	struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { t->ctl->stop_fd, POLLIN, 0 } };
	const int64_t left = t->next_ms - now_ms();
	(void)poll(fds, 2, left > 0 ? (int)left : 0);
	if (fds[1].revents || (fds[0].revents & (POLLHUP | POLLERR)))
		return false;
	for (enum screen_key key; (key = screen_key(t->screen)) != SCREEN_NONE;)
		if (!obey(t, key))
			return false;
	return true;
}

static void show(struct top *t)
{
	do {
		if (now_ms() >= t->next_ms) {
			fetch(t);
			t->next_ms = now_ms() + t->interval_ms;
		}
		draw(t);
	} while (wait_for_more(t));
}

/* Without a terminal: as it is now. */
static int print_once(struct top *t)
{
	fetch(t);
	if (t->trouble)
		return say_failed("%s", t->trouble);
	draw(t);
	return CTL_GOOD;
}

static int run(struct ctl *c)
{
	struct top t = { .ctl = c, .interval_ms = INTERVAL_MS };
	int64_t ns;
	const char *interval = ctl_option(c, "interval"), *term = getenv("TERM");
	if (interval && (text_duration(interval, &ns) < 0 || ns < INTERVAL_LEAST_MS * INT64_C(1000000)))
		return say_usage(
		    c->command, "--interval %s (allowed: 200ms and more, as 500ms, 2s)", interval);
	if (interval)
		t.interval_ms = ns / NS_PER_MS;
	if (c->timeout_ms > TIMEOUT_MS)
		c->timeout_ms = TIMEOUT_MS;
	const bool live = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (!live)
		t.screen = screen_paper(c->arena);
	else if (term && strcmp(term, "dumb") != 0)
		t.screen = screen_open(c->arena);
	if (!t.screen)
		return say_failed("top needs a terminal that can be drawn on (TERM is %s): use coolantctl "
				  "status, points or alarms, which print once",
		    term && *term ? term : "not set");
	t.arena = arena_new();
	int code = live ? (show(&t), CTL_GOOD) : print_once(&t);
	screen_close(t.screen);
	forget(&t);
	arena_free(t.arena);
	return code;
}

static const struct command_option options[] = {
	{ "interval", 0, "TIME", "between two looks (default 1s)" },
	{ NULL },
};

const struct command top_command = {
	.name = "top",
	.arguments = "",
	.help = "a live screen of PUE, heat, alarms, buses and points",
	.about = "Where stdout is no terminal all of it is printed once. q quits, the arrow keys, page up "
		 "and page down scroll the points. Colours say the quality; "
		 "where there are none, marks do. The bar "
		 "of a serial bus is the load that its line has as planned, that of another how many of its "
		 "requests are answered.",
	.options = options,
	.stops = true,
	.run = run,
};
