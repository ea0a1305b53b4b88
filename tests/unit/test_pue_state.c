/* PUE figures over a restart. */
#include "pue_meters.h"

/* Saves, and loads into a new one that has another boottime: the machine was booted anew at START_UTC_S. */
#define SECOND_OFFSET (START_UTC_S * NS_PER_S)

static struct pue *restart(struct pue *p, struct meter_type type, double seconds)
{
	struct bytes_writer w = { 0 };
	pue_save(p, &w);
	assert_false(w.bad);
	pue_free(p);
	struct pue *next = make(type, four_windows, 4);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ llround(seconds * 1e9), SECOND_OFFSET };
	assert_int_equal(pue_load(next, &r, &clock), 0);
	assert_ptr_equal(r.at, r.end);
	bytes_writer_deinit(&w);
	return next;
}

/* Both meters in the second `s` after START_UTC_S; the clock is off by `wrong_s`. */
static void run_meters_at(struct pue *p, int64_t s, int64_t boot, int64_t wrong_s)
{
	static const double kilowatts[] = { [FACILITY] = 118, [IT] = 100 };
	static const double phase[] = { [FACILITY] = 0.3, [IT] = 0.8 };
	for (size_t m = 0; m < 2; m++) {
		double at = (double)s + phase[m];
		struct meter_reading r = { .time_ns = boot * NS_PER_S + llround(at * 1e9),
			.counter_good = true,
			.power_good = true,
			.watts = kilowatts[m] * 1000,
			.raw = (uint64_t)(kilowatts[m] * 1000 / WH * at) };
		pue_read(p, m, &r, (START_UTC_S - boot + wrong_s) * NS_PER_S);
	}
}

/* Energies at 118 and 100 kW from `from` to `until`; `boot` is the boottime of START_UTC_S. */
static void run_meters(struct pue *p, int64_t from, int64_t until, int64_t boot)
{
	for (int64_t s = from; s < until; s++)
		run_meters_at(p, s, boot, 0);
}

static void a_short_restart_changes_nothing(void **state)
{
	struct pue *whole = make(energy_meter, four_windows, 4), *split = make(energy_meter, four_windows, 4);
	run_meters(whole, 0, 4000, BOOT_S);
	run_meters(split, 0, 2000, BOOT_S);
	split = restart(split, energy_meter, 2000);
	run_meters(split, 2000, 4000, 0);
	for (size_t i = 0; i < 4; i++) {
		struct pue_window a = pue_window(whole, i), b = pue_window(split, i);
		assert_int_equal(a.end_ms, b.end_ms);
		assert_float_equal(a.coverage, b.coverage, 0);
		assert_float_equal(a.kwh[PUE_FACILITY], b.kwh[PUE_FACILITY], 1e-9);
		assert_float_equal(a.kwh[PUE_IT], b.kwh[PUE_IT], 1e-9);
	}
	pue_free(whole);
	pue_free(split);
}

/* Two hours without coolantd: the counters went on, so the energy is counted; it is not covered, though. */
static void the_energy_of_a_stop_is_counted(void **state)
{
	struct pue *p = make(energy_meter, four_windows, 4);
	run_meters(p, 0, 2000, BOOT_S);
	p = restart(p, energy_meter, 9200);
	run_meters(p, 9200, 10801, 0);
	struct pue_window day = pue_window(p, 3), hour = pue_window(p, 2), quarter = pue_window(p, 1);
	/* buckets of half an hour up to 3:00 */
	assert_int_equal(day.end_ms, (START_UTC_S + 10800) * 1000);
	assert_float_equal(day.kwh[PUE_FACILITY], 118.0 * 3, 0.1);
	assert_float_equal(day.kwh[PUE_IT], 100.0 * 3, 0.1);
	assert_float_equal(day.coverage * 86400, 2000 + 1600, 4);
	assert_float_equal(hour.kwh[PUE_IT], 100, 0.01);
	assert_float_equal(hour.coverage, 1600 / 3600.0, 0.001);
	assert_float_equal(quarter.coverage, 1, 0);
	assert_float_equal(quarter.pue.value, 1.18, 1e-4);
	pue_free(p);
}

/* Without counters nothing is known of the stop. */
static void the_energy_of_a_stop_without_counters_is_unknown(void **state)
{
	struct pue *p = make(power_meter, four_windows, 4);
	run_meters(p, 0, 2000, BOOT_S);
	p = restart(p, power_meter, 9200);
	run_meters(p, 9200, 10801, 0);
	struct pue_window day = pue_window(p, 3);
	assert_float_equal(day.kwh[PUE_IT], 100.0 * (2000 + 1600) / 3600, 0.1);
	assert_float_equal(day.coverage * 86400, 2000 + 1600, 4);
	pue_free(p);
}

/* A controller without a clock of its own: at boot its UTC is wrong by `wrong_s`, until it is set at `until`.
 */
static struct pue *boot_with_clock_wrong(struct pue *p, int64_t from, int64_t wrong_s, int64_t until)
{
	struct bytes_writer w = { 0 };
	pue_save(p, &w);
	pue_free(p);
	p = make(energy_meter, four_windows, 4);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ from * NS_PER_S, SECOND_OFFSET + wrong_s * NS_PER_S };
	assert_int_equal(pue_load(p, &r, &clock), 0);
	bytes_writer_deinit(&w);
	for (int64_t s = from; s < until; s++)
		run_meters_at(p, s, 0, wrong_s);
	return p;
}

static void a_clock_that_is_behind_at_boot_costs_no_energy(void **state)
{
	struct pue *p = make(energy_meter, four_windows, 4);
	int64_t when;
	run_meters(p, 0, 2000, BOOT_S);
	/* off from 2000 to 3000, and for another minute the clock says an hour earlier */
	p = boot_with_clock_wrong(p, 3000, -3600, 3060);
	struct pue_window now = pue_window(p, 0);
	assert_int_equal(now.pue.quality, QUALITY_INVALID);
	assert_string_equal(now.pue.reason, "the clock is behind what was measured before the restart");
	assert_float_equal(pue_power_ratio(p, &when).value, 1.18, 1e-9); /* the powers are there */
	run_meters(p, 3060, 3601, 0);
	struct pue_window hour = pue_window(p, 2), minute = pue_window(p, 0);
	assert_int_equal(hour.end_ms, (START_UTC_S + 3600) * 1000);
	/* but for the second before the first reading */
	assert_float_equal(hour.kwh[PUE_IT], 100.0 * 3599 / 3600, 0.001);
	assert_float_equal(hour.kwh[PUE_FACILITY], 118.0 * 3599 / 3600, 0.001);
	assert_float_equal(hour.coverage, (3600 - 1060) / 3600.0, 0.001);
	assert_int_equal(minute.pue.quality, QUALITY_GOOD);
	assert_float_equal(minute.coverage, 1, 0);
	pue_free(p);
}

/* Nobody sets it: after ten minutes it is the clock that there is. What was measured stays, and what the
 * counters have counted since the start, and during the stop as far as the meters can have, is there. */
static void a_clock_that_stays_behind_is_taken_after_a_while(void **state)
{
	static const int64_t behind[] = { 600, 1800, 7 * 86400 };
	for (size_t i = 0; i < COUNT(behind); i++) {
		struct pue *p = make(energy_meter, four_windows, 4);
		run_meters(p, 0, 86400 + 2000, BOOT_S);
		p = boot_with_clock_wrong(p, 86400 + 2030, -behind[i], 86400 + 2030 + 590);
		if (behind[i] > 600) /* else it has passed that meanwhile */
			assert_int_equal(pue_window(p, 0).pue.quality, QUALITY_INVALID);
		for (int64_t s = 86400 + 2620; s < 86400 + 2720; s++)
			run_meters_at(p, s, 0, -behind[i]);
		struct pue_window minute = pue_window(p, 0), day = pue_window(p, 3);
		assert_int_equal(minute.pue.quality, QUALITY_GOOD);
		assert_float_equal(minute.pue.value, 1.18, 1e-3);
		assert_in_range(minute.end_ms, (START_UTC_S + 86400 + 2710 - behind[i]) * 1000,
		    (START_UTC_S + 86400 + 2720 - behind[i]) * 1000);
		/* what was measured twice in the same hours of the clock is there twice */
		if (behind[i] < 7 * 86400) {
			assert_true(day.kwh[PUE_IT] > 100 * (24 - 1900 / 3600.0));
			assert_float_equal(day.pue.value, 1.18, 1e-3);
		}
		/* the clock is set after all: of the day no more was lost than the half hour whose place was
		   needed */
		for (int64_t s = 86400 + 2720; s < 86400 + 4600; s++)
			run_meters_at(p, s, 0, 0);
		day = pue_window(p, 3);
		assert_float_equal(day.pue.value, 1.18, 1e-3);
		assert_true(day.coverage > 0.97);
		assert_float_equal(day.kwh[PUE_IT], 2400, 80);
		pue_free(p);
	}
}

static void damaged_state_is_refused(void **state)
{
	struct pue *p = make(energy_meter, four_windows, 4);
	struct bytes_writer w = { 0 };
	run_meters(p, 0, 100, BOOT_S);
	pue_save(p, &w);
	pue_free(p);
	for (size_t n = 0; n < w.size; n++) {
		p = make(energy_meter, four_windows, 4);
		struct bytes_reader r = { w.data, w.data + n, false };
		assert_true(pue_load(p, &r, &(struct wall_clock){ 200 * NS_PER_S, OFFSET }) < 0);
		pue_free(p);
	}
	bytes_writer_deinit(&w);
}

/* Another list of windows, and meters that are polled more rarely: windows of the same length go on. */
static void other_windows_keep_energies(void **state)
{
	static const int64_t others[] = { 86400, 7200, 3600 };
	struct pue *p = make(energy_meter, four_windows, 4);
	struct bytes_writer w = { 0 };
	run_meters(p, 0, 4000, BOOT_S);
	struct pue_window hour = pue_window(p, 2), day = pue_window(p, 3);
	pue_save(p, &w);
	for (int64_t interval = 10; interval <= 120; interval += 110) {
		struct meter_type type = energy_meter;
		type.interval_ns = interval * NS_PER_S; /* of two minutes: on a grid of minutes */
		struct pue *next = make(type, others, 3);
		struct bytes_reader r = { w.data, w.data + w.size, false };
		static struct wall_clock clock; /* outlives the figure */
		clock = (struct wall_clock){ 4000 * NS_PER_S, SECOND_OFFSET };
		assert_int_equal(pue_load(next, &r, &clock), 0);
		assert_ptr_equal(r.at, r.end);
		struct pue_window a = pue_window(next, 2), b = pue_window(next, 0);
		assert_float_equal(a.kwh[PUE_IT], hour.kwh[PUE_IT], 0);
		assert_float_equal(a.coverage, hour.coverage, 1e-9);
		assert_float_equal(b.kwh[PUE_FACILITY], day.kwh[PUE_FACILITY], 0);
		/* a new one begins with what the others have of its time */
		assert_float_equal(pue_window(next, 1).kwh[PUE_IT], hour.kwh[PUE_IT], 0);
		pue_free(next);
	}
	struct pue *next = make(energy_meter, others, 3);
	assert_true(pue_inherit(next, p));
	run_meters(p, 4000, 9000, BOOT_S);
	run_meters(next, 4000, 9000, BOOT_S);
	assert_float_equal(pue_window(next, 0).kwh[PUE_IT], pue_window(p, 3).kwh[PUE_IT], 1e-9);
	assert_float_equal(pue_window(next, 2).coverage, pue_window(p, 2).coverage, 0);
	pue_free(next);
	pue_free(p);
	bytes_writer_deinit(&w);
}

/* One reads the meters each second, then each two minutes, and each second again, at times that are no whole
 * minutes; one meter is silent over each change, and closes its gap later. */
static void another_grid_loses_nothing(void **state)
{
	static const int64_t changes[] = { 20017, 40551, 61003 };
	struct meter_type type = energy_meter;
	type.accuracy = 0.005;
	struct pue *p = make(type, four_windows, 4);
	size_t turn = 0;
	for (int64_t s = 0; s < 86400 + 1000; s++) {
		const bool is_slow = turn == 1;
		if (turn < COUNT(changes) && s == changes[turn]) {
			turn++;
			type.interval_ns = (turn == 1 ? 120 : 1) * NS_PER_S;
			struct pue *next = make(type, four_windows, 4);
			assert_true(pue_inherit(next, p));
			pue_free(p);
			p = next;
		}
		for (size_t m = 0; m < 2; m++) {
			static const double kilowatts[] = { [FACILITY] = 118, [IT] = 100 };
			const bool silent = m == IT && ((s > 19000 && s < 21000) || (s > 40000 && s < 41000));
			const struct meter_reading r = { .time_ns = (BOOT_S + s) * NS_PER_S,
				.counter_good = true,
				.power_good = true,
				.watts = kilowatts[m] * 1000,
				.raw = (uint64_t)(kilowatts[m] * 1000 / WH * (double)s) };
			if (!silent && (!is_slow || s % 120 == 7))
				pue_read(p, m, &r, OFFSET);
		}
	}
	const struct pue_window day = pue_window(p, 3);
	assert_int_equal(day.start_ms, START_UTC_S * 1000);
	assert_float_equal(day.kwh[PUE_FACILITY], 2832, 0.01);
	assert_float_equal(day.kwh[PUE_IT], 2400, 0.01);
	assert_true(day.energy_complete);
	assert_float_equal(day.coverage, 1 - 3000.0 / 86400, 0.004);
	pue_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_restart_changes_nothing),
		cmocka_unit_test(the_energy_of_a_stop_is_counted),
		cmocka_unit_test(the_energy_of_a_stop_without_counters_is_unknown),
		cmocka_unit_test(a_clock_that_is_behind_at_boot_costs_no_energy),
		cmocka_unit_test(a_clock_that_stays_behind_is_taken_after_a_while),
		cmocka_unit_test(damaged_state_is_refused),
		cmocka_unit_test(other_windows_keep_energies),
		cmocka_unit_test(another_grid_loses_nothing),
	};
	return cmocka_run_group_tests_name("pue_state", tests, NULL, NULL);
}
