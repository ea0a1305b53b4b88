/* What a loop is topped up with a day, against sums by hand. */
#include "unit.h"

#include "daemon/control/makeup.h"

#include <math.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR (3600 * NS_PER_S)
#define DAY (24 * HOUR)
#define BEGIN (100 * NS_PER_S)

/* 2 L/h, read each minute. */
static void pour(struct makeup *m, int64_t from, int64_t to)
{
	for (int64_t t = from; t <= to; t += MINUTE)
		makeup_see_flow(m, 2e-3 / 3600, BEGIN + t, 3 * MINUTE);
}

/* A meter that stands at 5 m3 at the beginning and gains 48 L a day, to a litre, read each minute. */
static double meter_at(int64_t t)
{
	return 5 + floor((double)t / DAY * 48 + 1e-9) / 1000;
}

static void turn(struct makeup *m, int64_t from, int64_t to)
{
	for (int64_t t = from; t <= to; t += MINUTE)
		makeup_see_volume(m, meter_at(t), BEGIN + t, 1);
}

static void expect(struct makeup *m, int64_t when, double litres, double tolerance, enum quality q)
{
	struct figure f = makeup_rate(m, BEGIN + when);
	assert_int_equal(f.quality, q);
	assert_float_equal(f.value, litres, tolerance);
}

static void two_litres_an_hour_are_48_a_day(void **state)
{
	struct makeup m = { 0 };
	pour(&m, 0, HOUR / 2);
	assert_int_equal(makeup_rate(&m, BEGIN + HOUR / 2).quality, QUALITY_INVALID);
	pour(&m, HOUR / 2, HOUR);
	expect(&m, HOUR, 48, 1e-6, QUALITY_ESTIMATED);
	pour(&m, HOUR, 2 * DAY);
	expect(&m, 2 * DAY, 48, 1e-6, QUALITY_GOOD);
}

/* What is not measured counts neither as coolant nor as time; a day later nothing is known any more. */
static void a_gap_in_the_flow_is_not_bridged(void **state)
{
	struct makeup m = { 0 };
	pour(&m, 0, DAY / 2);
	pour(&m, DAY / 2 + HOUR, DAY);
	expect(&m, DAY, 48, 1e-6, QUALITY_GOOD);
	expect(&m, DAY + DAY / 2, 48, 1e-6, QUALITY_ESTIMATED);
	assert_int_equal(makeup_rate(&m, BEGIN + 3 * DAY).quality, QUALITY_INVALID);
}

static void a_meter_gives_the_same(void **state)
{
	struct makeup m = { 0 };
	turn(&m, 0, DAY);
	expect(&m, DAY, 48, 1.1, QUALITY_GOOD); /* its quantum is a litre */
	/* it is silent for 3 h, and its litres are there all the same */
	turn(&m, DAY + 3 * HOUR, 2 * DAY);
	expect(&m, 2 * DAY, 48, 1.1, QUALITY_GOOD);
}

static void a_meter_that_lies_for_a_while_adds_nothing(void **state)
{
	struct makeup m = { 0 };
	turn(&m, 0, 12 * HOUR);
	makeup_see_volume(&m, 4294967.295, BEGIN + 12 * HOUR + 10 * NS_PER_S, 1); /* one reading too high */
	turn(&m, 12 * HOUR + MINUTE, 13 * HOUR);
	for (int i = 1; i <= 3; i++) /* zeros */
		makeup_see_volume(&m, 0, BEGIN + 13 * HOUR + i * 10 * NS_PER_S, 1);
	turn(&m, 13 * HOUR + MINUTE, DAY);
	expect(&m, DAY, 48, 1.1, QUALITY_GOOD);
}

static void another_meter_begins_anew(void **state)
{
	struct makeup m = { 0 };
	turn(&m, 0, 12 * HOUR);
	for (int64_t t = 12 * HOUR + MINUTE; t <= DAY; t += MINUTE) /* 0.2 m3 from here on */
		makeup_see_volume(&m, meter_at(t) - 4.8, BEGIN + t, 1);
	expect(&m, DAY, 48, 1.5, QUALITY_GOOD);
	for (int64_t t = DAY + MINUTE; t <= DAY + 12 * HOUR; t += MINUTE) /* 9 m3: more than a loop has */
		makeup_see_volume(&m, meter_at(t) + 4, BEGIN + t, 1);
	expect(&m, DAY + 12 * HOUR, 48, 1.5, QUALITY_GOOD);
}

/* The same reading seen again is none: it would confirm itself. */
static void a_reading_counts_once(void **state)
{
	struct makeup m = { 0 };
	turn(&m, 0, 2 * HOUR);
	for (int i = 0; i < 5; i++)
		makeup_see_volume(&m, 5.9, BEGIN + 2 * HOUR + MINUTE, 1);
	turn(&m, 2 * HOUR + 2 * MINUTE, 4 * HOUR);
	expect(&m, 4 * HOUR, 48, 6.1, QUALITY_ESTIMATED);
}

static void a_restart_keeps_the_day(void **state)
{
	struct makeup m = { 0 }, again = { 0 }, other = { 0 };
	struct bytes_writer w = { 0 };
	const int64_t offset = 1764000000 * NS_PER_S, stop = HOUR;
	turn(&m, 0, DAY);
	makeup_save(&m, offset, &w);
	/* the machine was started anew: 50 s of boottime, one hour of UTC later */
	struct wall_clock clock = { .now_ns = 50 * NS_PER_S,
		.offset_ns = offset + BEGIN + DAY + stop - 50 * NS_PER_S };
	struct bytes_reader r = bytes_reader_of(&w);
	makeup_load(&again, &clock, &r);
	assert_false(r.bad);
	for (int64_t t = 0; t <= HOUR; t += MINUTE)
		makeup_see_volume(&again, meter_at(DAY + stop + t), clock.now_ns + t, 1);
	struct figure f = makeup_rate(&again, clock.now_ns + HOUR);
	assert_int_equal(f.quality, QUALITY_GOOD);
	assert_float_equal(f.value, 48, 1.5);
	r.end -= 1;
	r.at = w.data;
	makeup_load(&other, &clock, &r);
	assert_true(r.bad);
	assert_int_equal(other.read_ns, 0);
	bytes_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_litres_an_hour_are_48_a_day),
		cmocka_unit_test(a_gap_in_the_flow_is_not_bridged),
		cmocka_unit_test(a_meter_gives_the_same),
		cmocka_unit_test(a_meter_that_lies_for_a_while_adds_nothing),
		cmocka_unit_test(another_meter_begins_anew),
		cmocka_unit_test(a_reading_counts_once),
		cmocka_unit_test(a_restart_keeps_the_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
