/* Raw registers as every type in every order: what is right stands out. */
#include "unit.h"

#include "daemon/ctl/decodings.h"

#include <stdlib.h>
#include <string.h>

struct bench {
	struct decoding *all;
	size_t count;
};

static struct bench decode(const uint16_t *words, size_t count, uint16_t address)
{
	struct bench b = { .all = calloc(decodings_max(count), sizeof(*b.all)) };
	assert_non_null(b.all);
	b.count = decodings_of(words, count, address, b.all);
	assert_true(b.count <= decodings_max(count));
	return b;
}

static const struct decoding *find(
    const struct bench *b, uint16_t address, enum point_type type, unsigned registers)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->all[i].address == address && b->all[i].type == type &&
		    b->all[i].registers == registers)
			return &b->all[i];
	fail_msg("no %s of %u registers at %u", point_type_word(type), registers, address);
	return NULL;
}

/* What each type says of registers, in the order that the words name. */
static void each_type_in_its_order(void **state)
{
	static const struct {
		uint16_t words[4];
		unsigned registers;
		enum point_type type;
		const char *order, *text;
	} cases[] = {
		{ { 0x422a, 0x0000 }, 2, POINT_F32, "ABCD", "42.5" },
		{ { 0x0000, 0x422a }, 2, POINT_F32, "CDAB", "42.5" },
		{ { 0x2a42, 0x0000 }, 2, POINT_F32, "BADC", "42.5" },
		{ { 0x0000, 0x2a42 }, 2, POINT_F32, "DCBA", "42.5" },
		{ { 0x3f9d, 0x70a4 }, 2, POINT_F32, "ABCD", "1.23" },
		{ { 0x86a0, 0x0001 }, 2, POINT_U32, "CDAB", "100000" },
		{ { 0xff38, 0xffff }, 2, POINT_I32, "CDAB", "-200" },
		{ { 0x8000, 0x00c8 }, 2, POINT_SM32, "ABCD", "-200" },
		{ { 0xff38 }, 1, POINT_I16, "ABCD", "-200" },
		{ { 0x38ff }, 1, POINT_I16, "BADC", "-200" },
		{ { 0x80c8 }, 1, POINT_SM16, "ABCD", "-200" },
		{ { 0x00e1 }, 1, POINT_U16, "ABCD", "225" },
		{ { 0x4049, 0x0fdb, 0, 0 }, 4, POINT_F64, "ABCD", "50.123870849609375" },
		{ { 0, 0, 0, 0x4049 }, 4, POINT_F64, "CDAB", "50" },
		{ { 0, 1, 0, 0 }, 4, POINT_U64, "ABCD", "4294967296" },
		{ { 0xffff, 0xffff, 0xffff, 0xfffe }, 4, POINT_I64, "ABCD", "-2" },
		{ { 0, 1, 0 }, 3, POINT_U48, "ABCD", "65536" },
		{ { 0x0012, 0x3456 }, 2, POINT_BCD, "ABCD", "123456" },
		{ { 0x3456, 0x0012 }, 2, POINT_BCD, "CDAB", "123456" },
		{ { 1234, 5678 }, 2, POINT_MOD10K, "ABCD", "12345678" },
		{ { 0x4143, 0x4d45 }, 2, POINT_STRING, "ABCD", "ACME" },
		{ { 0x4341, 0x454d }, 2, POINT_STRING, "BADC", "ACME" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bench b = decode(cases[i].words, cases[i].registers, 10);
		unsigned o = 0;
		while (strcmp(decoding_order_words[o], cases[i].order) != 0)
			o++;
		const struct decoding *d = find(&b, 10, cases[i].type, cases[i].registers);
		assert_string_equal(d->cells[o].text, cases[i].text);
		assert_true(d->cells[o].plausible);
		free(b.all);
	}
}

/* A flow of 1.85 m3/h behind a temperature: of floats, the right order alone is marked. */
static void the_right_order_stands_out(void **state)
{
	static const uint16_t words[] = { 0x00e1, 0xcccd, 0x3fec };
	struct bench b = decode(words, COUNT(words), 9);
	const struct decoding *d = find(&b, 10, POINT_F32, 2);
	assert_string_equal(d->cells[1].text, "1.85");
	assert_true(d->cells[1].plausible);
	assert_false(d->cells[0].plausible || d->cells[2].plausible || d->cells[3].plausible);
	free(b.all);
}

static void what_is_no_value_says_nothing(void **state)
{
	static const uint16_t words[] = { 0xffff, 0xffff }, zero[] = { 0, 0, 0, 0 };
	struct bench b = decode(words, COUNT(words), 0);
	assert_string_equal(find(&b, 0, POINT_F32, 2)->cells[0].text, ""); /* NaN */
	assert_string_equal(find(&b, 0, POINT_BCD, 2)->cells[0].text, "");
	for (size_t i = 0; i < b.count; i++)
		for (unsigned o = 0; o < DECODING_ORDERS; o++)
			assert_false(b.all[i].cells[o].plausible);
	free(b.all);
	b = decode(zero, COUNT(zero), 0);
	for (size_t i = 0; i < b.count; i++)
		for (unsigned o = 0; o < DECODING_ORDERS; o++)
			assert_false(b.all[i].cells[o].plausible);
	free(b.all);
}

static void one_register_has_two_orders(void **state)
{
	static const uint16_t word = 0x0102;
	struct bench b = decode(&word, 1, 65535);
	const struct decoding *d = find(&b, 65535, POINT_U16, 1);
	assert_string_equal(d->cells[0].text, "258");
	assert_string_equal(d->cells[1].text, "");
	assert_string_equal(d->cells[2].text, "513");
	assert_string_equal(d->cells[3].text, "");
	free(b.all);
}

static void the_most_registers_fit(void **state)
{
	uint16_t words[MODBUS_REGISTERS_MAX];
	for (size_t i = 0; i < COUNT(words); i++)
		words[i] = (uint16_t)(i * 2477);
	struct bench b = decode(words, COUNT(words), 0);
	assert_int_equal(find(&b, 121, POINT_F64, 4)->address, 121);
	free(b.all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_in_its_order),
		cmocka_unit_test(the_right_order_stands_out),
		cmocka_unit_test(what_is_no_value_says_nothing),
		cmocka_unit_test(one_register_has_two_orders),
		cmocka_unit_test(the_most_registers_fit),
	};
	return cmocka_run_group_tests_name("decodings", tests, NULL, NULL);
}
