/* A PUE is taken apart, and put together again from nothing but the lines of the text. */
#include "unit_config.h"

#include "daemon/http/explain.h"
#include "daemon/live/saved.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 2026-03-01T00:00:00Z; the boottime is UTC here */
#define START_S INT64_C(1772323200)
#define POLL_S 10
#define WINDOW_S 900
/* After whole buckets of the window, so that its edges lie between readings */
#define SECONDS (WINDOW_S + 300 + 2)
#define WRAP_AT 600
#define GAP_FROM 820
#define GAP_UNTIL 890
#define STEP_KWH 0.001

#define COUNTER(d)                                                                                           \
	"[point:" d ".active_energy_import]\nregister = holding:2\ntype = u32\nscale = 0.001\nunit = kWh\n"  \
	"counter = yes\n"

#define DEVICE(d, unit, class) "[device:" d "]\nbus = b\nunit = " unit "\npoll_interval = 10s\n" class
#define CLASS(c) "accuracy_class = " c "\n"
#define FAN_POINT "[point:fan.active_power]\nregister = holding:0\nunit = W\n"
#define DEVICES                                                                                              \
	"[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n" DEVICE(                  \
	    "main", "1", CLASS("0.5")) COUNTER("main") DEVICE("pdu", "2", CLASS("1")) COUNTER("pdu")         \
	    DEVICE("fan", "3", "") FAN_POINT

static const char text_of_config[] =
    DEVICES "[pue:row]\nfacility = main\nit = pdu\ncooling = fan\nwindows = 15m, 6h\n"
	    "[pue:part]\nit = pdu\ncooling = fan\nwindows = 15m\n";

enum { MAIN, PDU, FAN };
static const double kilowatts[] = { [MAIN] = 118, [PDU] = 100, [FAN] = 10 };

static char folder[] = "/tmp/coolantd-explain-XXXXXX";

static const char *config_path(void)
{
	static char path[sizeof(folder) + 16];
	snprintf(path, sizeof(path), "%s/c.ini", folder);
	return path;
}

/* The main meter's counter passes its end at WRAP_AT; each meter is read a little later than the one before.
 */
static void feed(struct live *l, size_t device, int64_t second)
{
	struct batch *b = batch_new(l->config, device, 1);
	assert_non_null(b);
	struct sample *s = &b->samples[b->count++];
	s->time_ns = (START_S + second) * NS_PER_S + (int64_t)(device + 1) * 300 * NS_PER_MS;
	s->raw = (uint32_t)(kilowatts[device] * (double)second / 3.6 -
			    (device == MAIN ? kilowatts[device] * WRAP_AT / 3.6 : 0));
	s->value = (struct value){ .kind = VALUE_NUMBER,
		.number = device == FAN ? 1000 * kilowatts[device] : (double)s->raw * STEP_KWH };
	assert_non_null(live_feed(l, b));
	batch_free(b);
}

static struct live *run(struct config *c, int64_t gap_from, int64_t gap_until)
{
	struct live *l = live_new(c, START_S * NS_PER_S);
	assert_non_null(l);
	for (int64_t s = 0; s < SECONDS; s += POLL_S)
		for (size_t d = 0; d <= FAN; d++)
			if (d != PDU || s <= gap_from || s >= gap_until)
				feed(l, d, s);
	live_tick(l);
	return l;
}

/* The text of the answer, a line each. */
struct lines {
	char *answer, *at[400];
	size_t count;
};

static void explain(struct live *l, const char *figure, unsigned status, struct lines *ret)
{
	struct api api = { .live = l };
	const struct http_parameter p = { "figure", figure };
	const struct http_request r = {
		.method = "GET", .path = "/v1/explain", .parameters = &p, .parameter_count = 1
	};
	struct http_answer a = explain_answer(&api, "", &r);
	assert_int_equal(a.status, status);
	assert_non_null(a.text);
	*ret = (struct lines){ .answer = a.text };
	char *text = strstr(a.text, "\"text\":[\"");
	for (text = text ? text + strlen("\"text\":[\"") : NULL; text && ret->count < COUNT(ret->at);) {
		ret->at[ret->count++] = text;
		text = strstr(text, "\",\"");
		if (text)
			*text = '\0';
		text = text ? text + strlen("\",\"") : NULL;
	}
}

/* The next line from `*i` on that has the word; NULL = none before one that begins with `stop`. */
static const char *next(const struct lines *t, size_t *i, const char *word, const char *stop)
{
	while (*i < t->count) {
		const char *line = t->at[(*i)++];
		if (strstr(line, word))
			return line;
		if (stop && strncmp(line, stop, strlen(stop)) == 0)
			return NULL;
	}
	return NULL;
}

static double number_behind(const char *line, const char *word)
{
	assert_non_null(line);
	const char *at = strstr(line, word);
	assert_non_null(at);
	return strtod(at + strlen(word), NULL);
}

/* By hand: what the counter shows at both edges, and what is corrected between. */
static double energy_of(const struct lines *t, const char *meter)
{
	char head[64], sum[64];
	size_t i = 0;
	double kwh = 0, last = 0, a, b, r, f;
	snprintf(head, sizeof(head), "%s (", meter);
	snprintf(sum, sizeof(sum), "  %s = ", meter);
	assert_non_null(next(t, &i, head, NULL));
	for (const char *line; i < t->count && strncmp(line = t->at[i], sum, strlen(sum)) != 0; i++) {
		const char *open = strchr(line, '(');
		bool counts = strncmp(line, "  counted ", 10) == 0;
		if (counts && open && sscanf(open, "(%lf - %lf) * %lf", &b, &a, &f) == 3)
			last = (b - a) * f;
		else if (counts && open && sscanf(open, "(%lf - %lf + %lf) * %lf", &b, &a, &r, &f) == 4)
			last = (b - a + r) * f;
		else if (counts)
			last = number_behind(line, strstr(line, "= ") ? "= " : "for it: ");
		else if (strstr(line, "of that in the window: ")) {
			kwh -= last;
			last = number_behind(line, "window: ");
		} else if (strstr(line, "or its own power, was not known: - "))
			last = -number_behind(line, "known: - ");
		else if (strstr(line, "in which a meter was silent: "))
			last = strtod(strrchr(line, ':') + 4, NULL) * (strrchr(line, ':')[2] == '-' ? -1 : 1);
		else if (strstr(line, "  of before: + "))
			last = number_behind(line, "  of before: + ");
		else
			last = 0;
		kwh += last;
	}
	return kwh;
}

static void a_pue_with_a_wrap_and_a_gap_by_hand(void **state)
{
	struct lines t;
	struct config *c = load_config(config_path(), text_of_config);
	struct live *l = run(c, GAP_FROM, GAP_UNTIL);
	explain(l, "pue.row.15m", 200, &t);
	const struct pue_window w = pue_window(pues_at(l->pues, 0), 0);
	assert_int_equal(w.pue.quality, QUALITY_ESTIMATED);
	double facility = energy_of(&t, "main"), it = energy_of(&t, "pdu");
	assert_float_equal(facility, w.kwh[PUE_FACILITY], 2e-6);
	assert_float_equal(facility, 118 * 0.25, 2 * STEP_KWH);
	assert_float_equal(it, w.kwh[PUE_IT], 2e-6);
	assert_float_equal(facility / it, w.pue.value, 1e-6);
	size_t i = 0;
	assert_non_null(strstr(
	    next(&t, &i, "wrap from", NULL), "4294966.969 kWh (read 2026-03-01T00:09:50.300Z) to 0.327 kWh"));
	assert_non_null(next(&t, &i, "with the range of the counter", NULL));
	i = 0;
	assert_non_null(strstr(next(&t, &i, "gap from", NULL), "(read 2026-03-01T00:13:40.600Z)"));
	i = 0;
	assert_float_equal(
	    number_behind(next(&t, &i, "PUE = ", NULL), "PUE = "), 0, 1); /* the formula in words */
	assert_float_equal(number_behind(next(&t, &i, "PUE = ", NULL), "PUE = "), facility, 2e-6);
	/* the parts of the uncertainty, as sides of a triangle */
	double sum = 0;
	i = 0;
	for (const char *line; (line = next(&t, &i, "uncertainty by ", NULL));)
		sum += pow(strtod(strrchr(line, ':') + 1, NULL), 2);
	assert_float_equal(sqrt(sum), w.uncertainty, 1e-9);
	free(t.answer);
	live_free(l);
	config_unref(c);
}

/* The mean powers of the buckets, for a meter without a counter. */
static void a_partial_pue_with_a_power_by_hand(void **state)
{
	struct lines t;
	struct config *c = load_config(config_path(), text_of_config);
	struct live *l = run(c, INT64_MAX, 0);
	explain(l, "pue.part.15m", 200, &t);
	const struct pue_window w = pue_window(pues_at(l->pues, 1), 0);
	double cooling = 0;
	size_t i = 0;
	for (const char *line; (line = next(&t, &i, "kWh of each ", NULL));) {
		char *end = strstr(line, "on:");
		assert_non_null(end);
		for (end += 3; *end == ' ';)
			cooling += strtod(end, &end);
	}
	assert_float_equal(cooling, 10 * 0.25, 1e-6);
	assert_float_equal((energy_of(&t, "pdu") + cooling) / energy_of(&t, "pdu"), w.pue.value, 1e-6);
	assert_float_equal(w.pue.value, 1.1, 1e-4);
	free(t.answer);
	live_free(l);
	config_unref(c);
}

/* One counter is exchanged: it begins anew at 0. */
static void a_reset_by_hand(void **state)
{
	struct lines t;
	struct config *c = load_config(config_path(), text_of_config);
	struct live *l = live_new(c, START_S * NS_PER_S);
	for (int64_t s = 0; s < SECONDS; s += POLL_S) {
		feed(l, MAIN, s + WRAP_AT);
		feed(l, FAN, s + WRAP_AT);
		struct batch *b = batch_new(c, PDU, 1);
		uint32_t raw = (uint32_t)(100.0 / 3.6 * (double)(s < 700 ? s + 100000 : s - 700));
		b->samples[b->count++] = (struct sample){ .raw = raw,
			.time_ns = (START_S + WRAP_AT + s) * NS_PER_S,
			.value = { .kind = VALUE_NUMBER, .number = raw * STEP_KWH } };
		assert_non_null(live_feed(l, b));
		batch_free(b);
	}
	live_tick(l);
	explain(l, "pue.row.15m", 200, &t);
	const struct pue_window w = pue_window(pues_at(l->pues, 0), 0);
	size_t i = 0;
	assert_non_null(next(&t, &i, "reset from", NULL));
	assert_float_equal(energy_of(&t, "pdu"), w.kwh[PUE_IT], 2e-6);
	assert_float_equal(energy_of(&t, "main"), w.kwh[PUE_FACILITY], 2e-6);
	free(t.answer);
	live_free(l);
	config_unref(c);
}

/* A meter with a power beside its counter, which refreshes each third poll, is silent now and then, begins
 * anew and passes its end: as long as the other one is there, its readings tell all that is in the window. */
static void feed_mixed(struct live *l, size_t device, int64_t second, uint32_t raw, double kw)
{
	struct batch *b = batch_new(l->config, device, 2);
	assert_non_null(b);
	const int64_t time_ns = (START_S + second) * NS_PER_S + (int64_t)device * 300 * NS_PER_MS;
	b->samples[b->count++] = (struct sample){
		.point = 0, .time_ns = time_ns, .value = { .kind = VALUE_NUMBER, .number = kw }
	};
	b->samples[b->count++] = (struct sample){ .point = 1,
		.time_ns = time_ns,
		.raw = raw,
		.value = { .kind = VALUE_NUMBER, .number = raw * STEP_KWH } };
	assert_non_null(live_feed(l, b));
	batch_free(b);
}

static void whatever_happens_the_readings_tell_the_energy(void **state)
{
#define METER(d) "[point:" d ".active_power]\nregister = holding:0\nunit = kW\nmax = 400\n" COUNTER(d)
	static const char text[] =
	    "[daemon]\nsite = dc1\nrack = r07\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
	    "[device:main]\nbus = b\nunit = 1\npoll_interval = 10s\naccuracy_class = 0.5\n" METER(
		"main") "[device:pdu]\nbus = b\nunit = 2\npoll_interval = 10s\naccuracy_class = "
			"1\n" METER("pdu") "[pue:row]\nfacility = main\nit = pdu\nwindows = 15m, 1h\n";
	struct config *c = load_config(config_path(), text);
	for (unsigned seed = 1; seed < 40; seed++) {
		struct live *l = live_new(c, START_S * NS_PER_S);
		uint32_t shown = 0;
		double kwh = seed % 3 == 0 ? 4294967.296 - 3 : seed;
		int64_t silent_until = 0;
		srand(seed);
		for (int64_t s = 0; s < 4000; s += POLL_S) {
			const double kw = 100 + rand() % 50;
			kwh += kw * POLL_S / 3600;
			feed_mixed(l, MAIN, s, (uint32_t)(kwh * 1.2 * 1000), kw * 1.2);
			kwh = kwh >= 4294967.296 ? kwh - 4294967.296 : kwh;
			if (s / POLL_S % 3 == 0)
				shown = (uint32_t)(kwh * 1000);
			if (rand() % 60 == 0)
				silent_until = s + rand() % 300;
			if (rand() % 150 == 0)
				kwh = 0;
			if (s >= silent_until)
				feed_mixed(l, PDU, s, shown, kw);
		}
		live_tick(l);
		for (size_t w = 0; w < 2; w++) {
			struct lines t;
			explain(l, w ? "pue.row.1h" : "pue.row.15m", 200, &t);
			const struct pue_window window = pue_window(pues_at(l->pues, 0), w);
			size_t i = 0, k = 0;
			assert_float_equal(energy_of(&t, "pdu"), window.kwh[PUE_IT], 3e-6);
			if (window.energy_complete)
				assert_null(next(&t, &i, "less what it counted", NULL));
			assert_null(next(&t, &k, "of before, of which", NULL));
			free(t.answer);
		}
		live_free(l);
	}
	config_unref(c);
}

/* All is as it was before: an hour is not one sum of which nothing is known. */
static void a_restart_keeps_the_readings(void **state)
{
	struct lines before, after;
	struct config *c = load_config(config_path(), text_of_config);
	struct live *old = run(c, GAP_FROM, GAP_UNTIL), *new = live_new(c, (START_S + SECONDS) * NS_PER_S);
	struct wall_clock clock = { .now_ns = (START_S + SECONDS) * NS_PER_S };
	struct bytes_writer w = { 0 };
	saved_put(old, 0, true, &w);
	for (struct bytes_reader r = bytes_reader_of(&w); r.at < r.end && !r.bad;) {
		struct bytes_entry e = bytes_take_entry(&r);
		(void)saved_take(new, &e, &clock);
		assert_false(e.block.bad);
	}
	explain(old, "pue.row.15m", 200, &before);
	explain(new, "pue.row.15m", 200, &after);
	assert_float_equal(energy_of(&after, "main"), energy_of(&before, "main"), 1e-9);
	assert_float_equal(energy_of(&after, "pdu"), energy_of(&before, "pdu"), 1e-9);
	size_t i = 0, k = 0;
	assert_non_null(next(&after, &i, "wrap from 4294966.969 kWh", NULL));
	assert_null(next(&after, &k, "of before, of which", NULL));
	/* bytes that are cut somewhere harm nobody */
	for (size_t size = 0; size < w.size; size += 97) {
		struct bytes_reader r = { w.data, w.data + size, false };
		while (r.at < r.end && !r.bad) {
			struct bytes_entry e = bytes_take_entry(&r);
			if (!r.bad && strcmp(e.kind, PUES_TRACE_ENTRY) == 0) {
				e.block.end = e.block.at + size % (size_t)(e.block.end - e.block.at + 1);
				pues_load_trace(new->pues, &e);
			}
		}
	}
	bytes_writer_deinit(&w);
	free(before.answer);
	free(after.answer);
	live_free(old);
	live_free(new);
	config_unref(c);
}

/* A meter that is silent again and again: what came before the last corrections that are kept is one sum. */
static void many_corrections_are_said_as_far_as_they_are_kept(void **state)
{
	struct lines t;
	struct config *c = load_config(config_path(), text_of_config);
	struct live *l = live_new(c, START_S * NS_PER_S);
	for (int64_t s = 0; s < 900 * 40;
	     s += 40) { /* each reading behind a gap, of both meters and the fan */
		feed(l, MAIN, s + WRAP_AT);
		feed(l, PDU, s);
		feed(l, FAN, s);
	}
	for (int64_t s = 900 * 40; s < 900 * 40 + 600; s += POLL_S) {
		feed(l, MAIN, s + WRAP_AT);
		feed(l, PDU, s);
		feed(l, FAN, s);
	}
	live_tick(l);
	explain(l, "pue.row.6h", 200, &t);
	const struct pue_window w = pue_window(pues_at(l->pues, 0), 1);
	assert_float_equal(energy_of(&t, "pdu"), w.kwh[PUE_IT], 3e-6);
	size_t i = 0, k = 0;
	assert_non_null(next(&t, &i, "not all readings of it are kept", NULL));
	assert_non_null(next(&t, &k, "  of before: + ", NULL));
	free(t.answer);
	live_free(l);
	config_unref(c);
}

static void what_is_meant_is_suggested(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "pue.row.15n", "did you mean 'pue.row.15m'?" },
		{ "pue.rwo.15m", "did you mean 'pue.row.15m'?" },
		{ "peu.row.15m", "did you mean 'pue.row.15m'?" },
		{ "pue.row.power_ration", "did you mean 'pue.row.power_ratio'?" },
		{ "main.active_enery_import", "did you mean 'main.active_energy_import'?" },
		{ "alarm.coolantd-spol", "did you mean 'alarm.coolantd-spool'?" },
		{ "nothing.like.it", "no such figure (allowed: DEVICE.POINT" },
		{ "pue.row", "no such figure (allowed: DEVICE.POINT" },
		{ ".", "no such figure" },
		{ "....", "no such figure" },
	};
	struct config *c = load_config(config_path(), text_of_config);
	struct live *l = live_new(c, START_S * NS_PER_S);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct lines t;
		explain(l, cases[i].typed, 404, &t);
		assert_non_null(strstr(t.answer, cases[i].meant));
		free(t.answer);
	}
	live_free(l);
	config_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pue_with_a_wrap_and_a_gap_by_hand),
		cmocka_unit_test(a_partial_pue_with_a_power_by_hand),
		cmocka_unit_test(a_reset_by_hand),
		cmocka_unit_test(whatever_happens_the_readings_tell_the_energy),
		cmocka_unit_test(a_restart_keeps_the_readings),
		cmocka_unit_test(many_corrections_are_said_as_far_as_they_are_kept),
		cmocka_unit_test(what_is_meant_is_suggested),
	};
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path());
	rmdir(folder);
	return failed;
}
