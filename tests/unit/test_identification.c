/* What a device says of itself, and what is no such reply. */
#include "unit.h"

#include "drivers/modbus/identification.h"

#include <errno.h>
#include <string.h>

static void the_basic_stream(void **state)
{
	static const uint8_t pdu[] = "\x2b\x0e\x01\x01\x00\x00\x03"
				     "\x00\x04"
				     "Acme"
				     "\x01\x06"
				     "M1\x1b\x00  "
				     "\x02\x04"
				     "V1.2";
	struct identification is;
	assert_int_equal(identification_parse(pdu, sizeof(pdu) - 1, &is), 0);
	assert_string_equal(is.vendor, "Acme");
	assert_string_equal(is.product, "M1"); /* what a terminal would act on is left out */
	assert_string_equal(is.revision, "V1.2");
}

static void longer_than_there_is_room(void **state)
{
	uint8_t pdu[7 + 2 + 200] = { 0x2b, 0x0e, 1, 1, 0, 0, 1, 0, 200 };
	struct identification is;
	memset(pdu + 9, 'x', 200);
	assert_int_equal(identification_parse(pdu, sizeof(pdu), &is), 0);
	assert_int_equal(strlen(is.vendor), IDENTIFICATION_TEXT_MAX - 1);
	for (size_t n = 0; n < sizeof(pdu); n++)
		assert_int_equal(identification_parse(pdu, n, &is), -EBADMSG); /* cut anywhere */
}

static void what_is_none(void **state)
{
	static const struct {
		uint8_t length, pdu[12];
	} cases[] = {
		{ 2, { 0xab, 1 } },			       /* refused */
		{ 8, { 0xab, 0xaa, 5, 6, 0x2d, 0xb2, 2, 0 } }, /* refused, with more behind it */
		{ 7, { 0x2b, 0x0d, 1, 1, 0, 0, 0 } },	       /* another interface */
		{ 7, { 0x03, 0x0e, 1, 1, 0, 0, 0 } },	       /* another function */
		{ 9, { 0x2b, 0x0e, 1, 1, 0, 0, 1, 0, 5 } },    /* an object of more than there is */
		{ 9, { 0x2b, 0x0e, 1, 1, 0, 0, 255, 0, 0 } },  /* more objects than there are */
	};
	struct identification is;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(identification_parse(cases[i].pdu, cases[i].length, &is), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_basic_stream),
		cmocka_unit_test(longer_than_there_is_room),
		cmocka_unit_test(what_is_none),
	};
	return cmocka_run_group_tests_name("identification", tests, NULL, NULL);
}
