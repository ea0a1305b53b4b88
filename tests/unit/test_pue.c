/* PUE as worked examples that a facility engineer can check with a pocket calculator. */
#include "pue_meters.h"

#include <malloc.h>
#include <string.h>

static void constant_118_over_100_in_every_window(void **state)
{
	struct pue *p = make(power_meter, four_windows, 4);
	int64_t when;
	for (int s = 0; s <= 86400 + 1800; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, 100);
	}
	assert_float_equal(pue_power_ratio(p, &when).value, 1.18, 1e-9);
	assert_int_equal(when, (BOOT_S + 86400 + 1800) * NS_PER_S);
	for (size_t w = 0; w < 4; w++) {
		struct pue_window win = pue_window(p, w);
		assert_int_equal(win.pue.quality, QUALITY_GOOD);
		assert_float_equal(win.pue.value, 1.18, 1e-9);
		assert_float_equal(win.coverage, 1, 1e-9);
		assert_float_equal(win.kwh[PUE_IT], 100.0 * (double)four_windows[w] / 3600, 1e-6);
		assert_int_equal(win.end_ms - win.start_ms, four_windows[w] * 1000);
		assert_int_equal(win.end_ms % 1000, 0);
	}
	pue_free(p);
}

static void counters_give_the_same_as_power(void **state)
{
	struct pue *p = make(energy_meter, one_minute, 1);
	/* 360 kW and 180 kW: 100 Wh and 50 Wh a second, so that whole counts are exact */
	for (int s = 0; s <= 70; s++) {
		power(p, FACILITY, s, 1);
		power(p, IT, s, 1);
		energy(p, FACILITY, s + 0.2, (uint64_t)(5000 + 100 * s));
		energy(p, IT, s + 0.7, (uint64_t)(900000 + 50 * s));
	}
	struct pue_window w = pue_window(p, 0);
	assert_int_equal(w.pue.quality, QUALITY_GOOD);
	assert_float_equal(w.pue.value, 2, 1e-9);
	assert_float_equal(w.kwh[PUE_IT], 3, 1e-9);
	pue_free(p);
}

/* Two meters that are polled 0.9 s apart under a ramp give the same ratio as in phase. */
static double ratio_of_ramp(double lag, double *instant)
{
	struct pue *p = make(power_meter, one_minute, 1);
	int64_t when;
	for (int s = 0; s <= 90; s++) {
		power(p, FACILITY, s, 118 * (1 + s * 0.01));
		power(p, IT, s + lag, 100 * (1 + (s + lag) * 0.01));
	}
	*instant = pue_power_ratio(p, &when).value;
	struct pue_window w = pue_window(p, 0);
	assert_int_equal(w.pue.quality, QUALITY_GOOD);
	pue_free(p);
	return w.pue.value;
}

static void meters_out_of_phase_agree(void **state)
{
	double in_phase, lagging;
	assert_float_equal(ratio_of_ramp(0.9, &lagging), ratio_of_ramp(0, &in_phase), 1e-6);
	assert_float_equal(lagging, in_phase, 1e-9);
}

static void the_order_of_arrival_changes_nothing(void **state)
{
	struct pue *a = make(power_meter, one_minute, 1), *b = make(power_meter, one_minute, 1);
	for (int s = 0; s <= 80; s += 4) {
		for (int k = 0; k < 4; k++) {
			power(a, FACILITY, s + k, 100 + k);
			power(a, IT, s + k + 0.3, 90 - k);
		}
		for (int k = 0; k < 4; k++)
			power(b, IT, s + k + 0.3, 90 - k);
		for (int k = 0; k < 4; k++)
			power(b, FACILITY, s + k, 100 + k);
	}
	struct pue_window wa = pue_window(a, 0), wb = pue_window(b, 0);
	assert_true(wa.kwh[PUE_IT] == wb.kwh[PUE_IT]);
	assert_true(wa.kwh[PUE_FACILITY] == wb.kwh[PUE_FACILITY]);
	pue_free(a);
	pue_free(b);
}

/* One hour at 1.5 with 10 kW, one at 1.1 with 100 kW: the energies say 125/110, a mean of ratios would
 * say 1.3. */
static void it_is_a_ratio_of_energies(void **state)
{
	static const int64_t two_hours[] = { 7200 };
	struct pue *p = make(power_meter, two_hours, 1);
	for (int s = 0; s <= 7200 + 150; s++) {
		bool first = s < 3600;
		power(p, FACILITY, s, first ? 15 : 110);
		power(p, IT, s, first ? 10 : 100);
	}
	struct pue_window w = pue_window(p, 0);
	double sum_it = w.kwh[PUE_IT], sum_total = w.kwh[PUE_FACILITY];
	assert_float_equal(w.pue.value, sum_total / sum_it, 1e-12);
	assert_float_equal(w.pue.value, 125.0 / 110, 0.003); /* the window has moved on by two minutes */
	pue_free(p);
}

static void coverage_decides_the_quality(void **state)
{
	static const struct {
		int missing_s;
		enum quality quality;
	} cases[] = { { 0, QUALITY_GOOD }, { 4, QUALITY_GOOD }, { 5, QUALITY_ESTIMATED },
		{ 7, QUALITY_ESTIMATED }, { 9, QUALITY_INVALID } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pue *p = make(power_meter, one_minute, 1);
		/* the IT meter is not read for some seconds: beyond three intervals nothing is bridged */
		for (int s = 0; s <= 70; s++) {
			power(p, FACILITY, s, 118);
			if (s <= 30 || s > 30 + cases[i].missing_s)
				power(p, IT, s, 100);
		}
		struct pue_window w = pue_window(p, 0);
		int lost = cases[i].missing_s > 3 ? cases[i].missing_s + 1 : 0;
		if (cases[i].missing_s == 4) /* a gap of 5 s: 5 cells */
			lost = 5;
		assert_float_equal(w.coverage, (60 - lost) / 60.0, 1e-9);
		enum quality expected = w.coverage >= 0.95  ? QUALITY_GOOD
					: w.coverage >= 0.9 ? QUALITY_ESTIMATED
							    : QUALITY_INVALID;
		assert_int_equal(w.pue.quality, expected);
		if (expected == QUALITY_INVALID)
			assert_true(isnan(w.pue.value));
		else
			assert_float_equal(w.pue.value, 1.18, 1e-9);
		pue_free(p);
	}
}

/* Windows of a day and more want 98 % and 96 %. */
static void coverage_of_a_day_decides_more_strictly(void **state)
{
	static const struct {
		double missing; /* share of the day */
		enum quality quality;
	} cases[] = { { 0.019, QUALITY_GOOD }, { 0.021, QUALITY_ESTIMATED }, { 0.039, QUALITY_ESTIMATED },
		{ 0.041, QUALITY_INVALID } };
	static const int64_t day[] = { 86400 };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pue *p = make(power_meter, day, 1);
		int until = 30000 + (int)(86400 * cases[i].missing);
		for (int s = 0; s <= 86400 + 10; s++) {
			power(p, FACILITY, s, 118);
			if (s <= 30000 || s > until)
				power(p, IT, s, 100);
		}
		struct pue_window w = pue_window(p, 0);
		assert_float_equal(w.coverage, 1 - cases[i].missing, 1e-4);
		assert_int_equal(w.pue.quality, cases[i].quality);
		pue_free(p);
	}
}

/* An annual figure is not stated before the year is there; how much of it is, is. */
static void a_year_says_how_much_of_it_is_covered(void **state)
{
	static const int64_t year[] = { 365 * 86400 };
	struct meter_type slow = power_meter;
	slow.interval_ns = 600 * NS_PER_S; /* the grid is of whole minutes */
	struct pue *p = make(slow, year, 1);
	for (int64_t minute = 0; minute <= 366 * 1440; minute += 10) {
		power(p, FACILITY, (double)minute * 60, 118);
		power(p, IT, (double)minute * 60, 100);
		if (minute != 100 * 1440)
			continue;
		struct pue_window w = pue_window(p, 0);
		assert_int_equal(w.pue.quality, QUALITY_INVALID);
		assert_string_equal(w.pue.reason, "too little of the time was measured");
		assert_float_equal(w.coverage, 100.0 / 365, 1e-6);
	}
	struct pue_window w = pue_window(p, 0);
	assert_int_equal(w.pue.quality, QUALITY_GOOD);
	assert_float_equal(w.pue.value, 1.18, 1e-9);
	assert_float_equal(w.coverage, 1, 1e-9);
	assert_int_equal(w.end_ms % 86400000, 0); /* whole days of UTC */
	pue_free(p);
}

static void a_meter_that_is_gone_makes_it_invalid_with_a_reason(void **state)
{
	struct pue *p = make(power_meter, four_windows, 4);
	int64_t when;
	for (int s = 0; s <= 120; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, 100);
	}
	pue_set_quality(p, FACILITY, QUALITY_STALE, QUALITY_GOOD);
	struct figure ratio = pue_power_ratio(p, &when);
	assert_int_equal(ratio.quality, QUALITY_INVALID);
	assert_true(isnan(ratio.value));
	assert_string_equal(ratio.reason, "main is stale");
	assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_INVALID);
	assert_string_equal(pue_window(p, 0).pue.reason, "main is stale");
	pue_free(p);
}

/* The power of a role is never its last one: whatever keeps a reading away, and whether or not it is told. */
static void a_power_that_stays_away_is_not_the_last_one(void **state)
{
	struct pue *p = make(power_meter, one_minute, 1);
	int64_t when;
	for (int s = 0; s <= 30; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, 100);
	}
	pue_set_quality(p, FACILITY, QUALITY_SUSPECT, QUALITY_GOOD);
	struct figure facility = pue_role_power(p, PUE_FACILITY), ratio = pue_power_ratio(p, &when);
	assert_true(isnan(facility.value) && isnan(ratio.value));
	assert_string_equal(facility.reason, "main is suspect, which is not counted");
	assert_float_equal(pue_role_power(p, PUE_IT).value, 100, 1e-9);

	pue_set_quality(p, FACILITY, QUALITY_GOOD, QUALITY_GOOD);
	for (int s = 31; s <= 33; s++)
		power(p, IT, s, 100);
	assert_float_equal(pue_role_power(p, PUE_FACILITY).value, 118, 1e-9);
	for (int s = 34; s <= 300; s++)
		power(p, IT, s, 100);
	facility = pue_role_power(p, PUE_FACILITY);
	ratio = pue_power_ratio(p, &when);
	assert_true(isnan(facility.value) && isnan(ratio.value));
	assert_string_equal(facility.reason, "main has had no usable power for a while");
	assert_string_equal(ratio.reason, facility.reason);
	assert_float_equal(pue_role_power(p, PUE_IT).value, 100, 1e-9);
	pue_free(p);
}

static void below_one_is_shown_and_suspect(void **state)
{
	struct pue *p = make(power_meter, one_minute, 1);
	int64_t when;
	for (int s = 0; s <= 70; s++) {
		power(p, FACILITY, s, 80);
		power(p, IT, s, 100);
	}
	assert_float_equal(pue_power_ratio(p, &when).value, 0.8, 1e-9);
	assert_int_equal(pue_power_ratio(p, &when).quality, QUALITY_SUSPECT);
	assert_float_equal(pue_window(p, 0).pue.value, 0.8, 1e-9);
	assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_SUSPECT);
	pue_free(p);
}

static void no_it_load_is_no_ratio(void **state)
{
	struct pue *p = make(power_meter, one_minute, 1);
	int64_t when;
	power(p, FACILITY, 0, 10);
	power(p, IT, 0, 0);
	assert_int_equal(pue_power_ratio(p, &when).quality, QUALITY_INVALID);
	assert_true(isnan(pue_power_ratio(p, &when).value));
	pue_free(p);
}

/* 99 quanta of a kWh counter in the window are too coarse, 120 are not. */
static void a_coarse_counter_is_not_divided(void **state)
{
	static const struct {
		unsigned step;
		enum quality quality;
	} cases[] = { { 1, QUALITY_INVALID }, { 2, QUALITY_GOOD } };
	struct meter_type coarse = energy_meter;
	coarse.counter.joules = 3.6e6; /* 1 kWh */
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pue *p = make(coarse, one_minute, 1);
		for (int s = 0; s <= 70; s++) {
			energy(p, FACILITY, s, (uint64_t)(2 * cases[i].step * (unsigned)s));
			energy(p, IT, s, (uint64_t)(cases[i].step * (unsigned)s));
		}
		assert_int_equal(pue_window(p, 0).pue.quality, cases[i].quality);
		pue_free(p);
	}
}

/* A counter knows what was used in a gap, so the energy is counted; its time is not covered. */
static void a_counter_bridges_a_gap_as_estimated(void **state)
{
	struct pue *p = make(energy_meter, one_minute, 1);
	for (int s = 0; s <= 70; s++) {
		energy(p, FACILITY, s, (uint64_t)(200 * s));
		if (s <= 30 || s > 40)
			energy(p, IT, s, (uint64_t)(100 * s));
	}
	struct pue_window w = pue_window(p, 0);
	assert_float_equal(w.kwh[PUE_IT], 6, 1e-9);
	assert_float_equal(w.coverage, (60 - 11) / 60.0, 1e-9);
	pue_free(p);
}

static struct pue *run_constant(const struct pue_meter_spec *meters, const double *kw, size_t n)
{
	struct pue *p = pue_new(&(struct pue_spec){ meters, n, one_minute, 1 });
	for (size_t i = 0; i < n; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	for (int s = 0; s <= 70; s++)
		for (size_t i = 0; i < n; i++)
			power(p, i, s, kw[i]);
	return p;
}

static void roles_add_up(void **state)
{
	struct pue_meter_spec meters[] = {
		{ PUE_FACILITY, "grid", power_meter },
		{ PUE_EXPORT, "sold", power_meter },
		{ PUE_IT, "a", power_meter },
		{ PUE_IT, "b", power_meter },
		{ PUE_IT_EMBEDDED_COOLING, "fans", power_meter },
		{ PUE_REUSE_HEAT, "heat", power_meter },
	};
	static const double kw[] = { 150, 10, 60, 50, 10, 30 };
	struct pue *p = run_constant(meters, kw, COUNT(meters));
	int64_t when;
	struct pue_window w = pue_window(p, 0);
	assert_float_equal(pue_power_ratio(p, &when).value, 140.0 / 100, 1e-9);
	assert_float_equal(w.pue.value, 140.0 / 100, 1e-9);
	assert_float_equal(w.ere.value, 110.0 / 100, 1e-9);
	assert_false(pue_is_partial(p));
	pue_free(p);
}

/* Fans of 10 kW inside the IT racks are cooling; what no meter of cooling or losses tells is other. */
static void parts_add_up_to_the_total(void **state)
{
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "grid", power_meter },
		{ PUE_EXPORT, "sold", power_meter }, { PUE_IT, "racks", power_meter },
		{ PUE_IT_EMBEDDED_COOLING, "fans", power_meter }, { PUE_COOLING, "pumps", power_meter },
		{ PUE_LOSS, "ups", power_meter } };
	static const double kw[] = { 150, 6, 110, 10, 9, 5 };
	struct pue *p = run_constant(meters, kw, COUNT(meters));
	struct pue_window w = pue_window(p, 0);
	assert_float_equal(w.parts.kwh[PUE_PART_IT], 100 / 60.0, 1e-9);
	assert_float_equal(w.parts.kwh[PUE_PART_COOLING], 19 / 60.0, 1e-9);
	assert_float_equal(w.parts.kwh[PUE_PART_LOSS], 5 / 60.0, 1e-9);
	assert_float_equal(w.parts.kwh[PUE_PART_OTHER], 20 / 60.0, 1e-9);
	double sum = 0;
	for (unsigned i = 0; i < PUE_PART_COUNT; i++)
		sum += w.parts.kwh[i];
	assert_float_equal(sum / w.parts.kwh[PUE_PART_IT], w.pue.value, 1e-9);
	pue_free(p);
}

/* pPUE = (E_IT + E_cooling + E_loss) / E_IT */
static void a_partial_pue_counts_cooling_and_losses(void **state)
{
	const struct pue_meter_spec meters[] = { { PUE_IT, "racks", power_meter },
		{ PUE_COOLING, "pumps", power_meter }, { PUE_LOSS, "ups", power_meter } };
	static const double kw[] = { 100, 4, 3 };
	struct pue *p = run_constant(meters, kw, COUNT(meters));
	struct pue_window w = pue_window(p, 0);
	int64_t when;
	assert_float_equal(w.pue.value, 1.07, 1e-9);
	assert_float_equal(pue_power_ratio(p, &when).value, 1.07, 1e-9);
	assert_false(w.parts.has[PUE_PART_OTHER]); /* no facility meter could tell */
	pue_free(p);
}

/* At so many kW each, with these classes in percent. */
static double uncertainty_of(
    const struct pue_meter_spec *specs, const double *kw, const double *class, size_t n)
{
	struct pue_meter_spec meters[4];
	for (size_t i = 0; i < n; i++) {
		meters[i] = specs[i];
		meters[i].type = power_meter;
		meters[i].type.accuracy = class[i] / 100;
	}
	struct pue *p = run_constant(meters, kw, n);
	double u = pue_window(p, 0).uncertainty;
	pue_free(p);
	return u;
}

static void uncertainty_follows_from_the_classes(void **state)
{
	/* golden: two class-0.5 meters at PUE 1.05 */
	static const struct pue_meter_spec two[] = { { .role = PUE_FACILITY, .name = "main" },
		{ .role = PUE_IT, .name = "pdu" } };
	assert_float_equal(
	    uncertainty_of(two, (double[]){ 105, 100 }, (double[]){ 0.5, 0.5 }, 2), 0.0074, 0.00005);
	assert_float_equal(uncertainty_of(two, (double[]){ 118, 100 }, (double[]){ 0.2, 1 }, 2),
	    1.18 * sqrt(0.002 * 0.002 + 0.01 * 0.01), 1e-9);
	assert_true(isnan(uncertainty_of(two, (double[]){ 118, 100 }, (double[]){ NAN, 1 }, 2)));

	/* two equal IT meters: their errors partly cancel */
	static const struct pue_meter_spec three[] = { { .role = PUE_FACILITY, .name = "main" },
		{ .role = PUE_IT, .name = "a" }, { .role = PUE_IT, .name = "b" } };
	assert_float_equal(uncertainty_of(three, (double[]){ 118, 50, 50 }, (double[]){ 0.5, 1, 1 }, 3),
	    1.18 * sqrt(0.005 * 0.005 + 0.01 * 0.01 / 2), 1e-9);

	/* partial: the IT meter is in both terms, so only the cooling's part of the ratio is uncertain */
	static const struct pue_meter_spec partial[] = { { .role = PUE_COOLING, .name = "pump" },
		{ .role = PUE_IT, .name = "pdu" } };
	assert_float_equal(uncertainty_of(partial, (double[]){ 8, 100 }, (double[]){ 1, 0.5 }, 2),
	    0.08 * sqrt(0.01 * 0.01 + 0.005 * 0.005), 1e-9);
}

static void without_a_facility_meter_it_is_partial(void **state)
{
	struct pue_meter_spec meters[] = { { PUE_IT, "a", power_meter },
		{ PUE_COOLING, "cdu", power_meter } };
	struct pue *p = run_constant(meters, (double[]){ 100, 4 }, 2);
	int64_t when;
	assert_true(pue_is_partial(p));
	assert_float_equal(pue_power_ratio(p, &when).value, 1.04, 1e-9);
	assert_float_equal(pue_window(p, 0).pue.value, 1.04, 1e-9);
	pue_free(p);
}

/* A meter of a minute and one of a second: after a common step the ratio is of the moment that both have. */
static void meters_of_different_rhythm_are_of_one_moment(void **state)
{
	struct meter_type slow = power_meter;
	slow.interval_ns = 60 * NS_PER_S;
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", slow },
		{ PUE_IT, "pdu", power_meter } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, 2, one_minute, 1 });
	int64_t when;
	pue_set_quality(p, FACILITY, QUALITY_GOOD, QUALITY_GOOD);
	pue_set_quality(p, IT, QUALITY_GOOD, QUALITY_GOOD);
	for (int s = 0; s <= 400; s++) {
		double kw = s < 150 ? 100 : 200;
		power(p, IT, s, kw);
		/* the slow one misses a poll too */
		if (s % 60 == 30 && s != 270)
			power(p, FACILITY, s, 1.18 * kw);
		struct figure f = pue_power_ratio(p, &when);
		if (s < 30)
			continue;
		assert_int_equal(f.quality, QUALITY_GOOD);
		assert_float_equal(f.value, 1.18, 1e-9);
		assert_true((BOOT_S + s) * NS_PER_S - when < 120 * NS_PER_S);
	}
	pue_free(p);
}

/* A current transformer that is the wrong way round: -40 kW in a sum. */
static void a_negative_meter_is_suspect(void **state)
{
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", power_meter },
		{ PUE_IT, "a", power_meter }, { PUE_IT, "b", power_meter } };
	struct pue *p = run_constant(meters, (double[]){ 118, 60, -40 }, 3);
	int64_t when;
	struct figure f = pue_power_ratio(p, &when);
	assert_float_equal(f.value, 5.9, 1e-9);
	assert_int_equal(f.quality, QUALITY_SUSPECT);
	assert_non_null(strstr(f.reason, "negative power"));
	struct pue_window w = pue_window(p, 0);
	assert_int_equal(w.pue.quality, QUALITY_SUSPECT);
	assert_non_null(strstr(w.pue.reason, "negative power"));
	pue_free(p);
	/* nor does its counter tell, which then stands still */
	const struct pue_meter_spec counting[] = { { PUE_FACILITY, "main", energy_meter },
		{ PUE_IT, "a", energy_meter }, { PUE_IT, "b", energy_meter } };
	p = pue_new(&(struct pue_spec){ counting, 3, one_minute, 1 });
	for (size_t i = 0; i < 3; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	for (int s = 0; s <= 70; s++)
		for (size_t i = 0; i < 3; i++) {
			static const double kw[] = { 360, 180, -90 };
			power(p, i, s, kw[i]);
			energy(p, i, s, (uint64_t)(kw[i] > 0 ? kw[i] / 3.6 * s : 0));
		}
	assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_SUSPECT);
	pue_free(p);
	/* noise of a meter without load is not */
	p = run_constant(meters, (double[]){ 118, 100, -0.0 }, 3);
	assert_int_equal(pue_power_ratio(p, &when).quality, QUALITY_GOOD);
	pue_free(p);
}

/* One second of it marks a minute, and not an hour; and a counter that has counted on says that nothing is
 * missing. */
static void a_suspect_second_says_nothing_of_an_hour(void **state)
{
	struct pue *p = make(power_meter, four_windows, 3);
	for (int s = 0; s <= 3670; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, s == 3640 || s == 3641 ? -40 : 100);
	}
	assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_SUSPECT);
	assert_int_equal(pue_window(p, 2).pue.quality, QUALITY_GOOD);
	pue_free(p);
	p = make(energy_meter, four_windows, 3);
	for (int s = 0; s <= 3700; s++)
		for (size_t i = 0; i < 2; i++) {
			power(p, i, s, i == IT && s > 3640 && s < 3660 ? -40 : i == IT ? 360 : 424.8);
			energy(p, i, s, (uint64_t)(i == IT ? 100 * s : 118 * s));
		}
	for (size_t w = 0; w < 3; w++)
		assert_int_equal(pue_window(p, w).pue.quality, QUALITY_GOOD);
	pue_free(p);
}

/* One garbled power does not make a preset counter plausible, and one that is no power is none. */
static void a_garbled_power_teaches_nothing(void **state)
{
	struct pue *p = make(energy_meter, one_minute, 1);
	for (int s = 0; s <= 170; s++) {
		power(p, FACILITY, s, s == 20 ? 1e7 : s == 30 ? 1e35 : 360);
		power(p, IT, s, 180);
		energy(p, FACILITY, s, (uint64_t)(5000 + 100 * s + (s >= 100 ? 2000000 : 0)));
		energy(p, IT, s, (uint64_t)(900000 + 50 * s));
	}
	struct pue_window w = pue_window(p, 0);
	assert_float_equal(w.kwh[PUE_FACILITY], 6, 0.11);
	assert_float_equal(w.kwh[PUE_IT], 3, 1e-9);
	pue_free(p);
}

static struct pue *with_an_export(double quantum)
{
	struct meter_type counting = energy_meter;
	counting.has_power = false;
	counting.counter.joules = quantum;
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", power_meter },
		{ PUE_IT, "pdu", power_meter }, { PUE_EXPORT, "sold", counting } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, 3, one_minute, 1 });
	for (size_t i = 0; i < 3; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

/* An export that is counted only: its power is what its counter counts, over a hundred of its steps. */
static void an_export_without_power_is_estimated(void **state)
{
	struct pue *p = with_an_export(WH);
	int64_t when;
	for (int s = 0; s <= 300; s++) {
		power(p, FACILITY, s, 154);
		power(p, IT, s, 100);
		energy(p, 2, s, (uint64_t)(700 + 3.6e4 / 3.6e3 * s + 0.37)); /* 36 kW */
		struct figure f = pue_power_ratio(p, &when);
		if (!quality_has_value(f.quality)) {
			assert_true(s < 11);
			continue;
		}
		assert_float_equal(f.value, 1.18, 0.004);
		assert_int_equal(f.quality, QUALITY_ESTIMATED);
		assert_string_equal(f.reason, "the power of an export is that of its counter");
	}
	assert_float_equal(pue_window(p, 0).pue.value, 1.18, 1e-9);
	assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_GOOD);
	pue_free(p);
}

/* Steps of 100 Wh, one each ten seconds: no power of it before there were a hundred, then it does not jump;
 * at night it goes to nothing. And one that never counts is nothing as soon as a step would not matter. */
static void an_export_in_large_steps_does_not_jump(void **state)
{
	struct pue *p = with_an_export(100 * WH);
	int64_t when;
	double low = INFINITY, high = 0;
	for (int s = 0; s <= 14400; s++) {
		const int counted = s < 3600 ? s : 3600;
		power(p, FACILITY, s, s < 3600 ? 154 : 118);
		power(p, IT, s, 100);
		energy(p, 2, s, (uint64_t)(700 + counted / 10));
		struct figure f = pue_power_ratio(p, &when);
		if (s < 1000) {
			assert_string_equal(
			    f.reason, "the counter of an export has not counted enough for a power yet");
		} else if (s > 1010 && s < 3600) {
			low = fmin(low, f.value);
			high = fmax(high, f.value);
		}
	}
	assert_true(low > 1.17 && high < 1.19);
	assert_float_equal(pue_power_ratio(p, &when).value, 1.18, 0.002);
	pue_free(p);

	p = with_an_export(WH);
	for (int s = 0; s <= 40; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, 100);
		energy(p, 2, s, 700);
		assert_int_equal(quality_has_value(pue_power_ratio(p, &when).quality), s >= 36);
	}
	assert_float_equal(pue_power_ratio(p, &when).value, 1.18, 1e-9);
	pue_free(p);
}

/* The most that a configuration may ask for: eight windows of 599 parts each. */
static void the_longest_lists_of_windows_are_bounded(void **state)
{
	static const int64_t windows[] = { 599 * 60, 593 * 60, 587 * 60, 577 * 300, 571 * 900, 569 * 1800,
		563 * 3600, 557 * 7200 };
	size_t before = mallinfo2().uordblks;
	struct pue *p = make(energy_meter, windows, COUNT(windows));
	size_t used = mallinfo2().uordblks - before;
	if (used >= 1024 * 1024)
		fail_msg("%zu bytes", used);
	for (int s = 0; s <= 70; s++) {
		power(p, FACILITY, s, 118);
		power(p, IT, s, 100);
	}
	int64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	enum { TURNS = 100 };
	for (int i = 0; i < TURNS; i++)
		for (size_t w = 0; w < COUNT(windows); w++)
			(void)pue_window(p, w);
	int64_t each = (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / TURNS;
	if (each >= 10 * NS_PER_MS) /* 1 ms is wanted; a sanitizer and a slow machine have some more */
		fail_msg("%lld ns", (long long)each);
	pue_free(p);
}

static void a_clock_that_jumps_gives_no_negative_window(void **state)
{
	static const int64_t jumps_s[] = { -3600, 3600, 10 * 365 * 86400, -50 };
	for (size_t i = 0; i < COUNT(jumps_s); i++) {
		struct pue *p = make(power_meter, four_windows, 2);
		for (int s = 0; s <= 300; s++) {
			int64_t offset = OFFSET + (s > 150 ? jumps_s[i] * NS_PER_S : 0);
			struct meter_reading f = {
				.time_ns = (BOOT_S + s) * NS_PER_S, .power_good = true, .watts = 118e3
			};
			struct meter_reading it = {
				.time_ns = (BOOT_S + s) * NS_PER_S, .power_good = true, .watts = 100e3
			};
			pue_read(p, FACILITY, &f, offset);
			pue_read(p, IT, &it, offset);
			for (size_t w = 0; w < 2; w++) {
				struct pue_window win = pue_window(p, w);
				assert_true(win.end_ms >= win.start_ms);
				assert_true(win.coverage >= 0 && win.coverage <= 1);
				assert_true(isnan(win.kwh[PUE_IT]) || win.kwh[PUE_IT] >= 0);
				if (quality_has_value(win.pue.quality))
					assert_float_equal(win.pue.value, 1.18, 1e-9);
			}
		}
		assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_GOOD);
		pue_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_118_over_100_in_every_window),
		cmocka_unit_test(counters_give_the_same_as_power),
		cmocka_unit_test(meters_out_of_phase_agree),
		cmocka_unit_test(the_order_of_arrival_changes_nothing),
		cmocka_unit_test(it_is_a_ratio_of_energies),
		cmocka_unit_test(coverage_decides_the_quality),
		cmocka_unit_test(coverage_of_a_day_decides_more_strictly),
		cmocka_unit_test(a_year_says_how_much_of_it_is_covered),
		cmocka_unit_test(a_meter_that_is_gone_makes_it_invalid_with_a_reason),
		cmocka_unit_test(a_power_that_stays_away_is_not_the_last_one),
		cmocka_unit_test(below_one_is_shown_and_suspect),
		cmocka_unit_test(no_it_load_is_no_ratio),
		cmocka_unit_test(a_coarse_counter_is_not_divided),
		cmocka_unit_test(a_counter_bridges_a_gap_as_estimated),
		cmocka_unit_test(roles_add_up),
		cmocka_unit_test(parts_add_up_to_the_total),
		cmocka_unit_test(a_partial_pue_counts_cooling_and_losses),
		cmocka_unit_test(uncertainty_follows_from_the_classes),
		cmocka_unit_test(without_a_facility_meter_it_is_partial),
		cmocka_unit_test(meters_of_different_rhythm_are_of_one_moment),
		cmocka_unit_test(a_negative_meter_is_suspect),
		cmocka_unit_test(a_suspect_second_says_nothing_of_an_hour),
		cmocka_unit_test(a_garbled_power_teaches_nothing),
		cmocka_unit_test(an_export_without_power_is_estimated),
		cmocka_unit_test(an_export_in_large_steps_does_not_jump),
		cmocka_unit_test(the_longest_lists_of_windows_are_bounded),
		cmocka_unit_test(a_clock_that_jumps_gives_no_negative_window),
	};
	return cmocka_run_group_tests_name("pue", tests, NULL, NULL);
}
