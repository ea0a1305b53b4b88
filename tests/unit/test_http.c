/* What of requests needs no connection: patterns, metrics, and what is left out of a configuration. */
#include "unit.h"

#include "config/ini/cleanup.h"
#include "daemon/http/config_view.h"
#include "daemon/http/glob.h"
#include "daemon/http/openmetrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void globs(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "cdu1.flow", true },
		{ "cdu1.*", "cdu1.flow", true },
		{ "cdu1.*", "cdu10.flow", false },
		{ "*.flow", "cdu1.flow", true },
		{ "*.flow", "cdu1.flow_rate", false },
		{ "cdu?.*", "cdu12.flow", false },
		{ "cdu??.f*w", "cdu12.flow", true },
		{ "*ab*abc", "aababab.abc", true },
		{ "*ab*abc", "aabc", false },
		{ "a*b*c", "a.c.b", false },
		{ "**", "x", true },
		{ "[a]", "a", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(glob_matches(cases[i].pattern, cases[i].name), cases[i].matches);
}

/* What takes 2^60 steps where each star is tried at each place. */
static void a_glob_of_many_stars_is_no_work(void **state)
{
	char pattern[128] = "", name[128];
	for (int i = 0; i < 60; i++)
		strcat(pattern, i % 2 ? "*" : "a");
	strcat(pattern, "b");
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(glob_matches(pattern, name));
}

static void urls_lose_their_passwords(void **state)
{
	static const char *const cases[][2] = {
		{ "mqtt://localhost:1883", "mqtt://localhost:1883" },
		{ "mqtt://me:secret@host:1883", "mqtt://host:1883" },
		{ "mqtt://a:b@one, mqtts://c:d@e@two/x", "mqtt://one, mqtts://two/x" },
		{ "see https://host/@path", "see https://host/@path" },
		{ "me@host", "me@host" },
		{ "://", "://" },
		{ "://@", "://" },
		{ "", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "%s", cases[i][0]);
		config_view_redact(text);
		assert_string_equal(text, cases[i][1]);
	}
}

static const struct metric_family counted = { "x_things", METRIC_COUNTER, NULL, "things, \\ and\nmore" };
static const struct metric_family warmth = { "x_warmth_celsius", METRIC_GAUGE, "celsius", "how warm" };
static const struct metric_family unknown = { "x_unknown", METRIC_GAUGE, NULL, "nothing of it is known" };
static const struct metric_family build = { "x_build", METRIC_INFO, NULL, "what it is" };
static const struct metric_family wait = { "x_wait_seconds", METRIC_SUMMARY, "seconds", "how long" };

static char *metrics(bool classic)
{
	struct metrics_writer w;
	metrics_begin(&w, classic);
	metrics_family(&w, &counted);
	metrics_sample(&w, METRIC_LABELS({ "a", "q\"b\\c\nd" }, { "b", "" }), 12345678, JSON_DECIMAL);
	metrics_sample(&w, NULL, 0, JSON_DECIMAL);
	metrics_family(&w, &warmth);
	metrics_sample(&w, NULL, NAN, JSON_DECIMAL);
	metrics_sample(&w, NULL, -1.5, JSON_DECIMAL);
	metrics_family(&w, &unknown);
	metrics_sample(&w, NULL, NAN, JSON_DECIMAL);
	metrics_family(&w, &build);
	metrics_sample(&w, METRIC_LABELS({ "v", "1" }), 1, JSON_DECIMAL);
	metrics_family(&w, &wait);
	metrics_summary(&w, METRIC_LABELS({ "v", "1" }), 3, 0.25);
	return metrics_finish(&w);
}

static void metrics_are_of_the_standard(void **state)
{
	_cleanup_free_ char *text = metrics(false);
	assert_string_equal(text, "# HELP x_things things, \\\\ and\\nmore\n"
				  "# TYPE x_things counter\n"
				  "x_things_total{a=\"q\\\"b\\\\c\\nd\",b=\"\"} 12345678\n"
				  "x_things_total 0\n"
				  "# HELP x_warmth_celsius how warm\n"
				  "# TYPE x_warmth_celsius gauge\n"
				  "# UNIT x_warmth_celsius celsius\n"
				  "x_warmth_celsius -1.5\n"
				  "# HELP x_build what it is\n"
				  "# TYPE x_build info\n"
				  "x_build_info{v=\"1\"} 1\n"
				  "# HELP x_wait_seconds how long\n"
				  "# TYPE x_wait_seconds summary\n"
				  "# UNIT x_wait_seconds seconds\n"
				  "x_wait_seconds_count{v=\"1\"} 3\n"
				  "x_wait_seconds_sum{v=\"1\"} 0.25\n"
				  "# EOF\n");
}

/* There a family is called as its samples, and there are no infos. */
static void metrics_are_of_the_older_format(void **state)
{
	_cleanup_free_ char *text = metrics(true);
	assert_non_null(strstr(text, "# TYPE x_things_total counter\nx_things_total{"));
	assert_non_null(strstr(text, "# TYPE x_build_info gauge\nx_build_info{"));
	assert_null(strstr(text, "UNIT"));
	assert_null(strstr(text, "EOF"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(a_glob_of_many_stars_is_no_work),
		cmocka_unit_test(metrics_are_of_the_standard),
		cmocka_unit_test(metrics_are_of_the_older_format),
		cmocka_unit_test(urls_lose_their_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
