#include "daemon/control/pue_grid.h"

#include "daemon/control/pue_roles.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>

/* Cells that a meter may be behind: four of its intervals, and something for short ones. */
#define PENDING_INTERVALS 4
#define PENDING_MIN_CELLS 64
#define PENDING_MAX_CELLS 1024
/* A meter's share of its role is that of about so long. */
#define LATELY_S 86400.0

bool pue_grid_init(struct pue_grid *g, size_t meter_count, int64_t slowest_ns)
{
	int64_t step_s = slowest_ns <= 60 * NS_PER_S ? 1 : 60;
	int64_t cells = PENDING_INTERVALS * slowest_ns / (step_s * NS_PER_S) + PENDING_MIN_CELLS;
	*g = (struct pue_grid){ .step_s = step_s,
		.fade = exp(-(double)step_s / LATELY_S),
		.cell_count = cells < PENDING_MAX_CELLS ? cells : PENDING_MAX_CELLS,
		.meters = calloc(meter_count + 1, sizeof(g->meters[0])),
		.parts = calloc(meter_count + 1, sizeof(g->parts[0])) };
	pue_waiting_init(&g->waiting, meter_count);
	return g->meters && g->parts;
}

bool pue_grid_add_meter(struct pue_grid *g, enum pue_role role, const struct meter_type *type)
{
	struct grid_meter *m = &g->meters[g->meter_count++];
	m->role = role;
	g->has_role[role] = true;
	return meter_init(&m->meter, type, g->step_s * NS_PER_S, g->cell_count);
}

bool pue_grid_add_window(struct pue_grid *g, int64_t seconds)
{
	return pue_ring_init(&g->windows[g->window_count++], seconds, g->has_role);
}

void pue_grid_trace(struct pue_grid *g, size_t bytes)
{
	g->trace =
	    pue_trace_new(g->meter_count, g->windows, g->window_count, g->cell_count * g->step_s, bytes);
	for (size_t i = 0; g->trace && i < g->meter_count; i++)
		g->meters[i].meter.watch =
		    (struct meter_watch){ pue_trace_piece, pue_trace_jump, g->trace, i };
}

void pue_grid_deinit(struct pue_grid *g)
{
	pue_trace_free(g->trace);
	for (size_t i = 0; i < g->meter_count; i++)
		meter_deinit(&g->meters[i].meter);
	for (size_t i = 0; i < g->window_count; i++)
		pue_ring_deinit(&g->windows[i]);
	pue_waiting_deinit(&g->waiting);
	free(g->meters);
	free(g->parts);
	*g = (struct pue_grid){ 0 };
}

bool pue_grid_needs(const struct pue_grid *g, const struct grid_meter *m)
{
	return pue_roles_need(g->has_role, m->role);
}

/* What the meters have of a slot, by role. */
struct sums {
	struct pue_cells cells;
	bool needed_known; /* all that the PUE needs is there */
	bool needed_lost;  /* or will never be: its meter has gone on without */
	unsigned open;	   /* roles that may still come, a bit each */
};

static struct sums sum_up(const struct pue_grid *g, const struct waiting_slot *s)
{
	const int64_t whole = s->count * NS_PER_S, end = (s->cell + s->count) * NS_PER_S;
	struct sums sums = { .cells = { .cell = s->cell, .count = s->count, .good = true },
		.needed_known = true };
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		sums.cells.known[r] = true;
	for (size_t i = 0; i < g->meter_count; i++) {
		const struct grid_meter *m = &g->meters[i];
		const bool known = s->parts[i].known_ns >= whole, lost = !known && m->meter.until_ns >= end;
		sums.cells.millijoules[m->role] += s->parts[i].millijoules;
		sums.cells.known[m->role] &= known;
		sums.open |= known || lost ? 0 : 1U << m->role;
		/* an optional meter that is missing leaves its own role unknown, not the PUE */
		if (!pue_grid_needs(g, m))
			continue;
		sums.needed_known &= known;
		sums.needed_lost |= lost;
		sums.cells.good &= s->parts[i].good_ns >= whole;
		sums.cells.suspect += meter_suspect(&m->meter, &s->parts[i]);
	}
	return sums;
}

static void add_to_windows(struct pue_grid *g, const struct pue_cells *cells, const struct meter_cell *parts)
{
	if (g->trace)
		pue_trace_add(g->trace, cells, parts, pue_grid_end(g));
	for (size_t i = 0; i < g->window_count; i++)
		pue_ring_add(&g->windows[i], cells, pue_grid_end(g));
	if (g->sink.cells)
		g->sink.cells(g->sink.user, g->sink.pue, cells);
}

/* All that is known is counted: of the roles that are still open the rest is to come, of the others nothing.
 */
static void keep_open(const struct pue_grid *g, struct waiting_slot *s, unsigned open)
{
	const int64_t whole = s->count * NS_PER_S;
	s->missing = open;
	for (size_t i = 0; i < g->meter_count; i++) {
		s->parts[i].millijoules = 0;
		if (s->parts[i].known_ns >= whole || !(open >> g->meters[i].role & 1))
			s->parts[i] = (struct meter_cell){ 0, whole, whole };
	}
}

/* Energies of roles whose time is counted already. */
static void add_missing(
    struct pue_grid *g, unsigned missing, struct pue_cells *cells, const struct meter_cell *parts)
{
	cells->is_supplement = true;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		cells->known[r] &= missing >> r & 1;
	add_to_windows(g, cells, parts);
}

/* Counts a slot as far as it is known; whether nothing of it waits any more. */
static bool is_settled(struct pue_grid *g, struct waiting_slot *s)
{
	struct sums sums = sum_up(g, s);
	if (s->missing != 0) {
		if (sums.open == 0)
			add_missing(g, s->missing, &sums.cells, s->parts);
		return sums.open == 0;
	}
	if (sums.needed_lost || !sums.needed_known)
		return sums.needed_lost;
	add_to_windows(g, &sums.cells, s->parts);
	if (sums.open != 0)
		keep_open(g, s, sums.open);
	return sums.open == 0;
}

/* What a meter has brought of time that is passed on already. */
static void settle(struct pue_grid *g, size_t meter)
{
	struct grid_meter *m = &g->meters[meter];
	if (!meter_has_early(&m->meter, g->next_cell))
		return;
	m->millijoules += (double)pue_waiting_fill(&g->waiting, meter, &m->meter, &g->sink);
	meter_drop_early(&m->meter, g->next_cell);
	for (size_t i = 0; i < g->waiting.count;) {
		if (is_settled(g, &g->waiting.slots[i]))
			pue_waiting_remove(&g->waiting, i);
		else
			i++;
	}
}

static void fold_cells(struct pue_grid *g, int64_t count)
{
	const int64_t begin = g->next_cell * g->step_s, end = begin + count * g->step_s;
	struct waiting_slot s = { .cell = begin > g->folded_s ? begin : g->folded_s, .parts = g->parts };
	s.count = end - s.cell;
	const double fade = count == 1 ? g->fade : pow(g->fade, (double)count);
	for (size_t i = 0; i < g->meter_count; i++) {
		g->parts[i] = meter_fold(&g->meters[i].meter, g->next_cell, count);
		g->meters[i].millijoules = fade * g->meters[i].millijoules + (double)g->parts[i].millijoules;
		if (g->sink.meter)
			g->sink.meter(g->sink.user, g->sink.pue, i, s.cell, s.count, &g->parts[i]);
	}
	g->next_cell += count;
	if (!is_settled(g, &s))
		pue_waiting_add(&g->waiting, &s);
}

/* How many cells from `next_cell` on may be folded as one: while every meter has one even span, or nothing,
 * and up to the end of a bucket of any window that still reaches there. More than one only after a time when
 * nothing was polled. */
static int64_t even_cells(const struct pue_grid *g, int64_t until)
{
	int64_t next = g->next_cell, end = until;
	if (until - next == 1)
		return 1; /* as nearly always */
	for (size_t i = 0; i < g->meter_count; i++) {
		int64_t even = meter_even_until(&g->meters[i].meter, next);
		end = even < end ? even : end;
	}
	for (size_t i = 0; i < g->window_count; i++) {
		int64_t edge = pue_ring_edge(&g->windows[i], next * g->step_s, until * g->step_s) / g->step_s;
		end = edge < end ? edge : end;
	}
	return end > next ? end - next : 1;
}

/* A meter that the PUE does not need is waited for only while it is about as current as the others, or as
 * they were when polling went on, or while its counter waits to be believed. */
static bool is_waited_for(const struct pue_grid *g, const struct grid_meter *m, int64_t newest)
{
	int64_t patience = 3 * m->meter.type.interval_ns / (g->step_s * NS_PER_S) + 2;
	int64_t current = m->meter.next_cell > g->resumed_cell ? m->meter.next_cell : g->resumed_cell;
	return pue_grid_needs(g, m) || m->meter.counter.held_count > 0 || newest - current <= patience;
}

static void fold(struct pue_grid *g)
{
	int64_t all = INT64_MAX, newest = INT64_MIN;
	for (size_t i = 0; i < g->meter_count; i++)
		if (g->meters[i].meter.next_cell > newest)
			newest = g->meters[i].meter.next_cell;
	for (size_t i = 0; i < g->meter_count; i++) {
		const struct grid_meter *m = &g->meters[i];
		if (m->meter.next_cell < all && is_waited_for(g, m, newest))
			all = m->meter.next_cell;
	}
	/* A meter that is far behind is passed: its cells wait for it. After a time when nothing was polled
	 * all are far behind until they were read again. */
	int64_t behind = all > g->resumed_cell ? all : g->resumed_cell;
	if (newest - g->cell_count > behind)
		all = newest - g->cell_count;
	while (g->next_cell < all) {
		fold_cells(g, even_cells(g, all));
		g->restored = NULL;
	}
}

static int64_t cell_at(const struct pue_grid *g, int64_t time_ns)
{
	return (time_ns + g->offset_ns) / (g->step_s * NS_PER_S);
}

static void begin(struct pue_grid *g, int64_t time_ns)
{
	for (size_t i = 0; i < g->meter_count; i++)
		meter_set_offset(&g->meters[i].meter, g->offset_ns, time_ns);
	g->next_cell = cell_at(g, time_ns);
	g->resumed_cell = g->folded_s = 0;
}

/* What is in the windows stays there; what follows goes on from the new time. */
static void step_clock(struct pue_grid *g, int64_t moved_ns)
{
	const int64_t step_ns = g->step_s * NS_PER_S, cell = g->next_cell;
	if (moved_ns < 0)
		g->next_cell = (cell * step_ns + moved_ns) / step_ns;
	for (size_t i = 0; i < g->meter_count; i++)
		meter_step(&g->meters[i].meter, cell, moved_ns, g->next_cell);
	pue_waiting_cut(&g->waiting, pue_grid_end(g));
	g->resumed_cell = g->folded_s = 0;
}

static void set_clock(struct pue_grid *g, int64_t time_ns, int64_t offset_ns)
{
	const int64_t moved_ns = offset_ns - g->offset_ns;
	if (g->started && llabs(moved_ns) < PUE_CLOCK_STEP_NS)
		return;
	if (g->started && time_ns <= g->stepped_at_ns)
		return; /* read before the clock was stepped, and came late */
	bool first = !g->started;
	g->stepped_at_ns = first ? INT64_MIN : time_ns;
	g->started = true;
	g->offset_ns = offset_ns;
	if (first) {
		begin(g, time_ns);
		return;
	}
	if (!g->restored) {
		step_clock(g, moved_ns);
		return;
	}
	/* a clock that was wrong at boot: what was saved is of a UTC that was right */
	for (size_t i = 0; i < g->meter_count; i++)
		meter_set_offset(&g->meters[i].meter, offset_ns, time_ns);
	g->resumed_cell = cell_at(g, time_ns);
}

/* A clock that was behind at the start, and that nobody has set right, is taken as if it had been set back
 * when polling went on: what was measured ends there, and what its counters counted since is counted. */
static void take_clock(struct pue_grid *g, int64_t time_ns)
{
	if (!g->restored)
		return;
	const int64_t moved_ns = g->restored->now_ns + g->offset_ns - g->saved_ns;
	if (moved_ns >= 0)
		return;
	g->restored = NULL;
	step_clock(g, moved_ns);
	for (size_t i = 0; i < g->meter_count; i++)
		meter_take_clock(&g->meters[i].meter, moved_ns);
	g->resumed_cell = cell_at(g, time_ns);
}

struct counter_step pue_grid_read(
    struct pue_grid *g, size_t i, const struct meter_reading *r, int64_t offset_ns)
{
	struct meter *m = &g->meters[i].meter;
	set_clock(g, r->time_ns, offset_ns);
	if (g->restored && wall_clock_judge(g->restored, r->time_ns, offset_ns)) {
		meter_note_power(m, r); /* nothing is counted yet */
		return (struct counter_step){ .event = COUNTER_SAME };
	}
	take_clock(g, r->time_ns);
	int64_t before = m->next_cell;
	struct counter_step step = meter_read(m, r);
	if (m->next_cell - before > g->cell_count)
		g->resumed_cell = m->next_cell;
	settle(g, i);
	fold(g);
	return step;
}

int64_t pue_grid_end(const struct pue_grid *g)
{
	return g->next_cell * g->step_s;
}

int64_t pue_grid_time(const struct pue_grid *g)
{
	return pue_grid_end(g) * NS_PER_S - g->offset_ns;
}

void pue_grid_save(const struct pue_grid *g, struct bytes_writer *w)
{
	bytes_put_integer(w, 2 * COUNTER_LAYOUT + g->started);
	bytes_put_integer(w, 1); /* cells are seconds, whatever the grid is then */
	bytes_put_integer(w, pue_grid_end(g) > g->folded_s ? pue_grid_end(g) : g->folded_s);
	bytes_put_integer(w, (int64_t)g->meter_count);
	for (size_t i = 0; i < g->meter_count; i++) {
		meter_save(&g->meters[i].meter, g->next_cell, w);
		bytes_put_number(w, g->meters[i].millijoules / 1000);
	}
	bytes_put_integer(w, (int64_t)g->window_count);
	for (size_t i = 0; i < g->window_count; i++)
		pue_ring_save(&g->windows[i], w);
	pue_waiting_save(&g->waiting, w);
}

static void load_ring(
    const struct pue_grid *g, struct pue_ring *to, int layout, int64_t step_s, struct bytes_reader *r)
{
	int64_t seconds = bytes_take_within(r, CONFIG_PUE_WINDOW_MIN_S, CONFIG_PUE_WINDOW_MAX_S);
	if (r->bad || !pue_ring_init(to, seconds, g->has_role)) {
		r->bad = true;
		return;
	}
	pue_ring_load(to, layout, step_s, r);
	if (to->bucket_s < step_s)
		to->bucket_count = -1; /* its buckets were those of the grid: a few minutes */
}

/* Each window goes on from that of the same length, and a new one from the longest that it can. */
static void take_windows(struct pue_grid *g, const struct pue_ring *saved, size_t count)
{
	for (size_t i = 0; i < g->window_count; i++) {
		const struct pue_ring *best = NULL;
		for (size_t k = 0; k < count; k++) {
			if (!pue_ring_can_take(&g->windows[i], &saved[k]))
				continue;
			if (saved[k].seconds == g->windows[i].seconds) {
				best = &saved[k];
				break;
			}
			if (!best || saved[k].seconds > best->seconds)
				best = &saved[k];
		}
		if (best)
			pue_ring_take(&g->windows[i], best, pue_grid_end(g));
	}
}

static void load_windows(struct pue_grid *g, int layout, int64_t step_s, struct bytes_reader *r)
{
	struct pue_ring saved[CONFIG_PUE_WINDOWS_MAX] = { 0 };
	const size_t count = (size_t)bytes_take_within(r, 0, CONFIG_PUE_WINDOWS_MAX);
	for (size_t i = 0; i < count && !r->bad; i++)
		load_ring(g, &saved[i], layout, step_s, r);
	if (!r->bad)
		take_windows(g, saved, count);
	for (size_t i = 0; i < count; i++)
		pue_ring_deinit(&saved[i]);
}

static void load_meters(struct pue_grid *g, struct bytes_reader *r, struct wall_clock *clock, int layout)
{
	if (bytes_take_integer(r) != (int64_t)g->meter_count)
		r->bad = true;
	for (size_t i = 0; i < g->meter_count && !r->bad; i++) {
		meter_load(&g->meters[i].meter, clock, layout, g->folded_s * NS_PER_S, r);
		g->meters[i].millijoules = bytes_take_number(r) * 1000;
	}
}

void pue_grid_load(struct pue_grid *g, struct bytes_reader *r, struct wall_clock *clock)
{
	const int64_t step_ns = g->step_s * NS_PER_S;
	const int64_t head = bytes_take_within(r, 0, 2 * COUNTER_LAYOUT + 1);
	const int layout = (int)(head / 2);
	const int64_t step_s = layout == COUNTER_LAYOUT_FIRST ? g->step_s : bytes_take_within(r, 1, 60);
	g->started = head % 2;
	g->folded_s = bytes_take_within(r, 0, INT64_MAX / (step_s * NS_PER_S)) * step_s;
	g->next_cell = g->folded_s / g->step_s;
	g->offset_ns = clock->offset_ns;
	g->restored = g->started ? clock : NULL;
	if (g->started && g->folded_s * NS_PER_S > clock->newest_ns)
		clock->newest_ns = g->folded_s * NS_PER_S;
	g->resumed_cell = (clock->now_ns + clock->offset_ns) / step_ns;
	load_meters(g, r, clock, layout);
	g->saved_ns = 0;
	for (size_t i = 0; i < g->meter_count; i++)
		if (g->meters[i].meter.until_ns > g->saved_ns)
			g->saved_ns = g->meters[i].meter.until_ns;
	load_windows(g, layout, step_s, r);
	if (layout != COUNTER_LAYOUT_FIRST && !r->bad)
		pue_waiting_load(&g->waiting, step_s, r);
}
