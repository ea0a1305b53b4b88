#include "unit.h"

#include "config/ini/text.h"
#include "config/ini/utf8.h"

#include <errno.h>
#include <string.h>

static void durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t ns;
	} cases[] = {
		{ "250ms", 0, 250000000 },
		{ "1s", 0, 1000000000 },
		{ "1.5s", 0, 1500000000 },
		{ "15m", 0, 900000000000 },
		{ "1h", 0, 3600000000000 },
		{ "30d", 0, 2592000000000000 },
		{ "0s", 0, 0 },
		{ "5", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1.2.3s", -EINVAL, 0 },
		{ "99999999999d", -ERANGE, 0 },
		{ "1e3s", -EINVAL, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ns = 0;
		assert_int_equal(text_duration(cases[i].text, &ns), cases[i].result);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void duration_texts_read_back(void **state)
{
	static const char *const texts[] = { "250ms", "1s", "90s", "15m", "1h", "30d", "0s" };
	char buf[32];
	for (size_t i = 0; i < COUNT(texts); i++) {
		int64_t ns;
		assert_int_equal(text_duration(texts[i], &ns), 0);
		assert_string_equal(text_of_duration(ns, buf), texts[i]);
	}
}

static void sizes(void **state)
{
	int64_t v = 0;
	assert_int_equal(text_size("256MiB", &v), 0);
	assert_int_equal(v, 268435456);
	assert_int_equal(text_size("64KiB", &v), 0);
	assert_int_equal(v, 65536);
	assert_int_equal(text_size("64MB", &v), -EINVAL);
	assert_int_equal(text_size("64", &v), -EINVAL);
}

static void integers(void **state)
{
	int64_t v = 7;
	assert_int_equal(text_int("0x1F", &v), 0);
	assert_int_equal(v, 31);
	assert_int_equal(text_int("-32768", &v), 0);
	assert_int_equal(v, -32768);
	assert_int_equal(text_int("010", &v), 0);
	assert_int_equal(v, 10);
	assert_int_equal(text_int("", &v), -EINVAL);
	assert_int_equal(text_int(" 1", &v), -EINVAL);
	assert_int_equal(text_int("0x", &v), -EINVAL);
	assert_int_equal(text_int("1.5", &v), -EINVAL);
	assert_int_equal(text_int("99999999999999999999", &v), -ERANGE);
	assert_int_equal(v, 10);
}

static void doubles(void **state)
{
	double v;
	assert_int_equal(text_double("-1.5e3", &v), 0);
	assert_true(v == -1500);
	assert_int_equal(text_double("nan", &v), -EINVAL);
	assert_int_equal(text_double("inf", &v), -EINVAL);
	assert_int_equal(text_double("0x10", &v), -EINVAL);
	assert_int_equal(text_double("1,5", &v), -EINVAL);
	assert_int_equal(text_double("1e999", &v), -ERANGE);
}

static void names(void **state)
{
	char longest[NAME_LENGTH_MAX + 2];
	memset(longest, 'a', sizeof(longest));
	longest[NAME_LENGTH_MAX] = '\0';
	assert_true(text_is_name(longest));
	longest[NAME_LENGTH_MAX] = 'a';
	longest[NAME_LENGTH_MAX + 1] = '\0';
	assert_false(text_is_name(longest));
	assert_true(text_is_name("cdu1"));
	assert_true(text_is_name("1-a_b"));
	assert_false(text_is_name(""));
	assert_false(text_is_name("_a"));
	assert_false(text_is_name("CDU"));
	assert_false(text_is_name("a b"));
	assert_false(text_is_name("a.b"));
}

static void distances(void **state)
{
	assert_int_equal(text_distance("baud", "baud"), 0);
	assert_int_equal(text_distance("buad", "baud"), 1); /* neighbours swapped */
	assert_int_equal(text_distance("bau", "baud"), 1);
	assert_int_equal(text_distance("", "baud"), 4);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
}

static void utf8(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool valid;
	} cases[] = {
		{ "plain", 5, true }, { "\xc3\xa9", 2, true }, /* é */
		{ "\xf0\x9f\x92\xa7", 4, true },	       /* U+1F4A7 */
		{ "\xc3", 1, false },			       /* cut */
		{ "\x80", 1, false },			       /* no lead */
		{ "\xc0\xaf", 2, false },		       /* overlong */
		{ "\xed\xa0\x80", 3, false },		       /* surrogate */
		{ "\xf4\x90\x80\x80", 4, false },	       /* past U+10FFFF */
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(utf8_is_valid(cases[i].text, cases[i].n), cases[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(duration_texts_read_back),
		cmocka_unit_test(sizes),
		cmocka_unit_test(integers),
		cmocka_unit_test(doubles),
		cmocka_unit_test(names),
		cmocka_unit_test(distances),
		cmocka_unit_test(utf8),
	};
	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
