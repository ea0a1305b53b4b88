/* Energy counters as meters show them: steps, wraps, resets, stray readings. */
#include "unit.h"

#include "daemon/control/counter.h"
#include "drivers/os/clock.h"

#define WH 3600.0
#define KWH 3.6e6

static struct counter_reading at(int64_t seconds, uint64_t raw)
{
	return (struct counter_reading){ .time_ns = seconds * NS_PER_S, .raw = raw };
}

static struct counter_step read_at(struct counter *c, int64_t seconds, uint64_t raw, double told_watts)
{
	const struct counter_power power = { .told = told_watts };
	return counter_read(c, at(seconds, raw), &power);
}

/* With what the power has shown, and without any power. */
static struct counter_step read_seen(struct counter *c, int64_t seconds, uint64_t raw, double seen_watts)
{
	const struct counter_power power = { .seen = seen_watts };
	return counter_read(c, at(seconds, raw), &power);
}

static void counter_u32_wrap_is_18_wh(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	assert_int_equal(read_at(&c, 0, 4294967290u, 64800).event, COUNTER_FIRST);
	/* one low reading alone is not believed */
	assert_int_equal(read_at(&c, 1, 12, 64800).event, COUNTER_HELD);
	struct counter_step step = read_at(&c, 2, 12, 64800);
	assert_int_equal(step.event, COUNTER_WRAP);
	assert_float_equal(step.joules, 18 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
}

static void counter_reset_is_no_wrap(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	read_at(&c, 0, 1000000, 10e3);
	assert_int_equal(read_at(&c, 1, 3, 10e3).event, COUNTER_HELD);
	assert_int_equal(read_at(&c, 2, 5, 10e3).event, COUNTER_HELD);
	struct counter_step step = read_at(&c, 3, 8, 10e3);
	assert_int_equal(step.event, COUNTER_RESET);
	assert_float_equal(step.joules, 5 * WH, 1e-6); /* from 3 to 8 */
	assert_int_equal(step.reset_from_ns, 0);
	assert_int_equal(step.reset_until_ns, 1 * NS_PER_S);
}

static void counter_forgets_stray_low_readings(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	read_at(&c, 0, 1000, 10e3);
	assert_int_equal(read_at(&c, 1, 0, 10e3).event, COUNTER_HELD);
	assert_int_equal(read_at(&c, 2, 0, 10e3).event, COUNTER_HELD);
	struct counter_step step = read_at(&c, 3, 1008, 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 8 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
}

static void counter_forgets_a_stray_high_reading(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	read_at(&c, 0, 1000, 10e3);
	assert_int_equal(read_at(&c, 1, 65535000, 10e3).event, COUNTER_HELD);
	struct counter_step step = read_at(&c, 2, 1004, 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 4 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
	/* nor does it turn the next low one into a drop */
	assert_int_equal(read_at(&c, 3, 65535000, 10e3).event, COUNTER_HELD);
	assert_int_equal(read_at(&c, 4, 900, 10e3).event, COUNTER_HELD);
	assert_int_equal(read_at(&c, 5, 1010, 10e3).event, COUNTER_STEP);
}

/* A meter that was set to another value, as when it took the place of one: no consumption, however often it
 * is seen. What it counts from there on is. */
static void counter_takes_a_jump_for_a_reset(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	read_seen(&c, 0, 1000, 10e3);
	read_seen(&c, 1, 1003, 10e3);
	assert_int_equal(read_seen(&c, 2, 2001006, 10e3).event, COUNTER_HELD); /* 2,000 kWh more */
	assert_int_equal(read_seen(&c, 3, 2001009, 10e3).event, COUNTER_HELD);
	struct counter_step step = read_seen(&c, 4, 2001012, 10e3);
	assert_int_equal(step.event, COUNTER_RESET);
	assert_float_equal(step.joules, 6 * WH, 1e-6);
	assert_int_equal(step.reset_from_ns, 1 * NS_PER_S);
	assert_int_equal(step.reset_until_ns, 2 * NS_PER_S);
	assert_float_equal(read_seen(&c, 5, 2001015, 10e3).joules, 3 * WH, 1e-6);
}

/* Zeros for three readings, as while a meter starts, then its total: as if nothing had been. */
static void counter_that_shows_zeros_goes_on(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	double sum = 0;
	for (int64_t s = 0; s <= 100; s++) {
		bool zeros = s >= 50 && s < 53;
		sum += read_seen(&c, s, zeros ? 0 : (uint64_t)(26000000 + 10 * s), 36e3).joules;
	}
	assert_float_equal(sum, 1000 * WH, 1e-6);
}

static void counter_of_ones_goes_on(void **state)
{
	struct counter c = { .type = { .width = 64, .joules = KWH } };
	double sum = 0;
	for (int64_t s = 0; s <= 100; s++) {
		bool ones = s >= 50 && s < 53;
		sum += read_seen(&c, s, ones ? UINT64_MAX : (uint64_t)(26000 + s / 10), 360e3).joules;
	}
	assert_float_equal(sum, 10 * KWH, 1e-6);
}

/* The same sample, fed again, confirms nothing. */
static void counter_is_confirmed_by_other_polls_only(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	read_seen(&c, 0, 1000, 10e3);
	read_seen(&c, 1, 1003, 10e3);
	assert_int_equal(read_seen(&c, 2, 2001006, 10e3).event, COUNTER_HELD);
	for (int i = 0; i < 10; i++)
		assert_int_equal(read_seen(&c, 2, 2001006, 10e3).event, COUNTER_SAME);
	struct counter_step step = read_seen(&c, 3, 1009, 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 6 * WH, 1e-6);
}

/* Without any power: nothing is believed before two changes have taught how fast it counts, and then all of
 * it is counted. */
static void counter_teaches_its_own_power(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	double sum = 0;
	for (int64_t s = 0; s <= 20; s++)
		sum += read_seen(&c, s, (uint64_t)(5000 + 28 * s), 0).joules;
	assert_float_equal(sum, 20 * 28 * WH, 1e-6);
	/* ten times that is believed when it is seen again, more is not */
	assert_int_equal(read_seen(&c, 21, 5000 + 28 * 20 + 270, 0).event, COUNTER_HELD);
	struct counter_step step = read_seen(&c, 22, 5000 + 28 * 20 + 270 + 28, 0);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, (270 + 28) * WH, 1e-6);
	for (int64_t s = 23; s < 30; s++) {
		step = read_seen(&c, s, (uint64_t)(5000 + 28 * s + 242 + 320), 0);
		assert_true(step.event == COUNTER_HELD || step.event == COUNTER_RESET || s > 25);
		assert_true(step.joules <= 2 * 28 * WH + 1);
	}
}

/* What is read rises for some polls, and then is as before, or stays there: never consumption, also beside a
 * power, however long it is waited for. */
static void rising_readings_are_no_consumption(void **state)
{
	static const struct {
		double seen_watts;
		bool stays;
		uint64_t wh[10]; /* more than the truth; 0 = none any more */
	} cases[] = { { 0, false, { 5000000, 15000000, 75000000 } }, { 0, false, { 32000, 82000, 132000 } },
		{ 0, false, { 32000, 82000, 132000, 182000, 232000, 282000, 332000, 382000, 432000 } },
		{ 0, true, { 1000000, 2000000, 3000000 } }, { 118e3, true, { 1000000, 2000000, 3000000 } },
		{ 118e3, true, { 1300 } }, { 0, true, { 12000 } } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counter c = { .type = { .width = 32, .joules = 10 * WH } };
		double sum = 0;
		uint64_t more = 0;
		for (int64_t s = 0; s <= 3600; s += 10) {
			const int64_t n = (s - 2070) / 10;
			const bool bad = s >= 2070 && n < 10 && cases[i].wh[n] > 0;
			more = bad ? cases[i].wh[n] : cases[i].stays ? more : 0;
			sum += read_seen(
			    &c, s, (uint64_t)(500000 + 118 * s / 36) + more / 10, cases[i].seen_watts)
				   .joules;
		}
		assert_float_equal(sum, 118 * KWH, (cases[i].stays ? 2.0 : 0.02) * KWH);
		assert_true(sum <= 118.01 * KWH);
	}
}

/* A day of readings of which one in thirty has a bit turned, and an hour of words that are swapped. */
static void garbled_readings_are_forgotten(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = 10 * WH } };
	double sum = 0;
	uint32_t seed = 1;
	for (int64_t s = 0; s <= 86400; s += 10) {
		uint32_t raw = (uint32_t)(500000 + 118 * s / 36);
		seed = seed * 1664525 + 1013904223;
		if ((seed >> 8) % 30 == 0)
			raw ^= UINT32_C(1) << (4 + (seed >> 16) % 26);
		else if (s >= 40000 && s < 43600)
			raw = raw << 16 | raw >> 16;
		const struct counter_step step = read_seen(&c, s, raw, 0);
		assert_true(step.joules >= 0);
		sum += step.joules;
	}
	assert_float_equal(sum, 24 * 118 * KWH, 1 * KWH);
}

/* From nearly nothing to a load: all of it is counted when it has gone on for some readings. */
static void counter_learns_a_load_that_rises(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = 10 * WH } };
	double sum = 0;
	uint64_t wh = 5000000;
	for (int64_t s = 0; s <= 7200; s += 10) {
		sum += read_seen(&c, s, wh / 10, 0).joules;
		wh += s < 3600 ? 10 : 1640;
	}
	assert_float_equal(sum, (360 * 10.0 + 360 * 1640.0) * WH, 20 * WH);
}

/* Readings that happen to grow, some in a row, beside a power that says 100 kW: nothing of them is counted.
 */
static void garbled_readings_that_grow_teach_nothing(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	static const uint64_t garbled[] = { 7000000, 90000000, 600000000, 1500000000, 2500000000, 4000000000,
		12 };
	double sum = 0;
	for (int64_t s = 0; s <= 300; s++) {
		const bool bad = s >= 100 && s < 100 + (int64_t)COUNT(garbled);
		struct counter_step step =
		    read_seen(&c, s, bad ? garbled[s - 100] : (uint64_t)(5000 + 28 * s), 100e3);
		assert_true(step.event != COUNTER_WRAP);
		sum += step.joules;
	}
	assert_float_equal(sum, 300 * 28 * WH, 12 * 28 * WH);
	assert_true(sum <= 300 * 28 * WH);
}

static void counter_that_is_set_at_its_begin_is_not_counted(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	double sum = 0;
	for (int64_t s = 0; s <= 60; s++)
		sum += read_seen(&c, s, (uint64_t)((s < 2 ? 5000 : 2005000) + 28 * s), 0).joules;
	assert_true(sum <= 60 * 28 * WH && sum >= 50 * 28 * WH);
}

/* A heat meter that refreshes every quarter of an hour, at a constant power that is known. */
static void counter_may_be_refreshed_seldom(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	double sum = 0;
	for (int64_t s = 0; s <= 7200; s += 10)
		sum += read_seen(&c, s, (uint64_t)((s + 600) / 900 * 25000), 100e3).joules;
	assert_float_equal(sum, 8 * 25000 * WH, 1e-6);
}

/* Polled each second, now and then a bit early or late, at nearly the power that it may have at most. */
static void counter_out_of_step_is_no_reset(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	const struct counter_power power = { .told = 130e3 };
	double sum = 0;
	for (int64_t s = 0; s <= 3600; s++) {
		/* it refreshes once a second too, from just before the poll to just after it */
		int64_t late_ms = s % 7 == 3 ? 120 : s % 7 == 5 ? -120 : 0, at_ms = 1000 * s + late_ms;
		struct counter_reading r = { at_ms * NS_PER_MS + NS_PER_S,
			(uint64_t)(5000 + 118000 / 3600.0 * (double)((at_ms + 100) / 1000)), 0, 0 };
		struct counter_step step = counter_read(&c, r, &power);
		assert_int_not_equal(step.event, COUNTER_RESET);
		sum += step.joules;
	}
	assert_float_equal(sum, 118000 * WH, 40 * WH);
}

/* What a meter has counted while it was not read is what its power allows. */
static void counter_goes_on_after_a_gap(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	for (int64_t s = 0; s <= 20; s++)
		read_seen(&c, s, (uint64_t)(5000 + 28 * s), 0);
	struct counter_step step = read_seen(&c, 20 + 86400, 5000 + 28 * (20 + 86400), 0);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 28 * 86400 * WH, 1e-3);
	assert_int_equal(read_seen(&c, 20 + 2 * 86400, UINT32_MAX - 5, 0).event, COUNTER_HELD);
}

/* bcd and mod10k begin anew at a power of ten. */
static void counter_of_decimals_wraps_at_its_digits(void **state)
{
	static const struct {
		struct counter_type type;
		double last, next;
	} cases[] = { { { .digits = 4, .joules = WH }, 9998, 4 },
		{ { .digits = 8, .joules = 10 * WH }, 99999998, 4 },
		{ { .digits = 16, .joules = WH }, 9999999999999998, 4 },
		{ { .width = 16, .joules = KWH, .is_scaled = true }, 65.534, 0.004 } };
	const struct counter_power power = { .told = 1e6 };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counter c = { .type = cases[i].type };
		struct counter_reading r = { 1, (uint64_t)cases[i].last, cases[i].last, 0.001 };
		counter_read(&c, r, &power);
		r = (struct counter_reading){ 1 + NS_PER_S, (uint64_t)cases[i].next, cases[i].next, 0.001 };
		assert_int_equal(counter_read(&c, r, &power).event, COUNTER_HELD);
		r.time_ns += NS_PER_S;
		struct counter_step step = counter_read(&c, r, &power);
		assert_int_equal(step.event, COUNTER_WRAP);
		assert_float_equal(step.joules, 6 * counter_quantum(&c), 1e-3);
	}
}

/* A reversed current transformer: nothing is counted, and it is said once. */
static void counter_that_counts_backwards_is_said(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	unsigned said = 0;
	for (int64_t s = 0; s <= 3600; s++) {
		struct counter_step step = read_seen(&c, s, (uint64_t)(5000000 - 28 * s), 0);
		said += step.event == COUNTER_BACKWARDS;
		assert_float_equal(step.joules, 0, 0);
	}
	assert_int_equal(said, 1);
}

static void counter_of_64_bits_keeps_every_unit(void **state)
{
	struct counter c = { .type = { .width = 64, .joules = 1 } };
	read_at(&c, 0, UINT64_C(9007199254740993), 10);
	struct counter_step step = read_at(&c, 1, UINT64_C(9007199254740994), 10);
	assert_float_equal(step.joules, 1, 0); /* a double would have lost it */
}

static void counter_quantum_of_a_float_grows(void **state)
{
	struct counter c = { .type = { .width = 0, .joules = KWH, .mantissa = 24 } };
	const struct counter_power power = { 0 };
	counter_read(&c, (struct counter_reading){ .time_ns = 1, .number = 1048576 }, &power); /* 2^20 kWh */
	assert_float_equal(counter_quantum(&c) / KWH, 0.125, 1e-12);
	counter_read(&c, (struct counter_reading){ .time_ns = 2, .number = 1048576.125 }, &power);
	assert_float_equal(counter_quantum(&c) / KWH, 0.125, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_u32_wrap_is_18_wh),
		cmocka_unit_test(counter_reset_is_no_wrap),
		cmocka_unit_test(counter_forgets_stray_low_readings),
		cmocka_unit_test(counter_forgets_a_stray_high_reading),
		cmocka_unit_test(counter_takes_a_jump_for_a_reset),
		cmocka_unit_test(counter_that_shows_zeros_goes_on),
		cmocka_unit_test(counter_of_ones_goes_on),
		cmocka_unit_test(counter_is_confirmed_by_other_polls_only),
		cmocka_unit_test(counter_teaches_its_own_power),
		cmocka_unit_test(garbled_readings_that_grow_teach_nothing),
		cmocka_unit_test(rising_readings_are_no_consumption),
		cmocka_unit_test(garbled_readings_are_forgotten),
		cmocka_unit_test(counter_learns_a_load_that_rises),
		cmocka_unit_test(counter_that_is_set_at_its_begin_is_not_counted),
		cmocka_unit_test(counter_may_be_refreshed_seldom),
		cmocka_unit_test(counter_out_of_step_is_no_reset),
		cmocka_unit_test(counter_goes_on_after_a_gap),
		cmocka_unit_test(counter_of_decimals_wraps_at_its_digits),
		cmocka_unit_test(counter_that_counts_backwards_is_said),
		cmocka_unit_test(counter_of_64_bits_keeps_every_unit),
		cmocka_unit_test(counter_quantum_of_a_float_grows),
	};
	return cmocka_run_group_tests_name("counter", tests, NULL, NULL);
}
