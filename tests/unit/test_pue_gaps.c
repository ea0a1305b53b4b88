/* PUE figures when meters are silent, each for itself, and when the clock is stepped. */
#include "pue_meters.h"

#include <malloc.h>
#include <stdlib.h>

#define DAY_S 86400

static const int64_t day_and_year[] = { DAY_S, 365 * DAY_S };
enum { ONE_DAY, YEAR };

static const struct meter_type counting = { .has_counter = true,
	.interval_ns = NS_PER_S,
	.accuracy = 0.005,
	.counter = { .width = 32, .joules = WH } };

struct silence {
	size_t meter;
	int64_t from, until;
};

/* A meter of `kw` in second `s` of boottime, with the clock `ahead_ns` ahead. */
static void count(struct pue *p, size_t meter, double kw, int64_t s, int64_t ahead_ns)
{
	const struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S + 300 * NS_PER_MS,
		.counter_good = true,
		.raw = (uint64_t)(5000 + kw * ((double)s + 0.3) / 3.6) };
	pue_read(p, meter, &r, OFFSET + ahead_ns);
}

static const double kilowatts[] = { 118, 60, 40, 10 };

static struct pue *make_row(struct meter_type type)
{
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", type }, { PUE_IT, "a", type },
		{ PUE_IT, "b", type }, { PUE_COOLING, "pumps", type } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, 4, day_and_year, 2 });
	assert_non_null(p);
	for (size_t i = 0; i < 4; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

static bool is_silent(const struct silence *silences, size_t n, size_t meter, int64_t s)
{
	for (size_t i = 0; i < n; i++)
		if (silences[i].meter == meter && s >= silences[i].from && s < silences[i].until)
			return true;
	return false;
}

static struct pue *run(struct pue *p, const struct silence *silences, size_t n)
{
	for (int64_t s = 0; s <= DAY_S + 1900; s++)
		for (size_t i = 0; i < COUNT(kilowatts); i++)
			if (!is_silent(silences, n, i, s))
				count(p, i, kilowatts[i], s, 0);
	return p;
}

/* To two steps of the counters. */
static void expect_a_whole_day(const struct pue *p, double silent_s, enum quality quality)
{
	struct pue_window w = pue_window(p, ONE_DAY);
	assert_float_equal(w.kwh[PUE_FACILITY], 2832, 0.002);
	assert_float_equal(w.kwh[PUE_IT], 2400, 0.004);
	assert_float_equal(w.kwh[PUE_COOLING], 240, 0.002);
	assert_true(w.energy_complete);
	assert_float_equal(w.coverage, 1 - silent_s / DAY_S, 5.0 / DAY_S);
	assert_int_equal(w.pue.quality, quality);
	if (quality_has_value(quality))
		assert_float_equal(w.pue.value, 1.18, 1e-5);
}

static void one_silent_meter_brings_its_own_energy(void **state)
{
	static const struct silence silent[] = { { 1, 30000, 31200 } };
	struct pue *p = run(make_row(counting), silent, 1);
	expect_a_whole_day(p, 1200, QUALITY_GOOD);
	pue_free(p);
}

static void silences_that_overlap_are_closed_each(void **state)
{
	static const struct silence silent[] = { { 0, 30000, 31200 }, { 1, 30600, 33000 },
		{ 2, 32000, 32100 }, { 1, 50000, 50090 }, { 2, 50060, 50200 } };
	struct pue *p = run(make_row(counting), silent, COUNT(silent));
	expect_a_whole_day(p, 3000 + 200, QUALITY_ESTIMATED);
	pue_free(p);
}

/* All are silent for six hours, and come back two minutes apart. */
static void all_silent_and_back_one_by_one(void **state)
{
	static const struct silence silent[] = { { 0, 30000, 51600 }, { 1, 30000, 51720 },
		{ 2, 30000, 52000 }, { 3, 30000, 51650 } };
	struct pue *p = run(make_row(counting), silent, COUNT(silent));
	expect_a_whole_day(p, 22000, QUALITY_INVALID); /* less than 75 % */
	pue_free(p);
}

/* A day whose gaps are all closed is stated down to a coverage of 75 %. */
static void a_day_that_is_complete_is_estimated(void **state)
{
	static const struct silence silent[] = { { 0, 30000, 48000 }, { 1, 30000, 48600 },
		{ 2, 30000, 48000 }, { 3, 30000, 48000 } };
	struct pue *p = run(make_row(counting), silent, COUNT(silent));
	expect_a_whole_day(p, 18600, QUALITY_ESTIMATED);
	pue_free(p);

	/* without counters nobody knows what was used */
	p = make_row(power_meter);
	for (int64_t s = 0; s <= DAY_S + 1900; s++)
		for (size_t i = 0; i < COUNT(kilowatts); i++)
			if (!is_silent(silent, COUNT(silent), i, s))
				power(p, i, (double)s, kilowatts[i]);
	struct pue_window w = pue_window(p, ONE_DAY);
	assert_int_equal(w.pue.quality, QUALITY_INVALID);
	assert_false(w.energy_complete);
	assert_float_equal(w.coverage, 1 - 18600.0 / DAY_S, 5.0 / DAY_S);
	assert_float_equal(w.kwh[PUE_FACILITY], 118 * (24 - 18600 / 3600.0), 0.2); /* of the covered time */
	pue_free(p);
}

/* A meter that the PUE does not need closes its gap as well. */
static void an_optional_meter_closes_its_gap(void **state)
{
	static const struct silence silent[] = { { 3, 30000, 40000 } };
	struct pue *p = run(make_row(counting), silent, 1);
	expect_a_whole_day(p, 0, QUALITY_GOOD);
	pue_free(p);
}

/* Its counter refreshes more rarely than the others wait: each cell that it closes later counts once. */
static void an_optional_meter_that_refreshes_rarely(void **state)
{
	struct pue *p = make_row(counting);
	for (int64_t s = 0; s <= DAY_S + 1900; s++)
		for (size_t i = 0; i < COUNT(kilowatts); i++) {
			const int64_t counted = i == 3 ? s - s % 10 : s;
			const struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S + 600 * NS_PER_MS,
				.counter_good = true,
				.raw = (uint64_t)(5000 + kilowatts[i] * ((double)counted + 0.6) / 3.6) };
			pue_read(p, i, &r, OFFSET);
		}
	assert_float_equal(pue_window(p, ONE_DAY).kwh[PUE_COOLING], 240, 0.1);
	pue_free(p);
}

static struct pue *restart_row(struct pue *p, int64_t s, int64_t ahead_ns)
{
	struct bytes_writer w = { 0 };
	pue_save(p, &w);
	pue_free(p);
	p = make_row(counting);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ (BOOT_S + s) * NS_PER_S, OFFSET + ahead_ns };
	assert_int_equal(pue_load(p, &r, &clock), 0);
	assert_ptr_equal(r.at, r.end);
	bytes_writer_deinit(&w);
	return p;
}

static void what_waits_survives_a_restart(void **state)
{
	static const struct silence silent[] = { { 1, 30000, 31200 }, { 3, 30000, 40000 } };
	struct pue *p = make_row(counting);
	for (int64_t s = 0; s <= DAY_S + 1900; s++) {
		if (s == 30700 || s == 33000)
			p = restart_row(p, s, 0);
		for (size_t i = 0; i < COUNT(kilowatts); i++)
			if (!is_silent(silent, COUNT(silent), i, s))
				count(p, i, kilowatts[i], s, 0);
	}
	for (size_t i = 0; i < COUNT(kilowatts); i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	expect_a_whole_day(p, 1200, QUALITY_GOOD);
	pue_free(p);
}

/* Steps of the clock: no bucket loses what it has, and new energy goes where the new time is. */
static void a_step_of_the_clock_moves_nothing(void **state)
{
	static const double steps_s[] = { 0.15, -0.15, 0.5, -2.5, 90, -90, 3600, -3600 };
	for (size_t i = 0; i < COUNT(steps_s); i++) {
		struct pue *p = make_row(counting);
		for (int64_t s = 0; s <= 2 * DAY_S; s++)
			for (size_t k = 0; k < COUNT(kilowatts); k++)
				count(p, k, kilowatts[k], s, s >= 23 * 3600 ? llround(steps_s[i] * 1e9) : 0);
		struct pue_window year = pue_window(p, YEAR), now = pue_window(p, ONE_DAY);
		/* the year's window has the whole days */
		double behind_s = 2 * DAY_S + steps_s[i] - (double)(year.end_ms / 1000 - START_UTC_S);
		assert_float_equal(year.kwh[PUE_FACILITY], 118 * (2 * DAY_S - behind_s) / 3600, 0.04);
		assert_float_equal(year.kwh[PUE_IT], 100 * (2 * DAY_S - behind_s) / 3600, 0.04);
		assert_int_equal(now.pue.quality, QUALITY_GOOD);
		assert_float_equal(now.pue.value, 1.18, 1e-5);
		assert_float_equal(now.coverage, 1, 1e-9);
		pue_free(p);
	}
}

/* Each day the clock is set, as by a cron job. */
static void daily_steps_cost_no_coverage(void **state)
{
	static const int64_t month[] = { 30 * DAY_S };
	struct meter_type type = counting;
	type.interval_ns = 10 * NS_PER_S;
	struct pue *p = make(type, month, 1);
	for (int64_t s = 0; s <= 31 * DAY_S + 10; s += 10)
		for (size_t m = 0; m < 2; m++)
			count(p, m, m == FACILITY ? 118 : 100, s,
			    (s + 3600) / DAY_S * ((s + 3600) / DAY_S % 2 ? 700 : -700) * NS_PER_MS);
	struct pue_window w = pue_window(p, 0);
	assert_int_equal(w.pue.quality, QUALITY_GOOD);
	assert_true(w.coverage > 0.999);
	assert_float_equal(w.kwh[PUE_FACILITY], 30 * 2832, 3);
	assert_float_equal(w.pue.value, 1.18, 1e-6);
	pue_free(p);
}

/* A reading of before the step that comes after it does not set the clock back. */
static void a_late_reading_steps_no_clock(void **state)
{
	struct pue *p = make_row(counting);
	for (int64_t s = 0; s <= DAY_S + 1900; s++)
		for (size_t k = 0; k < COUNT(kilowatts); k++)
			count(p, k, kilowatts[k], s, s > 40000 || (s == 40000 && k == 0) ? 90 * NS_PER_S : 0);
	struct pue_window w = pue_window(p, ONE_DAY);
	assert_int_equal(w.pue.quality, QUALITY_GOOD);
	assert_float_equal(w.kwh[PUE_FACILITY], 2832 - 118 * 90 / 3600.0, 0.1);
	assert_float_equal(w.pue.value, 1.18, 1e-5);
	pue_free(p);
}

/* Random numbers in 0..n-1 (xorshift64*). */
static uint64_t random_state = 7;

static int64_t below(int64_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (int64_t)((random_state * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* A row whose load changes each hour, read once a second with power and counter. */
enum { MONTH_S = 30 * DAY_S, RUN_S = MONTH_S + 2 * 3600 };

struct month {
	struct pue *p;
	double *wh;		     /* of 1 kW and the load, at each second */
	int64_t silent_until[2];     /* of each meter */
	int64_t zeros_until, set_wh; /* of the IT's counter; what the facility's was set up by */
	int64_t ahead_ns;
	bool no_power;
};

static double load_of(int64_t s)
{
	return 80 + 10 * (double)(s / 3600 % 5);
}

static void read_month(struct month *m, size_t i, int64_t s)
{
	static const double shares[] = { [FACILITY] = 1.18, [IT] = 1 };
	struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S,
		.power_good = !m->no_power,
		.watts = shares[i] * load_of(s) * 1000,
		.counter_good = true,
		.raw = (uint64_t)(26e6 + shares[i] * m->wh[s]) };
	if (i == FACILITY)
		r.raw += (uint64_t)m->set_wh;
	else if (s < m->zeros_until)
		r.raw = 0;
	if (s >= m->silent_until[i])
		pue_read(m->p, i, &r, OFFSET + m->ahead_ns);
}

static void restart_month(struct month *m, const int64_t *windows, int64_t s)
{
	struct bytes_writer w = { 0 };
	pue_save(m->p, &w);
	pue_free(m->p);
	m->p = make(energy_meter, windows, 2);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ (BOOT_S + s) * NS_PER_S, OFFSET + m->ahead_ns };
	assert_int_equal(pue_load(m->p, &r, &clock), 0);
	bytes_writer_deinit(&w);
}

/* What may happen in an hour. */
static void draw_faults(struct month *m, const int64_t *windows, int64_t s)
{
	if (below(10) == 0)
		m->silent_until[below(2)] = s + below(1200);
	if (below(40) == 0)
		m->zeros_until = s + 3;
	if (below(100) == 0)
		m->set_wh += 2000000;
	if (below(24) == 0)
		m->ahead_ns = (below(2000) - 1000) * NS_PER_MS;
	if (below(50) == 0) {
		m->silent_until[0] = m->silent_until[1] = s + below(600);
		restart_month(m, windows, s);
	}
}

static void a_month_of_faults_is_exact(void **state)
{
	static const int64_t windows[] = { DAY_S, MONTH_S };
	struct month m = { .p = make(energy_meter, windows, 2), .wh = calloc(RUN_S + 1, sizeof(double)) };
	size_t after_a_week = 0;
	for (int64_t s = 0; s < RUN_S; s++)
		m.wh[s + 1] = m.wh[s] + load_of(s) / 3.6;
	for (int64_t s = 0; s <= RUN_S; s++) {
		if (s % 3600 == 1800 && s < MONTH_S)
			draw_faults(&m, windows, s);
		if (s == MONTH_S)
			m.ahead_ns = 0;
		if (s == 7 * DAY_S)
			after_a_week = mallinfo2().uordblks;
		read_month(&m, FACILITY, s);
		read_month(&m, IT, s);
	}
	assert_true(mallinfo2().uordblks < after_a_week + 64 * 1024);
	struct pue_window w = pue_window(m.p, 1);
	int64_t start = w.start_ms / 1000 - START_UTC_S, end = w.end_ms / 1000 - START_UTC_S;
	assert_int_equal(end - start, MONTH_S);
	double kwh = (m.wh[end] - m.wh[start]) / 1000;
	assert_float_equal(w.kwh[PUE_IT], kwh, 0.03);
	assert_float_equal(w.kwh[PUE_FACILITY], 1.18 * kwh, 0.1);
	assert_float_equal(w.pue.value, 1.18, 1e-5);
	assert_true(w.energy_complete && w.coverage > 0.96 && w.coverage < 0.999);
	pue_free(m.p);
	free(m.wh);
}

/* A counter that shows zeros for an hour and a half and then its total, with its power or without: nothing is
 * known of that time until then, and all of it afterwards. Also over a restart in the middle of it. */
static void zeros_for_long_are_a_gap(void **state)
{
	static const int64_t windows[] = { 900, DAY_S };
	for (int turn = 0; turn < 3; turn++) {
		struct month m = { .p = make(energy_meter, windows, 2),
			.wh = calloc(RUN_S + 1, sizeof(double)) };
		for (int64_t s = 0; s < RUN_S; s++)
			m.wh[s + 1] = m.wh[s] + load_of(s) / 3.6;
		for (int64_t s = 0; s <= DAY_S + 1000; s++) {
			m.zeros_until = s >= 40000 && s < 45400 ? s + 1 : 0;
			m.no_power = turn == 2;
			if (turn == 1 && s == 42001)
				restart_month(&m, windows, s);
			read_month(&m, FACILITY, s);
			read_month(&m, IT, s);
			if (s == 44000)
				assert_int_equal(pue_window(m.p, 0).pue.quality, QUALITY_INVALID);
		}
		struct pue_window day = pue_window(m.p, 1);
		assert_float_equal(day.kwh[PUE_IT], m.wh[DAY_S] / 1000, 0.003);
		assert_float_equal(day.kwh[PUE_FACILITY], 1.18 * m.wh[DAY_S] / 1000, 0.003);
		assert_int_equal(day.pue.quality, QUALITY_ESTIMATED);
		assert_float_equal(day.coverage, 1 - 5400.0 / DAY_S, 1e-4);
		assert_true(day.energy_complete);
		pue_free(m.p);
		free(m.wh);
	}
}

/* A counter that refreshes each quarter of an hour: a restart between two refreshes costs no coverage. */
static void a_restart_between_refreshes(void **state)
{
	static const int64_t windows[] = { 900, DAY_S };
	struct month m = { .p = make(energy_meter, windows, 2) };
	for (int64_t s = 0; s <= DAY_S + 1900; s++) {
		if (s == 40500)
			restart_month(&m, windows, s);
		for (size_t i = 0; i < 2; i++) {
			const int64_t shown = i == IT ? s / 900 * 900 : s;
			const struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S,
				.counter_good = true,
				.raw = (uint64_t)((i == IT ? 100 : 118) * (double)shown / 3.6) };
			pue_read(m.p, i, &r, OFFSET);
		}
	}
	struct pue_window day = pue_window(m.p, 1);
	assert_float_equal(day.coverage, 1, 1e-9);
	assert_float_equal(day.kwh[PUE_IT], 2400, 0.01);
	pue_free(m.p);
}

/* The clock is stepped just after a meter fell silent in the middle of a second, with a restart before it is
 * back: it closes its gap to the last second. */
static void a_step_and_a_restart_within_a_gap(void **state)
{
	static const double steps_s[] = { 0.15, -0.15, -1.15, 2.5 };
	for (size_t i = 0; i < 2 * COUNT(steps_s); i++) {
		struct pue *p = make_row(counting);
		const int64_t ahead_ns = llround(steps_s[i / 2] * 1e9);
		for (int64_t s = 0; s <= DAY_S + 1900; s++) {
			const int64_t now_ns = s >= 40100 && s < 80000 ? ahead_ns : 0;
			if (i % 2 == 1 && s == 41000)
				p = restart_row(p, s, now_ns);
			for (size_t k = 0; k < COUNT(kilowatts); k++)
				if (k != 1 || s < 40000 || s >= 42000)
					count(p, k, kilowatts[k], s, now_ns);
		}
		for (size_t k = 0; k < COUNT(kilowatts); k++)
			pue_set_quality(p, k, QUALITY_GOOD, QUALITY_GOOD);
		struct pue_window day = pue_window(p, ONE_DAY);
		assert_float_equal(day.kwh[PUE_FACILITY], 2832, 0.02);
		assert_float_equal(day.kwh[PUE_IT], 2400, 0.02);
		assert_true(day.energy_complete);
		pue_free(p);
	}
}

/* All ones between two refreshes, or zeros, then something else that stands, then the total again, beside a
 * power that goes on: one gap, of which no energy is negative, and which the counter closes. */
static void what_stood_for_a_total_is_one_gap(void **state)
{
	static const int64_t windows[] = { 900, DAY_S };
	static const struct {
		int64_t refresh, from, until;
		uint32_t shown[2];
		double uncovered;
	} cases[] = { { 900, 43500, 43620, { UINT32_MAX, UINT32_MAX }, 900 },
		{ 1, 43500, 44700, { 0, 70000000 }, 1200 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct month m = { .p = make(energy_meter, windows, 2) };
		double before = 0;
		for (int64_t s = 0; s <= DAY_S + 1000; s++) {
			const int64_t shown = s / cases[i].refresh * cases[i].refresh;
			const bool bad = s >= cases[i].from && s < cases[i].until;
			const struct meter_reading it = { .time_ns = (BOOT_S + s) * NS_PER_S,
				.counter_good = true,
				.power_good = true,
				.watts = 100e3,
				.raw = bad ? cases[i].shown[2 * (s - cases[i].from) >=
							    cases[i].until - cases[i].from]
					   : 1000000 + (uint64_t)((double)(100 * shown) / 3.6) };
			struct meter_reading facility = it;
			facility.watts = 118e3;
			facility.raw = (uint64_t)((double)(118 * s) / 3.6);
			pue_read(m.p, IT, &it, OFFSET);
			pue_read(m.p, FACILITY, &facility, OFFSET);
			const double kwh = pue_window(m.p, 1).kwh[PUE_IT];
			assert_true(s > DAY_S || kwh >= before || isnan(kwh));
			before = isnan(kwh) ? 0 : kwh;
		}
		const struct pue_window day = pue_window(m.p, 1);
		assert_float_equal(day.kwh[PUE_IT], 2400, 0.003);
		assert_float_equal(day.coverage, 1 - cases[i].uncovered / DAY_S, 3e-4);
		assert_true(day.energy_complete);
		pue_free(m.p);
	}
}

/* The facility's counter stands for an hour of the day, or for the last minutes, and then goes on from there
 * or has it all: never 1.13, good. */
static void a_counter_that_stands_is_not_believed(void **state)
{
	static const int64_t windows[] = { 300, 3600, DAY_S };
	static const struct {
		bool has_power, catches_up;
		int64_t from, until, end;
		double kwh; /* of the day; 0 = the time since is unknown */
	} cases[] = { { true, false, 36000, 39600, DAY_S + 100, 2832 },
		{ true, true, 36000, 39600, DAY_S + 100, 2832 },
		{ false, true, 36000, 39600, DAY_S + 100, 2832 }, { true, false, 36000, 39600, 37200, 0 },
		{ false, false, 36000, 39600, 36290, 0 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pue *p = make(energy_meter, windows, 3);
		for (int64_t s = 0; s <= cases[i].end; s += 1) {
			const int64_t stood = s < cases[i].from	    ? 0
					      : s < cases[i].until  ? s - cases[i].from
					      : cases[i].catches_up ? 0
								    : cases[i].until - cases[i].from;
			struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S,
				.counter_good = true,
				.power_good = cases[i].has_power,
				.watts = 118e3,
				.raw = (uint64_t)((double)(118 * (s - stood)) / 3.6) };
			pue_read(p, FACILITY, &r, OFFSET);
			r.power_good = false;
			r.raw = (uint64_t)((double)(100 * s) / 3.6);
			pue_read(p, IT, &r, OFFSET);
		}
		const struct pue_window five = pue_window(p, 0), day = pue_window(p, 2);
		if (cases[i].kwh > 0) {
			assert_float_equal(day.kwh[PUE_FACILITY], cases[i].kwh, 0.1);
			assert_float_equal(day.coverage, 1 - 3600.0 / DAY_S, 1e-4);
			assert_int_equal(day.pue.quality, QUALITY_ESTIMATED);
		} else {
			const struct figure hour = pue_window(p, 1).pue;
			assert_true(
			    !quality_has_value(five.pue.quality) || fabs(five.pue.value - 1.18) < 0.001);
			assert_true(!quality_has_value(hour.quality) || fabs(hour.value - 1.18) < 0.002);
		}
		pue_free(p);
	}
}

/* One that is off half of the time, and tells no power: after some times that is known of it. */
static void a_counter_that_is_idle_by_turns_is_believed(void **state)
{
	static const int64_t windows[] = { 3600 };
	struct pue *p = make(energy_meter, windows, 1);
	for (int64_t s = 0; s <= 6 * 3600 + 100; s++) {
		energy(p, FACILITY, (double)s, (uint64_t)((double)(100 * s) / 3.6));
		energy(p, IT, (double)s,
		    (uint64_t)((double)(160 * (s / 1200 * 600 + (s % 1200 < 600 ? s % 1200 : 600))) / 3.6));
	}
	const struct pue_window w = pue_window(p, 0);
	assert_float_equal(w.coverage, 1, 1e-9);
	assert_float_equal(w.pue.value, 1.25, 0.001);
	pue_free(p);
}

/* One meter is silent while the clock is stepped. */
static void a_step_within_a_gap(void **state)
{
	static const double steps_s[] = { 0.5, -0.5, 30, -30 };
	for (size_t i = 0; i < COUNT(steps_s); i++) {
		struct pue *p = make_row(counting);
		for (int64_t s = 0; s <= 2 * DAY_S; s++)
			for (size_t k = 0; k < COUNT(kilowatts); k++)
				if (k != 1 || s < 40000 || s >= 42000)
					count(p, k, kilowatts[k], s,
					    s >= 41000 ? llround(steps_s[i] * 1e9) : 0);
		struct pue_window year = pue_window(p, YEAR);
		double behind_s = 2 * DAY_S + steps_s[i] - (double)(year.end_ms / 1000 - START_UTC_S);
		assert_float_equal(year.kwh[PUE_FACILITY], 118 * (2 * DAY_S - behind_s) / 3600, 0.05);
		assert_float_equal(year.kwh[PUE_IT], 100 * (2 * DAY_S - behind_s) / 3600, 0.05);
		pue_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_silent_meter_brings_its_own_energy),
		cmocka_unit_test(silences_that_overlap_are_closed_each),
		cmocka_unit_test(all_silent_and_back_one_by_one),
		cmocka_unit_test(a_day_that_is_complete_is_estimated),
		cmocka_unit_test(an_optional_meter_closes_its_gap),
		cmocka_unit_test(an_optional_meter_that_refreshes_rarely),
		cmocka_unit_test(what_waits_survives_a_restart),
		cmocka_unit_test(a_step_of_the_clock_moves_nothing),
		cmocka_unit_test(daily_steps_cost_no_coverage),
		cmocka_unit_test(a_step_within_a_gap),
		cmocka_unit_test(a_step_and_a_restart_within_a_gap),
		cmocka_unit_test(a_late_reading_steps_no_clock),
		cmocka_unit_test(a_month_of_faults_is_exact),
		cmocka_unit_test(zeros_for_long_are_a_gap),
		cmocka_unit_test(a_restart_between_refreshes),
		cmocka_unit_test(what_stood_for_a_total_is_one_gap),
		cmocka_unit_test(a_counter_that_stands_is_not_believed),
		cmocka_unit_test(a_counter_that_is_idle_by_turns_is_believed),
	};
	return cmocka_run_group_tests_name("pue_gaps", tests, NULL, NULL);
}
