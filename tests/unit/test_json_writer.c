#include "unit.h"

#include "daemon/publish/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void document(void **state)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_integer(&w, "ts", -5);
	json_open(&w, "values");
	json_bool(&w, "leak", false);
	json_null(&w, "x");
	json_close(&w);
	json_open_list(&w, "list");
	json_unsigned(&w, NULL, UINT64_MAX);
	json_text(&w, NULL, "a\"b\\c\n\xc3\xa9");
	json_close_list(&w);
	json_open(&w, "empty");
	json_close(&w);
	json_close(&w);
	char *text = json_finish(&w);
	assert_string_equal(text,
	    "{\"ts\":-5,\"values\":{\"leak\":false,\"x\":null},\"list\":[18446744073709551615,"
	    "\"a\\\"b\\\\c\\u000a\xc3\xa9\"],\"empty\":{}}");
	free(text);
}

static void numbers_have_the_digits_of_their_source(void **state)
{
	static const struct {
		double value;
		enum json_digits digits;
		const char *text;
	} cases[] = {
		{ 425 * 0.1, JSON_DECIMAL, "42.5" },
		{ 3 * 0.1, JSON_DECIMAL, "0.3" },
		{ (double)21.3f, JSON_FLOAT, "21.3" },
		{ (double)16777217.0f, JSON_FLOAT, "16777216" },
		{ (double)0.1f * 0.001, JSON_FLOAT, "0.0001" },
		{ 3.141592653589793, JSON_DOUBLE, "3.141592653589793" },
		{ 0.1, JSON_DOUBLE, "0.1" },
		{ -0.5, JSON_DECIMAL, "-0.5" },
		{ 1234.5678, JSON_FIGURE, "1234.57" },
		{ 1.0 / 3, JSON_FIGURE, "0.333333" },
		{ 12345678.9, JSON_FIGURE, "12345700" },
		{ 12345.67890123, JSON_ENERGY, "12345.678901" },
		{ 1e-7, JSON_ENERGY, "0" },
		{ 1e300, JSON_DOUBLE, "1e+300" },
		{ NAN, JSON_DECIMAL, "null" },
		{ INFINITY, JSON_DECIMAL, "null" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_writer w;
		json_begin(&w);
		json_number(&w, NULL, cases[i].value, cases[i].digits);
		char *text = json_finish(&w);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

/* Random numbers of all sizes: the text reads back to the number, and is no longer than printf's shortest. */
static void numbers_read_back(void **state)
{
	srandom(7);
	for (int i = 0; i < 100000; i++) {
		double v = (double)(random() - (1L << 30)) * pow(10, (double)(random() % 24) - 15);
		bool single = i % 2;
		if (single)
			v = (double)(float)v;
		struct json_writer w;
		json_begin(&w);
		json_number(&w, NULL, v, single ? JSON_FLOAT : JSON_DOUBLE);
		char *text = json_finish(&w), shortest[400];
		double back = strtod(text, NULL);
		assert_true(single ? (float)back == (float)v : back == v);
		int n = 1;
		do
			snprintf(shortest, sizeof(shortest), "%.*g", n++, v);
		while (single ? strtof(shortest, NULL) != (float)v : strtod(shortest, NULL) != v);
		if (!strchr(shortest, 'e'))
			assert_true(strlen(text) <= strlen(shortest));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document),
		cmocka_unit_test(numbers_have_the_digits_of_their_source),
		cmocka_unit_test(numbers_read_back),
	};
	return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
