/* The records: sums of hours, their tables, each energy in them exactly once. */
#include "unit_config.h"
#include "unit_folder.h"

#include "daemon/control/record_pue.h"
#include "daemon/live/saved.h"
#include "daemon/publish/json_records.h"
#include "daemon/state/state_db.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 2026-03-01T00:00:00Z; the boottime is UTC here, as in a replay */
#define START_S INT64_C(1772323200)
#define START_HOUR (START_S / 3600)
#define HOUR_S INT64_C(3600)
#define POLL_S 10
#define MJ_PER_KWH INT64_C(3600000000)

#define POINTS(d, scale)                                                                                     \
	"[point:" d ".active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"                          \
	"[point:" d ".active_energy_import]\nregister = holding:2\ntype = u32\nscale = " scale               \
	"\nunit = kWh\ncounter = yes\n"
#define PLANT(scale)                                                                                         \
	"[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"                          \
	"[device:main]\nbus = b\nunit = 1\npoll_interval = 10s\naccuracy_class = 0.5\n" POINTS("main",       \
	    scale) "[device:pdu]\nbus = b\nunit = 2\npoll_interval = 10s\naccuracy_class = "                 \
		   "0.5\n" POINTS("pdu", scale) "[pue:row]\nfacility = main\nit = pdu\nwindows = 1h, "       \
						"1d\n"

static const char plant[] = PLANT("0.001"), coarse[] = PLANT("1");

static const struct bytes_writer no_changes;
static const struct zone utc = { .name = "UTC" };

static struct live *new_live(void)
{
	struct config *c = load_config(ini, plant);
	struct live *l = live_new(c, START_S * NS_PER_S);
	config_unref(c);
	assert_non_null(l);
	return l;
}

/* 118 and 100 kW; how often, and in what steps, the counters show it. */
static int64_t shown_s = 1, shown_wh = 1;

static void feed(struct live *l, size_t device, int64_t second)
{
	static const double kilowatts[] = { 118, 100 };
	const int64_t time_ns = (START_S + second) * NS_PER_S;
	const double true_wh = 26e6 + kilowatts[device] * (double)(second / shown_s * shown_s) / 3.6;
	const uint32_t steps = (uint32_t)(true_wh / (double)shown_wh);
	struct batch *b = batch_new(l->config, device, 2);
	assert_non_null(b);
	b->samples[b->count++] = (struct sample){
		.point = 0, .value = { .kind = VALUE_NUMBER, .number = kilowatts[device] }, .time_ns = time_ns
	};
	b->samples[b->count++] = (struct sample){ .point = 1,
		.value = { .kind = VALUE_NUMBER, .number = steps * (double)shown_wh * 0.001 },
		.raw = steps,
		.time_ns = time_ns };
	assert_non_null(live_feed(l, b));
	batch_free(b);
}

/* Polls both, or only the first one, and ticks. */
static void run(struct live *l, int64_t from, int64_t until, size_t devices)
{
	for (int64_t s = from; s < until; s += POLL_S) {
		for (size_t d = 0; d < devices; d++)
			feed(l, d, s);
		live_tick(l);
		records_tick(l->records, l->alarms, (START_S + s) * NS_PER_S, (START_S + s) * 1000);
	}
}

static int64_t mj(const struct record_batch *b, const char *meter, int64_t hour)
{
	const char *role = strcmp(meter, "main") == 0 ? "facility" : "it";
	const struct record_row *r =
	    record_find(b, &(struct record_key){ RECORD_ENERGY, hour, "row", role, meter });
	return r ? r->sums.amount : 0;
}

static void expect_kwh(const struct record_batch *b, const char *meter, int64_t hour, double kwh)
{
	/* to a step of the counter */
	assert_true(fabs((double)mj(b, meter, hour) / MJ_PER_KWH - kwh) < 0.002);
}

static struct record_batch all_waiting(struct live *l)
{
	struct record_batch b = { 0 };
	(void)records_waiting(l->records, &b, &b);
	return b;
}

static void a_span_is_parted_by_hours(void **state)
{
	(void)state;
	struct record_batch b = { 0 };
	struct record_key key = { RECORD_ENERGY, 0, "row", "it", "pdu" };
	struct record_sums sums = record_none();
	sums.amount = 1001;
	sums.known_ms = 3 * RECORD_HOUR_MS / 2;
	/* 10:45 to 12:15 */
	record_spread(&b, &key, 43 * RECORD_HOUR_MS / 4, 49 * RECORD_HOUR_MS / 4, &sums);
	static const int64_t parts[] = { 166, 668, 167 }, minutes[] = { 15, 60, 15 };
	int64_t sum = 0;
	for (int64_t i = 0; i < 3; i++) {
		key.period = 10 + i;
		const struct record_sums *s = &record_find(&b, &key)->sums;
		assert_int_equal(s->amount, parts[i]);
		assert_int_equal(s->known_ms, minutes[i] * 60000);
		sum += s->amount;
	}
	assert_int_equal(sum, 1001);
	record_batch_clear(&b);
}

static void each_hour_has_its_energies(void **state)
{
	(void)state;
	struct live *l = new_live();
	run(l, 0, 3 * HOUR_S + 60, 2);
	struct record_batch b = all_waiting(l);
	for (int64_t i = 0; i < 3; i++) {
		expect_kwh(&b, "main", START_HOUR + i, 118);
		expect_kwh(&b, "pdu", START_HOUR + i, 100);
		struct record_pue p =
		    record_pue_compute(&b, l->config, "row", START_HOUR + i, RECORD_HOUR_MS, false);
		assert_true(p.energy_complete && p.coverage == 1 && p.estimated_kwh == 0);
		assert_int_equal(p.pue.quality, QUALITY_GOOD);
		assert_true(fabs(p.pue.value - 1.18) < 1e-4);
		assert_true(fabs(p.uncertainty - 0.00834) < 1e-4); /* 1.18 sqrt(2) 0.005 */
	}
	/* the counter at both edges */
	const struct record_row *r =
	    record_find(&b, &(struct record_key){ RECORD_ENERGY, START_HOUR + 1, "row", "it", "pdu" });
	assert_true(fabs(r->sums.low - 26100) < 0.01 && fabs(r->sums.high - 26200) < 0.01);
	record_batch_clear(&b);
	live_free(l);
}

/* Meters that show their energy in steps of 1 kWh, each quarter of an hour: the day's record says what the
 * window of that day does, and an hour's that it says nothing. */
static void a_record_is_judged_as_a_window(void **state)
{
	(void)state;
	shown_s = 900;
	shown_wh = 1000;
	struct config *c = load_config(ini, coarse);
	struct live *l = live_new(c, START_S * NS_PER_S);
	config_unref(c);
	run(l, 0, 24 * HOUR_S + 1000, 2);
	shown_s = shown_wh = 1;
	struct record_batch b = all_waiting(l), day = { 0 };
	struct record_periods *p = calloc(1, sizeof(*p));
	assert_null(record_periods_make(p, &utc, RECORD_STEP_DAY, START_S * 1000, (START_S + 1) * 1000));
	record_gather(p, &b, &day);
	struct record_pue hour =
	    record_pue_compute(&b, l->config, "row", START_HOUR + 5, RECORD_HOUR_MS, false);
	assert_string_equal(hour.pue.reason, "shorter than ten refreshes of a needed counter");
	struct record_pue r = record_pue_compute(&day, l->config, "row", 0, 24 * RECORD_HOUR_MS, false);
	struct pue_window w = pue_window(pues_at(l->pues, 0), 1);
	assert_int_equal(w.start_ms, START_S * 1000);
	assert_int_equal(r.pue.quality, w.pue.quality);
	assert_true(fabs(r.pue.value - w.pue.value) < 1e-9 && fabs(r.coverage - w.coverage) < 1e-9);
	assert_true(fabs(r.uncertainty - w.uncertainty) < 1e-6);
	const double quanta = hypot(1 / 2832.0, 1 / 2400.0), refresh = sqrt(2) * 900 / 86400;
	assert_true(
	    fabs(w.uncertainty / w.pue.value - sqrt(5e-5 + quanta * quanta + refresh * refresh)) < 2e-4);
	record_batch_clear(&day);
	record_batch_clear(&b);
	free(p);
	live_free(l);
}

static void a_meter_that_comes_back_late_fills_its_own_hours(void **state)
{
	(void)state;
	struct live *l = new_live();
	run(l, 0, HOUR_S / 2, 2);
	run(l, HOUR_S / 2, 3 * HOUR_S, 1); /* the second one is silent from 0:30 to 3:00 */
	struct record_batch b = all_waiting(l);
	expect_kwh(&b, "main", START_HOUR + 1, 118);
	expect_kwh(&b, "pdu", START_HOUR + 1, 0);
	struct record_pue p = record_pue_compute(&b, l->config, "row", START_HOUR + 1, RECORD_HOUR_MS, false);
	assert_false(p.energy_complete);
	assert_int_equal(p.pue.quality, QUALITY_INVALID);
	record_batch_clear(&b);

	run(l, 3 * HOUR_S, 4 * HOUR_S + 60, 2);
	b = all_waiting(l);
	int64_t sum = 0;
	for (int64_t i = 0; i < 4; i++) {
		expect_kwh(&b, "main", START_HOUR + i, 118);
		expect_kwh(&b, "pdu", START_HOUR + i, 100);
		sum += mj(&b, "pdu", START_HOUR + i);
		p = record_pue_compute(&b, l->config, "row", START_HOUR + i, RECORD_HOUR_MS, false);
		assert_true(p.energy_complete);
		assert_true(fabs(p.kwh[PUE_FACILITY] - 118) < 0.05 && fabs(p.kwh[PUE_IT] - 100) < 0.05);
	}
	assert_true(llabs(sum - 400 * MJ_PER_KWH) < MJ_PER_KWH / 100);
	assert_true(b.correction_count == 1 && strcmp(b.corrections[0].kind, "bridged") == 0);
	assert_string_equal(b.corrections[0].meter, "pdu");
	record_batch_clear(&b);
	live_free(l);
}

static struct state_db *open_db(void)
{
	struct state_db *d = state_db_new(folder);
	assert_non_null(d);
	return d;
}

/* What state.c does each 10 s. */
static int save(struct state_db *d, struct live *l, int64_t second)
{
	struct bytes_writer w = { 0 };
	struct records_addition a = { .oldest_hour = 0 };
	const struct record_batch *due = records_due(l->records, (START_S + second) * 1000, false, &a.id);
	struct record_batch copy = due ? *due : (struct record_batch){ 0 };
	a.batch = &copy;
	saved_put(l, 0, true, &w);
	int r = state_db_save(d, &w, &no_changes, due ? &a : NULL);
	if (due && r == 0)
		records_written(l->records);
	bytes_writer_deinit(&w);
	return r;
}

struct loading {
	struct live *live;
	struct wall_clock *clock;
};

static void take(struct bytes_entry *e, void *user)
{
	const struct loading *l = user;
	(void)saved_take(l->live, e, l->clock);
}

/* All hours, those in tables and those that are not. */
static struct record_batch read_all(struct state_db *d, struct live *l, int64_t hours)
{
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch b = { 0 }, due = { 0 }, open = { 0 };
	bool is_added = false;
	assert_null(record_periods_make(
	    p, &utc, RECORD_STEP_HOUR, START_S * 1000, (START_S + hours * HOUR_S) * 1000));
	int64_t id = records_waiting(l->records, &due, &open);
	assert_int_equal(state_db_read(d, p, id, &is_added, &b), 0);
	if (!is_added)
		record_gather(p, &due, &b);
	record_gather(p, &open, &b);
	record_batch_clear(&due);
	record_batch_clear(&open);
	free(p);
	return b;
}

/* A kill between any two saves loses and doubles nothing: counters say what lies between. */
static void a_kill_loses_and_doubles_nothing(void **state)
{
	(void)state;
	static struct wall_clock clock;
	struct live *l = new_live();
	struct state_db *d = open_db();
	for (int64_t s = 0, next; s < 6 * HOUR_S + 60; s = next) {
		next = s + 70;
		run(l, s, next, 2);
		if (s % 210 == 0)
			assert_int_equal(save(d, l, s), 0);
		if (s % 1750 != 0 || s == 0)
			continue;
		/* killed; what was since the last save is gone */
		live_free(l);
		state_db_free(d);
		l = new_live();
		d = open_db();
		clock = (struct wall_clock){ .now_ns = (START_S + s) * NS_PER_S };
		assert_true(state_db_load(d, take, &(struct loading){ l, &clock }) > 0);
	}
	struct record_batch b = read_all(d, l, 6);
	for (int64_t i = 0; i < 6; i++) {
		expect_kwh(&b, "main", i, 118);
		expect_kwh(&b, "pdu", i, 100);
		struct record_pue p = record_pue_compute(&b, l->config, "row", i, RECORD_HOUR_MS, false);
		assert_true(p.energy_complete);
		assert_true(fabs(p.pue.value - 1.18) < 1e-3);
	}
	record_batch_clear(&b);
	live_free(l);
	state_db_free(d);
	assert_int_equal(unlink(file), 0);
}

static void the_same_addition_is_made_once(void **state)
{
	(void)state;
	struct live *l = new_live();
	struct state_db *d = open_db();
	struct bytes_writer w = { 0 };
	run(l, 0, HOUR_S, 2);
	struct record_batch due = all_waiting(l), b = { 0 };
	const struct records_addition a = { &due, 7, 0 };
	for (int i = 0; i < 2; i++) {
		bytes_writer_deinit(&w);
		assert_int_equal(state_db_save(d, &w, &no_changes, &a), 0);
	}
	struct record_periods *p = calloc(1, sizeof(*p));
	bool is_added;
	assert_null(record_periods_make(p, &utc, RECORD_STEP_DAY, START_S * 1000, (START_S + 1) * 1000));
	assert_int_equal(state_db_read(d, p, 7, &is_added, &b), 0);
	assert_true(is_added);
	assert_int_equal(mj(&b, "pdu", 0), mj(&due, "pdu", START_HOUR));
	assert_true(mj(&b, "pdu", 0) > 99 * MJ_PER_KWH);
	record_batch_clear(&b);
	record_batch_clear(&due);
	free(p);
	live_free(l);
	state_db_free(d);
	assert_int_equal(unlink(file), 0);
}

static void a_disk_that_refuses_is_asked_again(void **state)
{
	(void)state;
	struct live *l = new_live();
	struct state_db *d = open_db();
	struct bytes_writer w = { 0 };
	int64_t first = 0, again = 0, late_ms = (START_S + 2 * HOUR_S) * 1000;
	run(l, 0, HOUR_S / 2, 2);
	(void)records_due(l->records, (START_S + HOUR_S / 2) * 1000, false, &first);
	run(l, HOUR_S / 2, HOUR_S + 60, 2);
	/* it is not taken: the next hours wait behind it */
	const struct record_batch *due = records_due(l->records, (START_S + HOUR_S) * 1000, false, &first);
	const size_t rows = due->count;
	run(l, HOUR_S + 60, 3 * HOUR_S + 60, 2);
	assert_ptr_equal(records_due(l->records, late_ms, false, &again), due);
	assert_true(first != 0 && again == first && due->count == rows);
	for (int i = 0; i < 2; i++) {
		struct records_addition a = { .oldest_hour = 0 };
		due = records_due(l->records, late_ms + i * RECORD_HOUR_MS, false, &a.id);
		assert_non_null(due);
		assert_true((a.id == first) == (i == 0));
		a.batch = due;
		assert_int_equal(state_db_save(d, &w, &no_changes, &a), 0);
		bytes_writer_deinit(&w);
		records_written(l->records);
	}
	struct record_batch b = read_all(d, l, 3);
	for (int64_t i = 0; i < 3; i++)
		expect_kwh(&b, "pdu", i, 100);
	record_batch_clear(&b);
	live_free(l);
	state_db_free(d);
	assert_int_equal(unlink(file), 0);
}

static void times_and_periods(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1 = none */
	} times[] = { { "1772323200000", START_S * 1000 }, { "2026-03-01", START_S * 1000 },
		{ "2026-03", START_S * 1000 }, { "2026", INT64_C(1767225600000) },
		{ "2026-03-01T06:00Z", (START_S + 6 * HOUR_S) * 1000 },
		{ "2026-03-01T06:00:30+01:00", (START_S + 5 * HOUR_S + 30) * 1000 }, { "", -1 },
		{ "yesterday", -1 }, { "2026-13", -1 }, { "2026-03-01x", -1 }, { "-1", -1 },
		{ "2024-02-29", INT64_C(1709164800000) }, { "2026-02-29", -1 }, { "2026-02-30T06:00Z", -1 },
		{ "2026-04-31", -1 } };
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t ms = -1;
		assert_int_equal(record_time_parse(&utc, times[i].text, &ms), times[i].ms >= 0);
		if (times[i].ms >= 0)
			assert_int_equal(ms, times[i].ms);
	}
	struct record_periods *p = calloc(1, sizeof(*p));
	/* February of a leap year */
	assert_null(
	    record_periods_make(p, &utc, RECORD_STEP_MONTH, INT64_C(1706745600000), INT64_C(1709251200000)));
	assert_int_equal(p->count, 1);
	assert_int_equal(p->edges[1] - p->edges[0], 29 * 24);
	assert_int_equal(record_periods_find(p, p->edges[0]), 0);
	assert_int_equal(record_periods_find(p, p->edges[1]), -1);
	assert_non_null(
	    strstr(record_periods_make(p, &utc, RECORD_STEP_HOUR, 0, INT64_C(86400000) * 34), "step=day"));
	assert_non_null(record_periods_make(p, &utc, RECORD_STEP_HOUR, 5, 5));
	free(p);
}

static void days_begin_at_midnight_of_the_site(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	const char *why = NULL;
	const struct zone *berlin = zone_load(a, "Europe/Berlin", &why);
	const struct zone *kolkata = zone_load(a, "Asia/Kolkata", &why);
	struct record_periods *p = calloc(1, sizeof(*p));
	int64_t from = 0, to = 0;
	assert_true(berlin && kolkata && p);
	/* the days around the change to summer time: of 24, 23 and 24 hours */
	assert_true(
	    record_time_parse(berlin, "2026-03-28", &from) && record_time_parse(berlin, "2026-03-31", &to));
	assert_int_equal(from, INT64_C(1774652400000)); /* 27th, 23:00 UTC */
	assert_int_equal(to, INT64_C(1774908000000));	/* 30th, 22:00 UTC */
	assert_null(record_periods_make(p, berlin, RECORD_STEP_DAY, from, to));
	assert_int_equal(p->count, 3);
	assert_int_equal(p->edges[0], from / RECORD_HOUR_MS);
	assert_int_equal(p->edges[1] - p->edges[0], 24);
	assert_int_equal(p->edges[2] - p->edges[1], 23);
	assert_int_equal(p->edges[3] - p->edges[2], 24);
	/* where summer time begins at midnight, that day begins at one */
	const struct zone *santiago = zone_load(a, "America/Santiago", &why);
	assert_non_null(santiago);
	assert_true(record_time_parse(santiago, "2026-09-05", &from) &&
		    record_time_parse(santiago, "2026-09-08", &to));
	assert_null(record_periods_make(p, santiago, RECORD_STEP_DAY, from, to));
	assert_int_equal(p->count, 3);
	assert_int_equal(p->edges[1] - p->edges[0], 24);
	assert_int_equal(p->edges[2] - p->edges[1], 23);
	assert_int_equal(p->edges[3] - p->edges[2], 24);
	/* midnight is 18:30 UTC: that hour belongs to the day in which it begins */
	assert_true(
	    record_time_parse(kolkata, "2026-03-28", &from) && record_time_parse(kolkata, "2026-03-30", &to));
	assert_null(record_periods_make(p, kolkata, RECORD_STEP_DAY, from, to));
	assert_int_equal(p->count, 2);
	assert_int_equal(p->edges[0] % 24, 19);
	assert_int_equal(p->edges[1] - p->edges[0], 24);
	assert_null(zone_load(a, "Europe/Nowhere", &why));
	assert_null(zone_load(a, "../zoneinfo/UTC", &why));
	free(p);
	arena_free(a);
}

/* Rows of a hall, added to in turn, as each second does. */
static void many_rows_are_added_to_in_no_time(void **state)
{
	(void)state;
	enum { FIGURES = 1500, TURNS = 40 };
	struct record_batch b = { 0 }, sum = { 0 };
	struct record_sums s = record_none();
	int64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s.amount = 7;
	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i < FIGURES; i++) {
			char name[16];
			snprintf(name, sizeof(name), "pue-%d", i);
			for (int hour = 0; hour < 2; hour++)
				record_add(&b, &(struct record_key){ RECORD_PUE, hour, name, "it", "" }, &s);
		}
	record_merge(&sum, &b);
	record_merge(&sum, &b);
	double us = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e3 / (2 * TURNS * FIGURES);
	printf("%zu rows: %.2f us to add to one\n", b.count, us);
	assert_int_equal(b.count, 2 * FIGURES);
	assert_int_equal(sum.count, 2 * FIGURES);
	record_sort(&sum);
	for (size_t i = 0; i < sum.count; i++)
		assert_int_equal(sum.rows[i].sums.amount, 2 * 7 * TURNS);
	assert_true(us < 5);
	record_batch_clear(&b);
	record_batch_clear(&sum);
}

static void time_report(struct state_db *d, enum record_step step, int64_t hours)
{
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch b = { 0 };
	struct config *c = load_config(ini, plant);
	struct json_writer w;
	bool is_added;
	assert_null(record_periods_make(p, &utc, step, START_S * 1000, (START_S + hours * HOUR_S) * 1000));
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(state_db_read(d, p, 0, &is_added, &b), 0);
	json_begin(&w);
	json_records_write(&w, &(struct json_records){ c, p, &b, 0, INT64_C(2000000000000) });
	char *text = json_finish(&w);
	assert_non_null(text);
	printf("%zu records by the %s: %zu bytes in %lld ms\n", p->count, record_step_word(step),
	    strlen(text), (long long)((clock_ns(CLOCK_MONOTONIC) - begin) / NS_PER_MS));
	free(text);
	free(p);
	config_unref(c);
	record_batch_clear(&b);
}

/* 400 days of a row with 10 meters and 3 loops. */
static void four_hundred_days_are_less_than_32_mib(void **state)
{
	(void)state;
	enum { DAYS = 400, METERS = 10, LOOPS = 3, FIGURES = 7, ROLES = 4 };
	static const char *const roles[ROLES] = { "", "facility", "it", "cooling" };
	struct state_db *d = open_db();
	struct bytes_writer w = { 0 };
	for (int64_t day = 0; day < DAYS; day++) {
		struct record_batch b = { 0 };
		struct record_sums s = { MJ_PER_KWH * 100 + day * 7919, 0, RECORD_HOUR_MS, RECORD_HOUR_MS,
			1e9 + (double)day / 7, 30.1 + (double)day / 3, 41.7 + (double)day / 3 };
		for (int64_t hour = START_HOUR + 24 * day; hour < START_HOUR + 24 * (day + 1); hour++) {
			char name[32];
			for (int i = 0; i < METERS; i++) {
				snprintf(name, sizeof(name), "meter-%d", i);
				record_add(
				    &b, &(struct record_key){ RECORD_ENERGY, hour, "row", "it", name }, &s);
			}
			for (int i = 0; i < ROLES; i++)
				record_add(
				    &b, &(struct record_key){ RECORD_PUE, hour, "row", roles[i], "" }, &s);
			for (int i = 0; i < LOOPS * FIGURES; i++) {
				snprintf(name, sizeof(name), "figure-%d", i % FIGURES);
				record_add(&b,
				    &(struct record_key){ RECORD_LOOP, hour,
					i < FIGURES	  ? "a"
					: i < 2 * FIGURES ? "b"
							  : "c",
					name, "" },
				    &s);
			}
			record_add(&b, &(struct record_key){ RECORD_ALARM, hour, "leak", "", "" }, &s);
		}
		assert_int_equal(
		    state_db_save(d, &w, &no_changes, &(struct records_addition){ &b, day + 1, 0 }), 0);
		record_batch_clear(&b);
	}
	time_report(d, RECORD_STEP_YEAR, DAYS * 24);
	time_report(d, RECORD_STEP_DAY, DAYS * 24);
	time_report(d, RECORD_STEP_HOUR, RECORD_PERIODS_MAX);
	state_db_free(d);
	struct stat st;
	assert_int_equal(stat(file, &st), 0);
	printf("400 days: %.1f MiB\n", (double)st.st_size / 1048576);
	assert_true(st.st_size < 32 * 1048576);
	assert_int_equal(unlink(file), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_is_parted_by_hours),
		cmocka_unit_test(times_and_periods),
		cmocka_unit_test(days_begin_at_midnight_of_the_site),
		cmocka_unit_test(each_hour_has_its_energies),
		cmocka_unit_test(a_record_is_judged_as_a_window),
		cmocka_unit_test(a_meter_that_comes_back_late_fills_its_own_hours),
		cmocka_unit_test(the_same_addition_is_made_once),
		cmocka_unit_test(a_kill_loses_and_doubles_nothing),
		cmocka_unit_test(a_disk_that_refuses_is_asked_again),
		cmocka_unit_test(many_rows_are_added_to_in_no_time),
		cmocka_unit_test(four_hundred_days_are_less_than_32_mib),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
