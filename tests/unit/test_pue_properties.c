/* What must not change a PUE: how the stream of readings is cut, in which order meters arrive, restarts.
 *
 * Streams are drawn at random: loads that wander, counters that wrap and are reset, replies that are missing,
 * polls that are late. A failing seed is printed.
 */
#include "unit.h"

#include "daemon/control/pue.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 100
#define UTC_S INT64_C(1767225600)
#define BOOT_S INT64_C(1000)
#define OFFSET ((UTC_S - BOOT_S) * NS_PER_S)
#define METERS 4
#define DURATION_S 5400
#define EVENTS_MAX (METERS * (DURATION_S + 1))
/* arrival is disturbed by less than the shortest poll interval and the pending cells */
#define DISORDER_S 3

static const int64_t windows[] = { 60, 900, 3600, 86400 };

static const struct pue_meter_spec meters[METERS] = {
	{ PUE_FACILITY, "main",
	    { .has_power = true,
		.has_counter = true,
		.interval_ns = NS_PER_S,
		.accuracy = 0.005,
		.counter = { .width = 32, .joules = 3600 } } },
	{ PUE_IT, "pdu1",
	    { .has_counter = true,
		.interval_ns = 2 * NS_PER_S,
		.accuracy = 0.005,
		.counter = { .width = 32, .joules = 360 } } },
	{ PUE_IT, "pdu2",
	    { .has_power = true,
		.has_counter = true,
		.interval_ns = NS_PER_S,
		.accuracy = 0.01,
		.counter = { .width = 32, .joules = 3600 } } },
	{ PUE_COOLING, "pump",
	    { .has_counter = true,
		.interval_ns = 5 * NS_PER_S,
		.accuracy = 0.01,
		.counter = { .width = 32, .joules = 3600 } } },
};

struct event {
	int64_t arrival_ns; /* what the stream is sorted by */
	size_t meter, number;
	struct meter_reading reading;
};

struct stream {
	struct event events[EVENTS_MAX];
	size_t count;
};

static uint64_t random_state;

/* Uniform in 0..1 (xorshift64*). */
static double chance(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (double)((random_state * UINT64_C(2685821657736338717)) >> 11) / (double)(UINT64_C(1) << 53);
}

/* One meter's readings: power that wanders, a counter near its end that may be set back once. */
static void draw_meter(struct stream *s, size_t m, bool lossy)
{
	const struct meter_type *type = &meters[m].type;
	double watts = (m == 0 ? 250e3 : 40e3) * (1 + chance()), joules = 0, quantum = type->counter.joules;
	uint64_t start = UINT32_MAX - (uint64_t)(3e7 * chance() / quantum * 3600 / 100);
	int64_t interval = type->interval_ns / NS_PER_S;
	int64_t reset_at = lossy && chance() < 0.3 ? (int64_t)(chance() * DURATION_S) : -1;
	for (int64_t t = 0; t <= DURATION_S; t += interval) {
		double late = 0.9 * chance();
		watts *= 1 + 0.02 * (chance() - 0.5);
		if (reset_at >= 0 && t >= reset_at) {
			start = (uint64_t) - (int64_t)(joules / quantum); /* counts from 0 again */
			reset_at = -1;
		}
		struct event *e = &s->events[s->count];
		*e = (struct event){ .meter = m,
			.number = s->count,
			.reading = { .time_ns = BOOT_S * NS_PER_S + llround(((double)t + late) * 1e9),
			    .power_good = type->has_power,
			    .counter_good = true,
			    .watts = watts,
			    .raw = (uint32_t)(start + (uint64_t)((joules + watts * late) / quantum)) } };
		e->arrival_ns = e->reading.time_ns;
		joules += watts * (double)interval;
		s->count += !(lossy && chance() < 0.02);
	}
}

static int by_arrival(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->arrival_ns != y->arrival_ns)
		return x->arrival_ns < y->arrival_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void draw(struct stream *s, bool lossy)
{
	s->count = 0;
	for (size_t m = 0; m < METERS; m++)
		draw_meter(s, m, lossy);
	qsort(s->events, s->count, sizeof(s->events[0]), by_arrival);
}

static struct pue *make(void)
{
	struct pue *p = pue_new(&(struct pue_spec){ meters, METERS, windows, COUNT(windows) });
	assert_non_null(p);
	for (size_t m = 0; m < METERS; m++)
		pue_set_quality(p, m, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

static void feed(struct pue *p, const struct stream *s, size_t from, size_t until)
{
	for (size_t i = from; i < until; i++)
		pue_read(p, s->events[i].meter, &s->events[i].reading, OFFSET);
}

static struct pue *restart(struct pue *p, int64_t now_ns)
{
	struct bytes_writer w = { 0 };
	pue_save(p, &w);
	pue_free(p);
	struct pue *next = make();
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ now_ns, OFFSET };
	assert_int_equal(pue_load(next, &r, &clock), 0);
	bytes_writer_deinit(&w);
	return next;
}

static bool equal(double a, double b, double tolerance)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance;
}

/* All that a window says, to `kwh` in the energies. */
static void compare(const struct pue *a, const struct pue *b, double kwh, uint64_t seed, const char *what)
{
	for (size_t i = 0; i < COUNT(windows); i++) {
		struct pue_window x = pue_window(a, i), y = pue_window(b, i);
		double ratio = kwh > 0 ? 4 * kwh / y.kwh[PUE_IT] : 1e-12;
		bool same = x.start_ms == y.start_ms && x.end_ms == y.end_ms &&
			    x.pue.quality == y.pue.quality && equal(x.pue.value, y.pue.value, ratio) &&
			    equal(x.coverage, y.coverage, 1e-9);
		for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
			same &= equal(x.kwh[r], y.kwh[r], kwh);
		if (!same)
			fail_msg("seed %llu, window %zu, %s: pue %.12g and %.12g, it %.12g and %.12g kWh, "
				 "facility %.12g and %.12g kWh, cooling %.12g and %.12g kWh, coverage %.9g "
				 "and %.9g",
			    (unsigned long long)seed, i, what, x.pue.value, y.pue.value, x.kwh[PUE_IT],
			    y.kwh[PUE_IT], x.kwh[PUE_FACILITY], y.kwh[PUE_FACILITY], x.kwh[PUE_COOLING],
			    y.kwh[PUE_COOLING], x.coverage, y.coverage);
	}
}

static struct stream stream, other;

/* Asking in between, and handing over the state at any point without losing a reading, changes nothing. */
static void cutting_the_stream_changes_nothing(void **state)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		random_state = seed;
		draw(&stream, true);
		struct pue *whole = make(), *cut = make();
		feed(whole, &stream, 0, stream.count);
		size_t at = 0;
		while (at < stream.count) {
			size_t next = at + 1 + (size_t)(chance() * 3000);
			next = next < stream.count ? next : stream.count;
			feed(cut, &stream, at, next);
			(void)pue_window(cut, 0);
			cut = restart(cut, stream.events[next - 1].reading.time_ns);
			at = next;
		}
		for (size_t m = 0; m < METERS; m++)
			pue_set_quality(cut, m, QUALITY_GOOD, QUALITY_GOOD);
		compare(whole, cut, 1e-9, seed, "cut");
		pue_free(whole);
		pue_free(cut);
	}
}

/* Shakes the arrival by some seconds, meter by meter; a meter does not overtake itself. */
static void shake(struct stream *s)
{
	for (size_t m = 0; m < METERS; m++) {
		int64_t delay = 0, last = 0;
		for (size_t i = 0; i < s->count; i++) {
			struct event *e = &s->events[i];
			if (e->meter != m)
				continue;
			if (chance() < 0.05)
				delay = (int64_t)(chance() * DISORDER_S * 1e9);
			e->number = i;
			e->arrival_ns += delay;
			if (e->arrival_ns < last)
				e->arrival_ns = last;
			last = e->arrival_ns;
		}
	}
	qsort(s->events, s->count, sizeof(s->events[0]), by_arrival);
}

static void the_order_of_arrival_changes_nothing(void **state)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		random_state = seed;
		draw(&stream, true);
		memcpy(&other, &stream, sizeof(other));
		shake(&other);
		struct pue *a = make(), *b = make();
		feed(a, &stream, 0, stream.count);
		feed(b, &other, 0, other.count);
		compare(a, b, 0, seed, "shaken");
		pue_free(a);
		pue_free(b);
	}
}

/* Readings that a restart misses cost neither energy nor ratio: the counters went on. A step of the counter
 * at each edge of the stop may fall to either side. */
static void restarts_that_miss_readings_cost_no_energy(void **state)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		random_state = seed;
		draw(&stream, false);
		struct pue *whole = make(), *stopped = make();
		feed(whole, &stream, 0, stream.count);
		int64_t stop = BOOT_S + 300 + (int64_t)(chance() * 3000),
			length = 1 + (int64_t)(chance() * 4);
		bool done = false;
		for (size_t i = 0; i < stream.count; i++) {
			int64_t second = stream.events[i].reading.time_ns / NS_PER_S;
			if (second >= stop && second < stop + length)
				continue;
			if (second >= stop && !done) {
				stopped = restart(stopped, stream.events[i].reading.time_ns);
				done = true;
			}
			feed(stopped, &stream, i, i + 1);
		}
		for (size_t m = 0; m < METERS; m++)
			pue_set_quality(stopped, m, QUALITY_GOOD, QUALITY_GOOD);
		for (size_t i = 2; i < COUNT(windows); i++) {
			struct pue_window x = pue_window(whole, i), y = pue_window(stopped, i);
			double quantum = 2 * 3600 / 3.6e6;
			if (!equal(x.kwh[PUE_FACILITY], y.kwh[PUE_FACILITY], quantum) ||
			    !equal(x.kwh[PUE_IT], y.kwh[PUE_IT], quantum) ||
			    !equal(x.kwh[PUE_COOLING], y.kwh[PUE_COOLING], quantum))
				fail_msg("seed %llu, window %zu: %.9g and %.9g, %.9g and %.9g kWh",
				    (unsigned long long)seed, i, x.kwh[PUE_FACILITY], y.kwh[PUE_FACILITY],
				    x.kwh[PUE_IT], y.kwh[PUE_IT]);
		}
		pue_free(whole);
		pue_free(stopped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting_the_stream_changes_nothing),
		cmocka_unit_test(the_order_of_arrival_changes_nothing),
		cmocka_unit_test(restarts_that_miss_readings_cost_no_energy),
	};
	return cmocka_run_group_tests_name("pue_properties", tests, NULL, NULL);
}
