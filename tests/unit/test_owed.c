/* What a serial line owes, and what may be asked meanwhile. */
#include "unit.h"

#include "drivers/modbus/owed.h"
#include "drivers/os/clock.h"

#define NOW (100 * NS_PER_S)
#define LATE OWED_LATE_NS

static const struct modbus_request a = { 5, POINT_HOLDING, 0, 2 }, same_size = { 5, POINT_HOLDING, 40, 2 },
				   other_size = { 5, POINT_HOLDING, 40, 3 },
				   other_table = { 5, POINT_INPUT, 0, 2 },
				   other_unit = { 6, POINT_HOLDING, 40, 2 };

static bool is_free(struct owed *o, const struct modbus_request *q, int64_t now)
{
	return owed_free_at(o, q, now) == now;
}

static void what_could_be_confused_waits(void **state)
{
	struct owed o = { 0 };
	assert_true(is_free(&o, &a, NOW));
	owed_missed(&o, &a, NOW);
	assert_true(is_free(&o, &a, NOW)); /* the same may be repeated */
	assert_true(owed_repeats(&o, &a, NOW));
	assert_true(owed_free_at(&o, &same_size, NOW) == NOW + LATE);
	assert_true(is_free(&o, &other_size, NOW));
	assert_true(is_free(&o, &other_table, NOW));
	assert_true(is_free(&o, &other_unit, NOW));
	assert_true(is_free(&o, &same_size, NOW + LATE)); /* it does not come any more */
	assert_false(owed_repeats(&o, &a, NOW + LATE));
	owed_deinit(&o);
}

/* Of bits a reply has whole bytes: three and five are alike, even at one address. */
static void bits_are_told_apart_by_bytes(void **state)
{
	static const struct modbus_request three = { 5, POINT_COIL, 0, 3 }, five = { 5, POINT_COIL, 0, 5 },
					   nine = { 5, POINT_COIL, 0, 9 };
	struct owed o = { 0 };
	owed_missed(&o, &three, NOW);
	assert_false(is_free(&o, &five, NOW));
	assert_true(is_free(&o, &nine, NOW));
	owed_deinit(&o);
}

static void a_late_reply_settles_it(void **state)
{
	struct owed o = { 0 };
	owed_missed(&o, &a, NOW);
	assert_false(owed_settle(&o, 6, 3, 4, false, NOW));
	assert_false(owed_settle(&o, 5, 4, 4, false, NOW));
	assert_false(owed_settle(&o, 5, 3, 6, false, NOW));
	assert_true(owed_settle(&o, 5, 3, 4, false, NOW));
	assert_true(is_free(&o, &same_size, NOW));
	owed_deinit(&o);
}

/* One reply to two requests: the other one is still to come, whichever it is. */
static void each_repetition_is_owed_too(void **state)
{
	struct owed o = { 0 };
	owed_missed(&o, &a, NOW);
	owed_asked(&o, &a, NOW + 10);
	owed_answered(&o, &a, NOW, NOW + 5);
	assert_true(owed_free_at(&o, &same_size, NOW + 10) == NOW + 10 + LATE);
	owed_asked(&o, &a, NOW + 20);
	owed_missed(&o, &a, NOW + 20);
	assert_true(owed_settle(&o, 5, 3, 4, false, NOW + 30));
	assert_false(is_free(&o, &same_size, NOW + 30));
	assert_true(owed_settle(&o, 5, 3, 4, false, NOW + 40));
	assert_true(is_free(&o, &same_size, NOW + 40));
	owed_asked(&o, &a, NOW + 50); /* nothing is owed: answered in time */
	owed_answered(&o, &a, NOW + 45, NOW + 50);
	assert_true(is_free(&o, &same_size, NOW + 50));
	owed_deinit(&o);
}

/* A refusal has no size: it may be the answer to all that is asked of a table. */
static void refusals_are_unclear(void **state)
{
	struct owed o = { 0 };
	owed_missed(&o, &a, NOW);
	assert_false(owed_refusal_is_unclear(&o, &a, NOW));
	assert_true(owed_refusal_is_unclear(&o, &other_size, NOW));
	assert_false(owed_refusal_is_unclear(&o, &other_table, NOW));
	assert_false(owed_refusal_is_unclear(&o, &other_size, NOW + LATE));
	owed_missed(&o, &other_size, NOW);
	assert_false(owed_settle(&o, 5, 3, 0, true, NOW)); /* of which of the two? */
	owed_missed(&o, &other_unit, NOW);
	assert_true(owed_settle(&o, 6, 3, 0, true, NOW));
	assert_true(is_free(&o, &(struct modbus_request){ 6, POINT_HOLDING, 0, 2 }, NOW));
	owed_deinit(&o);
}

/* Repetitions that are answered do not keep a refusal unclear for ever. */
static void an_answered_repetition_is_no_time_out(void **state)
{
	struct owed o = { 0 };
	owed_missed(&o, &a, NOW);
	for (int64_t t = NOW; t < NOW + LATE; t += NS_PER_S) {
		owed_asked(&o, &a, t);
		owed_answered(&o, &a, t, t);
	}
	assert_false(is_free(&o, &same_size, NOW + LATE));
	assert_false(owed_refusal_is_unclear(&o, &other_size, NOW + LATE));
	owed_deinit(&o);
}

/* A device that does one thing after the other is late with all that it was asked. */
static void a_line_that_is_behind_owes_for_longer(void **state)
{
	struct owed o = { 0 };
	int64_t t = NOW;
	owed_missed(&o, &a, NOW);
	owed_missed(&o, &other_unit, NOW);
	for (; t < NOW + 3 * LATE; t += LATE - NS_PER_S) { /* other late replies come, one by one */
		assert_false(owed_settle(&o, 7, 3, 4, false, t));
		assert_false(is_free(&o, &same_size, t));
	}
	owed_answered(&o, &other_size, t, t + 1); /* asked later, answered at once */
	assert_true(is_free(&o, &same_size, t + 1));
	owed_missed(&o, &a, t + 2); /* this is not meant by that */
	assert_false(is_free(&o, &same_size, t + 3));
	owed_deinit(&o);
}

static void many_are_remembered(void **state)
{
	struct owed o = { 0 };
	for (unsigned unit = 1; unit < 248; unit++)
		owed_missed(&o, &(struct modbus_request){ (uint8_t)unit, POINT_HOLDING, 0, 2 }, NOW);
	for (unsigned unit = 1; unit < 248; unit++)
		assert_false(
		    is_free(&o, &(struct modbus_request){ (uint8_t)unit, POINT_HOLDING, 2, 2 }, NOW));
	/* more than are remembered: the line rests */
	for (unsigned count = 1; count < 126; count++)
		for (unsigned unit = 1; unit < 20; unit++)
			owed_missed(&o,
			    &(struct modbus_request){ (uint8_t)unit, POINT_INPUT, 0, (uint16_t)count }, NOW);
	assert_false(is_free(&o, &(struct modbus_request){ 247, POINT_COIL, 0, 1 }, NOW));
	assert_true(is_free(&o, &(struct modbus_request){ 247, POINT_COIL, 0, 1 }, NOW + LATE));
	owed_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_could_be_confused_waits),
		cmocka_unit_test(bits_are_told_apart_by_bytes),
		cmocka_unit_test(a_late_reply_settles_it),
		cmocka_unit_test(each_repetition_is_owed_too),
		cmocka_unit_test(refusals_are_unclear),
		cmocka_unit_test(an_answered_repetition_is_no_time_out),
		cmocka_unit_test(a_line_that_is_behind_owes_for_longer),
		cmocka_unit_test(many_are_remembered),
	};
	return cmocka_run_group_tests_name("owed", tests, NULL, NULL);
}
