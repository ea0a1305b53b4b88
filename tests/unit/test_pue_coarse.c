/* Counters that take large steps or refresh seldom: what a window may say of them, and how surely. */
#include "pue_meters.h"

#define DAY_S 86400
#define KWH (1000 * WH)

enum { MINUTE, QUARTER, HOUR, DAY };

/* A meter of `kw` that shows its energy in steps of `quantum`, each `refresh_s` seconds. */
struct coarse {
	enum pue_role role;
	double kw, quantum;
	int64_t refresh_s;
	bool has_power;
};

static struct pue *make_of(const struct coarse *c, size_t n)
{
	struct pue_meter_spec meters[4];
	for (size_t i = 0; i < n; i++)
		meters[i] = (struct pue_meter_spec){ c[i].role, "meter",
			{ .has_power = c[i].has_power,
			    .has_counter = true,
			    .interval_ns = 10 * NS_PER_S,
			    .accuracy = 0.005,
			    .counter = { .width = 32, .joules = c[i].quantum } } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, n, four_windows, 4 });
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

static void read_coarse(struct pue *p, size_t i, const struct coarse *c, int64_t s, double kw, double kwh)
{
	const struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S,
		.power_good = c->has_power,
		.watts = kw * 1000,
		.counter_good = true,
		.raw = (uint64_t)(5000 + kwh * KWH / c->quantum) };
	pue_read(p, i, &r, OFFSET);
}

/* Bits: the windows that were ever stated in 27 hours. */
static unsigned run(struct pue *p, const struct coarse *c, size_t n)
{
	unsigned stated = 0;
	for (int64_t s = 0; s <= 27 * 3600 + 10; s += 10) {
		for (size_t i = 0; i < n; i++) {
			int64_t shown = (s + 7 * c[i].refresh_s / 10) / c[i].refresh_s * c[i].refresh_s;
			read_coarse(p, i, &c[i], s, c[i].kw, c[i].kw * (double)shown / 3600);
		}
		for (size_t w = 0; w < 4; w++)
			if (quality_has_value(pue_window(p, w).pue.quality))
				stated |= 1U << w;
	}
	return stated;
}

static void a_counter_that_refreshes_seldom_says_nothing_of_short_windows(void **state)
{
	static const struct coarse meters[] = { { PUE_FACILITY, 118, WH, 900, false },
		{ PUE_IT, 100, WH, 10, false } };
	for (size_t turn = 0; turn < 2; turn++) {
		/* the one or the other */
		struct coarse c[2] = { meters[0], meters[1] };
		c[0].refresh_s = turn == 0 ? 900 : 10;
		c[1].refresh_s = turn == 0 ? 10 : 900;
		struct pue *p = make_of(c, 2);
		assert_int_equal(run(p, c, 2), 1U << DAY);
		assert_string_equal(
		    pue_window(p, HOUR).pue.reason, "shorter than ten refreshes of a needed counter");
		struct pue_window w = pue_window(p, DAY);
		assert_int_equal(w.pue.quality, QUALITY_GOOD);
		assert_float_equal(w.pue.value, 1.18, 1e-5);
		assert_float_equal(w.coverage, 1, 0.02);
		double refresh = 900.0 / DAY_S;
		assert_float_equal(w.uncertainty, 1.18 * sqrt(2 * 0.005 * 0.005 + refresh * refresh), 1e-5);
		pue_free(p);
	}
}

static void steps_of_every_needed_counter_count(void **state)
{
	static const struct {
		struct coarse meters[3];
		size_t n;
		unsigned stated;
		double uncertainty; /* of the day */
	} cases[] = {
		/* 1 MWh: a day has two or three of them */
		{ { { PUE_FACILITY, 118, 1000 * KWH, 10, false }, { PUE_IT, 100, WH, 10, false } }, 2, 0,
		    NAN },
		/* 1 kWh: an hour has 118 */
		{ { { PUE_FACILITY, 118, KWH, 10, false }, { PUE_IT, 100, WH, 10, false } }, 2,
		    1U << HOUR | 1U << DAY, 1.18 * 0.0070836 },
		/* an export of nothing says nothing, but in the minute its step would matter */
		{ { { PUE_FACILITY, 118, WH, 10, false }, { PUE_IT, 100, WH, 10, false },
		      { PUE_EXPORT, 0, 10 * WH, 10, false } },
		    3, 1U << QUARTER | 1U << HOUR | 1U << DAY, 1.18 * 0.0070711 },
		/* cooling in steps of 1 kWh matters in an hour, and in a day not any more */
		{ { { PUE_IT, 100, WH, 10, false }, { PUE_COOLING, 18, KWH, 10, false } }, 2, 1U << DAY,
		    0.001339 },
		/* more leaves than enters: it is known, and shown */
		{ { { PUE_FACILITY, 0, WH, 10, false }, { PUE_IT, 100, WH, 10, false },
		      { PUE_EXPORT, 118, WH, 10, false } },
		    3, 1U << MINUTE | 1U << QUARTER | 1U << HOUR | 1U << DAY, NAN },
		/* of two in a sum each counts: 50 kW in steps of 1 kWh; one that is off hides no more than
		   its step */
		{ { { PUE_FACILITY, 118, WH, 10, false }, { PUE_IT, 50, KWH, 10, false },
		      { PUE_IT, 50, WH, 10, false } },
		    3, 1U << DAY, 1.18 * 0.0061251 },
		{ { { PUE_FACILITY, 118, WH, 10, false }, { PUE_IT, 100, WH, 10, false },
		      { PUE_IT, 0, 10 * WH, 10, false } },
		    3, 1U << QUARTER | 1U << HOUR | 1U << DAY, 1.18 * 0.0070711 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pue *p = make_of(cases[i].meters, cases[i].n);
		unsigned stated = run(p, cases[i].meters, cases[i].n);
		if (stated != cases[i].stated)
			fail_msg("case %zu: windows %x, not %x", i, stated, cases[i].stated);
		struct pue_window w = pue_window(p, DAY);
		if (isnan(cases[i].uncertainty) && quality_has_value(w.pue.quality)) {
			assert_float_equal(w.pue.value, -1.18, 1e-4);
			assert_int_equal(w.pue.quality, QUALITY_SUSPECT);
		} else if (quality_has_value(w.pue.quality)) {
			assert_float_equal(w.uncertainty, cases[i].uncertainty, 2e-5);
			assert_true(fabs(w.pue.value - 1.18) <= w.uncertainty);
		}
		pue_free(p);
	}
}

/* The load doubles in the middle of a quarter: the power tells on which side of a bucket's edge the energy
 * is. */
static void power_fills_the_shape_between_refreshes(void **state)
{
	static const struct coarse c[] = { { PUE_FACILITY, 0, WH, 900, true }, { PUE_IT, 0, WH, 10, true } };
	struct pue *p = make_of(c, 2);
	double kwh = 0, shown = 0, first = 0;
	for (int64_t s = 0; s <= 27 * 3600 + 10; s += 10) {
		/* alternates in the middle between refreshes, which are at 450 s past each quarter */
		double kw = s / 900 % 2 ? 200 : 100;
		if (s % 900 == 450)
			shown = kwh;
		if (s == 3600)
			first = kwh;
		read_coarse(p, 0, &c[0], s, 1.18 * kw, 1.18 * shown);
		read_coarse(p, 1, &c[1], s, kw, kwh);
		kwh += kw * 10 / 3600;
		struct pue_window w = pue_window(p, DAY);
		if (s < 26 * 3600 || s % 3600 != 1200)
			continue;
		/* whole half hours: the same energy, whatever the edges cut */
		assert_float_equal(w.kwh[PUE_FACILITY] / w.coverage, 1.18 * 150 * 24, 1.18 * 150 * 24 * 0.01);
		assert_float_equal(w.pue.value, 1.18, 2e-4);
	}
	assert_true(first > 0);
	pue_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_that_refreshes_seldom_says_nothing_of_short_windows),
		cmocka_unit_test(steps_of_every_needed_counter_count),
		cmocka_unit_test(power_fills_the_shape_between_refreshes),
	};
	return cmocka_run_group_tests_name("pue_coarse", tests, NULL, NULL);
}
