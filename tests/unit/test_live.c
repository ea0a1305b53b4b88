/* From samples to alarms and messages, over a reload and a restart. */
#include "unit_config.h"

#include "daemon/live/saved.h"
#include "daemon/publish/reporter.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
#define DEVICE "[device:d]\nbus = b\nunit = 1\n"
#define POINTS                                                                                               \
	"[point:d.t]\nregister = holding:0\ntype = f32\nunit = Cel\ndeadband = 0.1\n"                        \
	"[point:d.wet]\nregister = discrete:0\n"
#define WET "[alarm:wet]\npoint = d.wet\nwhen = true\nlatch = yes\n"
#define HOT "[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 45\n"

enum { T, WET_POINT }; /* points of the device, in the order of the file */

static char path[] = "/tmp/coolantd-live-XXXXXX";

static struct live *new_live(const char *text)
{
	struct config *c = load_config(path, text);
	struct live *l = live_new(c, clock_boottime());
	assert_non_null(l);
	config_unref(c);
	return l;
}

static struct table_device *feed(struct live *l, uint32_t point, struct value v, enum quality q)
{
	struct batch *b = batch_new(l->config, 0, 1);
	assert_non_null(b);
	b->realtime_offset_ns = clock_realtime_offset();
	b->samples[b->count++] =
	    (struct sample){ .point = point, .quality = q, .value = v, .time_ns = clock_boottime() };
	struct table_device *d = live_feed(l, b);
	batch_free(b);
	assert_non_null(d);
	return d;
}

static struct table_device *feed_number(struct live *l, double n)
{
	return feed(l, T, (struct value){ .kind = VALUE_NUMBER, .number = n }, QUALITY_GOOD);
}

static struct table_device *feed_wet(struct live *l, bool truth)
{
	return feed(l, WET_POINT, (struct value){ .kind = VALUE_BOOL, .truth = truth }, QUALITY_GOOD);
}

/* What was told since it was looked at: "NAME STATE " of each. */
static char told[512];

static void on_alarm(const struct alarm *a, void *user)
{
	size_t used = strlen(told);
	snprintf(told + used, sizeof(told) - used, "%s %s ", a->config->name, alarm_state_word(a->state));
}

static void on_gone(const char *name, void *user)
{
	size_t used = strlen(told);
	snprintf(told + used, sizeof(told) - used, "no %s ", name);
}

static void retain(struct live *l, bool with_hot)
{
	retained_add(&l->retained, "wet");
	if (with_hot)
		retained_add(&l->retained, "hot");
}

static void expect(const char *text)
{
	assert_string_equal(told, text);
	told[0] = '\0';
}

static void judge(struct live *l)
{
	alarms_judge(l->alarms, JUDGE_POINTS, clock_boottime());
}

static void each_change_of_an_alarm_is_told_once(void **state)
{
	struct live *l = new_live(HEAD DEVICE POINTS WET);
	alarms_watch(l->alarms, on_alarm, NULL, NULL);
	judge(l);
	expect("");
	feed_wet(l, true);
	judge(l);
	judge(l);
	expect("wet active ");
	assert_true(alarms_take_latency(l->alarms) > 0);
	assert_int_equal(alarms_take_latency(l->alarms), 0);
	struct alarm *a = alarms_find(l->alarms, "wet");
	assert_null(alarms_acknowledge(l->alarms, a, "ann"));
	assert_non_null(alarms_acknowledge(l->alarms, a, "ann"));
	expect("wet active ");
	assert_true(a->acknowledged);

	alarms_set_own(l->alarms, OWN_ALARM_SPOOL, "the disk is full");
	alarms_set_own(l->alarms, OWN_ALARM_SPOOL, "the disk is full");
	expect("coolantd-spool active ");
	alarms_set_own(l->alarms, OWN_ALARM_SPOOL, "the disk is gone");
	expect("coolantd-spool active ");
	alarms_set_own(l->alarms, OWN_ALARM_SPOOL, NULL);
	expect("coolantd-spool normal ");
	alarms_each(l->alarms, on_alarm, NULL);
	expect("wet active coolantd-spool normal coolantd-state normal coolantd-flood normal ");
	live_free(l);
}

static void a_reload_keeps_what_did_not_change(void **state)
{
	struct live *old = new_live(HEAD DEVICE POINTS WET HOT);
	alarms_watch(old->alarms, on_alarm, NULL, NULL);
	feed_number(old, 50);
	feed_wet(old, true);
	judge(old);
	expect("wet active hot active ");
	alarms_set_own(old->alarms, OWN_ALARM_STATE, "cannot be saved");
	expect("coolantd-state active ");

	retain(old, true);
	struct live *l = new_live(HEAD DEVICE POINTS WET);
	live_inherit(l, old);
	live_free(old);
	retain(l, false);
	judge(l);
	expect(""); /* told already */
	alarms_each(l->alarms, on_alarm, NULL);
	retained_each_gone(&l->retained, on_gone, NULL);
	expect("wet active coolantd-spool normal coolantd-state active coolantd-flood normal no hot ");
	assert_string_equal(alarms_find(l->alarms, "coolantd-state")->config->message, "cannot be saved");
	alarms_set_own(l->alarms, OWN_ALARM_STATE, NULL);
	expect("coolantd-state normal ");

	/* and one that is back is no more retired */
	struct live *again = new_live(HEAD DEVICE POINTS WET HOT);
	live_inherit(again, l);
	live_free(l);
	retain(again, true);
	retained_each_gone(&again->retained, on_gone, NULL);
	expect("");
	live_free(again);
}

/* A leak that nobody has seen is not forgotten for another text, delay or limit; but what another condition
 * says of it is not known. */
static void a_reload_keeps_what_means_the_same(void **state)
{
	struct live *old = new_live(HEAD DEVICE POINTS WET HOT);
	alarms_watch(old->alarms, on_alarm, NULL, NULL);
	feed_number(old, 50);
	feed_wet(old, true);
	judge(old);
	feed_wet(old, false);
	judge(old);
	expect("wet active hot active wet cleared_unacknowledged ");
	struct live *l = new_live(HEAD DEVICE POINTS WET
	    "message = water\nseverity = critical\ndelay_off = 1s\nsuppressed_by = hot\n"
	    "[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 46\n");
	live_inherit(l, old);
	live_free(old);
	assert_int_equal(alarms_find(l->alarms, "wet")->state, ALARM_CLEARED_UNACKNOWLEDGED);
	assert_int_equal(alarms_find(l->alarms, "hot")->state, ALARM_ACTIVE);
	struct live *other =
	    new_live(HEAD DEVICE POINTS WET "[alarm:hot]\npoint = d.t\nwhen = below\nlimit = 46\n");
	live_inherit(other, l);
	live_free(l);
	assert_int_equal(alarms_find(other->alarms, "hot")->state, ALARM_UNKNOWN);
	told[0] = '\0';
	live_free(other);
}

static void what_is_saved_comes_back(void **state)
{
	struct live *l = new_live(HEAD DEVICE POINTS WET HOT);
	struct bytes_writer w = { 0 };
	feed_wet(l, true);
	judge(l);
	retain(l, true);
	saved_put(l, clock_realtime_offset(), true, &w);
	assert_false(w.bad);
	live_free(l);

	l = new_live(HEAD DEVICE POINTS WET);
	struct wall_clock clock = { clock_boottime(), clock_realtime_offset() };
	struct bytes_reader r = bytes_reader_of(&w);
	int taken = 0;
	while (r.at < r.end) {
		struct bytes_entry e = bytes_take_entry(&r);
		taken += saved_take(l, &e, &clock);
	}
	assert_int_equal(taken, 1);
	retain(l, false);
	judge(l); /* nothing is read yet: it stands */
	alarms_each(l->alarms, on_alarm, NULL);
	retained_each_gone(&l->retained, on_gone, NULL);
	expect("wet active coolantd-spool normal coolantd-state normal coolantd-flood normal no hot ");
	retained_forget(&l->retained, "hot");
	retained_forget(&l->retained, "wet"); /* is not gone */
	retained_each_gone(&l->retained, on_gone, NULL);
	expect("");
	live_free(l);
	bytes_writer_deinit(&w);
}

#define ONCE "[point:d.serial]\nregister = holding:9\npoll = once\n"
#define SLOW "[point:d.slow]\nregister = holding:9\npoll = slow\n"

/* A device that never answered is stale whatever its rhythm; one that answered once, all that it is asked, is
 * not. */
static void silence_is_told_by_the_rhythm_of_a_device(void **state)
{
	static const struct {
		const char *points;
		bool stale_unheard, stale_later, up_later; /* later: 20 intervals after it was heard */
	} cases[] = { { ONCE, true, false, true }, { SLOW, true, false, true },
		{ POINTS, true, true, false } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		snprintf(text, sizeof(text), HEAD DEVICE "%s", cases[i].points);
		struct live *l = new_live(text);
		struct table_device *d = &l->table->devices[0];
		int64_t later = clock_boottime() + 20 * d->config->poll_interval;
		assert_false(point_table_is_up(d, later));
		assert_int_equal(point_table_check_stale(l->table, d, 2 * later), cases[i].stale_unheard);
		live_free(l);

		l = new_live(text);
		d = feed(l, 0, (struct value){ .kind = VALUE_NUMBER, .number = 1 }, QUALITY_GOOD);
		assert_true(point_table_is_up(d, clock_boottime()));
		assert_int_equal(point_table_is_up(d, later), cases[i].up_later);
		assert_int_equal(point_table_check_stale(l->table, d, later), cases[i].stale_later);
		live_free(l);
	}
}

static void count_change(const struct alarm_change *c, void *user)
{
	uint64_t *seen = user; /* how many, the first and the last */
	seen[1] = seen[0]++ == 0 ? c->id : seen[1];
	seen[2] = c->id;
}

static void expect_changes(
    const struct alarm_log *log, int64_t now_ms, uint64_t n, uint64_t first, uint64_t last)
{
	uint64_t seen[3] = { 0 };
	alarm_log_each(log, now_ms, count_change, seen);
	assert_int_equal(seen[0], n);
	assert_int_equal(seen[1], first);
	assert_int_equal(seen[2], last);
}

static void see_last(const struct alarm_change *c, void *user)
{
	struct alarm_change *last = user;
	*last = *c;
}

#define PUMP                                                                                                 \
	"[device:d]\nbus = b\nunit = 1\npoll_interval = 1h\n"                                                \
	"[point:d.speed]\nregister = holding:0\nunit = %\n[point:d.it]\nregister = holding:1\nunit = kW\n"   \
	"[point:d.flow]\nregister = holding:2\nunit = L/min\n[point:d.t]\nregister = holding:3\nunit = "     \
	"Cel\n"                                                                                              \
	"[point:d.r]\nregister = holding:4\nunit = Cel\n"                                                    \
	"[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.r\npump_speed = d.speed\n"       \
	"it_power = d.it\nnominal_flow = 100\n"

static void expect_after(
    struct live *l, int64_t seconds, const char *name, enum alarm_state state, enum alarm_severity severity)
{
	const struct alarm *a = alarms_find(l->alarms, name);
	live_tick(l);
	alarms_judge(l->alarms, JUDGE_ALL, clock_boottime());
	alarms_judge(l->alarms, JUDGE_ALL, clock_boottime() + seconds * NS_PER_S);
	assert_int_equal(a->state, state);
	assert_int_equal(a->severity, severity);
}

/* Without load it is a warning, as in a loop that stands by, under load critical; either explains the low
 * flow.
 */
static void a_stopped_pump_is_critical_under_load(void **state)
{
	static const double values[] = { 0, 0.09, 0, 30 }; /* %, kW, L/min, Cel */
	struct live *l = new_live(HEAD PUMP);
	for (uint32_t i = 0; i < COUNT(values); i++)
		feed(l, i, (struct value){ .kind = VALUE_NUMBER, .number = values[i] }, QUALITY_GOOD);
	expect_after(l, 3, "l-pump_stopped", ALARM_ACTIVE, SEVERITY_WARNING);
	expect_after(l, 6, "l-flow_low", ALARM_SUPPRESSED, SEVERITY_WARNING);
	feed(l, 1, (struct value){ .kind = VALUE_NUMBER, .number = 30 }, QUALITY_GOOD);
	expect_after(l, 4, "l-pump_stopped", ALARM_ACTIVE, SEVERITY_CRITICAL);
	expect_after(l, 8, "l-flow_low", ALARM_SUPPRESSED, SEVERITY_CRITICAL);
	assert_string_equal(alarms_find(l->alarms, "l-flow_low")->suppressed_by, "l-pump_stopped");
	told[0] = '\0';
	live_free(l);
}

static enum alarm_state state_after(struct live *l, const char *name, int64_t seconds)
{
	alarms_judge(l->alarms, JUDGE_ALL, clock_boottime() + seconds * NS_PER_S);
	return alarms_find(l->alarms, name)->state;
}

/* A meter whose power is read each second and its energy each ten: each is lost by its own rhythm. */
static void what_is_lost_goes_by_its_own_rhythm(void **state)
{
	const char *text = HEAD DEVICE "[point:d.active_power]\nregister = holding:0\nunit = kW\n"
				       "[point:d.active_energy_import]\nregister = holding:2\nunit = kWh\n"
				       "poll = slow\ncounter = yes\n[point:d.it]\nregister = holding:4\nunit "
				       "= kW\n[pue:row]\nfacility = d\nit = d.it\n";
	const struct value one = { .kind = VALUE_NUMBER, .number = 1 };
	for (uint32_t bad = 0; bad < 2; bad++) {
		struct live *l = new_live(text);
		feed(l, 0, one, QUALITY_GOOD);
		feed(l, 1, one, QUALITY_GOOD);
		assert_int_equal(state_after(l, "row-d-lost", 0), ALARM_NORMAL);
		feed(l, bad, (struct value){ .kind = VALUE_NONE }, QUALITY_BAD);
		assert_int_equal(state_after(l, "row-d-lost", bad ? 34 : 3), ALARM_NORMAL);
		assert_int_equal(state_after(l, "row-d-lost", bad ? 36 : 4), ALARM_ACTIVE);
		live_free(l);
	}
}

/* A slow leak, seen by a figure that needs one of two inputs: 96 L in the last day. */
static void a_slow_leak_is_an_alarm(void **state)
{
	struct live *l = new_live(
	    HEAD DEVICE POINTS "[point:d.flow]\nregister = holding:4\nunit = L/min\n"
			       "[point:d.water]\nregister = holding:5\nunit = m3\n[point:d.r]\nregister = "
			       "holding:6\nunit = Cel\n[loop:l]\ncoolant = water\nflow = d.flow\n"
			       "supply = d.t\nreturn = d.r\nmakeup_volume = d.water\nmakeup_high = 50\n");
	const int64_t now = clock_boottime();
	struct makeup m = { .bucket_ns = now,
		.read_ns = now - NS_PER_S,
		.read = 5,
		.counted = 5,
		.counted_ns = now - NS_PER_S };
	for (size_t i = 0; i < MAKEUP_BUCKETS; i++)
		m.buckets[i] = (struct makeup_bucket){ 2, 1800 };
	struct bytes_writer block = { 0 }, w = { 0 };
	makeup_save(&m, 0, &block);
	bytes_put_entry(&w, LOOPS_MAKEUP_ENTRY, "l", l->config->loops[0].makeup_fingerprint, &block);
	struct bytes_reader r = bytes_reader_of(&w);
	struct bytes_entry e = bytes_take_entry(&r);
	assert_true(loops_load_makeup(l->loops, &e, &(struct wall_clock){ now, 0 }));
	bytes_writer_deinit(&w);
	feed(l, 3, (struct value){ .kind = VALUE_NUMBER, .number = 5 }, QUALITY_GOOD);
	expect_after(l, 30, "l-makeup_high", ALARM_NORMAL, SEVERITY_WARNING);
	for (int i = 0; i < 62; i++) {
		/* as if each were a second later */
		struct batch *b = batch_new(l->config, 0, 1);
		b->samples[b->count++] = (struct sample){ .point = 3,
			.quality = QUALITY_GOOD,
			.value = { .kind = VALUE_NUMBER, .number = 5 },
			.time_ns = now + i * NS_PER_S };
		(void)live_feed(l, b);
		batch_free(b);
		alarms_judge(l->alarms, JUDGE_ALL, now + i * NS_PER_S);
	}
	assert_int_equal(alarms_find(l->alarms, "l-makeup_high")->state, ALARM_ACTIVE);
	assert_true(fabs(alarms_find(l->alarms, "l-makeup_high")->input.value - 96) < 1);
	live_free(l);
}

/* The last 10000 of 10005, none older than 400 d; and so after a restart. */
static void the_last_changes_are_kept(void **state)
{
	char message[300];
	memset(message, 'x', 199);
	memcpy(message + 199, "\303\244 leaks", sizeof("\303\244 leaks")); /* a letter at the 200th byte */
	const struct alarm_config c = { .name = "wet", .message = message };
	struct alarm a = { .config = &c, .state = ALARM_ACTIVE, .input = { 1, QUALITY_GOOD, NULL } };
	struct alarm_log *log = alarm_log_new(), *again = alarm_log_new();
	const int64_t day = INT64_C(86400000);
	for (int i = 1; i <= ALARM_LOG_MAX + 5; i++) {
		a.changed_ms = i == 6 ? 0 : day;
		alarm_log_add(log, &a, i % 2 ? "ann" : "");
	}
	expect_changes(log, day, 10000, 6, 10005);
	expect_changes(log, 401 * day, 9999, 7, 10005);
	expect_changes(log, 402 * day, 0, 0, 0);

	struct bytes_writer w = { 0 };
	assert_int_equal(alarm_log_save(log, 10005, &w), 10005);
	assert_int_equal(w.size, 0);
	assert_int_equal(alarm_log_save(log, 10003, &w), 10005);
	struct bytes_reader r = bytes_reader_of(&w);
	while (r.at < r.end) {
		struct bytes_entry e = bytes_take_entry(&r);
		alarm_log_load(again, &e);
	}
	expect_changes(again, day, 2, 10004, 10005);
	assert_int_equal(alarm_log_newest(again), 10005);
	struct alarm_change last = { 0 };
	alarm_log_each(again, day, see_last, &last);
	assert_string_equal(last.name, "wet");
	assert_string_equal(last.by, "ann");
	assert_int_equal(strlen(last.message), 199);
	assert_int_equal(last.state, ALARM_ACTIVE);
	assert_true(last.value == 1);
	bytes_writer_deinit(&w);
	alarm_log_free(log);
	alarm_log_free(again);
}

#define LEAKS                                                                                                \
	"[point:d.a]\nregister = coil:1\n[point:d.b]\nregister = coil:2\n"                                   \
	"[alarm:one]\npoint = any: d.a, d.b\nescalate_after = 1h\n[alarm:two]\npoint = 2 of: d.a, d.b\n"

static void feed_leaks(struct live *l, enum quality a, bool a_wet, enum quality b, bool b_wet)
{
	feed(l, 0, (struct value){ .kind = VALUE_BOOL, .truth = a_wet }, a);
	feed(l, 1, (struct value){ .kind = VALUE_BOOL, .truth = b_wet }, b);
	judge(l);
}

/* What is not known counts as far as it could change what follows. */
static void points_that_hold_are_counted(void **state)
{
	struct live *l = new_live(HEAD DEVICE "poll_interval = 100ms\nalarms = no\n" LEAKS);
	const struct alarm *one = alarms_find(l->alarms, "one"), *two = alarms_find(l->alarms, "two");
	alarms_watch(l->alarms, on_alarm, NULL, NULL);
	feed_leaks(l, QUALITY_GOOD, false, QUALITY_BAD, false);
	assert_int_equal(one->state, ALARM_UNKNOWN);
	assert_int_equal(two->state, ALARM_NORMAL);
	feed_leaks(l, QUALITY_GOOD, true, QUALITY_BAD, false);
	assert_int_equal(one->state, ALARM_ACTIVE);
	assert_int_equal(one->severity, SEVERITY_WARNING);
	assert_true(one->input.value == 1);
	assert_int_equal(two->state, ALARM_NORMAL); /* within three polls */
	assert_int_equal(two->input.quality, QUALITY_BAD);
	assert_string_equal(two->input.reason, "d.b is bad");
	feed_leaks(l, QUALITY_GOOD, true, QUALITY_GOOD, true);
	assert_int_equal(two->state, ALARM_ACTIVE);
	assert_int_equal(one->severity, SEVERITY_CRITICAL);
	feed_leaks(l, QUALITY_GOOD, false, QUALITY_GOOD, false);
	assert_int_equal(one->state, ALARM_CLEARED_UNACKNOWLEDGED);
	assert_int_equal(two->state, ALARM_NORMAL);
	expect("two normal one active one active two active one cleared_unacknowledged two normal ");
	live_free(l);
}

static struct message_list sent;

static void send(void *user, struct message *m)
{
	assert_non_null(m);
	message_list_append(&sent, m);
}

static struct reporter *new_reporter(const struct live *l)
{
	const struct output_sink sinks[OUTPUT_CONNECTIONS] = { [OUTPUT_MAIN] = { send, NULL } };
	struct reporter *r = reporter_new(l, sinks, 0);
	assert_non_null(r);
	return r;
}

/* The only message has this topic below B, its late one or none, and this in its payload. */
static void expect_text(const struct message *m, const char *text)
{
	if (!memmem(m->payload, m->size, text, strlen(text)))
		fail_msg("%s is not in %.*s", text, (int)m->size, (const char *)m->payload);
}

static void expect_both(const char *topic, bool kept, const char *text, const char *late_text)
{
	char whole[128];
	struct message *m = message_list_take(&sent);
	assert_non_null(m);
	assert_int_equal(sent.count, 0);
	snprintf(whole, sizeof(whole), "coolant/dc1/r07/%s", topic);
	assert_string_equal(m->topic, whole);
	assert_int_equal(m->late_topic != NULL, kept);
	expect_text(m, text);
	struct message *copy = message_copy_late(m);
	message_make_late(m);
	assert_int_equal(copy->size, m->size);
	assert_memory_equal(copy->payload, m->payload, m->size);
	snprintf(whole, sizeof(whole), "coolant/dc1/r07/history/%s", topic);
	if (kept)
		assert_string_equal(m->topic, whole);
	assert_string_equal(m->topic, copy->topic);
	expect_text(m, late_text);
	message_free(copy);
	message_free(m);
}

static void expect_one(const char *topic, bool kept, const char *text)
{
	expect_both(topic, kept, text, text);
}

static void a_device_is_told_whole_when_a_value_moved(void **state)
{
	struct live *l = new_live(HEAD DEVICE POINTS WET);
	struct reporter *r = new_reporter(l);
	int64_t now = clock_boottime();
	reporter_device(r, feed_number(l, 20), now);
	assert_int_equal(sent.count, 0); /* the other one is about to be read */
	reporter_device(r, feed_wet(l, false), now);
	expect_one(
	    "device/d", true, "\"seq\":1,\"values\":{\"t\":20,\"wet\":false},\"quality\":{},\"times\":{}");
	reporter_device(r, feed_number(l, 20.05), now);
	assert_int_equal(sent.count, 0);
	reporter_device(r, feed_number(l, 20.11), now);
	expect_both("device/d", true, "\"seq\":2,\"values\":{\"t\":20.11,\"wet\":false},\"quality\":{}",
	    "\"seq\":2,\"values\":{\"t\":20.11},\"quality\":{},\"times\":{}}");
	reporter_device(r, feed(l, T, (struct value){ 0 }, QUALITY_BAD), now);
	expect_both("device/d", true,
	    "\"seq\":3,\"values\":{\"t\":null,\"wet\":false},\"quality\":{\"t\":\"bad\"}",
	    "\"seq\":3,\"values\":{\"t\":null},\"quality\":{\"t\":\"bad\"}");
	reporter_tick(r, now); /* there is nothing that was not told */
	assert_int_equal(sent.count, 0);
	/* at full_interval all of it is news */
	reporter_device(r, feed_number(l, 20.11), now);
	expect_both(
	    "device/d", true, "\"seq\":4,\"values\":{\"t\":20.11,\"wet\":false}", "\"values\":{\"t\":20.11}");
	reporter_device(r, feed_number(l, 20.11), now + 3600 * NS_PER_S);
	expect_one("device/d", true, "\"seq\":5,\"values\":{\"t\":20.11,\"wet\":false}");

	/* a reload goes on from there */
	struct live *next = new_live(HEAD DEVICE POINTS);
	struct reporter *next_reporter = new_reporter(next);
	live_inherit(next, l);
	reporter_inherit(next_reporter, r);
	reporter_free(r);
	live_free(l);
	reporter_device(next_reporter, feed_number(next, 20.15), now + 3600 * NS_PER_S);
	assert_int_equal(sent.count, 0);
	reporter_device(next_reporter, feed_wet(next, true), now + 3600 * NS_PER_S);
	expect_both(
	    "device/d", true, "\"seq\":6,\"values\":{\"t\":20.15,\"wet\":true}", "\"values\":{\"wet\":true}");
	reporter_free(next_reporter);
	live_free(next);
}

static void a_point_that_does_not_come_holds_up_a_device_for_a_second(void **state)
{
	struct live *l = new_live(HEAD DEVICE POINTS);
	struct reporter *r = new_reporter(l);
	int64_t now = clock_boottime();
	reporter_device(r, feed_number(l, 20), now);
	reporter_tick(r, now + NS_PER_S / 2);
	assert_int_equal(sent.count, 0);
	reporter_tick(r, now + NS_PER_S);
	expect_one("device/d", true, "\"values\":{\"t\":20,\"wet\":null},\"quality\":{\"wet\":\"invalid\"}");
	reporter_free(r);
	live_free(l);
}

/* What was read long before the message has its own time. */
static void readings_of_another_time_say_so(void **state)
{
	char text[64];
	struct live *l = new_live(HEAD DEVICE POINTS);
	struct reporter *r = new_reporter(l);
	(void)feed_wet(l, false);
	struct sample *old = &l->table->devices[0].points[WET_POINT].sample;
	old->time_ns -= NS_PER_S;
	int64_t ms = (old->time_ns + l->table->devices[0].utc_offset_ns) / NS_PER_MS;
	reporter_device(r, feed_number(l, 20), clock_boottime());
	snprintf(text, sizeof(text), "\"times\":{\"wet\":%lld}}", (long long)ms);
	expect_one("device/d", true, text);
	reporter_device(r, feed_number(l, 30), clock_boottime());
	expect_both("device/d", true, text, "\"values\":{\"t\":30},\"quality\":{},\"times\":{}}");
	reporter_free(r);
	live_free(l);
}

static void everything_is_told_after_a_connect(void **state)
{
	static const char *const topics[] = { "info", "info/d", "device/d", "alarm/wet",
		"alarm/coolantd-spool", "alarm/coolantd-state", "alarm/coolantd-flood" };
	struct live *l = new_live(HEAD DEVICE POINTS WET);
	struct reporter *r = new_reporter(l);
	feed_number(l, 20);
	feed_wet(l, false);
	reporter_everything(r, OUTPUT_MAIN, 0, clock_boottime());
	assert_int_equal(sent.count, COUNT(topics));
	for (size_t i = 0; i < COUNT(topics); i++) {
		struct message *m = message_list_take(&sent);
		assert_string_equal(m->topic + strlen("coolant/dc1/r07/"), topics[i]);
		assert_int_equal(m->flags & PUBLISH_RETAIN, PUBLISH_RETAIN);
		message_free(m);
	}
	struct output_presence presence;
	assert_int_equal(reporter_presence(l->config, OUTPUT_MAIN, 0, &presence), 0);
	send(NULL, presence.offline);
	expect_one("status", false, "offline");
	send(NULL, presence.online);
	expect_one("status", false, "online");
	send(NULL, reporter_gap(r, OUTPUT_MAIN, 1, 2, 3));
	expect_one("gap", false, "{\"from\":1,\"to\":2,\"dropped\":3}");
	reporter_free(r);
	live_free(l);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_told_by_the_rhythm_of_a_device),
		cmocka_unit_test(each_change_of_an_alarm_is_told_once),
		cmocka_unit_test(a_reload_keeps_what_did_not_change),
		cmocka_unit_test(a_reload_keeps_what_means_the_same),
		cmocka_unit_test(what_is_saved_comes_back),
		cmocka_unit_test(a_stopped_pump_is_critical_under_load),
		cmocka_unit_test(what_is_lost_goes_by_its_own_rhythm),
		cmocka_unit_test(a_slow_leak_is_an_alarm),
		cmocka_unit_test(the_last_changes_are_kept),
		cmocka_unit_test(points_that_hold_are_counted),
		cmocka_unit_test(a_device_is_told_whole_when_a_value_moved),
		cmocka_unit_test(a_point_that_does_not_come_holds_up_a_device_for_a_second),
		cmocka_unit_test(readings_of_another_time_say_so),
		cmocka_unit_test(everything_is_told_after_a_connect),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
