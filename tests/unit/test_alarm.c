/* Alarms as stories: at second, an input, the state that must follow. */
#include "unit.h"

#include "daemon/control/alarm.h"
#include "drivers/os/clock.h"

#include <math.h>

#define SECONDS(s) ((s)*NS_PER_S)

struct step {
	int64_t second;
	double value; /* NAN = stale */
	enum alarm_state state;
};

/* An input that is read when it is judged. */
static bool update(struct alarm *a, const struct figure *f, int64_t now_ns, int64_t utc_ms)
{
	return alarm_update(a, f, now_ns, now_ns, utc_ms);
}

static void play(const struct alarm_config *c, const struct step *steps, size_t n)
{
	struct alarm a;
	enum alarm_state before = ALARM_UNKNOWN;
	alarm_init(&a, c);
	for (size_t i = 0; i < n; i++) {
		bool stale = isnan(steps[i].value);
		struct figure f = { steps[i].value, stale ? QUALITY_STALE : QUALITY_GOOD, NULL };
		bool changed = update(&a, &f, SECONDS(steps[i].second), 1000 * steps[i].second);
		if (a.state != steps[i].state)
			fail_msg("step %zu: %s", i, alarm_state_word(a.state));
		assert_int_equal(changed, a.state != before);
		if (changed)
			assert_int_equal(a.changed_ms, 1000 * steps[i].second);
		before = a.state;
	}
}

#define PLAY(config, ...)                                                                                    \
	play(config, (const struct step[]){ __VA_ARGS__ },                                                   \
	    sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

static void a_leak_is_raised_at_once_and_cleared_late(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE, .delay_off = SECONDS(5) };
	PLAY(&c, { 0, 0, ALARM_NORMAL }, { 1, 1, ALARM_ACTIVE }, { 2, 0, ALARM_ACTIVE },
	    { 6, 0, ALARM_ACTIVE }, { 7, 0, ALARM_NORMAL });
	PLAY(&c, { 0, 1, ALARM_ACTIVE });
	/* a flicker within the delay does not clear it */
	PLAY(&c, { 0, 1, ALARM_ACTIVE }, { 1, 0, ALARM_ACTIVE }, { 5, 1, ALARM_ACTIVE },
	    { 6, 0, ALARM_ACTIVE }, { 10, 0, ALARM_ACTIVE }, { 11, 0, ALARM_NORMAL });
}

static void a_limit_must_be_passed_for_its_delay(void **state)
{
	const struct alarm_config c = {
		.when = WHEN_ABOVE, .limit = 45, .hysteresis = 1, .delay_on = SECONDS(30)
	};
	PLAY(&c, { 0, 40, ALARM_NORMAL }, { 1, 46, ALARM_NORMAL }, { 30, 46, ALARM_NORMAL },
	    { 31, 46, ALARM_ACTIVE });
	PLAY(&c, { 0, 46, ALARM_NORMAL }, { 20, 40, ALARM_NORMAL }, { 21, 46, ALARM_NORMAL },
	    { 40, 46, ALARM_NORMAL }, { 51, 46, ALARM_ACTIVE });
}

static void hysteresis_keeps_it_until_well_inside(void **state)
{
	const struct alarm_config above = { .when = WHEN_ABOVE, .limit = 45, .hysteresis = 1 };
	const struct alarm_config below = { .when = WHEN_BELOW, .limit = 20, .hysteresis = 2 };
	const struct alarm_config outside = { .when = WHEN_OUTSIDE, .low = 10, .high = 20, .hysteresis = 1 };
	PLAY(&above, { 0, 45, ALARM_NORMAL }, { 1, 45.1, ALARM_ACTIVE }, { 2, 44.5, ALARM_ACTIVE },
	    { 3, 44, ALARM_NORMAL });
	PLAY(&below, { 0, 20, ALARM_NORMAL }, { 1, 19.9, ALARM_ACTIVE }, { 2, 21.9, ALARM_ACTIVE },
	    { 3, 22, ALARM_NORMAL });
	PLAY(&outside, { 0, 15, ALARM_NORMAL }, { 1, 9, ALARM_ACTIVE }, { 2, 10.5, ALARM_ACTIVE },
	    { 3, 11, ALARM_NORMAL }, { 4, 20.1, ALARM_ACTIVE }, { 5, 19.5, ALARM_ACTIVE },
	    { 6, 19, ALARM_NORMAL });
}

static void a_latch_waits_for_the_acknowledgement(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE, .latch = true };
	PLAY(&c, { 0, 0, ALARM_NORMAL }, { 1, 1, ALARM_ACTIVE }, { 2, 0, ALARM_CLEARED_UNACKNOWLEDGED },
	    { 100, 0, ALARM_CLEARED_UNACKNOWLEDGED }, { 101, 1, ALARM_ACTIVE },
	    { 102, 0, ALARM_CLEARED_UNACKNOWLEDGED }, { 103, NAN, ALARM_CLEARED_UNACKNOWLEDGED });

	struct alarm a;
	alarm_init(&a, &c);
	update(&a, &(struct figure){ 1, QUALITY_GOOD, NULL }, 1, 1);
	a.acknowledged = true;
	update(&a, &(struct figure){ 0, QUALITY_GOOD, NULL }, 2, 2);
	assert_int_equal(a.state, ALARM_NORMAL);
}

static void an_acknowledged_alarm_goes_with_its_condition(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE, .latch = true };
	const struct figure on = { 1, QUALITY_GOOD, NULL }, off = { 0, QUALITY_GOOD, NULL };
	struct alarm a;
	alarm_init(&a, &c);
	update(&a, &off, 1, 1);
	assert_string_equal(alarm_acknowledge(&a, "ann", 2), "it is not active");
	update(&a, &on, 3, 3);
	assert_null(alarm_acknowledge(&a, "ann", 4));
	assert_int_equal(a.state, ALARM_ACTIVE); /* active acknowledged */
	assert_int_equal(a.changed_ms, 4);
	assert_string_equal(alarm_acknowledge(&a, "ann", 5), "it is acknowledged already");
	update(&a, &off, 6, 6);
	assert_int_equal(a.state, ALARM_NORMAL);
	/* a new one is unacknowledged; acknowledged after its condition is gone it is over */
	update(&a, &on, 7, 7);
	assert_false(a.acknowledged);
	update(&a, &off, 8, 8);
	assert_int_equal(a.state, ALARM_CLEARED_UNACKNOWLEDGED);
	assert_null(alarm_acknowledge(&a, "ann", 9));
	assert_int_equal(a.state, ALARM_NORMAL);
	assert_int_equal(a.changed_ms, 9);
}

/* A restart keeps the state, not the value: that is not known before the first reading. */
static void after_a_restart_the_value_is_unknown(void **state)
{
	const struct alarm_config c = { .when = WHEN_ABOVE, .limit = 1 };
	const struct figure none = { NAN, QUALITY_INVALID, "without a reading yet" };
	struct alarm a, b;
	struct bytes_writer w = { 0 };
	alarm_init(&a, &c);
	assert_true(isnan(a.input.value));
	update(&a, &(struct figure){ 2, QUALITY_GOOD, NULL }, 1, 1);
	alarm_save(&a, 0, &w);
	alarm_init(&b, &c);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	alarm_load(&b, &(struct wall_clock){ 2, 0 }, &r);
	assert_false(r.bad);
	assert_int_equal(b.state, ALARM_ACTIVE);
	assert_true(isnan(b.input.value));
	assert_false(update(&b, &none, 3, 3));
	assert_int_equal(b.state, ALARM_ACTIVE);
	assert_int_equal(b.input.quality, QUALITY_INVALID);
	bytes_writer_deinit(&w);
}

/* Else it would be raised when the clock has caught up, however long that takes. */
static void a_clock_that_is_behind_delays_no_alarm(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE, .delay_on = SECONDS(5) };
	const struct figure on = { 1, QUALITY_GOOD, NULL };
	struct alarm a, b;
	struct bytes_writer w = { 0 };
	alarm_init(&a, &c);
	update(&a, &on, SECONDS(100), 1);
	alarm_save(&a, SECONDS(86400), &w);
	alarm_init(&b, &c);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	alarm_load(
	    &b, &(struct wall_clock){ SECONDS(10), SECONDS(3600) }, &r); /* the clock is a day behind */
	update(&b, &on, SECONDS(12), 2);
	assert_int_equal(b.state, ALARM_NORMAL);
	update(&b, &on, SECONDS(15), 3);
	assert_int_equal(b.state, ALARM_ACTIVE);
	bytes_writer_deinit(&w);
}

/* How many points are stale is no reading: it has no age of its own, and a delay on it ends. */
static void what_was_not_read_is_of_now(void **state)
{
	const struct alarm_config c = { .when = WHEN_STALE,
		.points = { .how = COMBINE_COUNT, .needed = 2 },
		.interval = SECONDS(1),
		.delay_on = SECONDS(30) };
	struct alarm a;
	alarm_init(&a, &c);
	for (int64_t s = 100; s < 130; s++) {
		alarm_update(&a, &(struct figure){ 2, QUALITY_GOOD, NULL }, 0, SECONDS(s), s);
		assert_int_equal(a.state, ALARM_NORMAL);
	}
	alarm_update(&a, &(struct figure){ 2, QUALITY_GOOD, NULL }, 0, SECONDS(130), 130);
	assert_int_equal(a.state, ALARM_ACTIVE);
}

static void suspect_is_an_alarm_of_its_own(void **state)
{
	const struct alarm_config c = { .when = WHEN_SUSPECT };
	struct alarm a;
	alarm_init(&a, &c);
	update(&a, &(struct figure){ 1, QUALITY_GOOD, NULL }, 1, 1);
	assert_int_equal(a.state, ALARM_NORMAL);
	update(&a, &(struct figure){ 1, QUALITY_SUSPECT, NULL }, 2, 2);
	assert_int_equal(a.state, ALARM_ACTIVE);
	update(&a, &(struct figure){ NAN, QUALITY_STALE, NULL }, 3, 3);
	assert_int_equal(a.state, ALARM_UNKNOWN);
}

static void an_input_that_is_not_good_makes_it_unknown(void **state)
{
	const struct alarm_config c = { .when = WHEN_ABOVE, .limit = 1 };
	PLAY(&c, { 0, NAN, ALARM_UNKNOWN }, { 1, 0, ALARM_NORMAL }, { 2, NAN, ALARM_UNKNOWN },
	    { 3, 2, ALARM_ACTIVE }, { 4, NAN, ALARM_UNKNOWN }, { 5, 2, ALARM_ACTIVE });
	/* but a latched one that is active stays so: the leak does not end with its sensor */
	const struct alarm_config latched = { .when = WHEN_TRUE, .latch = true };
	PLAY(&latched, { 0, 1, ALARM_ACTIVE }, { 1, NAN, ALARM_ACTIVE }, { 2, 1, ALARM_ACTIVE });
}

static void stale_is_an_alarm_of_its_own(void **state)
{
	const struct alarm_config c = { .when = WHEN_STALE };
	struct alarm a;
	PLAY(&c, { 0, 5, ALARM_NORMAL }, { 1, NAN, ALARM_ACTIVE }, { 2, 5, ALARM_NORMAL });
	/* not yet read is not stale */
	alarm_init(&a, &c);
	update(&a, &(struct figure){ NAN, QUALITY_INVALID, NULL }, 1, 1);
	assert_int_equal(a.state, ALARM_NORMAL);
}

/* A sensor that is polled each second, with what it shows at a second; NAN = a bad reading. */
struct sensor {
	struct alarm alarm;
	int changes;
};

static enum alarm_state poll(struct sensor *s, int64_t second, double value)
{
	bool bad = isnan(value);
	struct figure f = { value, bad ? QUALITY_BAD : QUALITY_GOOD, NULL };
	s->changes += alarm_update(&s->alarm, &f, SECONDS(second), SECONDS(second), 1000 * second);
	return s->alarm.state;
}

static const struct alarm_config hot = {
	.when = WHEN_ABOVE, .limit = 45, .hysteresis = 1, .delay_on = SECONDS(30), .interval = SECONDS(1)
};

/* 60 Cel for an hour, with one reading in 25 s that is bad: raised after 30 s, as without. */
static void a_missing_reading_restarts_no_delay(void **state)
{
	struct sensor s = { .changes = 0 };
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 3600; t++)
		assert_int_equal(poll(&s, t, t % 25 == 0 ? NAN : 60), t <= 30 ? ALARM_NORMAL : ALARM_ACTIVE);
	assert_int_equal(s.changes, 2);
	/* nor does it raise: it is the reading behind it that does */
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 33; t++)
		assert_int_equal(
		    poll(&s, t, t > 30 && t < 33 ? NAN : 60), t < 33 ? ALARM_NORMAL : ALARM_ACTIVE);
}

/* One bad reading a minute, for an hour: no change, and it stays acknowledged. */
static void a_missing_reading_is_no_change(void **state)
{
	struct sensor s = { .changes = 0 };
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 40; t++)
		poll(&s, t, 60);
	assert_null(alarm_acknowledge(&s.alarm, "ann", 41));
	s.changes = 0;
	for (int64_t t = 41; t <= 3641; t++)
		assert_int_equal(poll(&s, t, t % 60 == 0 ? NAN : 60), ALARM_ACTIVE);
	assert_int_equal(s.changes, 0);
	assert_true(s.alarm.acknowledged);
}

static void more_than_three_missing_polls_restart_a_delay(void **state)
{
	struct sensor s = { .changes = 0 };
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 20; t++)
		poll(&s, t, 60);
	for (int64_t t = 21; t <= 23; t++)
		assert_int_equal(poll(&s, t, NAN), ALARM_NORMAL);
	assert_int_equal(poll(&s, 24, NAN), ALARM_UNKNOWN);
	for (int64_t t = 25; t <= 55; t++)
		assert_int_equal(poll(&s, t, 60), t < 55 ? ALARM_NORMAL : ALARM_ACTIVE);
	/* also when nobody looked meanwhile */
	alarm_init(&s.alarm, &hot);
	poll(&s, 1, 60);
	assert_int_equal(poll(&s, 5, 60), ALARM_NORMAL);
	assert_int_equal(poll(&s, 31, 60), ALARM_NORMAL);
}

/* A value that is held beyond its interval speaks for that interval alone. */
static void a_held_value_raises_nothing(void **state)
{
	const struct figure warm = { 60, QUALITY_GOOD, NULL };
	struct sensor s = { .changes = 0 };
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 29; t++)
		poll(&s, t, 60);
	alarm_update(&s.alarm, &warm, SECONDS(29), SECONDS(31), 31000);
	assert_int_equal(s.alarm.state, ALARM_NORMAL);
	alarm_update(&s.alarm, &warm, SECONDS(32), SECONDS(32), 32000);
	assert_int_equal(s.alarm.state, ALARM_ACTIVE);
}

static void what_goes_unknown_stays_acknowledged(void **state)
{
	struct sensor s = { .changes = 0 };
	alarm_init(&s.alarm, &hot);
	for (int64_t t = 1; t <= 31; t++)
		poll(&s, t, 60);
	assert_null(alarm_acknowledge(&s.alarm, "ann", 31500));
	for (int64_t t = 32; t <= 40; t++)
		poll(&s, t, NAN);
	assert_int_equal(s.alarm.state, ALARM_UNKNOWN);
	assert_int_equal(poll(&s, 41, 60), ALARM_ACTIVE);
	assert_true(s.alarm.acknowledged);
	assert_false(s.alarm.raised); /* it is no new one */
}

/* Whatever is wrong with it; not for fewer than three polls, and not when that is configured. */
static void lost_is_no_usable_reading_for_three_polls(void **state)
{
	static const enum quality broken[] = { QUALITY_STALE, QUALITY_BAD, QUALITY_INVALID };
	const struct alarm_config c = { .when = WHEN_LOST, .interval = SECONDS(1) };
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct sensor s = { .changes = 0 };
		const struct figure f = { NAN, broken[i], NULL };
		alarm_init(&s.alarm, &c);
		assert_int_equal(poll(&s, 1, 20), ALARM_NORMAL);
		for (int64_t t = 2; t <= 4; t++) {
			update(&s.alarm, &f, SECONDS(t), 1000 * t);
			assert_int_equal(s.alarm.state, ALARM_NORMAL);
		}
		update(&s.alarm, &f, SECONDS(5), 5000);
		assert_int_equal(s.alarm.state, ALARM_ACTIVE);
		update(&s.alarm, &(struct figure){ 1, QUALITY_SUSPECT, NULL }, SECONDS(6), 6000);
		assert_int_equal(s.alarm.state, ALARM_NORMAL);
		update(&s.alarm, &(struct figure){ NAN, QUALITY_OUT_OF_SERVICE, NULL }, SECONDS(7), 7000);
		assert_int_equal(s.alarm.state, ALARM_UNKNOWN);
	}
}

static void a_suppressed_alarm_waits(void **state)
{
	const struct alarm_config c = { .when = WHEN_BELOW, .limit = 10, .delay_on = SECONDS(5) };
	const struct figure low = { 5, QUALITY_GOOD, NULL }, high = { 20, QUALITY_GOOD, NULL };
	struct alarm a;
	alarm_init(&a, &c);
	update(&a, &low, SECONDS(0), 0);
	alarm_set_suppressed(&a, "pump", SECONDS(1));
	update(&a, &low, SECONDS(5), 5);
	assert_int_equal(a.state, ALARM_SUPPRESSED);
	/* released, it must last for its delay again */
	alarm_set_suppressed(&a, NULL, SECONDS(20));
	update(&a, &low, SECONDS(20), 20);
	assert_int_equal(a.state, ALARM_NORMAL);
	update(&a, &low, SECONDS(25), 25);
	assert_int_equal(a.state, ALARM_ACTIVE);
	/* one that is active already is explained as well */
	alarm_set_suppressed(&a, "pump", SECONDS(26));
	update(&a, &low, SECONDS(26), 26);
	assert_int_equal(a.state, ALARM_SUPPRESSED);
	update(&a, &high, SECONDS(27), 27);
	assert_int_equal(a.state, ALARM_NORMAL);
}

/* One that cleared before anybody saw it leaves a trace, latched or not; a warning does not. */
static void a_critical_alarm_waits_for_somebody_to_see_it(void **state)
{
	const struct alarm_config critical = { .when = WHEN_TRUE, .severity = SEVERITY_CRITICAL },
				  warning = { .when = WHEN_TRUE, .severity = SEVERITY_WARNING };
	PLAY(&critical, { 0, 0, ALARM_NORMAL }, { 1, 1, ALARM_ACTIVE },
	    { 2, 0, ALARM_CLEARED_UNACKNOWLEDGED }, { 3, NAN, ALARM_CLEARED_UNACKNOWLEDGED },
	    { 4, 0, ALARM_CLEARED_UNACKNOWLEDGED }, { 5, 1, ALARM_ACTIVE }, { 6, NAN, ALARM_UNKNOWN },
	    { 7, 0, ALARM_CLEARED_UNACKNOWLEDGED });
	PLAY(&warning, { 0, 0, ALARM_NORMAL }, { 1, 1, ALARM_ACTIVE }, { 2, 0, ALARM_NORMAL });
	struct alarm a;
	const struct figure on = { 1, QUALITY_GOOD, NULL }, off = { 0, QUALITY_GOOD, NULL };
	alarm_init(&a, &critical);
	update(&a, &on, 1, 1);
	update(&a, &off, 2, 2);
	assert_null(alarm_acknowledge(&a, "ann", 3));
	assert_int_equal(a.state, ALARM_NORMAL);
	update(&a, &on, 4, 4);
	assert_null(alarm_acknowledge(&a, "ann", 5));
	update(&a, &off, 6, 6);
	assert_int_equal(a.state, ALARM_NORMAL);
	/* what was shown once stays, though it is explained afterwards */
	update(&a, &on, 7, 7);
	alarm_set_suppressed(&a, "pump", 8);
	update(&a, &on, 8, 8);
	assert_int_equal(a.state, ALARM_ACTIVE);
}

/* A pump that stands still is critical as soon as there is IT load. */
static void a_load_makes_it_critical(void **state)
{
	const struct alarm_config c = {
		.when = WHEN_BELOW, .limit = 1, .severity = SEVERITY_CRITICAL, .needs_load = true
	};
	const struct figure stopped = { 0, QUALITY_GOOD, NULL };
	struct alarm a;
	alarm_init(&a, &c);
	alarm_set_load(&a, false);
	assert_true(update(&a, &stopped, 1, 1));
	assert_int_equal(a.severity, SEVERITY_WARNING);
	assert_null(alarm_acknowledge(&a, "ann", 2));
	alarm_set_load(&a, true);
	assert_true(update(&a, &stopped, 3, 3)); /* that is news */
	assert_int_equal(a.severity, SEVERITY_CRITICAL);
	assert_false(a.acknowledged);
	assert_false(update(&a, &stopped, 4, 4));
	/* that the load has gone is no comfort */
	alarm_set_load(&a, false);
	assert_false(update(&a, &stopped, 5, 5));
	assert_int_equal(a.severity, SEVERITY_CRITICAL);
	update(&a, &(struct figure){ 50, QUALITY_GOOD, NULL }, 6, 6);
	assert_int_equal(a.state, ALARM_CLEARED_UNACKNOWLEDGED);
}

/* A warning that nobody cured for ten minutes is critical, and to be acknowledged anew. */
static void what_lasts_becomes_more_severe(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE,
		.severity = SEVERITY_WARNING,
		.escalate_after = SECONDS(600),
		.escalate_to = SEVERITY_CRITICAL };
	const struct figure on = { 1, QUALITY_GOOD, NULL }, off = { 0, QUALITY_GOOD, NULL };
	struct alarm a, b;
	alarm_init(&a, &c);
	update(&a, &off, SECONDS(1), 1000);
	update(&a, &on, SECONDS(10), 10000);
	assert_null(alarm_acknowledge(&a, "ann", 20000));
	assert_false(update(&a, &on, SECONDS(609), 609000));
	assert_int_equal(a.severity, SEVERITY_WARNING);
	assert_true(update(&a, &on, SECONDS(610), 610000));
	assert_int_equal(a.severity, SEVERITY_CRITICAL);
	assert_int_equal(a.changed_ms, 610000);
	assert_false(a.acknowledged);
	assert_false(update(&a, &on, SECONDS(611), 611000));

	/* so it is after a restart */
	struct bytes_writer w = { 0 };
	alarm_save(&a, 0, &w);
	alarm_init(&b, &c);
	struct bytes_reader r = bytes_reader_of(&w);
	alarm_load(&b, &(struct wall_clock){ SECONDS(700), 0 }, &r);
	bytes_writer_deinit(&w);
	assert_false(update(&b, &on, SECONDS(701), 701000));
	assert_int_equal(b.severity, SEVERITY_CRITICAL);

	/* and it stays, as what is critical does; the next one begins as a warning */
	update(&b, &off, SECONDS(702), 702000);
	assert_int_equal(b.state, ALARM_CLEARED_UNACKNOWLEDGED);
	assert_null(alarm_acknowledge(&b, "ann", 703000));
	assert_int_equal(b.severity, SEVERITY_WARNING);
	update(&b, &off, SECONDS(704), 704000);
	update(&b, &on, SECONDS(705), 705000);
	assert_int_equal(b.state, ALARM_ACTIVE);
	assert_int_equal(b.severity, SEVERITY_WARNING);
}

/* One minor leak for longer than escalate_after, or two at once, are critical. */
static void a_leak_group_escalates_for_two(void **state)
{
	const struct alarm_config any = { .when = WHEN_TRUE,
		.points = { COMBINE_COUNT, NULL, 3, 1 },
		.severity = SEVERITY_WARNING,
		.escalate_after = SECONDS(600),
		.escalate_to = SEVERITY_CRITICAL };
	const struct alarm_config two = { .when = WHEN_TRUE, .points = { COMBINE_COUNT, NULL, 3, 2 } };
	struct alarm a;
	PLAY(&any, { 0, 0, ALARM_NORMAL }, { 1, 1, ALARM_ACTIVE }, { 2, 0, ALARM_NORMAL });
	PLAY(&two, { 0, 1, ALARM_NORMAL }, { 1, 2, ALARM_ACTIVE }, { 2, 3, ALARM_ACTIVE },
	    { 3, 1, ALARM_NORMAL });
	alarm_init(&a, &any);
	update(&a, &(struct figure){ 1, QUALITY_GOOD, NULL }, SECONDS(1), 1000);
	assert_int_equal(a.severity, SEVERITY_WARNING);
	update(&a, &(struct figure){ 2, QUALITY_GOOD, NULL }, SECONDS(2), 2000);
	assert_int_equal(a.severity, SEVERITY_CRITICAL);
	update(&a, &(struct figure){ 1, QUALITY_GOOD, NULL }, SECONDS(3), 3000);
	assert_int_equal(a.severity, SEVERITY_CRITICAL);
	assert_int_equal(a.state, ALARM_ACTIVE);
}

/* Two hours away, with a restart and an alarm underneath; then it is there by itself. */
static void a_shelf_has_an_end(void **state)
{
	const struct alarm_config c = { .when = WHEN_TRUE, .severity = SEVERITY_WARNING };
	const struct figure on = { 1, QUALITY_GOOD, NULL }, off = { 0, QUALITY_GOOD, NULL };
	struct alarm a, b;
	alarm_init(&a, &c);
	update(&a, &on, SECONDS(10), 10000);
	assert_string_equal(alarm_unshelve(&a, 10), "it is not shelved");
	assert_non_null(alarm_shelve(&a, "ann", SECONDS(8 * 86400), SECONDS(11), 11000));
	assert_non_null(alarm_shelve(&a, "ann", 0, SECONDS(11), 11000));
	assert_null(alarm_shelve(&a, "ann", SECONDS(7200), SECONDS(11), 11000));
	assert_int_equal(a.state, ALARM_SHELVED);
	assert_int_equal(a.shelved_until_ms, 7211000);
	assert_string_equal(a.shelved_by, "ann");
	assert_false(update(&a, &off, SECONDS(12), 12000));
	assert_non_null(alarm_acknowledge(&a, "ann", 13000));
	assert_false(update(&a, &on, SECONDS(20), 20000));

	struct bytes_writer w = { 0 };
	alarm_save(&a, SECONDS(1000), &w);
	alarm_init(&b, &c);
	struct bytes_reader r = bytes_reader_of(&w);
	alarm_load(&b, &(struct wall_clock){ SECONDS(5), SECONDS(2000) }, &r); /* 985 s after the save */
	assert_false(r.bad);
	assert_int_equal(b.state, ALARM_SHELVED);
	assert_string_equal(b.shelved_by, "ann");
	assert_false(update(&b, &on, SECONDS(6210), 1));
	assert_true(update(&b, &on, SECONDS(6211), 2));
	assert_int_equal(b.state, ALARM_ACTIVE);
	/* with a clock that is a day behind no later than was said */
	alarm_init(&b, &c);
	r = bytes_reader_of(&w);
	alarm_load(&b, &(struct wall_clock){ SECONDS(5), SECONDS(1000 - 86400) }, &r);
	assert_false(update(&b, &on, SECONDS(7204), 1));
	assert_true(update(&b, &on, SECONDS(7205), 2));
	bytes_writer_deinit(&w);
	assert_null(alarm_shelve(&b, "bob", SECONDS(60), SECONDS(8000), 8000000));
	assert_null(alarm_unshelve(&b, 8001000));
	assert_int_equal(b.state, ALARM_ACTIVE);
}

static void eleven_in_ten_minutes_are_a_flood(void **state)
{
	struct alarm_flood f = { 0 };
	for (int i = 1; i <= 10; i++)
		alarm_flood_note(&f, SECONDS(i));
	assert_false(alarm_flood_lasts(&f, SECONDS(11)));
	alarm_flood_note(&f, SECONDS(300));
	assert_true(alarm_flood_lasts(&f, SECONDS(300)));
	assert_true(alarm_flood_lasts(&f, SECONDS(600)));
	assert_false(alarm_flood_lasts(&f, SECONDS(601)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_is_raised_at_once_and_cleared_late),
		cmocka_unit_test(a_limit_must_be_passed_for_its_delay),
		cmocka_unit_test(hysteresis_keeps_it_until_well_inside),
		cmocka_unit_test(a_latch_waits_for_the_acknowledgement),
		cmocka_unit_test(an_acknowledged_alarm_goes_with_its_condition),
		cmocka_unit_test(after_a_restart_the_value_is_unknown),
		cmocka_unit_test(a_clock_that_is_behind_delays_no_alarm),
		cmocka_unit_test(what_was_not_read_is_of_now),
		cmocka_unit_test(suspect_is_an_alarm_of_its_own),
		cmocka_unit_test(an_input_that_is_not_good_makes_it_unknown),
		cmocka_unit_test(stale_is_an_alarm_of_its_own),
		cmocka_unit_test(a_missing_reading_restarts_no_delay),
		cmocka_unit_test(a_missing_reading_is_no_change),
		cmocka_unit_test(more_than_three_missing_polls_restart_a_delay),
		cmocka_unit_test(a_held_value_raises_nothing),
		cmocka_unit_test(what_goes_unknown_stays_acknowledged),
		cmocka_unit_test(lost_is_no_usable_reading_for_three_polls),
		cmocka_unit_test(a_suppressed_alarm_waits),
		cmocka_unit_test(a_critical_alarm_waits_for_somebody_to_see_it),
		cmocka_unit_test(a_load_makes_it_critical),
		cmocka_unit_test(what_lasts_becomes_more_severe),
		cmocka_unit_test(a_leak_group_escalates_for_two),
		cmocka_unit_test(a_shelf_has_an_end),
		cmocka_unit_test(eleven_in_ten_minutes_are_a_flood),
	};
	return cmocka_run_group_tests_name("alarm", tests, NULL, NULL);
}
