#include "daemon/http/explain_meter.h"

#include "drivers/os/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define KWH_JOULES 3.6e6
/* Whole millijoules in each cell of the grid: below so many kWh (or m3) a difference is rounding. */
#define ROUNDING 1e-6

/* The meter that is looked at. */
struct view {
	struct explanation *e;
	const struct explain_window *w;
	const struct pue_trace *trace;
	size_t meter;
	const struct pue_meter *config;
	const struct point *counter; /* NULL = it has none */
	const struct pue_role_unit *unit;
	double per_unit; /* joules of one of the counter */
	double amount;	 /* so far, in what the role is told */
	char sum[512];	 /* the same, as it is written */
};

/* What the counter shows, in its own unit. */
static double shown(const struct view *v, double joules)
{
	return joules / v->per_unit + v->counter->offset;
}

/* In what its role is told. */
static double amount_of(const struct view *v, double joules)
{
	return joules / KWH_JOULES * v->unit->per_kwh;
}

static void add(struct view *v, double amount)
{
	static const char rest[] = " + ...";
	const size_t n = strlen(v->sum), need = EXPLANATION_NUMBER_MAX + 2 * sizeof(rest);
	v->amount += amount;
	if (n + need <= sizeof(v->sum))
		snprintf(v->sum + n, sizeof(v->sum) - n, "%s%s", n ? " + " : "", NUMBER(amount));
	else if (strcmp(v->sum + n - strlen(rest), rest) != 0) /* each is in a line of its own */
		snprintf(v->sum + n, sizeof(v->sum) - n, "%s", rest);
}

static int64_t ms_of(const struct meter_shown *s)
{
	return s->time_ns / NS_PER_MS;
}

/* The counter at a moment of the window's edge, of which it was not read. */
static void say_edge(const struct view *v, const char *which, const struct trace_mark *m, int64_t at_ms)
{
	const char *unit = v->counter->unit;
	explanation_say(v->e, "  at the %s, %s: %s %s, between %s %s (read %s) and %s %s (read %s)", which,
	    TIME(at_ms), NUMBER(shown(v, m->at)), unit, NUMBER(shown(v, m->from)), unit,
	    TIME(at_ms + m->from_ms), NUMBER(shown(v, m->until)), unit, TIME(at_ms + m->until_ms));
	json_open(&v->e->w, which);
	json_integer(&v->e->w, "ts", at_ms);
	json_number(&v->e->w, "counter", shown(v, m->at), JSON_DECIMAL);
	json_integer(&v->e->w, "read_before", at_ms + m->from_ms);
	json_number(&v->e->w, "counter_before", shown(v, m->from), JSON_DECIMAL);
	json_integer(&v->e->w, "read_after", at_ms + m->until_ms);
	json_number(&v->e->w, "counter_after", shown(v, m->until), JSON_DECIMAL);
	json_close(&v->e->w);
}

static void say_run(struct view *v, double from, double until)
{
	if (from == until)
		return;
	explanation_say(v->e, "  counted from %s to %s %s: (%s - %s) * %s = %s %s", NUMBER(shown(v, from)),
	    NUMBER(shown(v, until)), v->counter->unit, NUMBER(shown(v, until)), NUMBER(shown(v, from)),
	    NUMBER(amount_of(v, v->per_unit)), NUMBER(amount_of(v, until - from)), v->unit->word);
	add(v, amount_of(v, until - from));
}

static const struct {
	const char *word, *what;
} jump_words[] = {
	[METER_BEGAN] = { "begin", "its first reading, of the time before nothing is known" },
	[METER_GAP] = { "gap", "no readings meanwhile" },
	[METER_WRAPPED] = { "wrap", "it passed the end of its range" },
	[METER_RESET] = { "reset", "it began anew or was set, what lies between is not counted" },
	[METER_RETURNED] = { "return", "it goes on as before it seemed to begin anew" },
	[METER_STEPPED] = { "step", "the clock was set" },
	[METER_STOOD] = { "stood", "its counter stood while its power went on" },
};

/* How much of a jump is counted. */
static void say_counted(const struct view *v, const struct meter_jump *j, double joules)
{
	const double from = shown(v, j->from.joules), until = shown(v, j->until.joules),
		     all = j->joules / v->per_unit;
	const char *factor = NUMBER(amount_of(v, v->per_unit));
	const double rate = j->watts / 1000 * v->unit->per_kw,
		     seconds = (double)(j->until.time_ns - j->from.time_ns) / NS_PER_S;
	if (isnan(joules))
		explanation_say(v->e, "  counted for it: 0 %s, that time is not known", v->unit->word);
	else if (j->kind == METER_RESET || j->kind == METER_STOOD)
		explanation_say(v->e, "  counted for it: %s %s * %s s / %s = %s %s, as it was just before",
		    NUMBER(rate), v->unit->rate_unit, NUMBER(seconds),
		    NUMBER(3600 * v->unit->per_kw / v->unit->per_kwh), NUMBER(amount_of(v, j->joules)),
		    v->unit->word);
	else if (j->kind == METER_WRAPPED)
		explanation_say(v->e,
		    "  counted for it: (%s - %s + %s) * %s = %s %s, with the range of the counter",
		    NUMBER(until), NUMBER(from), NUMBER(all - (until - from)), factor,
		    NUMBER(amount_of(v, j->joules)), v->unit->word);
	else if (j->kind == METER_GAP)
		explanation_say(v->e, "  counted for it: (%s - %s) * %s = %s %s, as its counter counted on",
		    NUMBER(until), NUMBER(from), factor, NUMBER(amount_of(v, j->joules)), v->unit->word);
	else
		explanation_say(
		    v->e, "  counted for it: %s %s", NUMBER(amount_of(v, j->joules)), v->unit->word);
	if (isfinite(joules) && joules != j->joules)
		explanation_say(
		    v->e, "  of that in the window: %s %s", NUMBER(amount_of(v, joules)), v->unit->word);
}

/* `joules` are those of it that belong to the window. */
static void say_jump(struct view *v, const struct meter_jump *j, double joules)
{
	const char *word = jump_words[j->kind].word, *what = jump_words[j->kind].what;
	const bool has_counter = v->counter && isfinite(j->until.joules) && isfinite(j->from.joules);
	struct json_writer *w = &v->e->w;
	json_open(w, NULL);
	json_text(w, "kind", word);
	json_integer(w, "from", ms_of(&j->from));
	json_integer(w, "until", ms_of(&j->until));
	json_number(w, "counter_before", has_counter ? shown(v, j->from.joules) : NAN, JSON_DECIMAL);
	json_number(w, "counter_after", has_counter ? shown(v, j->until.joules) : NAN, JSON_DECIMAL);
	json_number(w, v->unit->amount, amount_of(v, joules), JSON_ENERGY);
	json_text(w, "text", what);
	json_close(w);
	if (!has_counter) {
		explanation_say(v->e, "  %s from %s to %s: %s; not counted", word, TIME(ms_of(&j->from)),
		    TIME(ms_of(&j->until)), what);
		return;
	}
	if (j->kind == METER_BEGAN) {
		explanation_say(v->e, "  %s at %s with %s %s: %s", word, TIME(ms_of(&j->until)),
		    NUMBER(shown(v, j->until.joules)), v->counter->unit, what);
		return;
	}
	explanation_say(v->e, "  %s from %s %s (read %s) to %s %s (read %s): %s", word,
	    NUMBER(shown(v, j->from.joules)), v->counter->unit, TIME(ms_of(&j->from)),
	    NUMBER(shown(v, j->until.joules)), v->counter->unit, TIME(ms_of(&j->until)), what);
	say_counted(v, j, joules);
	if (isfinite(joules))
		add(v, amount_of(v, joules));
}

/* Where the counting of the window begins. */
struct start {
	int64_t ms;
	double joules; /* NAN = not known yet */
};

/* The first edge of a bucket from which on all that happened to the meters is known. */
static int64_t first_known_ms(const struct view *v)
{
	const int64_t start_ms = v->w->sums.start_ms, since_ms = pue_trace_since_ms(v->trace),
		      bucket_ms = v->trace->windows[v->w->window].bucket_s * 1000;
	return since_ms <= start_ms ? start_ms : (since_ms + bucket_ms - 1) / bucket_ms * bucket_ms;
}

/* The counter at the beginning of the window or, when that is not known, the first that is known of it. */
static struct start find_start(struct view *v)
{
	const int64_t known_ms = first_known_ms(v), end_ms = v->w->sums.end_ms,
		      bucket_ms = v->trace->windows[v->w->window].bucket_s * 1000;
	const struct trace_mark *m = NULL;
	const struct meter_jump *j = NULL;
	int64_t at_ms = known_ms;
	while (at_ms < end_ms && !(m = pue_trace_mark(v->trace, v->w->window, v->meter, at_ms)))
		at_ms += bucket_ms;
	while ((j = pue_trace_next(v->trace, v->meter, j)) && ms_of(&j->until) <= known_ms)
		;
	if (m && at_ms == v->w->sums.start_ms) {
		say_edge(v, "start", m, at_ms);
		return (struct start){ at_ms, m->at };
	}
	if (j && at_ms > known_ms && (!m || ms_of(&j->until) <= at_ms)) {
		explanation_say(v->e, "  before %s no readings of it are kept", TIME(ms_of(&j->from)));
		bool counts = j->kind == METER_WRAPPED || j->kind == METER_GAP || j->kind == METER_RETURNED;
		return (struct start){ ms_of(&j->from), counts ? j->from.joules : NAN };
	}
	if (!m)
		return (struct start){ known_ms, NAN };
	explanation_say(v->e, "  before %s not all readings of it are kept", TIME(at_ms));
	say_edge(v, "start", m, at_ms);
	return (struct start){ at_ms, m->at };
}

/* What a jump that began before the window has within it. */
static double rest_of(const struct meter_jump *j, const struct start *s)
{
	return ms_of(&j->from) < s->ms && isfinite(s->joules) ? j->joules - (s->joules - j->from.joules)
							      : j->joules;
}

static void say_jumps(struct view *v, struct start *at)
{
	const struct start begin = *at;
	json_open_list(&v->e->w, "corrections");
	for (const struct meter_jump *j = NULL; (j = pue_trace_next(v->trace, v->meter, j));) {
		if (ms_of(&j->until) <= begin.ms || ms_of(&j->until) > v->w->sums.end_ms)
			continue;
		if (j->kind == METER_STEPPED || !v->counter) {
			say_jump(v, j, j->joules);
			continue;
		}
		if (ms_of(&j->from) >= begin.ms && isfinite(at->joules))
			say_run(v, at->joules, j->from.joules);
		say_jump(v, j, rest_of(j, &begin));
		at->joules = j->until.joules;
	}
	json_close_list(&v->e->w);
}

/* The readings of the meter and the energy of the window are not of the same time everywhere: what waits for
 * a meter that is silent is even within a minute or more (pue_waiting.h), and what stays unknown is left out.
 */
static const char *difference_word(const struct view *v, double rest, const struct start *begin)
{
	if (begin->ms > v->w->sums.start_ms && rest > 0)
		return "of before";
	if (rest < 0 && v->w->known_s < v->w->config->windows[v->w->window])
		return "less what it counted while a needed meter, or its own power, was not known";
	return "at the edges, where energy is spread evenly over the minutes in which a meter was silent";
}

static void say_difference(const struct view *v, double in_window, const struct start *begin)
{
	const double rest = in_window - v->amount;
	explanation_say(
	    v->e, "  by its counter: %s = %s %s", *v->sum ? v->sum : "0", NUMBER(v->amount), v->unit->word);
	if (fabs(rest) <= ROUNDING + 1e-9 * fabs(in_window))
		return;
	explanation_say(v->e, "  %s: %s %s %s", difference_word(v, rest, begin), rest < 0 ? "-" : "+",
	    NUMBER(fabs(rest)), v->unit->word);
	explanation_say(v->e, "  in the window: %s %s %s = %s %s", NUMBER(v->amount), rest < 0 ? "-" : "+",
	    NUMBER(fabs(rest)), NUMBER(in_window), v->unit->word);
}

static void say_counter(struct view *v, double in_window)
{
	struct start at = find_start(v);
	const struct start begin = at;
	say_jumps(v, &at);
	const struct trace_mark *end = pue_trace_mark(v->trace, v->w->window, v->meter, v->w->sums.end_ms);
	if (end && isfinite(at.joules)) {
		say_edge(v, "end", end, v->w->sums.end_ms);
		say_run(v, at.joules, end->at);
	} else {
		explanation_say(v->e, "  at the end its counter is not known");
	}
	say_difference(v, in_window, &begin);
}

/* Without a counter: the mean powers of the buckets, whose sum is the energy. */
static void say_power(struct view *v, double in_window)
{
	const struct trace_window *w = &v->trace->windows[v->w->window];
	struct start at = { v->w->sums.start_ms, NAN };
	char line[1024];
	const double per_second = 3600 * v->unit->per_kw / v->unit->per_kwh;
	size_t n = 0;
	say_jumps(v, &at);
	explanation_say(
	    v->e, "  no counter: energy is power by time, from one reading to the next on a straight line");
	if (v->w->known_s == 0)
		return;
	explanation_say(v->e,
	    "  mean of the %s s of which all needed meters are known: %s %s / %s s * %s = %s %s",
	    NUMBER((double)v->w->known_s), NUMBER(in_window), v->unit->word, NUMBER((double)v->w->known_s),
	    NUMBER(per_second), NUMBER(in_window * per_second / (double)v->w->known_s), v->unit->rate_unit);
	for (int64_t ms = v->w->sums.start_ms; ms < v->w->sums.end_ms; ms += w->bucket_s * 1000) {
		const double amount = amount_of(
		    v, pue_trace_joules(v->trace, v->w->window, v->meter, ms, ms + w->bucket_s * 1000));
		if (n == 0)
			n = (size_t)snprintf(line, sizeof(line),
			    "  %s of each %" PRId64 " s from %s on:", v->unit->word, w->bucket_s, TIME(ms));
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %.9g", amount);
		if (n < sizeof(line) / 2 && ms + w->bucket_s * 1000 < v->w->sums.end_ms)
			continue;
		explanation_say(v->e, "%s", line);
		n = 0;
	}
}

double explain_meter(struct explanation *e, const struct explain_window *w, size_t meter)
{
	const struct pue_meter *m = &w->config->meters[meter];
	const struct pue_trace *trace = pue_trace_of(w->pue);
	struct view v = {
		.e = e, .w = w, .trace = trace, .meter = meter, .config = m, .unit = pue_role_unit(m->role)
	};
	if (point_ref_is_set(m->energy)) {
		v.counter = reference_get(e->live->config, m->energy);
		v.per_unit = v.counter->factor * v.unit->joules;
	}
	if (!trace || w->window >= trace->window_count) {
		explanation_say(e,
		    "%s: of this window no readings are kept, there are too many meters or figures", m->name);
		return NAN;
	}
	const double in_window =
	    amount_of(&v, pue_trace_joules(trace, w->window, meter, w->sums.start_ms, w->sums.end_ms));
	json_open(&e->w, NULL);
	json_text(&e->w, "name", m->name);
	json_text(&e->w, "role", pue_role_word(m->role));
	json_number(&e->w, v.unit->amount, in_window, JSON_ENERGY);
	explanation_say(e, "%s (%s):", m->name, pue_role_word(m->role));
	if (v.counter)
		explanation_reading(e, "  counter now", m->energy);
	if (m->loop != SIZE_MAX)
		explanation_say(e, "  its power is the heat of a loop: loop.%s.heat",
		    e->live->config->loops[m->loop].name);
	if (point_ref_is_set(m->power))
		explanation_reading(e, "  power now", m->power);
	if (v.counter)
		say_counter(&v, in_window);
	else
		say_power(&v, in_window);
	json_close(&e->w);
	explanation_say(e, "  %s = %s %s", m->name, NUMBER(in_window), v.unit->word);
	return in_window;
}
