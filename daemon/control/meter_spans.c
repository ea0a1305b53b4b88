#include "daemon/control/meter_spans.h"

#include <stdlib.h>
#include <string.h>

int64_t meter_span_energy(const struct meter_span *s, int64_t at_ns)
{
	/* at an edge as nearly always, and a division of 128 bits is slow */
	if (at_ns <= s->from_ns || at_ns >= s->until_ns)
		return at_ns <= s->from_ns ? 0 : s->millijoules;
	return (int64_t)((__int128)s->millijoules * (at_ns - s->from_ns) / (s->until_ns - s->from_ns));
}

void meter_span_add(const struct meter_span *s, int64_t from_ns, int64_t until_ns, struct meter_cell *cell)
{
	const int64_t a = s->from_ns > from_ns ? s->from_ns : from_ns,
		      b = s->until_ns < until_ns ? s->until_ns : until_ns;
	if (b <= a)
		return;
	cell->millijoules += meter_span_energy(s, b) - meter_span_energy(s, a);
	cell->known_ns += b - a;
	cell->good_ns += s->good ? b - a : 0;
}

void meter_spans_deinit(struct meter_spans *s)
{
	free(s->all);
	*s = (struct meter_spans){ 0 };
}

bool meter_spans_push(struct meter_spans *s, const struct meter_span *span)
{
	if (span->until_ns <= span->from_ns)
		return true;
	if (s->count == s->room) {
		const size_t room = 2 * s->room + 4;
		struct meter_span *all = reallocarray(s->all, room, sizeof(*all));
		if (!all)
			return false;
		s->all = all;
		s->room = room;
	}
	s->all[s->count++] = *span;
	return true;
}

bool meter_spans_push_front(struct meter_spans *s, const struct meter_span *span)
{
	const size_t count = s->count;
	if (!meter_spans_push(s, span))
		return false;
	if (s->count == count)
		return true;
	memmove(&s->all[1], &s->all[0], count * sizeof(s->all[0]));
	s->all[0] = *span;
	return true;
}

void meter_spans_move(struct meter_spans *s, int64_t ns)
{
	for (size_t i = 0; i < s->count; i++) {
		s->all[i].from_ns += ns;
		s->all[i].until_ns += ns;
	}
}

struct meter_cell meter_spans_sum(const struct meter_spans *s, int64_t from_ns, int64_t until_ns)
{
	struct meter_cell sum = { 0 };
	for (size_t i = 0; i < s->count; i++)
		meter_span_add(&s->all[i], from_ns, until_ns, &sum);
	return sum;
}

void meter_spans_drop(struct meter_spans *s, int64_t until_ns)
{
	size_t gone = 0;
	while (gone < s->count && s->all[gone].until_ns <= until_ns)
		gone++;
	s->count -= gone;
	if (gone > 0)
		memmove(s->all, s->all + gone, s->count * sizeof(s->all[0]));
}

void meter_spans_cut(struct meter_spans *s, int64_t until_ns)
{
	meter_spans_drop(s, until_ns);
	struct meter_span *first = s->count > 0 ? &s->all[0] : NULL;
	if (!first || first->from_ns >= until_ns)
		return;
	first->millijoules -= meter_span_energy(first, until_ns);
	first->from_ns = until_ns;
}

void meter_span_save(const struct meter_span *s, struct bytes_writer *w)
{
	bytes_put_integer(w, s->from_ns);
	bytes_put_integer(w, s->until_ns - s->from_ns);
	bytes_put_integer(w, s->millijoules);
	bytes_put_integer(w, s->good);
}

bool meter_span_load(struct meter_span *s, struct bytes_reader *r)
{
	s->from_ns = bytes_take_within(r, 0, INT64_MAX / 2);
	s->until_ns = s->from_ns + bytes_take_within(r, 0, INT64_MAX / 4);
	s->millijoules = bytes_take_integer(r);
	s->good = bytes_take_within(r, 0, 1);
	if (s->until_ns > 0 && s->until_ns == s->from_ns)
		r->bad = true;
	return s->until_ns > 0 && !r->bad;
}
