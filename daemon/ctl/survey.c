#include "daemon/ctl/survey.h"
#include "daemon/ctl/say.h"

#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A gateway gives a unit up after a second or two. */
#define TIMEOUT_MAX_NS (4 * NS_PER_S)
/* A unit that no profile knows is asked for its first registers until it gives one; all of them together for
 * no longer than this. */
#define REGISTERS_LOOKED_AT 128
#define LOOK_MAX_NS (20 * NS_PER_S)
/* So many units in a row without a connection: there is none. */
#define CLOSED_MAX 3

struct work {
	const struct ctl *ctl;
	struct port *port;
	const struct survey_plan *plan;
	struct survey *survey;
	struct bus_config bus; /* with the settings that are tried now */
	bool terminal;
	size_t planned;	  /* units at any setting */
	bool late;	  /* replies come after their time-out */
	int first_silent; /* in this pass; -1 = none */
};

static void show_progress(const struct work *w, unsigned unit)
{
	size_t present = 0;
	if (!w->terminal)
		return;
	for (size_t i = 0; i < w->survey->count; i++)
		present += w->survey->units[i].finding.present;
	fprintf(stderr, "\r\033[Kunit %u", unit);
	if (w->bus.type != BUS_TCP && !port_is_shared(w->port))
		fprintf(stderr, " at %d baud, parity %s", w->bus.baud, bus_parity_word(w->bus.parity));
	fprintf(stderr, ": %zu found", present);
	if (w->survey->asked < w->planned) {
		int64_t units = (int64_t)(w->planned - w->survey->asked);
		int64_t left = 1 + units * w->bus.response_timeout / NS_PER_S;
		fprintf(stderr, left < 120 ? ", at most %lld s" : ", at most %lld min",
		    (long long)(left < 120 ? left : left / 60));
	}
	fprintf(stderr, " (Ctrl-C ends)");
}

static void end_progress(const struct work *w)
{
	if (w->terminal)
		fprintf(stderr, "\r\033[K");
}

static bool is_known(const struct work *w, unsigned unit)
{
	for (size_t i = 0; i < w->survey->count; i++) {
		const struct survey_unit *u = &w->survey->units[i];
		if (u->finding.unit == unit && u->baud == w->bus.baud && u->parity == w->bus.parity)
			return true;
	}
	return false;
}

static bool take(const struct scan_finding *f, void *user)
{
	struct work *w = user;
	struct survey *s = w->survey;
	bool something = f->present || f->result == EXCHANGE_BAD_REPLY;
	if (something && !is_known(w, f->unit) && s->count < SURVEY_FOUND_MAX)
		s->units[s->count++] =
		    (struct survey_unit){ .finding = *f, .baud = w->bus.baud, .parity = w->bus.parity };
	s->asked++;
	if (!something && w->first_silent < 0)
		w->first_silent = f->unit;
	w->late = f->late > 0 && w->bus.response_timeout < TIMEOUT_MAX_NS;
	show_progress(w, f->unit);
	return !w->late;
}

/* As modbus_scan, through the running coolantd. */
static int scan_shared(struct work *w, unsigned first, unsigned last)
{
	int closed = 0;
	for (unsigned unit = first; unit <= last; unit++) {
		struct modbus_reply reply;
		struct modbus_request q = { (uint8_t)unit, POINT_HOLDING, 0, 1 };
		int64_t asked = clock_boottime();
		struct scan_finding f = { .unit = (uint8_t)unit, .result = port_ask(w->port, &q, &reply) };
		if (f.result == EXCHANGE_STOPPED)
			return -ECANCELED;
		/* a gateway may close the connection because of a unit that it does not have */
		closed = f.result == EXCHANGE_CLOSED ? closed + 1 : 0;
		if (closed == CLOSED_MAX)
			return -EIO;
		f.exception = f.result == EXCHANGE_EXCEPTION ? reply.exception : 0;
		f.present = f.result == EXCHANGE_OK ||
			    (f.result == EXCHANGE_EXCEPTION && !modbus_is_unreachable(f.result, &reply));
		f.latency_ns = clock_boottime() - asked;
		(void)take(&f, w);
	}
	return 0;
}

/* Units without a gap between them. */
static int scan_range(struct work *w, unsigned first, unsigned last)
{
	char why[MODBUS_WHY_MAX];
	while (!port_is_shared(w->port)) {
		w->first_silent = -1;
		w->late = false;
		int err = modbus_scan(&w->bus, w->ctl->stop_fd, (uint8_t)first, (uint8_t)last, take, w, why);
		if (err < 0 && err != -ECANCELED) {
			end_progress(w);
			say_note("%s", why);
			return -EIO;
		}
		if (err < 0 || !w->late)
			return err;
		w->bus.response_timeout *= 2;
		first = w->first_silent >= 0 ? (unsigned)w->first_silent : first;
	}
	int err = scan_shared(w, first, last);
	if (err == -EIO) {
		end_progress(w);
		say_note("%s", port_why(w->port));
	}
	return err;
}

static int scan_units(struct work *w)
{
	const bool *units = w->plan->units;
	for (unsigned first = 0; first < SURVEY_UNITS; first++) {
		unsigned last = first;
		if (!units[first])
			continue;
		while (last + 1 < SURVEY_UNITS && units[last + 1])
			last++;
		int err = scan_range(w, first, last);
		if (err < 0)
			return err;
		first = last;
	}
	return 0;
}

static size_t count_planned(const struct survey_plan *plan)
{
	size_t n = 0;
	for (size_t i = 0; i < SURVEY_UNITS; i++)
		n += plan->units[i];
	return n * (plan->baud_count ? plan->baud_count : 1) * (plan->parity_count ? plan->parity_count : 1);
}

static int scan_settings(struct work *w)
{
	const struct survey_plan *plan = w->plan;
	const struct bus_config own = w->bus;
	for (size_t b = 0; b < plan->baud_count || b == 0; b++)
		for (size_t y = 0; y < plan->parity_count || y == 0; y++) {
			w->bus = own;
			w->bus.baud = plan->baud_count ? plan->bauds[b] : own.baud;
			w->bus.parity = plan->parity_count ? plan->parities[y] : own.parity;
			int err = scan_units(w);
			if (err < 0)
				return err;
		}
	return 0;
}

/* A register that the unit gives. False at the end of the time, or when it falls silent. */
static bool find_register(struct port *p, struct survey_unit *u, int64_t deadline)
{
	static const enum register_table tables[] = { POINT_HOLDING, POINT_INPUT, POINT_DISCRETE,
		POINT_COIL };
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (uint16_t address = 0; address < REGISTERS_LOOKED_AT; address++) {
			struct modbus_reply reply;
			struct modbus_request q = { u->finding.unit, tables[t], address, 1 };
			enum exchange_result result = port_ask(p, &q, &reply);
			if (result == EXCHANGE_OK) {
				u->reg = (struct point_register){ tables[t], address };
				return true;
			}
			if (result == EXCHANGE_EXCEPTION && reply.exception == 1)
				break; /* it has no such table */
			if (result != EXCHANGE_EXCEPTION || clock_boottime() >= deadline)
				return false;
		}
	return false;
}

/* Over a connection with the unit's settings, or coolantd's. */
static void tell_unit(struct port *p, struct survey_unit *u, const struct models *m, int64_t deadline)
{
	u->profile = models_find(m, p, u->finding.unit);
	if (!u->profile) {
		models_alike(m, p, u->finding.unit, u->alike);
		u->has_register = find_register(p, u, deadline);
	}
	(void)port_identify(p, u->finding.unit, &u->is); /* last: not all devices take it well */
}

static void tell_units(struct work *w, const struct models *m)
{
	struct survey *s = w->survey;
	int64_t deadline = clock_boottime() + LOOK_MAX_NS;
	for (size_t i = 0; i < (s->every ? 1 : s->count) && !s->stopped; i++) {
		struct survey_unit *u = &s->units[i];
		if (!u->finding.present)
			continue;
		show_progress(w, u->finding.unit);
		w->bus.baud = u->baud;
		w->bus.parity = u->parity;
		struct port *own = port_is_shared(w->port) ? NULL : port_of_bus(w->ctl, &w->bus);
		if (own || port_is_shared(w->port))
			tell_unit(own ? own : w->port, u, m, deadline);
		port_close(own);
		s->stopped = ctl_is_stopped(w->ctl);
	}
}

static bool is_every_unit(const struct work *w)
{
	const struct survey *s = w->survey;
	for (size_t i = 0; i < s->count; i++)
		if (!s->units[i].finding.present)
			return false;
	return w->bus.type == BUS_TCP && s->count >= SURVEY_EVERY && s->count == s->asked;
}

int survey_run(const struct ctl *ctl, struct port *p, const struct survey_plan *plan, const struct models *m,
    struct survey *ret)
{
	struct work w = { .ctl = ctl,
		.port = p,
		.plan = plan,
		.survey = ret,
		.bus = *port_bus(p),
		.planned = count_planned(plan),
		.terminal = isatty(STDERR_FILENO) };
	*ret = (struct survey){ .units = calloc(SURVEY_FOUND_MAX, sizeof(*ret->units)) };
	if (!ret->units)
		return -EIO;
	int err = scan_settings(&w);
	ret->stopped = err == -ECANCELED;
	ret->every = is_every_unit(&w);
	ret->response_timeout = w.bus.response_timeout;
	if (err == 0)
		tell_units(&w, m);
	end_progress(&w);
	return err == -EIO ? err : 0;
}

void survey_deinit(struct survey *s)
{
	free(s->units);
	s->units = NULL;
}
