#include "daemon/control/meter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A reading is bridged to the last one over at most so many intervals. */
#define BRIDGED_INTERVALS 3
/* More than the world uses is no power. */
#define WATTS_MAX 1e13
/* What does not fit in millijoules. */
#define JOULES_MAX 4e15
/* A counter that has not changed for so many of its refreshes has nothing to count. */
#define LATE_REFRESHES 2
/* A counter that stands so long after a reset has nothing to count; one of which no power is known, at all
 * times. */
#define PROVEN_NS (86400 * NS_PER_S)
#define PROVEN_ALONE_NS (3600 * NS_PER_S)
/* One that was never seen to count may refresh that seldom, and begins as if it had stood the half of it. */
#define UNKNOWN_NS (1800 * NS_PER_S)
/* A poll may be this much late and still count as in its interval. */
#define LATE_TOLERANCE_NS INT64_C(500000000)

bool meter_init(struct meter *m, const struct meter_type *type, int64_t step_ns, int64_t cell_count)
{
	*m = (struct meter){
		.type = *type, .step_ns = step_ns, .cell_count = cell_count, .counter.type = type->counter
	};
	m->cells = calloc((size_t)cell_count, sizeof(m->cells[0]));
	return m->cells != NULL && meter_keep_power(m, 0);
}

bool meter_keep_power(struct meter *m, int64_t duration_ns)
{
	const int64_t own = m->type.power_interval_ns;
	return powers_init(&m->powers, own > 0 ? own : m->type.interval_ns, duration_ns);
}

void meter_deinit(struct meter *m)
{
	free(m->cells);
	meter_spans_deinit(&m->spans);
	powers_deinit(&m->powers);
	m->cells = NULL;
}

void meter_set_offset(struct meter *m, int64_t offset_ns, int64_t now_ns)
{
	int64_t moved = offset_ns - m->offset_ns;
	m->offset_ns = offset_ns;
	m->first_cell = (now_ns + offset_ns) / m->step_ns;
	m->stepped_ns = 0;
	if (m->restored) {
		counter_move(&m->counter, -moved);
		m->booked_ns -= moved;
		m->last_ns -= moved;
	} else {
		m->next_cell = m->first_cell;
		m->until_ns = now_ns + offset_ns;
		m->spans.count = 0;
	}
	memset(m->cells, 0, (size_t)m->cell_count * sizeof(m->cells[0]));
}

void meter_take_clock(struct meter *m, int64_t moved_ns)
{
	m->restored = false;
	m->offset_ns -= moved_ns; /* the clock is the one that it was read by */
	counter_move(&m->counter, moved_ns);
	m->booked_ns += moved_ns;
	m->last_ns += moved_ns;
}

/* Where a cell begins, and what was not taken out yet. */
static int64_t begin_of(const struct meter *m, int64_t cell)
{
	return cell * m->step_ns > m->taken_ns ? cell * m->step_ns : m->taken_ns;
}

/* What a cell of the grid has, as a span from its beginning. */
static struct meter_span span_of_cell(const struct meter *m, int64_t i)
{
	const struct meter_cell *c = &m->cells[i % m->cell_count];
	return (struct meter_span){ begin_of(m, i), begin_of(m, i) + c->known_ns, c->millijoules,
		c->good_ns == c->known_ns };
}

/* The cells of the grid that are not folded yet become spans, and the grid begins with `first`. */
static void move_grid(struct meter *m, int64_t first)
{
	for (int64_t i = m->first_cell; i < first && i < m->first_cell + m->cell_count; i++) {
		struct meter_span span = span_of_cell(m, i);
		(void)meter_spans_push(&m->spans, &span); /* without memory the cell is unknown */
		m->cells[i % m->cell_count] = (struct meter_cell){ 0 };
	}
	m->first_cell = first;
}

static void add_utc_span(struct meter *m, const struct meter_span *new)
{
	struct meter_span s = *new;
	if (s.until_ns <= s.from_ns)
		return;
	int64_t first = s.from_ns / m->step_ns, last = (s.until_ns - 1) / m->step_ns;
	if (last - m->first_cell >= m->cell_count)
		move_grid(m, last); /* too long for the grid */
	int64_t edge = begin_of(m, m->first_cell);
	if (s.from_ns < edge) {
		struct meter_span old = s;
		old.until_ns = edge < s.until_ns ? edge : s.until_ns;
		old.millijoules = meter_span_energy(&s, old.until_ns);
		(void)meter_spans_push(&m->spans, &old); /* without memory that time is unknown */
	}
	for (int64_t i = first > m->first_cell ? first : m->first_cell; i <= last; i++)
		meter_span_add(&s, begin_of(m, i), (i + 1) * m->step_ns, &m->cells[i % m->cell_count]);
	if (s.until_ns > m->until_ns)
		m->until_ns = s.until_ns;
	if (s.until_ns / m->step_ns > m->next_cell)
		m->next_cell = s.until_ns / m->step_ns;
}

/* Spreads energy over the time between two times. A time that the clock was stepped in keeps its beginning.
 */
static void add_span(struct meter *m, int64_t from_ns, int64_t until_ns, double joules, bool good)
{
	if (!(fabs(joules) < JOULES_MAX))
		return;
	struct meter_span s = { from_ns + m->offset_ns, until_ns + m->offset_ns, llround(joules * 1000),
		good };
	if (m->stepped_ns > 0 && m->stepped_ns < s.until_ns)
		s.from_ns = m->stepped_ns;
	m->stepped_ns = 0;
	if (m->watch.piece && m->type.has_counter && s.until_ns > s.from_ns) {
		m->piece.from_ns = s.from_ns;
		m->piece.until_ns = s.until_ns;
		m->piece.joules = joules;
		m->watch.piece(m->watch.user, m->watch.meter, &m->piece);
		m->piece.before += joules;
	}
	add_utc_span(m, &s);
}

static void tell_jump(struct meter *m, enum meter_jump_kind kind, double joules, double watts)
{
	const struct meter_jump j = { kind, m->piece.first, m->piece.last, joules, watts };
	if (m->watch.jump)
		m->watch.jump(m->watch.user, m->watch.meter, &j);
}

static struct meter_shown shown(const struct meter *m, const struct counter_reading *r)
{
	return (struct meter_shown){ r->time_ns + m->offset_ns, counter_joules(&m->counter, r) };
}

void meter_step(struct meter *m, int64_t cell, int64_t moved_ns, int64_t next_cell)
{
	const int64_t edge = cell * m->step_ns;
	move_grid(m, m->first_cell + m->cell_count);
	meter_spans_move(&m->spans, moved_ns);
	m->piece.first = (struct meter_shown){ edge, NAN };
	m->piece.last = (struct meter_shown){ edge + moved_ns, NAN };
	tell_jump(m, METER_STEPPED, NAN, 0);
	m->offset_ns += moved_ns;
	m->taken_ns = 0;
	m->next_cell = next_cell;
	m->first_cell = (edge + moved_ns) / m->step_ns; /* behind the time that is skipped */
	if (m->until_ns < edge) {
		const int64_t since_ns = m->stepped_ns > 0 ? m->stepped_ns : m->until_ns;
		m->stepped_ns = since_ns < next_cell * m->step_ns ? since_ns : next_cell * m->step_ns;
		return;
	}
	m->until_ns += moved_ns;
	m->next_cell = m->until_ns / m->step_ns;
	struct meter_span skipped = { moved_ns > 0 ? edge : next_cell * m->step_ns, edge + moved_ns, 0,
		moved_ns < m->step_ns };
	(void)meter_spans_push_front(&m->spans, &skipped); /* without memory it is unknown */
}

static bool is_bridged(const struct meter *m, int64_t from_ns, int64_t until_ns)
{
	return until_ns - from_ns <= BRIDGED_INTERVALS * m->type.interval_ns + LATE_TOLERANCE_NS;
}

/* What is waited for is a rhythm, which two intervals make. */
static int64_t rhythm_of(const struct counter *c)
{
	return c->interval_count < 2 ? 0 : counter_refresh(c);
}

/* The power from one refresh of the counter to the next gives its energy a shape. */
static void note_shape(struct meter *m, const struct meter_reading *r)
{
	if (!m->type.has_counter || rhythm_of(&m->counter) == 0 || r->time_ns <= m->booked_ns)
		return;
	size_t n = m->shape_count;
	if (n == METER_SHAPE_POINTS) {
		for (n = 0; 2 * n + 1 < METER_SHAPE_POINTS; n++)
			m->shape[n] = m->shape[2 * n + 1];
	}
	double joules = 0;
	if (n > 0)
		joules = m->shape[n - 1].joules +
			 (m->last_watts + r->watts) / 2 * (double)(r->time_ns - m->last_ns) / 1e9;
	m->shape[n].time_ns = r->time_ns;
	m->shape[n].joules = joules;
	m->shape_count = n + 1;
}

/* Puts the energy of all that is not on the grid yet there. */
static void book(struct meter *m, int64_t until_ns, double joules, bool good)
{
	size_t n = m->shape_count;
	double first = n > 0 ? m->shape[0].joules : 0, whole = n > 1 ? m->shape[n - 1].joules - first : 0;
	/* the ends, which the power does not cover, have their share of the time */
	double covered = n > 1 ? (double)(m->shape[n - 1].time_ns - m->shape[0].time_ns) : 0;
	double inside = joules * covered / (double)(until_ns - m->booked_ns);
	int64_t from = m->booked_ns;
	double spread = 0;
	for (size_t i = 0; whole > 0 && i < n && m->shape[i].time_ns < until_ns; i++) {
		double edge =
		    (double)(m->shape[0].time_ns - m->booked_ns) / (double)(until_ns - m->booked_ns);
		double upto = joules * edge + inside * (m->shape[i].joules - first) / whole;
		add_span(m, from, m->shape[i].time_ns, upto - spread, good);
		spread += (double)llround((upto - spread) * 1000) / 1000;
		from = m->shape[i].time_ns;
	}
	add_span(m, from, until_ns, joules - spread, good);
	counter_rate_add(&m->rate, m->booked_ns, until_ns, joules, counter_quantum(&m->counter));
	m->booked_ns = until_ns;
	m->has_gap = false;
	m->shape_count = 0;
}

/* A counter that is the same as before says nothing until it is late for its refresh. */
static void book_same(struct meter *m, int64_t now_ns)
{
	const int64_t refresh = rhythm_of(&m->counter);
	const int64_t since = now_ns - m->counter.marks[COUNTER_LAST].since_ns;
	if (since > LATE_REFRESHES * refresh && now_ns - refresh > m->booked_ns)
		book(m, now_ns - refresh, 0, !m->has_gap);
}

/* The newest power still tells something. */
static bool is_power_fresh(const struct meter *m, int64_t now_ns)
{
	const int64_t own = m->type.power_interval_ns, interval = m->type.interval_ns;
	return m->has_last && now_ns - m->last_ns <=
				  BRIDGED_INTERVALS * (own > interval ? own : interval) + LATE_TOLERANCE_NS;
}

/* A refresh should long have come. */
static bool is_late(const struct meter *m, int64_t since_ns, int64_t now_ns)
{
	return !is_bridged(m, since_ns + LATE_REFRESHES * counter_refresh(&m->counter), now_ns);
}

/* What the counter should have counted while it stood; 0 = it may stand. */
static double missed_joules(const struct meter *m, const struct counter_mark *stands, int64_t now_ns)
{
	const bool fresh = is_power_fresh(m, now_ns);
	const int64_t stood_ns = now_ns - stands->since_ns;
	if (!m->rate.known && stood_ns < UNKNOWN_NS)
		return 0;
	if (!is_late(m, stands->since_ns, now_ns) ||
	    (fresh && m->last_watts <= METER_NOISE_SHARE * m->most_watts))
		return 0;
	if (!fresh && (m->stall.idles >= STALL_IDLES || stood_ns >= PROVEN_ALONE_NS))
		return 0;
	const double joules = stall_expected(&m->stall, &m->rate, (double)stood_ns / NS_PER_S, fresh);
	return stall_shows(joules, counter_quantum(&m->counter)) ? joules : 0;
}

/* It counts again, and stood before as in `was`. What it has not caught up with is what its power was,
 * if it was seen to count before; without a power it may have been idle, as when it is so more often. */
static void end_stall(struct meter *m, const struct counter_mark *was, double joules)
{
	const int64_t until_ns = was->reading.time_ns;
	const double missed = missed_joules(m, was, until_ns);
	const double watts = m->stall.seconds > 0 ? m->stall.joules / m->stall.seconds : 0;
	m->stall.joules = m->stall.seconds = 0;
	if (missed == 0 || until_ns <= m->booked_ns)
		return;
	if (joules < missed / 2 && m->rate.known && is_power_fresh(m, until_ns)) {
		/* also of the first polls, when it was not late yet */
		const int64_t from_ns = m->booked_ns < was->since_ns ? m->booked_ns : was->since_ns;
		const double part = watts * (double)(until_ns - from_ns) / NS_PER_S;
		const struct meter_shown now = m->piece.last;
		m->piece.last = shown(m, &was->reading);
		tell_jump(m, METER_STOOD, part, watts);
		book(m, until_ns, part, false);
		m->piece = (struct meter_piece){ m->piece.last, now, 0, 0, 0, 0 };
		return;
	}
	m->has_gap = true;
	if (joules < missed / 2)
		m->stall.idles++;
}

/* A counter that stands since a reset may show zeros in place of its total. Nothing is booked of that time
 * while its power, or how fast it counted before, says that it should count; nor for an hour when nothing is
 * known. */
static bool is_unproven(const struct meter *m, int64_t now_ns)
{
	const int64_t unmoved = counter_unmoved(&m->counter, now_ns);
	const double watts = m->has_last ? m->last_watts : m->rate.watts;
	const double idle = m->has_last ? METER_NOISE_SHARE * m->most_watts : 0;
	if (watts > idle)
		return unmoved > 0 && unmoved < PROVEN_NS;
	return unmoved > 0 && !m->has_last && unmoved < PROVEN_ALONE_NS;
}

/* The time of a reset is still open: it comes with the counter that returns, or is left out. */
static bool is_reset_open(const struct meter *m)
{
	return m->counter.has_before && m->booked_ns <= m->counter.marks[COUNTER_BEFORE].reading.time_ns;
}

/* The piece that was not counted, up to the first reading behind it: power tells it, as far as that is known,
 * else its time stays unknown. */
static void bridge(struct meter *m, int64_t from_ns, const struct counter_reading *first)
{
	const int64_t until_ns = first->time_ns;
	const bool known = m->has_last && is_bridged(m, from_ns, until_ns);
	const double seconds = (double)(until_ns - m->booked_ns) / 1e9;
	const double joules = (known ? m->last_watts : m->rate.watts) * seconds;
	m->piece.last = shown(m, first);
	tell_jump(m, METER_RESET, known ? joules : NAN, m->last_watts);
	m->shape_count = 0;
	counter_note_bridged(&m->counter, joules); /* either way nothing of it is to come */
	if (known)
		book(m, until_ns, joules, false);
	m->piece = (struct meter_piece){ .first = m->piece.last };
	m->booked_ns = until_ns;
	m->has_gap = false;
}

/* What of a step is more than a difference. */
static void tell_step(struct meter *m, const struct counter_step *step)
{
	if (step->event == COUNTER_WRAP)
		tell_jump(m, METER_WRAPPED, step->joules, 0);
	else if (step->event == COUNTER_RETURN)
		tell_jump(m, METER_RETURNED, step->joules, 0);
	else if (!is_bridged(m, step->from_ns, m->piece.last.time_ns - m->offset_ns))
		tell_jump(m, METER_GAP, step->joules, 0);
}

/* Bridges a reset: a new one, or an open one whose counter now counts on from what it showed, as in `was`. */
static void close_reset(struct meter *m, const struct counter_step *step, const struct counter_mark *was)
{
	if (step->event == COUNTER_RESET) {
		bridge(m, step->reset_from_ns, &m->counter.marks[COUNTER_HELD_ONE].reading);
	} else if (step->event != COUNTER_RETURN && is_reset_open(m)) {
		struct counter_reading first = was->reading;
		first.time_ns = was->since_ns;
		bridge(m, m->counter.marks[COUNTER_BEFORE].reading.time_ns, &first);
	}
}

static struct counter_step read_counter(struct meter *m, const struct meter_reading *r)
{
	const struct counter_reading reading = { r->time_ns, r->raw, r->number, r->step };
	const struct counter_power power = { m->type.max_watts, m->most_watts };
	const struct counter_mark was = m->counter.marks[COUNTER_LAST];
	struct counter_step step = counter_read(&m->counter, reading, &power);
	m->piece = (struct meter_piece){ .first = { m->booked_ns + m->offset_ns,
					     counter_joules(&m->counter, &was.reading) },
		.last = shown(m, &reading) };
	if (step.event == COUNTER_FIRST) {
		m->booked_ns = r->time_ns;
		m->piece.first = m->piece.last;
		tell_jump(m, METER_BEGAN, NAN, 0);
	}
	if (step.event <= COUNTER_FIRST || step.event == COUNTER_HELD || step.event == COUNTER_BACKWARDS)
		return step;
	const bool unproven = is_unproven(m, r->time_ns);
	if (!unproven)
		close_reset(m, &step, &was);
	m->piece.last = shown(m, &reading);
	m->has_gap |= !is_bridged(m, step.from_ns, r->time_ns) || step.event == COUNTER_RETURN;
	tell_step(m, &step);
	if (unproven) {
		m->has_gap = true;
		return step;
	}
	if (step.joules != 0)
		end_stall(m, &was, step.joules);
	else if (missed_joules(m, &m->counter.marks[COUNTER_LAST], r->time_ns) > 0)
		return step;
	else
		m->has_gap |= is_late(m, m->booked_ns, r->time_ns);
	if (step.joules == 0 && rhythm_of(&m->counter) > 0)
		book_same(m, r->time_ns);
	else if (r->time_ns > m->booked_ns)
		book(m, r->time_ns, step.joules, !m->has_gap);
	return step;
}

void meter_note_power(struct meter *m, const struct meter_reading *r)
{
	if (r->power_good && fabs(r->watts) < WATTS_MAX)
		powers_note(&m->powers, r->time_ns, r->watts);
}

/* A power that was not known for a while leaves that time unknown. */
static void tell_power_gap(struct meter *m, const struct meter_reading *r)
{
	m->piece.first = (struct meter_shown){ m->last_ns + m->offset_ns, NAN };
	m->piece.last = (struct meter_shown){ r->time_ns + m->offset_ns, NAN };
	tell_jump(m, METER_GAP, NAN, 0);
}

static void read_power(struct meter *m, const struct meter_reading *r)
{
	if (!m->type.has_counter && m->has_last && !is_bridged(m, m->last_ns, r->time_ns))
		tell_power_gap(m, r);
	if (!m->type.has_counter && m->has_last && is_bridged(m, m->last_ns, r->time_ns))
		add_span(m, m->last_ns, r->time_ns,
		    (m->last_watts + r->watts) / 2 * (double)(r->time_ns - m->last_ns) / 1e9, true);
	note_shape(m, r);
	if (is_power_fresh(m, r->time_ns)) {
		const double seconds = (double)(r->time_ns - m->last_ns) / NS_PER_S;
		m->stall.joules += (m->last_watts + r->watts) / 2 * seconds;
		m->stall.seconds += seconds;
	}
	/* one reading alone may be garbled */
	if (m->has_last && fmin(m->last_watts, r->watts) > m->most_watts)
		m->most_watts = fmin(m->last_watts, r->watts);
	m->has_last = true;
	m->last_ns = r->time_ns;
	m->last_watts = r->watts;
	meter_note_power(m, r);
}

struct counter_step meter_read(struct meter *m, const struct meter_reading *r)
{
	m->restored = false;
	if (r->power_good && fabs(r->watts) < WATTS_MAX && (!m->has_last || r->time_ns > m->last_ns))
		read_power(m, r);
	if (r->counter_good && m->type.has_counter)
		return read_counter(m, r);
	return (struct counter_step){ .event = COUNTER_SAME };
}

struct meter_cell meter_fold(struct meter *m, int64_t index, int64_t count)
{
	const int64_t end = index + count;
	struct meter_cell sum = meter_spans_sum(&m->spans, begin_of(m, index), end * m->step_ns);
	meter_spans_drop(&m->spans, end * m->step_ns);
	for (int64_t i = index > m->first_cell ? index : m->first_cell;
	     i < end && i < m->first_cell + m->cell_count; i++) {
		struct meter_cell *cell = &m->cells[i % m->cell_count];
		sum.millijoules += cell->millijoules;
		sum.known_ns += cell->known_ns;
		sum.good_ns += cell->good_ns;
		*cell = (struct meter_cell){ 0 };
	}
	if (end > m->first_cell)
		m->first_cell = end;
	if (m->next_cell < end)
		m->next_cell = end;
	return sum;
}

int64_t meter_suspect(const struct meter *m, const struct meter_cell *c)
{
	const double noise = METER_NOISE_SHARE * m->most_watts, ms = (double)c->known_ns / 1e6;
	if (!m->type.has_counter)
		return (double)c->millijoules < -noise * ms ? -c->millijoules : 0;
	return m->has_last && m->last_watts < -noise && c->millijoules <= 0 ? llround(-m->last_watts * ms)
									    : 0;
}

bool meter_has_early(const struct meter *m, int64_t cell)
{
	return m->spans.count > 0 && m->spans.all[0].from_ns < begin_of(m, cell);
}

struct meter_cell meter_early(const struct meter *m, int64_t from_ns, int64_t until_ns)
{
	return meter_spans_sum(&m->spans, from_ns, until_ns);
}

void meter_drop_early(struct meter *m, int64_t cell)
{
	meter_spans_cut(&m->spans, begin_of(m, cell));
}

int64_t meter_even_until(const struct meter *m, int64_t index)
{
	int64_t at = index * m->step_ns, until = m->first_cell;
	for (size_t i = 0; i < m->spans.count; i++) {
		const struct meter_span *s = &m->spans.all[i];
		int64_t edge = s->from_ns > at ? s->from_ns : s->until_ns;
		if (edge > at && edge / m->step_ns < until)
			until = edge / m->step_ns;
	}
	return until;
}

void meter_save(const struct meter *m, int64_t first_cell, struct bytes_writer *w)
{
	counter_save(&m->counter, m->offset_ns, w);
	bytes_put_integer(w, m->booked_ns + m->offset_ns);
	bytes_put_integer(w, m->has_gap + 2 * (int64_t)m->stall.idles);
	bytes_put_integer(w, m->has_last);
	bytes_put_integer(w, m->last_ns + m->offset_ns);
	bytes_put_number(w, m->last_watts);
	bytes_put_number(w, m->most_watts);
	bytes_put_number(w, m->rate.known ? m->rate.watts : NAN);
	bytes_put_integer(w, m->stepped_ns);

	/* everything that is not folded yet, as spans in the order of time, ended by an empty one */
	for (size_t i = 0; i < m->spans.count; i++)
		if (m->spans.all[i].until_ns > first_cell * m->step_ns)
			meter_span_save(&m->spans.all[i], w);
	for (int64_t i = m->first_cell; i < m->first_cell + m->cell_count; i++) {
		struct meter_span s = span_of_cell(m, i);
		if (s.until_ns > s.from_ns)
			meter_span_save(&s, w);
	}
	meter_span_save(&(struct meter_span){ 0 }, w);
}

void meter_load(
    struct meter *m, const struct wall_clock *clock, int layout, int64_t taken_ns, struct bytes_reader *r)
{
	const int64_t offset_ns = clock->offset_ns;
	meter_set_offset(m, offset_ns, clock->now_ns);
	m->taken_ns = taken_ns;
	counter_load(&m->counter, offset_ns, layout, r);
	m->booked_ns = m->counter.marks[COUNTER_LAST].reading.time_ns;
	if (layout != COUNTER_LAYOUT_FIRST) {
		m->booked_ns = bytes_take_integer(r) - offset_ns;
		const int64_t gap_and_idles = bytes_take_within(r, 0, 1 + 2 * STALL_IDLES);
		m->has_gap = gap_and_idles % 2;
		m->stall.idles = (unsigned)(gap_and_idles / 2);
	}
	m->has_last = bytes_take_within(r, 0, 1);
	m->last_ns = bytes_take_integer(r) - offset_ns;
	m->last_watts = bytes_take_number(r);
	m->most_watts = bytes_take_number(r);
	if (layout == COUNTER_LAYOUT) {
		m->rate.watts = bytes_take_number(r);
		m->rate.known = !isnan(m->rate.watts);
		m->stepped_ns = bytes_take_integer(r);
	}
	if (layout == COUNTER_LAYOUT_FIRST && !m->type.has_power)
		m->counter.sustained = m->most_watts; /* was learned from the counter */
	/* it is known up to what is booked, also when that is folded already */
	int64_t last_ns = m->counter.started && m->type.has_counter ? m->booked_ns
			  : m->has_last				    ? m->last_ns
								    : -offset_ns;
	m->until_ns = last_ns + offset_ns;
	m->next_cell = m->until_ns / m->step_ns;
	for (struct meter_span s; meter_span_load(&s, r);) {
		r->bad |= !meter_spans_push(&m->spans, &s);
		if (s.until_ns / m->step_ns > m->next_cell)
			m->next_cell = s.until_ns / m->step_ns;
		if (s.until_ns > m->until_ns)
			m->until_ns = s.until_ns;
	}
	m->restored = true;
}

double meter_counter_watts(const struct meter *m, double negligible)
{
	return counter_rate_watts(&m->rate, counter_quantum(&m->counter), negligible);
}
