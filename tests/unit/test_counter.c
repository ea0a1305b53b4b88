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

static void counter_u32_wrap_is_18_wh(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	assert_int_equal(counter_read(&c, at(0, 4294967290u), 64800).event, COUNTER_FIRST);
	/* one low reading alone is not believed */
	assert_int_equal(counter_read(&c, at(1, 12), 64800).event, COUNTER_HELD);
	struct counter_step step = counter_read(&c, at(2, 12), 64800);
	assert_int_equal(step.event, COUNTER_WRAP);
	assert_float_equal(step.joules, 18 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
}

static void counter_reset_is_no_wrap(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	counter_read(&c, at(0, 1000000), 10e3);
	assert_int_equal(counter_read(&c, at(1, 3), 10e3).event, COUNTER_HELD);
	assert_int_equal(counter_read(&c, at(2, 5), 10e3).event, COUNTER_HELD);
	struct counter_step step = counter_read(&c, at(3, 8), 10e3);
	assert_int_equal(step.event, COUNTER_RESET);
	assert_float_equal(step.joules, 5 * WH, 1e-6); /* from 3 to 8 */
	assert_int_equal(step.reset_from_ns, 0);
	assert_int_equal(step.reset_until_ns, 1 * NS_PER_S);
}

static void counter_forgets_stray_low_readings(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	counter_read(&c, at(0, 1000), 10e3);
	assert_int_equal(counter_read(&c, at(1, 0), 10e3).event, COUNTER_HELD);
	assert_int_equal(counter_read(&c, at(2, 0), 10e3).event, COUNTER_HELD);
	struct counter_step step = counter_read(&c, at(3, 1008), 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 8 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
}

static void counter_forgets_a_stray_high_reading(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	counter_read(&c, at(0, 1000), 10e3);
	assert_int_equal(counter_read(&c, at(1, 65535000), 10e3).event, COUNTER_HELD);
	struct counter_step step = counter_read(&c, at(2, 1004), 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 4 * WH, 1e-6);
	assert_int_equal(step.from_ns, 0);
	/* nor does it turn the next low one into a drop */
	assert_int_equal(counter_read(&c, at(3, 65535000), 10e3).event, COUNTER_HELD);
	assert_int_equal(counter_read(&c, at(4, 900), 10e3).event, COUNTER_HELD);
	assert_int_equal(counter_read(&c, at(5, 1010), 10e3).event, COUNTER_STEP);
}

/* A burst between two readings of the power: the next reading confirms it, and nothing is lost. */
static void counter_believes_a_jump_that_stays(void **state)
{
	struct counter c = { .type = { .width = 32, .joules = WH } };
	counter_read(&c, at(0, 1000), 10e3);
	assert_int_equal(counter_read(&c, at(1, 1100), 10e3).event, COUNTER_HELD);
	struct counter_step step = counter_read(&c, at(2, 1102), 10e3);
	assert_int_equal(step.event, COUNTER_STEP);
	assert_float_equal(step.joules, 102 * WH, 1e-6);
	/* while the power is not known every step is taken */
	assert_int_equal(counter_read(&c, at(3, 900000), 0).event, COUNTER_STEP);
}

static void counter_of_64_bits_keeps_every_unit(void **state)
{
	struct counter c = { .type = { .width = 64, .joules = 1 } };
	counter_read(&c, at(0, UINT64_C(9007199254740993)), 10);
	struct counter_step step = counter_read(&c, at(1, UINT64_C(9007199254740994)), 10);
	assert_float_equal(step.joules, 1, 0); /* a double would have lost it */
}

static void counter_quantum_of_a_float_grows(void **state)
{
	struct counter c = { .type = { .width = 0, .joules = KWH, .mantissa = 24 } };
	counter_read(&c, (struct counter_reading){ .time_ns = 1, .number = 1048576 }, 0); /* 2^20 kWh */
	assert_float_equal(counter_quantum(&c) / KWH, 0.125, 1e-12);
	counter_read(&c, (struct counter_reading){ .time_ns = 2, .number = 1048577 }, 0);
	assert_float_equal(counter_quantum(&c) / KWH, 0.125, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_u32_wrap_is_18_wh),
		cmocka_unit_test(counter_reset_is_no_wrap),
		cmocka_unit_test(counter_forgets_stray_low_readings),
		cmocka_unit_test(counter_forgets_a_stray_high_reading),
		cmocka_unit_test(counter_believes_a_jump_that_stays),
		cmocka_unit_test(counter_of_64_bits_keeps_every_unit),
		cmocka_unit_test(counter_quantum_of_a_float_grows),
	};
	return cmocka_run_group_tests_name("counter", tests, NULL, NULL);
}
