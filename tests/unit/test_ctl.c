/* coolantctl: what it prints safely, how it reads a command line, which times a report is of. */
#include "daemon/ctl/commands.h"
#include "daemon/ctl/options.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/report_period.h"
#include "daemon/ctl/values.h"
#include "unit.h"

#include <locale.h>
#include <string.h>

static struct arena *arena;

static void what_a_terminal_would_act_on_is_shown(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "plain, 温度 µ", "plain, 温度 µ" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a\tb\nc\r", "a\\x09b\\nc\\x0d" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b", "\\u009b" },
		{ "\xff\xc3", "\\xff\\xc3" }, /* no UTF-8 */
		{ "\xe2\x80\xae"
		  "abc",
		    "\\u202e"
		    "abc" }, /* turns the direction */
		{ "\xf3\xa0\x80\x81", "\\U000e0001" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(printable(arena, cases[i].text), cases[i].shown);
}

static void a_document_stays_the_same(void **state)
{
	assert_string_equal(printable_json(arena, "{\n\t\"a\": \"\xc2\x9b\xe2\x80\xae\"}"),
	    "{\n\t\"a\": \"\\u009b\\u202e\"}");
	assert_string_equal(printable_json(arena, "\"\xf3\xa0\x80\x81\""), "\"\\udb40\\udc01\"");
}

static void columns_are_those_of_a_terminal(void **state)
{
	assert_int_equal(printable_width("abc"), 3);
	assert_int_equal(printable_width("温度"), 4);
	assert_int_equal(printable_width("e\xcc\x81"), 1); /* an accent of its own */
	assert_int_equal(printable_fit("温度", 3), 3);
	assert_int_equal(printable_fit("abc", 10), 3);
}

static int read_line(struct ctl *c, enum options_ask *ask, const char *const *argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	*c = (struct ctl){ .arena = arena };
	return options_read(c, argc, argv, ask);
}

#define LINE(...) ((const char *[]){ "coolantctl", __VA_ARGS__, NULL })

static void options_stand_anywhere(void **state)
{
	struct ctl c;
	enum options_ask ask;
	assert_int_equal(
	    read_line(&c, &ask, LINE("--json", "points", "-cx.ini", "a.b", "--socket=/s", "--timeout", "2s")),
	    CTL_GOOD);
	assert_ptr_equal(c.command, &points_command);
	assert_true(c.json);
	assert_string_equal(c.config, "x.ini");
	assert_string_equal(c.socket, "/s");
	assert_int_equal(c.timeout_ms, 2000);
	assert_string_equal(c.words[0], "a.b");
	assert_int_equal(read_line(&c, &ask, LINE("alarms", "--json", "ack", "--", "--name")), CTL_GOOD);
	assert_ptr_equal(c.command, &alarms_ack_command);
	assert_string_equal(c.words[0], "--name");
	assert_int_equal(read_line(&c, &ask, LINE("report", "--day", "2026-11-25")), CTL_GOOD);
	assert_string_equal(ctl_option(&c, "day"), "2026-11-25");
	assert_null(ctl_option(&c, "month"));
	assert_int_equal(read_line(&c, &ask, LINE("alarms", "ack", "--help")), CTL_GOOD);
	assert_int_equal(ask, OPTIONS_HELP);
	assert_int_equal(read_line(&c, &ask, LINE("help", "points")), CTL_GOOD);
	assert_int_equal(ask, OPTIONS_HELP);
	assert_ptr_equal(c.command, &points_command);
}

static void commands_have_what_they_need(void **state)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		assert_non_null(c->run);
		assert_true(c->help[0] && c->help[strlen(c->help) - 1] != '.');
		assert_non_null(c->about);
		assert_true(c->least <= c->most && c->most <= COMMAND_WORDS_MAX);
		assert_true((c->most > 0) == (c->arguments[0] != '\0'));
	}
}

static void a_report_is_of_whole_days_months_and_years(void **state)
{
	struct report_period p;
	assert_true(report_period_parse(arena, REPORT_DAY, "2028-02-28", &p));
	assert_string_equal(p.to, "2028-02-29");
	assert_true(report_period_parse(arena, REPORT_DAY, "2026-12-31", &p));
	assert_string_equal(p.to, "2027-01-01");
	assert_true(report_period_parse(arena, REPORT_MONTH, "2026-12", &p));
	assert_string_equal(p.to, "2027-01");
	assert_true(report_period_parse(arena, REPORT_YEAR, "2026", &p));
	assert_string_equal(p.to, "2027");
	assert_false(report_period_parse(arena, REPORT_DAY, "2026-02-29", &p));
	assert_false(report_period_parse(arena, REPORT_DAY, "2026-2-1", &p));
	assert_false(report_period_parse(arena, REPORT_MONTH, "2026-11-25", &p));
	assert_false(report_period_parse(arena, REPORT_YEAR, "", &p));
	assert_string_equal(report_period_of_day(arena, 86399).from, "1970-01-01");
}

static void lengths_and_sizes_are_for_people(void **state)
{
	assert_string_equal(values_span(arena, 400), "0.4 s");
	assert_string_equal(values_span(arena, 119999), "119 s");
	assert_string_equal(values_span(arena, 120000), "2 min");
	assert_string_equal(values_span(arena, 3 * INT64_C(86400000)), "3 d");
	assert_string_equal(values_size(arena, 812), "812 B");
	assert_string_equal(values_size(arena, 3.2 * (1 << 20)), "3.2 MiB");
	assert_string_equal(values_moment(arena, INT64_C(1764000000123)), "2025-11-24T16:00:00Z");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_would_act_on_is_shown),
		cmocka_unit_test(a_document_stays_the_same),
		cmocka_unit_test(columns_are_those_of_a_terminal),
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(commands_have_what_they_need),
		cmocka_unit_test(a_report_is_of_whole_days_months_and_years),
		cmocka_unit_test(lengths_and_sizes_are_for_people),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	arena = arena_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
