/* A month of a row, read each second, with the faults that meters, clocks and controllers have: what windows,
 * records and the report say of it, against the energies that were truly used. */
#include "unit_config.h"
#include "unit_folder.h"

#include "daemon/control/record_pue.h"
#include "daemon/live/saved.h"
#include "daemon/state/state_db.h"
#include "drivers/os/clock.h"

#include <malloc.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

/* 2026-04-01T00:00:00Z; the boottime is UTC while the clock is right */
#define START_S INT64_C(1775001600)
#define HOUR_S 3600
#define HOURS (30 * 24)
#define MONTH_S (HOURS * HOUR_S)
#define RUN_S (MONTH_S + HOUR_S / 2)
#define SHARE 1.18

#define METER(name, unit, interval, scale)                                                                   \
	"[device:" name "]\nbus = b\nunit = " unit "\npoll_interval = " interval "\naccuracy_class = 0.5\n"  \
	"[point:" name ".active_energy_import]\nregister = holding:0\ntype = u32\nunit = kWh\ncounter = "    \
	"yes\nscale = " scale "\n"
#define POWER(name) "[point:" name ".active_power]\nregister = holding:2\ntype = f32\nunit = kW\n"

/* `hall` shows whole kWh, each quarter of an hour. */
static const char row[] = "[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n" METER(
    "main", "1", "1s", "0.001") POWER("main") METER("pdu", "2", "1s", "0.01") POWER("pdu") METER("hall", "3",
    "60s", "1") "[pue:row]\nfacility = main\nit = pdu\nwindows = 1h, 1d, 30d\nalarms = no\n"
		"[pue:slow]\nfacility = hall\nit = pdu\nwindows = 1h, 1d, 30d\nalarms = no\n";

enum { MAIN, PDU, HALL, METERS };
enum { ROW, SLOW };
enum { ONE_HOUR, ONE_DAY, ONE_MONTH };

static const double quanta_wh[METERS] = { 1, 10, 1000 };
static const struct bytes_writer no_changes;
static const struct zone utc = { .name = "UTC" };

/* Random numbers in 0..n-1 (xorshift64*). */
static int64_t below(int64_t n)
{
	static uint64_t state = 11;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (int64_t)((state * UINT64_C(2685821657736338717)) >> 33) % n;
}

struct month {
	struct live *l;
	struct state_db *db;
	struct wall_clock clock;
	double wh[RUN_S + 1];	 /* of the IT, at each second */
	double truth[HOURS + 2]; /* Wh of the IT in each hour of the clock as it was set */
	bool stepped[HOURS + 2];
	int64_t silent_until[METERS], zeros_until, ones_until, set_wh, ahead_ms;
	size_t faults;
};

static double load_kw(int64_t s)
{
	return 80 + 10 * (double)(s / HOUR_S % 5);
}

static uint32_t raw_of(const struct month *m, size_t meter, int64_t s)
{
	static const double shares[METERS] = { SHARE, 1, SHARE };
	const int64_t shown = meter == HALL ? s / 900 * 900 : s;
	const double wh = 26e6 + shares[meter] * m->wh[shown] + (meter == MAIN ? (double)m->set_wh : 0);
	if (meter == PDU && s < m->zeros_until)
		return 0;
	if (meter == PDU && s < m->ones_until)
		return UINT32_MAX;
	return (uint32_t)(wh / quanta_wh[meter]);
}

static void feed(struct month *m, size_t meter, int64_t s)
{
	struct batch *b = batch_new(m->l->config, meter, 2);
	const int64_t time_ns = (START_S + s) * NS_PER_S;
	const uint32_t raw = raw_of(m, meter, s);
	assert_non_null(b);
	b->realtime_offset_ns = m->ahead_ms * NS_PER_MS;
	b->samples[b->count++] = (struct sample){ .point = 0,
		.value = { .kind = VALUE_NUMBER, .number = raw * quanta_wh[meter] / 1000 },
		.raw = raw,
		.time_ns = time_ns };
	if (meter != HALL)
		b->samples[b->count++] = (struct sample){ .point = 1,
			.value = { .kind = VALUE_NUMBER, .number = (meter == MAIN ? SHARE : 1) * load_kw(s) },
			.time_ns = time_ns };
	assert_non_null(live_feed(m->l, b));
	batch_free(b);
}

/* As state.c does, once an hour. */
static void save(struct month *m, int64_t s)
{
	struct bytes_writer w = { 0 };
	struct records_addition a = { .oldest_hour = 0 };
	const int64_t utc_ms = (START_S + s) * 1000 + m->ahead_ms;
	a.batch = records_due(m->l->records, utc_ms, false, &a.id);
	saved_put(m->l, m->ahead_ms * NS_PER_MS, false, &w);
	assert_int_equal(state_db_save(m->db, &w, &no_changes, a.batch ? &a : NULL), 0);
	if (a.batch)
		records_written(m->l->records);
	bytes_writer_deinit(&w);
}

static void take(struct bytes_entry *e, void *user)
{
	struct month *m = user;
	(void)saved_take(m->l, e, &m->clock);
}

/* What was since the last save is gone. */
static void kill_and_start(struct month *m, int64_t s)
{
	struct config *c = config_ref(m->l->config);
	live_free(m->l);
	state_db_free(m->db);
	m->db = state_db_new(folder);
	m->clock = (struct wall_clock){ (START_S + s) * NS_PER_S, m->ahead_ms * NS_PER_MS };
	m->l = live_new(c, m->clock.now_ns);
	config_unref(c);
	assert_true(m->db && m->l);
	assert_true(state_db_load(m->db, take, m) > 0);
}

/* What may happen in the middle of an hour; it is over before its end. */
static void draw_faults(struct month *m, int64_t s)
{
	const bool is_killed = below(40) == 0;
	for (size_t i = 0; i < METERS; i++)
		if (below(12) == 0)
			m->silent_until[i] = s + below(1200);
	if (below(30) == 0)
		m->zeros_until = s + 3;
	else if (below(30) == 0)
		m->ones_until = s + 5;
	/* what lies between two readings with hours between them, and a new beginning, nobody knows */
	if (below(60) == 0 && !is_killed && m->silent_until[MAIN] <= s) {
		m->set_wh += below(2) ? 2000000 : -1500000;
		m->faults++;
	}
	if (below(24) == 0) {
		m->ahead_ms = below(2000) - 1000;
		m->stepped[s / HOUR_S] = true;
		m->faults++;
	}
	if (is_killed) {
		for (size_t i = 0; i < METERS; i++)
			m->silent_until[i] = s + 1 + below(600);
		kill_and_start(m, s);
	}
	m->faults += is_killed + (m->zeros_until > s) + (m->ones_until > s);
	for (size_t i = 0; i < METERS; i++)
		m->faults += m->silent_until[i] > s;
}

static void count_truth(struct month *m, int64_t s)
{
	const double wh = load_kw(s - 1) / 3.6, end = (double)s + (double)m->ahead_ms / 1e3;
	const int64_t hour = (int64_t)(end / HOUR_S);
	const double late = fmin(end - (double)(hour * HOUR_S), 1);
	m->wh[s] = m->wh[s - 1] + wh;
	m->truth[hour] += late * wh;
	if (late < 1 && hour > 0)
		m->truth[hour - 1] += (1 - late) * wh;
}

/* But for what SQLite has of the file, which is bounded by its cache. */
static size_t memory(void)
{
	return mallinfo2().uordblks - (size_t)sqlite3_memory_used();
}

static void run(struct month *m)
{
	size_t after_a_week = 0;
	for (int64_t s = 0; s <= RUN_S; s++) {
		if (s % HOUR_S == HOUR_S / 2 && s < MONTH_S)
			draw_faults(m, s);
		if (s == MONTH_S - HOUR_S / 4)
			m->ahead_ms = 0;
		if (s > 0)
			count_truth(m, s);
		for (size_t i = 0; i < METERS; i++)
			if (s >= m->silent_until[i] && (i != HALL || s % 60 == 30))
				feed(m, i, s);
		if (s % 10 == 0) {
			live_tick(m->l);
			records_tick(m->l->records, m->l->alarms, (START_S + s) * NS_PER_S,
			    (START_S + s) * 1000 + m->ahead_ms);
		}
		if (s % HOUR_S == 60)
			save(m, s);
		if (s == 7 * 86400 + HOUR_S / 2 - 1)
			after_a_week = memory();
	}
	const size_t at_the_end = memory();
	printf("memory after a week %zu KiB, at the end %zu KiB\n", after_a_week / 1024, at_the_end / 1024);
	assert_true(at_the_end < after_a_week + 64 * 1024);
}

static struct record_batch report(struct month *m, struct record_periods *p, enum record_step step)
{
	struct record_batch b = { 0 }, due = { 0 }, open = { 0 };
	bool is_added = false;
	assert_null(record_periods_make(p, &utc, step, START_S * 1000, (START_S + MONTH_S) * 1000));
	int64_t id = records_waiting(m->l->records, &due, &open);
	assert_int_equal(state_db_read(m->db, p, id, &is_added, &b), 0);
	if (!is_added)
		record_gather(p, &due, &b);
	record_gather(p, &open, &b);
	record_batch_clear(&due);
	record_batch_clear(&open);
	assert_false(b.lost);
	return b;
}

struct worst {
	double main_wh, pdu_wh, ratio;
};

/* The records of hours, days or the month: energies to a step of their counters, and to a second of the load
 * where the clock was set. */
static struct worst check(struct month *m, enum record_step step)
{
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch b = report(m, p, step);
	struct worst worst = { 0 };
	for (size_t i = 0; i < p->count && p->edges[i] * HOUR_S < START_S + MONTH_S; i++) {
		const int64_t first = p->edges[i] - START_S / HOUR_S,
			      end = p->edges[i + 1] - START_S / HOUR_S;
		double wh = 0, slack = 0;
		for (int64_t h = first; h < end && h < HOURS; h++) {
			wh += m->truth[h];
			slack += m->stepped[h] ? load_kw(h * HOUR_S) / 3.6 * 2 : 0;
		}
		const struct record_pue r = record_pue_compute(
		    &b, m->l->config, "row", (int64_t)i, (end - first) * RECORD_HOUR_MS, false);
		const double pdu_wh = fabs(r.kwh[PUE_IT] * 1000 - wh),
			     main_wh = fabs(r.kwh[PUE_FACILITY] * 1000 - SHARE * wh),
			     ratio = fabs(r.pue.value - SHARE);
		assert_true(r.energy_complete);
		if (pdu_wh > 20 + slack || main_wh > 60 + SHARE * slack)
			fail_msg("record %zu: %g and %g Wh wrong, %g allowed", i, main_wh, pdu_wh, slack);
		if (slack == 0) {
			worst.pdu_wh = fmax(worst.pdu_wh, pdu_wh);
			worst.main_wh = fmax(worst.main_wh, main_wh);
		}
		if (!quality_has_value(r.pue.quality))
			assert_true(r.coverage < 0.9 && step == RECORD_STEP_HOUR);
		else
			worst.ratio = fmax(worst.ratio, ratio);
	}
	record_batch_clear(&b);
	free(p);
	return worst;
}

/* The coarse one to its stated uncertainty, and nothing of an hour. */
static void check_slow(struct month *m)
{
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch b = report(m, p, RECORD_STEP_DAY);
	double worst = 0, largest = 0;
	for (int64_t i = 0; i < 30; i++) {
		const struct record_pue r =
		    record_pue_compute(&b, m->l->config, "slow", i, 24 * RECORD_HOUR_MS, false);
		/* the first day begins before the first reading */
		if (!quality_has_value(r.pue.quality)) {
			assert_true(i == 0 && !r.energy_complete);
			continue;
		}
		assert_true(fabs(r.pue.value - SHARE) < r.uncertainty);
		worst = fmax(worst, fabs(r.pue.value - SHARE));
		largest = fmax(largest, r.uncertainty);
	}
	assert_int_equal(pue_window(pues_at(m->l->pues, SLOW), ONE_HOUR).pue.quality, QUALITY_INVALID);
	printf("days of a counter of 1 kWh and 15 min: PUE to %.5f, stated %.5f\n", worst, largest);
	record_batch_clear(&b);
	free(p);
}

static void check_windows(struct month *m)
{
	const struct pue *pue = pues_at(m->l->pues, ROW);
	const struct pue_window month = pue_window(pue, ONE_MONTH), day = pue_window(pue, ONE_DAY);
	double wh = 0;
	for (int64_t h = 0; h < HOURS; h++)
		wh += m->truth[h];
	assert_int_equal(month.start_ms, START_S * 1000);
	assert_int_equal(month.end_ms, (START_S + MONTH_S) * 1000);
	assert_true(month.energy_complete && day.energy_complete);
	assert_true(fabs(month.kwh[PUE_IT] * 1000 - wh) < 100);
	assert_true(fabs(month.kwh[PUE_FACILITY] * 1000 - SHARE * wh) < 1000);
	assert_true(fabs(month.pue.value - SHARE) < 1e-5 && fabs(day.pue.value - SHARE) < 1e-4);
	printf("window of 30 d: %.3f kWh of IT, true %.3f; PUE to %.1e, coverage %.4f\n", month.kwh[PUE_IT],
	    wh / 1000, fabs(month.pue.value - SHARE), month.coverage);
	/* the record of the month has the same */
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch b = report(m, p, RECORD_STEP_MONTH);
	const struct record_pue r =
	    record_pue_compute(&b, m->l->config, "row", 0, HOURS * RECORD_HOUR_MS, false);
	assert_true(fabs(r.kwh[PUE_IT] - month.kwh[PUE_IT]) < 0.05);
	assert_true(fabs(r.pue.value - month.pue.value) < 1e-6);
	assert_int_equal(r.pue.quality, month.pue.quality);
	assert_true(fabs(r.uncertainty - month.uncertainty) < 1e-5);
	record_batch_clear(&b);
	free(p);
}

static void a_month_in_windows_records_and_report(void **state)
{
	(void)state;
	struct month *m = calloc(1, sizeof(*m));
	const int64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	struct config *c = load_config(ini, row);
	m->l = live_new(c, START_S * NS_PER_S);
	m->db = state_db_new(folder);
	config_unref(c);
	assert_true(m->l && m->db);
	run(m);
	const struct worst hours = check(m, RECORD_STEP_HOUR), days = check(m, RECORD_STEP_DAY);
	printf("hours: main to %.1f Wh, pdu to %.1f Wh, PUE to %.1e; days: PUE to %.1e\n", hours.main_wh,
	    hours.pdu_wh, hours.ratio, days.ratio);
	assert_true(hours.ratio < 1.18 * 2 * 10 / 80e3 && days.ratio < 1e-4);
	check_slow(m);
	check_windows(m);
	printf("%zu faults, %.1f s of CPU\n", m->faults,
	    (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / NS_PER_S);
	live_free(m->l);
	state_db_free(m->db);
	assert_int_equal(unlink(file), 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_month_in_windows_records_and_report) };
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
