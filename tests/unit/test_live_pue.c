/* A day of meters, live and replayed: the same readings give the same figures, to the last digit. */
#include "unit_config.h"

#include "daemon/audit.h"
#include "daemon/control/record_period.h"
#include "daemon/control/record_pue.h"
#include "daemon/live/live.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 2026-03-01T00:00:00Z; the boottime is UTC here, as in a replay */
#define START_S INT64_C(1772323200)
#define POLL_S 10
#define SLOW_POLLS 10
#define SECONDS (86400 + 1800)

#define POINTS(d)                                                                                            \
	"[point:" d ".active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"                          \
	"[point:" d ".active_energy_import]\nregister = holding:2\ntype = u32\nscale = 0.001\nunit = kWh\n"  \
	"counter = yes\npoll = slow\n"

static const char day_text[] =
    "[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
    "[device:main]\nbus = b\nunit = 1\npoll_interval = 10s\naccuracy_class = 0.5\n" POINTS(
	"main") "[device:pdu]\nbus = b\nunit = 2\npoll_interval = 10s\naccuracy_class = "
		"0.5\n" POINTS("pdu") "[pue:row]\nfacility = main\nit = pdu\nwindows = 1h, 1d\n";

static char folder[] = "/tmp/coolantd-live-pue-XXXXXX";

static char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

struct poll {
	double kilowatts;
	uint32_t wh;
	bool has_energy;
};

/* 118 and 100 kW. One counter is garbled at noon, and shows zeros for three readings at six. */
static struct poll poll_of(size_t device, int64_t second)
{
	static const double kilowatts[] = { 118, 100 };
	struct poll p = { kilowatts[device], (uint32_t)(26e6 + kilowatts[device] * (double)second / 3.6),
		second / POLL_S % SLOW_POLLS == 0 };
	if (device == 0 && second / 100 == 432)
		p.wh += 2000000;
	if (device == 0 && second >= 64800 && second < 65100)
		p.wh = 0;
	return p;
}

static void feed(struct live *l, size_t device, int64_t second)
{
	struct poll p = poll_of(device, second);
	struct batch *b = batch_new(l->config, device, 2);
	assert_non_null(b);
	b->samples[b->count++] = (struct sample){ .point = 0,
		.value = { .kind = VALUE_NUMBER, .number = p.kilowatts },
		.time_ns = (START_S + second) * NS_PER_S };
	if (p.has_energy)
		b->samples[b->count++] = (struct sample){ .point = 1,
			.value = { .kind = VALUE_NUMBER, .number = p.wh * 0.001 },
			.raw = p.wh,
			.time_ns = (START_S + second) * NS_PER_S };
	assert_non_null(live_feed(l, b));
	batch_free(b);
}

static char *payload_of(struct live *l)
{
	struct json_writer w;
	live_tick(l);
	json_begin(&w);
	json_payload_pue(
	    &w, NULL, &l->config->pues[0], pues_at(l->pues, 0), 0, (START_S + SECONDS - POLL_S) * 1000);
	return json_finish(&w);
}

static void write_day(const char *path)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(
	    "ts,main.active_energy_import,main.active_power,pdu.active_energy_import,pdu.active_power\n", f);
	for (int64_t s = 0; s < SECONDS; s += POLL_S) {
		fprintf(f, "%lld", (long long)(START_S + s) * 1000);
		for (size_t d = 0; d < 2; d++) {
			struct poll p = poll_of(d, s);
			if (p.has_energy)
				fprintf(f, ",%.3f,%.17g", p.wh * 0.001, p.kilowatts);
			else
				fprintf(f, ",,%.17g", p.kilowatts);
		}
		fputs("\n", f);
	}
	assert_int_equal(fclose(f), 0);
}

/* What a replay prints, or with a live plant the report of its records. */
static void capture(struct config *c, const char *csv, const struct report_range *range,
    const struct record_batch *rows, char *out, size_t size)
{
	const char *path = path_of("out");
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	assert_non_null(freopen(path, "w", stdout));
	int r = rows ? report_print(
			   c, range, rows, (START_S + SECONDS) * 1000, (START_S + SECONDS - POLL_S) * 1000)
		     : audit_run(c, csv, range);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	assert_int_equal(r, 0);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void a_day_is_the_same_live_and_replayed(void **state)
{
	static char out[8192];
	struct config *c = load_config(path_of("coolantd.ini"), day_text);
	struct live *l = live_new(c, START_S * NS_PER_S);
	assert_non_null(l);
	for (int64_t s = 0; s < SECONDS; s += POLL_S) {
		feed(l, 0, s);
		feed(l, 1, s);
		live_tick(l);
		records_tick(l->records, l->alarms, (START_S + s) * NS_PER_S, (START_S + s) * 1000);
	}
	char *live_payload = payload_of(l);
	assert_non_null(live_payload);
	struct pue_window day = pue_window(pues_at(l->pues, 0), 1);
	/* to a step of the counters; the wrong readings are worth nothing */
	assert_float_equal(day.kwh[PUE_FACILITY], 118 * 24, 0.002);
	assert_float_equal(day.kwh[PUE_IT], 100 * 24, 0.002);
	assert_float_equal(day.pue.value, 1.18, 1e-5);
	assert_int_equal(day.pue.quality, QUALITY_GOOD);
	assert_true(day.coverage > 0.98); /* polled each 100 s, which is as told */

	const char *csv = path_of("day.csv");
	write_day(csv);
	capture(c, csv, NULL, NULL, out, sizeof(out));
	out[strcspn(out, "\n")] = '\0';
	assert_string_equal(out + strlen("pue/row "), live_payload);
	free(live_payload);

	/* and so do the records, whose day is that of the window */
	static char report[8192];
	static const struct report_range days = { "day", "2026-03-01", "2026-03-02" };
	struct record_batch rows = { 0 };
	(void)records_waiting(l->records, &rows, &rows);
	capture(c, csv, &days, &rows, report, sizeof(report));
	capture(c, csv, &days, NULL, out, sizeof(out));
	assert_string_equal(out, report);
	assert_non_null(strstr(report, "\"kind\":\"return\""));
	struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch by_day = { 0 };
	assert_null(record_periods_parse(p, c->daemon->timezone, "day", "2026-03-01", "2026-03-02", 0));
	record_gather(p, &rows, &by_day);
	const struct record_pue r = record_pue_compute(&by_day, c, "row", 0, 24 * RECORD_HOUR_MS, false);
	assert_int_equal(day.start_ms, START_S * 1000);
	assert_float_equal(r.kwh[PUE_FACILITY], day.kwh[PUE_FACILITY], 1e-6);
	assert_float_equal(r.kwh[PUE_IT], day.kwh[PUE_IT], 1e-6);
	assert_float_equal(r.pue.value, day.pue.value, 1e-9);
	assert_float_equal(r.uncertainty, day.uncertainty, 1e-6);
	assert_int_equal(r.pue.quality, day.pue.quality);
	record_batch_clear(&by_day);
	record_batch_clear(&rows);
	free(p);
	live_free(l);
	config_unref(c);
}

static void a_window_without_readings_has_no_times(void **state)
{
	struct config *c = load_config(path_of("coolantd.ini"), day_text);
	struct live *l = live_new(c, START_S * NS_PER_S);
	assert_non_null(l);
	char *payload = payload_of(l);
	assert_non_null(payload);
	assert_non_null(strstr(payload, "\"1h\":{\"pue\":null,\"start\":null,\"end\":null"));
	free(payload);
	live_free(l);
	config_unref(c);
}

/* A meter that counts both ways, and a loop whose heat is put to use. */
static const char both_ways_text[] =
    "[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
    "[device:main]\nbus = b\nunit = 1\n[point:main.active_power]\nregister = holding:0\ntype = f32\nunit = "
    "kW\n"
    "[point:main.active_energy_import]\nregister = holding:2\ntype = u32\nscale = 0.001\nunit = kWh\n"
    "[point:main.active_energy_export]\nregister = holding:4\ntype = u32\nscale = 0.001\nunit = kWh\n"
    "[device:pdu]\nbus = b\nunit = 2\n[point:pdu.active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
    "[device:cdu]\nbus = b\nunit = 3\n[point:cdu.flow]\nregister = holding:0\nunit = L/min\n"
    "[point:cdu.s]\nregister = holding:1\nunit = Cel\n[point:cdu.r]\nregister = holding:2\nunit = Cel\n"
    "[loop:s]\ncoolant = pg25\nflow = cdu.flow\nsupply = cdu.s\nreturn = cdu.r\n"
    "[pue:row]\nfacility = main\nit = pdu\nexport = main\nreuse_heat = loop.s.heat\nwindows = 1m\n";

static void feed_numbers(struct live *l, size_t device, int64_t second, const double *numbers, size_t n)
{
	struct batch *b = batch_new(l->config, device, n);
	assert_non_null(b);
	for (size_t i = 0; i < n; i++)
		b->samples[b->count++] = (struct sample){ .point = (uint32_t)i,
			.value = { .kind = VALUE_NUMBER, .number = numbers[i] },
			.raw = (uint64_t)llround(numbers[i] * 1000),
			.time_ns = (START_S + second) * NS_PER_S };
	assert_non_null(live_feed(l, b));
	batch_free(b);
}

static void an_export_is_the_way_out_and_heat_is_reused(void **state)
{
	struct config *c = load_config(path_of("coolantd.ini"), both_ways_text);
	struct live *l = live_new(c, START_S * NS_PER_S);
	int64_t when;
	assert_non_null(l);
	for (int64_t s = 0; s <= 90; s++) {
		/* 360 kW flow in; nothing but a total flows out */
		feed_numbers(l, 0, s, (double[]){ 360, 5000 + 0.1 * (double)s, 700 }, 3);
		feed_numbers(l, 1, s, (double[]){ 300 }, 1);
		feed_numbers(l, 2, s, (double[]){ 100, 30, 40 }, 3);
	}
	live_tick(l);
	const struct pue *p = pues_at(l->pues, 0);
	double heat = loops_figures(l->loops, 0)[LOOP_HEAT].value;
	assert_float_equal(pue_power_ratio(p, &when).value, 1.2, 1e-9);
	struct pue_window w = pue_window(p, 0);
	assert_float_equal(w.kwh[PUE_FACILITY], 6, 1e-6);
	assert_float_equal(w.kwh[PUE_EXPORT], 0, 0);
	assert_float_equal(w.kwh[PUE_REUSE_HEAT], heat / 60, 1e-6);
	assert_float_equal(w.pue.value, 1.2, 1e-6);
	assert_float_equal(w.ere.value, (360 - heat) / 300, 1e-6);
	/* then 60 kW flow out: what the boundary takes is below 0, and shown */
	for (int64_t s = 91; s <= 93; s++) {
		feed_numbers(l, 0, s, (double[]){ -60, 5009, 700 + (double)(s - 90) / 60 }, 3);
		feed_numbers(l, 1, s, (double[]){ 300 }, 1);
	}
	live_tick(l);
	assert_float_equal(pue_role_power(p, PUE_EXPORT).value, 60, 1e-9);
	assert_float_equal(pue_role_power(p, PUE_FACILITY).value, 0, 1e-9);
	assert_float_equal(pue_power_ratio(p, &when).value, -0.2, 1e-9);
	assert_int_equal(pue_power_ratio(p, &when).quality, QUALITY_SUSPECT);
	live_free(l);
	config_unref(c);
}

#define NAMED_ROW(name, bus, interval, scale, rest)                                                          \
	"[daemon]\nsite = dc1\nrack = r07\n[bus:" bus "]\ntype = tcp\nhost = 127.0.0.1\n"                    \
	"[device:main]\nbus = " bus "\nunit = 1\npoll_interval = " interval "\n[point:main.energy]\n"        \
	"register = holding:0\ntype = u32\nscale = " scale "\nunit = kWh\n"                                  \
	"[device:pdu]\nbus = " bus "\nunit = 2\n[point:pdu.energy]\nregister = holding:0\ntype = u32\n"      \
	"scale = 0.001\nunit = kWh\n[pue:" name "]\nfacility = main.energy\nit = pdu.energy\n" rest
#define ROW(bus, interval, scale, rest) NAMED_ROW("row", bus, interval, scale, rest)

static void feed_counters(struct live *l, int64_t from, int64_t until)
{
	for (int64_t s = from; s < until; s++) {
		feed_numbers(l, 0, s, (double[]){ 5000 + 0.1 * (double)s }, 1);
		feed_numbers(l, 1, s, (double[]){ 700 + 0.08 * (double)s }, 1);
	}
}

/* What does not change what a meter means keeps the energies, over a reload and a restart; what does begins
 * anew. */
static void a_change_of_words_keeps_energies(void **state)
{
	static const struct {
		const char *text;
		bool keeps;
	} cases[] = {
		{ ROW("a", "1s", "0.001", "windows = 1h, 1m\n"), true },
		{ ROW("a", "1s", "0.001", "windows = 1h\nboundary = hall\nalarms = no\n"), true },
		{ ROW("b", "1s", "0.001", "windows = 1h\n"), true },
		{ ROW("a", "2s", "0.001", "windows = 1h\n"), true },
		{ NAMED_ROW("hall", "a", "1s", "0.001", "windows = 1h\n"), true },
		{ ROW("a", "1s", "0.001\nmax = 1e9\ndescription = new", "windows = 1h\n"), true },
		{ ROW("a", "1s", "0.01", "windows = 1h\n"), false },
		{ ROW("a", "1s", "0.001",
		      "windows = 1h\nexport = main.energy2\n[point:main.energy2]\n"
		      "register = holding:9\nunit = kWh\n"),
		    false },
	};
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		struct config *c =
		    load_config(path_of("coolantd.ini"), ROW("a", "1s", "0.001", "windows = 1h\n"));
		struct config *other = load_config(path_of("coolantd.ini"), cases[i / 2].text);
		struct live *l = live_new(c, START_S * NS_PER_S), *next = live_new(other, START_S * NS_PER_S);
		struct wall_clock clock = { (START_S + 1800) * NS_PER_S, 0 };
		feed_counters(l, 0, 1800);
		if (i % 2 == 0) {
			live_inherit(next, l);
		} else {
			struct bytes_writer w = { 0 };
			pues_save(l->pues, &w);
			struct bytes_reader r = bytes_reader_of(&w);
			struct bytes_entry e = bytes_take_entry(&r);
			assert_int_equal(pues_load(next->pues, &e, &clock), cases[i / 2].keeps);
			bytes_writer_deinit(&w);
		}
		live_free(l);
		feed_counters(next, 1800, 3720);
		live_tick(next);
		struct pue_window w = pue_window(pues_at(next->pues, 0), 0);
		if (cases[i / 2].keeps) {
			assert_float_equal(w.kwh[PUE_IT], 288, 0.001);
			assert_float_equal(w.pue.value, 1.25, 1e-5);
			assert_float_equal(w.coverage, 1, 0.001);
		} else {
			assert_false(w.coverage > 0.55);
		}
		live_free(next);
		config_unref(c);
		config_unref(other);
	}
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "coolantd.ini", "day.csv", "out" };
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_without_readings_has_no_times),
		cmocka_unit_test(a_day_is_the_same_live_and_replayed),
		cmocka_unit_test(an_export_is_the_way_out_and_heat_is_reused),
		cmocka_unit_test(a_change_of_words_keeps_energies),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
