/* The last day in steps of five minutes. */
#include "daemon/control/trend.h"
#include "unit.h"

#include <math.h>
#include <string.h>

#define STEP_MS (TREND_STEP_S * INT64_C(1000))
/* 2025-11-24T16:00:00Z, where a step begins. */
#define START_MS INT64_C(1764000000000)

#define NEWEST (TREND_STEPS - 1)

static struct trend started(void)
{
	struct trend t;
	trend_init(&t);
	assert_int_equal(trend_end_ms(&t), 0);
	assert_true(trend_advance(&t, START_MS + 10));
	assert_int_equal(trend_end_ms(&t), START_MS);
	return t;
}

static void a_step_is_the_mean_of_what_was_seen_in_it(void **state)
{
	struct trend t = started();
	trend_see(&t, 0, 10, 1);
	assert_false(trend_advance(&t, START_MS + STEP_MS - 1));
	trend_see(&t, 0, 14, 1);
	trend_see(&t, 1, 1.25, 1);
	assert_true(isnan(trend_mean(&t, 0, NEWEST)));
	assert_true(trend_advance(&t, START_MS + STEP_MS));
	assert_int_equal(trend_end_ms(&t), START_MS + STEP_MS);
	assert_float_equal(trend_mean(&t, 0, NEWEST), 12, 0);
	assert_float_equal(trend_mean(&t, 1, NEWEST), 1.25, 0);
	assert_true(isnan(trend_mean(&t, 2, NEWEST)));
	assert_true(isnan(trend_mean(&t, 0, NEWEST - 1)));
	trend_see(&t, 0, 20, 1);
	assert_true(trend_advance(&t, START_MS + 2 * STEP_MS + 5));
	assert_float_equal(trend_mean(&t, 0, NEWEST), 20, 0);
	assert_float_equal(trend_mean(&t, 0, NEWEST - 1), 12, 0);
}

/* 100 kW at 1.10, then 300 kW at 1.30: (110 + 390) / 400. */
static void a_ratio_is_weighed_by_its_denominator(void **state)
{
	struct trend t = started();
	trend_see(&t, 0, 1.10, 100);
	trend_see(&t, 0, 1.30, 300);
	(void)trend_advance(&t, START_MS + STEP_MS);
	assert_float_equal(trend_mean(&t, 0, NEWEST), 1.25, 1e-6);
}

static void what_is_no_number_counts_for_nothing(void **state)
{
	struct trend t = started();
	trend_see(&t, 0, NAN, 1);
	trend_see(&t, 0, 8, 1);
	trend_see(&t, 0, INFINITY, 1);
	trend_see(&t, 1, 1.2, NAN);
	trend_see(&t, 1, 1.2, 0);
	(void)trend_advance(&t, START_MS + STEP_MS);
	assert_float_equal(trend_mean(&t, 0, NEWEST), 8, 0);
	assert_true(isnan(trend_mean(&t, 1, NEWEST)));
}

/* One value in each of `n` steps, which is the step's number. */
static void run(struct trend *t, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		trend_see(t, 0, (double)(t->step - START_MS / STEP_MS), 1);
		assert_true(trend_advance(t, (t->step + 1) * STEP_MS));
	}
}

static void after_a_day_the_oldest_goes(void **state)
{
	struct trend t = started();
	run(&t, TREND_STEPS);
	assert_float_equal(trend_mean(&t, 0, 0), 0, 0);
	assert_float_equal(trend_mean(&t, 0, NEWEST), NEWEST, 0);
	run(&t, 3);
	assert_float_equal(trend_mean(&t, 0, 0), 3, 0);
	assert_float_equal(trend_mean(&t, 0, NEWEST), NEWEST + 3, 0);
}

static void a_gap_stays_a_gap(void **state)
{
	struct trend t = started();
	run(&t, 5);
	trend_see(&t, 0, 5, 1);
	assert_true(trend_advance(&t, START_MS + 8 * STEP_MS));
	assert_float_equal(trend_mean(&t, 0, NEWEST - 2), 5, 0);
	assert_true(isnan(trend_mean(&t, 0, NEWEST - 1)) && isnan(trend_mean(&t, 0, NEWEST)));
	assert_true(trend_advance(&t, START_MS + 1000 * STEP_MS));
	for (unsigned i = 0; i < TREND_STEPS; i++)
		assert_true(isnan(trend_mean(&t, 0, i)));
}

static void a_clock_that_is_set_back_forgets_what_lies_ahead(void **state)
{
	struct trend t = started();
	run(&t, 10);
	trend_see(&t, 0, 10, 1);
	assert_false(trend_advance(&t, START_MS + 10 * STEP_MS - 1)); /* a moment: the step goes on */
	trend_see(&t, 0, 12, 1);
	assert_true(trend_advance(&t, START_MS + 11 * STEP_MS));
	assert_float_equal(trend_mean(&t, 0, NEWEST), 11, 0);
	assert_true(trend_advance(&t, START_MS + 4 * STEP_MS));
	assert_int_equal(trend_end_ms(&t), START_MS + 4 * STEP_MS);
	assert_float_equal(trend_mean(&t, 0, NEWEST), 3, 0);
	assert_true(trend_advance(&t, START_MS + 7 * STEP_MS));
	for (unsigned i = 0; i < 3; i++)
		assert_true(isnan(trend_mean(&t, 0, NEWEST - i)));
	assert_float_equal(trend_mean(&t, 0, NEWEST - 3), 3, 0);
}

static void a_day_is_saved_and_taken_up(void **state)
{
	struct trend t = started(), same;
	struct bytes_writer w = { 0 };
	run(&t, 300);
	trend_save(&t, &w);
	trend_init(&same);
	struct bytes_reader r = bytes_reader_of(&w);
	assert_true(trend_load(&same, &r));
	assert_int_equal(trend_end_ms(&same), trend_end_ms(&t));
	for (unsigned i = 0; i < TREND_STEPS; i++)
		assert_float_equal(trend_mean(&same, 0, i), trend_mean(&t, 0, i), 0);
	r = bytes_reader_of(&w);
	r.end--;
	trend_init(&same);
	assert_false(trend_load(&same, &r));
	assert_int_equal(trend_end_ms(&same), 0);
	bytes_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_is_the_mean_of_what_was_seen_in_it),
		cmocka_unit_test(a_ratio_is_weighed_by_its_denominator),
		cmocka_unit_test(what_is_no_number_counts_for_nothing),
		cmocka_unit_test(after_a_day_the_oldest_goes),
		cmocka_unit_test(a_gap_stays_a_gap),
		cmocka_unit_test(a_clock_that_is_set_back_forgets_what_lies_ahead),
		cmocka_unit_test(a_day_is_saved_and_taken_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
