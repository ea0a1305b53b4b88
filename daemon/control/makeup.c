#include "daemon/control/makeup.h"

#include <math.h>

#define RESET_NS (600 * NS_PER_S)
#define LITRES_PER_M3 1000.0
#define DAY_S 86400.0
/* Measured for so long it is a rate at all; for so long a good one. */
#define LEAST_S 3600.0
#define ENOUGH_S (22 * 3600.0) /* of the last bucket little has passed */

static void advance(struct makeup *m, int64_t now_ns)
{
	if (m->bucket_ns == 0 || now_ns - m->bucket_ns >= (MAKEUP_BUCKETS + 1) * MAKEUP_BUCKET_NS) {
		for (size_t i = 0; i < MAKEUP_BUCKETS; i++)
			m->buckets[i] = (struct makeup_bucket){ 0 };
		m->bucket_ns = now_ns;
		return;
	}
	for (; now_ns - m->bucket_ns >= MAKEUP_BUCKET_NS; m->bucket_ns += MAKEUP_BUCKET_NS) {
		m->newest = (m->newest + 1) % MAKEUP_BUCKETS;
		m->buckets[m->newest] = (struct makeup_bucket){ 0 };
	}
}

static void count(struct makeup *m, double litres, int64_t ns)
{
	m->buckets[m->newest].litres += litres;
	m->buckets[m->newest].seconds += (double)ns / NS_PER_S;
}

void makeup_see_flow(struct makeup *m, double flow, int64_t read_ns, int64_t gap_ns)
{
	int64_t passed = read_ns - m->read_ns;
	if (passed <= 0)
		return;
	advance(m, read_ns);
	if (m->read_ns != 0 && passed <= gap_ns)
		count(m, (m->read + flow) / 2 * LITRES_PER_M3 * (double)passed / NS_PER_S, passed);
	m->read = flow;
	m->read_ns = read_ns;
}

/* All up to a reading is counted, or nobody knows what was before it. */
static void begin_at(struct makeup *m, double reading, int64_t when_ns)
{
	m->counted = reading;
	m->counted_ns = when_ns;
	m->below_since_ns = 0;
}

void makeup_see_volume(struct makeup *m, double volume, int64_t read_ns, double most)
{
	double before = m->read, sure = fmin(before, volume);
	int64_t before_ns = m->read_ns;
	if (read_ns <= before_ns)
		return;
	advance(m, read_ns);
	m->read = volume;
	m->read_ns = read_ns;
	if (before_ns == 0) {
		begin_at(m, volume, read_ns);
		return;
	}
	if (sure < m->counted) {
		if (m->below_since_ns == 0)
			m->below_since_ns = read_ns;
		if (read_ns - m->below_since_ns >= RESET_NS)
			begin_at(m, sure, before_ns);
		return;
	}
	double step = sure - m->counted;
	if (step <= most && before_ns > m->counted_ns)
		count(m, step * LITRES_PER_M3, before_ns - m->counted_ns);
	begin_at(m, sure, before_ns);
}

struct figure makeup_rate(struct makeup *m, int64_t now_ns)
{
	double litres = 0, seconds = 0;
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	advance(m, now_ns);
	for (size_t i = 0; i < MAKEUP_BUCKETS; i++) {
		litres += m->buckets[i].litres;
		seconds += m->buckets[i].seconds;
	}
	if (seconds < LEAST_S)
		return figure_invalid("less than an hour of the last day was measured");
	f.value = litres / seconds * DAY_S;
	if (seconds < ENOUGH_S)
		figure_worsen(&f, QUALITY_ESTIMATED, "not all of the last day was measured");
	return f;
}

void makeup_save(const struct makeup *m, int64_t offset_ns, struct bytes_writer *w)
{
	bytes_put_integer(w, m->bucket_ns + offset_ns);
	bytes_put_integer(w, m->read_ns + offset_ns);
	bytes_put_number(w, m->read);
	bytes_put_number(w, m->counted);
	bytes_put_integer(w, m->counted_ns + offset_ns);
	for (size_t i = 1; i <= MAKEUP_BUCKETS; i++) {
		const struct makeup_bucket *b =
		    &m->buckets[(m->newest + i) % MAKEUP_BUCKETS]; /* oldest first */
		bytes_put_number(w, b->litres);
		bytes_put_number(w, b->seconds);
	}
}

void makeup_load(struct makeup *m, const struct wall_clock *clock, struct bytes_reader *r)
{
	struct makeup loaded = { .newest = MAKEUP_BUCKETS - 1 };
	loaded.bucket_ns = wall_clock_boottime(clock, bytes_take_integer(r));
	loaded.read_ns = wall_clock_boottime(clock, bytes_take_integer(r));
	loaded.read = bytes_take_number(r);
	loaded.counted = bytes_take_number(r);
	loaded.counted_ns = wall_clock_boottime(clock, bytes_take_integer(r));
	for (size_t i = 0; i < MAKEUP_BUCKETS; i++) {
		loaded.buckets[i].litres = bytes_take_number(r);
		loaded.buckets[i].seconds = bytes_take_number(r);
	}
	if (!r->bad)
		*m = loaded;
}
