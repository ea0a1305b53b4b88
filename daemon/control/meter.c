#include "meter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A reading is bridged to the last one over at most so many intervals. */
#define BRIDGED_INTERVALS 3
/* A poll may be this much late and still count as in its interval. */
#define LATE_TOLERANCE_NS INT64_C(500000000)

bool meter_init(struct meter *m, const struct meter_type *type, int64_t step_ns, int64_t cell_count)
{
	*m = (struct meter){
		.type = *type, .step_ns = step_ns, .cell_count = cell_count, .counter.type = type->counter
	};
	m->cells = calloc((size_t)cell_count, sizeof(m->cells[0]));
	return m->cells != NULL;
}

void meter_deinit(struct meter *m)
{
	free(m->cells);
	m->cells = NULL;
}

void meter_set_offset(struct meter *m, int64_t offset_ns, int64_t now_ns)
{
	m->offset_ns = offset_ns;
	m->first_cell = m->next_cell = (now_ns + offset_ns) / m->step_ns;
	memset(m->cells, 0, (size_t)m->cell_count * sizeof(m->cells[0]));
}

/* Energy at UTC `at` within the span, from its start; whole millijoules. */
static int64_t energy_at(int64_t from, int64_t until, int64_t millijoules, int64_t at)
{
	return (int64_t)((__int128)millijoules * (at - from) / (until - from));
}

/* Spreads energy over the cells between two times. */
static void add_span(struct meter *m, int64_t from_ns, int64_t until_ns, double joules, bool good)
{
	int64_t from = from_ns + m->offset_ns, until = until_ns + m->offset_ns;
	int64_t millijoules = llround(joules * 1000);
	if (until <= from)
		return;
	int64_t i = from / m->step_ns, last = (until - 1) / m->step_ns;
	if (i < m->first_cell)
		i = m->first_cell;
	if (last - m->cell_count + 1 > i) /* older cells were given up before this */
		i = last - m->cell_count + 1;
	for (; i <= last; i++) {
		int64_t a = i * m->step_ns > from ? i * m->step_ns : from;
		int64_t b = (i + 1) * m->step_ns < until ? (i + 1) * m->step_ns : until;
		struct meter_cell *cell = &m->cells[i % m->cell_count];
		cell->millijoules +=
		    energy_at(from, until, millijoules, b) - energy_at(from, until, millijoules, a);
		cell->known_ns += b - a;
		cell->good_ns += good ? b - a : 0;
	}
	if (until / m->step_ns > m->next_cell)
		m->next_cell = until / m->step_ns;
}

static bool is_bridged(const struct meter *m, int64_t from_ns, int64_t until_ns)
{
	return until_ns - from_ns <= BRIDGED_INTERVALS * m->type.interval_ns + LATE_TOLERANCE_NS;
}

static double max_watts(const struct meter *m)
{
	return m->type.max_watts > 0 ? m->type.max_watts : 2 * m->most_watts;
}

static void read_counter(struct meter *m, const struct meter_reading *r)
{
	struct counter_reading reading = { r->time_ns, r->raw, r->number };
	struct counter_step step = counter_read(&m->counter, reading, max_watts(m));
	switch (step.event) {
	case COUNTER_FIRST:
	case COUNTER_HELD:
		return;
	case COUNTER_RESET:
		/* the piece that was not counted is bridged by power, as far as that is known */
		if (m->has_last)
			add_span(m, step.reset_from_ns, step.reset_until_ns,
			    m->last_watts * (double)(step.reset_until_ns - step.reset_from_ns) / 1e9, false);
		break;
	case COUNTER_STEP:
	case COUNTER_WRAP:
		break;
	}
	add_span(m, step.from_ns, r->time_ns, step.joules, is_bridged(m, step.from_ns, r->time_ns));
}

static void read_power(struct meter *m, const struct meter_reading *r)
{
	if (!m->type.has_counter && m->has_last && is_bridged(m, m->last_ns, r->time_ns))
		add_span(m, m->last_ns, r->time_ns,
		    (m->last_watts + r->watts) / 2 * (double)(r->time_ns - m->last_ns) / 1e9, true);
	m->has_last = true;
	m->last_ns = r->time_ns;
	m->last_watts = r->watts;
	if (r->watts > m->most_watts)
		m->most_watts = r->watts;

	if (m->history_count == METER_POWER_HISTORY)
		memmove(&m->history[0], &m->history[1], --m->history_count * sizeof(m->history[0]));
	m->history[m->history_count].time_ns = r->time_ns;
	m->history[m->history_count++].watts = r->watts;
}

void meter_read(struct meter *m, const struct meter_reading *r)
{
	if (r->power_good && (!m->has_last || r->time_ns > m->last_ns))
		read_power(m, r);
	if (r->counter_good && m->type.has_counter &&
	    (!m->counter.started || r->time_ns > m->counter.last.time_ns))
		read_counter(m, r);
}

struct meter_cell meter_fold(struct meter *m, int64_t index)
{
	if (index < m->first_cell || index >= m->first_cell + m->cell_count)
		return (struct meter_cell){ 0 };
	struct meter_cell *slot = &m->cells[index % m->cell_count], cell = *slot;
	*slot = (struct meter_cell){ 0 };
	m->first_cell = index + 1;
	if (m->next_cell < m->first_cell)
		m->next_cell = m->first_cell;
	return cell;
}

int64_t meter_last_power_ns(const struct meter *m)
{
	return m->history_count ? m->history[m->history_count - 1].time_ns : INT64_MIN;
}

double meter_watts_at(const struct meter *m, int64_t time_ns)
{
	if (m->history_count == 0)
		return NAN;
	size_t i = m->history_count - 1;
	if (time_ns >= m->history[i].time_ns)
		return m->history[i].watts;
	while (i > 0 && m->history[i - 1].time_ns > time_ns)
		i--;
	if (i == 0)
		return m->history[0].watts;
	double span = (double)(m->history[i].time_ns - m->history[i - 1].time_ns);
	double part = (double)(time_ns - m->history[i - 1].time_ns) / span;
	return m->history[i - 1].watts + part * (m->history[i].watts - m->history[i - 1].watts);
}
