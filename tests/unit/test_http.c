/* What of requests needs no connection: patterns, and what is left out of a configuration. */
#include "unit.h"

#include "daemon/http/config_view.h"
#include "daemon/http/glob.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(a_glob_of_many_stars_is_no_work),
		cmocka_unit_test(urls_lose_their_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
