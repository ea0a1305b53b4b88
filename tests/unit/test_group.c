/* Groups of loops: sums, fitness and redundancy. */
#include "unit.h"

#include "daemon/control/group.h"

#include <math.h>

static const struct figure none = { NAN, QUALITY_INVALID, "supply is stale" };

struct loop_figures {
	struct figure values[LOOP_VALUE_COUNT];
};

/* 50 kW at 100 L/min. */
static struct loop_figures running(void)
{
	return (struct loop_figures){ .values = {
					  [LOOP_HEAT] = { 50, QUALITY_GOOD, NULL },
					  [LOOP_FLOW] = { 100, QUALITY_GOOD, NULL },
				      } };
}

static struct group_member member(const struct loop_figures *f)
{
	return (struct group_member){ .figures = f->values, .flow_low = 60, .heard = true };
}

static void expect(const struct group_member *members, size_t n, double fit, double spare, const char *word)
{
	struct figure out[GROUP_VALUE_COUNT];
	group_compute(members, n, 2, out);
	assert_float_equal(out[GROUP_FIT].value, fit, 0);
	assert_float_equal(out[GROUP_NEEDED].value, 2, 0);
	assert_float_equal(out[GROUP_REDUNDANCY].value, spare, 0);
	assert_string_equal(group_redundancy_word(&out[GROUP_REDUNDANCY]), word);
}

static void three_loops_add_up(void **state)
{
	struct loop_figures l[3] = { running(), running(), running() };
	struct group_member m[3] = { member(&l[0]), member(&l[1]), member(&l[2]) };
	struct figure out[GROUP_VALUE_COUNT];
	group_compute(m, 3, 2, out);
	assert_float_equal(out[GROUP_HEAT].value, 150, 1e-9);
	assert_float_equal(out[GROUP_FLOW].value, 300, 1e-9);
	assert_int_equal(out[GROUP_HEAT].quality, QUALITY_GOOD);
	expect(m, 3, 3, 1, "n+1");
	l[0].values[LOOP_FLOW].value = 0;
	expect(m, 3, 2, 0, "n");
	l[1].values[LOOP_FLOW].value = 0;
	expect(m, 3, 1, -1, "lost");
}

static void what_makes_a_loop_unfit(void **state)
{
	struct loop_figures l = running();
	struct group_member m = member(&l);
	assert_null(group_unfit(&m));
	l.values[LOOP_FLOW].value = 60; /* the limit itself is no low flow */
	assert_null(group_unfit(&m));
	l.values[LOOP_FLOW].value = 59.9;
	assert_string_equal(group_unfit(&m), "the flow is low");
	m.flow_low = NAN;
	assert_null(group_unfit(&m));
	l.values[LOOP_FLOW].value = 0;
	assert_string_equal(group_unfit(&m), "there is no flow");
	l = running();
	l.values[LOOP_FLOW] = none;
	assert_string_equal(group_unfit(&m), "the flow is not known");
	l = running();
	l.values[LOOP_HEAT] = none;
	assert_string_equal(group_unfit(&m), "the heat is not known");
	l = running();
	m.critical = true;
	assert_string_equal(group_unfit(&m), "a critical alarm is active");
}

static void a_sum_is_as_bad_as_its_worst_loop(void **state)
{
	struct loop_figures l[2] = { running(), running() };
	struct group_member m[2] = { member(&l[0]), member(&l[1]) };
	struct figure out[GROUP_VALUE_COUNT];
	l[1].values[LOOP_HEAT].quality = QUALITY_SUSPECT;
	group_compute(m, 2, 2, out);
	assert_float_equal(out[GROUP_HEAT].value, 100, 1e-9);
	assert_int_equal(out[GROUP_HEAT].quality, QUALITY_SUSPECT);
	l[1].values[LOOP_HEAT] = none;
	group_compute(m, 2, 2, out);
	assert_true(isnan(out[GROUP_HEAT].value));
	assert_int_equal(out[GROUP_HEAT].quality, QUALITY_INVALID);
	assert_string_equal(out[GROUP_HEAT].reason, "supply is stale");
	assert_float_equal(out[GROUP_FLOW].value, 200, 1e-9); /* that is still measured */
}

static void nothing_is_said_before_each_was_heard_of(void **state)
{
	struct loop_figures l[2] = { running(), running() };
	struct group_member m[2] = { member(&l[0]), member(&l[1]) };
	struct figure out[GROUP_VALUE_COUNT];
	l[1].values[LOOP_FLOW] = l[1].values[LOOP_HEAT] = none;
	m[1].heard = false;
	group_compute(m, 2, 2, out);
	assert_int_equal(out[GROUP_FIT].quality, QUALITY_INVALID);
	assert_int_equal(out[GROUP_REDUNDANCY].quality, QUALITY_INVALID);
	assert_null(group_redundancy_word(&out[GROUP_REDUNDANCY]));
	m[1].heard = true;
	expect(m, 2, 1, -1, "lost");
}

/* Up to three polls nobody knows better than before. */
static void a_missing_reading_makes_no_loop_unfit(void **state)
{
	struct loop_figures l = running();
	struct group_member m = member(&l);
	m.waits = true;
	l.values[LOOP_FLOW] = l.values[LOOP_HEAT] = none;
	assert_null(group_unfit(&m));
	m.before = "the flow is low";
	assert_string_equal(group_unfit(&m), "the flow is low");
	m.critical = true;
	assert_string_equal(group_unfit(&m), "a critical alarm is active");
	/* what is known counts at once; without flow there is no heat to know */
	l.values[LOOP_FLOW] = (struct figure){ 0, QUALITY_GOOD, NULL };
	assert_string_equal(group_unfit(&m), "there is no flow");
	l = running();
	m.critical = false;
	assert_null(group_unfit(&m));
	m.waits = false;
	l.values[LOOP_HEAT] = none;
	assert_string_equal(group_unfit(&m), "the heat is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_loops_add_up),
		cmocka_unit_test(what_makes_a_loop_unfit),
		cmocka_unit_test(a_sum_is_as_bad_as_its_worst_loop),
		cmocka_unit_test(a_missing_reading_makes_no_loop_unfit),
		cmocka_unit_test(nothing_is_said_before_each_was_heard_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
