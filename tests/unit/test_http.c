/* What of requests needs no connection: patterns, names, places, metrics, and what is left out of a
 * configuration. */
#include "unit.h"

#include "config/ini/address.h"
#include "config/ini/cleanup.h"
#include "daemon/http/config_view.h"
#include "daemon/http/flat.h"
#include "daemon/http/glob.h"
#include "daemon/http/host.h"
#include "daemon/http/listen.h"
#include "daemon/http/openmetrics.h"
#include "daemon/http/places.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void a_host_is_ours_by_number_or_as_localhost(void **state)
{
	static const char *const ours[] = { "localhost", "LocalHost:9109", "127.0.0.1", "192.0.2.7:9109",
		"[::1]", "[2001:db8::7]:9109", "rack7", "RACK7:9109", NULL };
	static const char *const others[] = { "", "evil.example", "localhost.evil.example", "127.0.0.1.evil",
		"127.0.0.1:x", "::1", "[::1", "[::1]x", "[127.0.0.1]", "[localhost]", "1.2.3",
		"user@127.0.0.1", "localhost:1:2", "[::1]:9109/", "0x7f.1", "rack7.evil.example", "rack",
		"[rack7]", ":9109" };
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_true(host_is_ours(ours[i], "rack7"));
	assert_false(host_is_ours("", ""));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(host_is_ours(others[i], "rack7"));
}

static void addresses_have_a_number_and_a_port(void **state)
{
	static const char *const wrong[] = { "", ":9109", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
		"127.0.0.1:65536", "127.0.0.1:0x10", "127.0.0.1:+1", "localhost:9109", "::1:9109", "[::1]",
		"[::1:9109", "[]:9109", "[127.0.0.1]:9109", "127.0.0.1:99999999999999999999",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1" };
	struct sockaddr_storage a;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(address_parse(wrong[i], &a), -EINVAL);
	assert_int_equal(address_parse("127.0.0.1:9109", &a), 0);
	assert_int_equal(a.ss_family, AF_INET);
	assert_int_equal(((struct sockaddr_in *)&a)->sin_port, htons(9109));
	assert_int_equal(address_parse("[fe80::1]:65535", &a), 0);
	assert_int_equal(a.ss_family, AF_INET6);
	assert_int_equal(((struct sockaddr_in6 *)&a)->sin6_addr.s6_addr[15], 1);
}

/* A connection of which nobody knows that it has come to an end reads nothing; one that was ended reads that.
 */
static bool was_ended(int fd)
{
	char c;
	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void who_is_at_the_same_thing_for_longest_makes_room(void **state)
{
	struct places p = { .open = 0 };
	int fds[PLACES_MAX + 1][2];
	struct place *places[PLACES_MAX + 1];
	for (int i = 0; i <= PLACES_MAX; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
	for (int i = 0; i < PLACES_MAX; i++)
		places[i] = places_enter(&p, fds[i][0], i);
	places_set_phase(&p, places[0], PLACE_ANSWERED, PLACES_MAX);
	for (int i = 0; i < PLACES_MAX; i++)
		assert_false(was_ended(fds[i][1]));
	places[PLACES_MAX] = places_enter(&p, fds[PLACES_MAX][0], PLACES_MAX);
	assert_false(was_ended(fds[0][1]));
	assert_true(was_ended(fds[1][1]));
	/* a request and an answer have times of their own */
	places_turn(&p, PLACES_MAX + PLACES_REQUEST_NS);
	assert_true(was_ended(fds[PLACES_MAX - 1][1]));
	assert_false(was_ended(fds[PLACES_MAX][1]));
	assert_false(was_ended(fds[0][1]));
	places_turn(&p, PLACES_MAX + PLACES_ANSWER_NS + 1);
	assert_true(was_ended(fds[0][1]));
	assert_int_equal(p.open, 0);
	for (int i = 0; i <= PLACES_MAX; i++) {
		places_leave(&p, places[i]);
		close(fds[i][0]);
		close(fds[i][1]);
	}
	assert_null(p.first);
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
	metrics_sample(&w, METRIC_LABELS("a", "q\"b\\c\nd", "b", ""), 12345678, JSON_DECIMAL);
	metrics_sample(&w, NULL, 0, JSON_DECIMAL);
	metrics_family(&w, &warmth);
	metrics_sample(&w, NULL, NAN, JSON_DECIMAL);
	metrics_sample(&w, NULL, -1.5, JSON_DECIMAL);
	metrics_family(&w, &unknown);
	metrics_sample(&w, NULL, NAN, JSON_DECIMAL);
	metrics_family(&w, &build);
	metrics_sample(&w, METRIC_LABELS("v", "1"), 1, JSON_DECIMAL);
	metrics_family(&w, &wait);
	metrics_summary(&w, METRIC_LABELS("v", "1"), 3, 0.25);
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

/* "" = it is good; else what is said of it. */
static void a_body_is_an_object_of_what_is_known(void **state)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{ "{\"unit\":1,\"table\":\"coil\"}", "" },
		{ " { \"table\" : \"coil\" ,\n \"unit\" : -2 , \"more\":5} ", "" },
		{ "{\"unit\":1}", "table is missing" },
		{ "{\"unit\":9999999999999999999999,\"table\":\"\"}",
		    "unit is not allowed so (allowed: -2..9)" },
		{ "{\"unit\":1.5,\"table\":\"\"}", "the body is no JSON object" },
		{ "{\"unit\":1,\"table\":\"a\\u0041\"}", "table is no text" },
		{ "{\"unit\":1,\"table\":\"\",}", "the body is no JSON object" },
		{ "{\"unit\":1,\"table\":\"\"} x", "the body is no JSON object" },
		{ "{\"unit\":[1],\"table\":\"\"}", "unit is not allowed so (allowed: -2..9)" },
		{ "{,}", "the body is no JSON object" },
		{ "{", "the body is no JSON object" },
		{ "{}", "unit is missing" },
		{ "", "the body is no JSON object" },
		{ "{\"other\":1}", "other is not known" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[FLAT_WHY_MAX];
		struct flat_key keys[] = { { "unit", .min = -2, .max = 9 }, { "table", .is_text = true },
			{ "more", .is_optional = true, .max = 9, .number = 3 } };
		const char *wrong = flat_read(cases[i].body, keys, COUNT(keys), why);
		assert_string_equal(wrong ? wrong : "", cases[i].why);
	}
}

static void a_socket_is_for_its_owner_and_a_group(void **state)
{
	char path[] = "/tmp/coolantd-listen-XXXXXX";
	struct stat st;
	const struct group *dialout = getgrnam("dialout");
	if (geteuid() != 0 || !dialout) /* who is in no group can give nothing to it */
		skip();
	const gid_t gid = dialout->gr_gid;
	assert_non_null(mkdtemp(path));
	char socket_path[sizeof(path) + 8];
	snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	int fd = listen_unix(socket_path, 1, "dialout");
	assert_true(fd >= 0 && lstat(socket_path, &st) == 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_gid, gid);
	assert_int_equal(listen_unix(socket_path, 1, "dialout"), -EADDRINUSE);
	close(fd);
	/* one that was left behind, and a group that there is not */
	fd = listen_unix(socket_path, 1, "no-such-group");
	assert_true(fd >= 0 && lstat(socket_path, &st) == 0);
	assert_int_equal(st.st_gid, getegid());
	close(fd);
	unlink(socket_path);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_is_for_its_owner_and_a_group),
		cmocka_unit_test(a_body_is_an_object_of_what_is_known),
		cmocka_unit_test(globs),
		cmocka_unit_test(a_glob_of_many_stars_is_no_work),
		cmocka_unit_test(a_host_is_ours_by_number_or_as_localhost),
		cmocka_unit_test(addresses_have_a_number_and_a_port),
		cmocka_unit_test(who_is_at_the_same_thing_for_longest_makes_room),
		cmocka_unit_test(metrics_are_of_the_standard),
		cmocka_unit_test(metrics_are_of_the_older_format),
		cmocka_unit_test(urls_lose_their_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
