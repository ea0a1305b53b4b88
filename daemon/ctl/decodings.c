#include "daemon/ctl/decodings.h"

#include "daemon/publish/json_writer.h"
#include "drivers/modbus/decoder.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTHS 4
/* A figure below is noise of the wrong order, or zero; one above is no reading of a plant. */
#define FLOAT_LEAST 1e-3
#define FLOAT_MOST 1e8
/* A negative reading of one register: scaled by 0.01 it is -99. */
#define NEGATIVE_16 (-9999)

const char *const decoding_order_words[DECODING_ORDERS] = { "ABCD", "CDAB", "BADC", "DCBA" };
const struct decoding_order decoding_orders[DECODING_ORDERS] = {
	{ POINT_BIG, POINT_BIG },
	{ POINT_LITTLE, POINT_BIG },
	{ POINT_BIG, POINT_LITTLE },
	{ POINT_LITTLE, POINT_LITTLE },
};

/* By width in registers; those without a width of their own have that of their row. */
static const enum point_type types[WIDTHS][8] = {
	{ POINT_U16, POINT_I16, POINT_SM16, POINT_F16, POINT_BCD, POINT_MOD10K, POINT_BOOL },
	{ POINT_F32, POINT_U32, POINT_I32, POINT_SM32, POINT_BCD, POINT_MOD10K },
	{ POINT_U48, POINT_I48, POINT_BCD, POINT_MOD10K },
	{ POINT_F64, POINT_U64, POINT_I64, POINT_BCD, POINT_MOD10K },
};
static const unsigned type_counts[WIDTHS] = { 7, 6, 4, 5 };

bool decoding_has_order(unsigned registers, unsigned o)
{
	return registers > 1 || decoding_orders[o].word == POINT_BIG;
}

size_t decodings_max(size_t words)
{
	size_t n = 1;
	for (unsigned w = 0; w < WIDTHS; w++)
		n += words * type_counts[w];
	return n;
}

static void put_text(struct decoding_cell *cell, const struct value *v, bool narrow)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		json_number_text(cell->text, v->number, narrow ? JSON_FLOAT : JSON_DOUBLE);
		break;
	case VALUE_INTEGER:
		snprintf(cell->text, DECODING_TEXT_MAX, "%" PRId64, v->integer);
		break;
	case VALUE_UNSIGNED:
		snprintf(cell->text, DECODING_TEXT_MAX, "%" PRIu64, v->unsigned_integer);
		break;
	case VALUE_BOOL:
		snprintf(cell->text, DECODING_TEXT_MAX, "%s", v->truth ? "true" : "false");
		break;
	case VALUE_TEXT:
		snprintf(cell->text, DECODING_TEXT_MAX, "%s", v->text);
		break;
	case VALUE_NONE:
		break;
	}
}

static bool is_name_like(const char *text)
{
	size_t letters = 0;
	for (const char *s = text; *s; s++) {
		if (!isprint((unsigned char)*s) || *s == '?')
			return false;
		letters += isalnum((unsigned char)*s) != 0;
	}
	return letters >= 2 && 2 * letters > strlen(text);
}

/* The highest whole number that is one of a plant rather than two figures side by side. */
static double most_of(unsigned registers)
{
	return registers == 1 ? 32767 : ldexp(1, 14 * (int)registers);
}

static bool is_plausible(const struct point *p, const struct value *v)
{
	double number = value_number(v);
	unsigned registers = point_length(p);
	switch (point_format(p)) {
	case POINT_FLOAT:
		return p->type != POINT_F16 && fabs(number) >= FLOAT_LEAST && fabs(number) <= FLOAT_MOST;
	case POINT_UNSIGNED:
		return number > 0 && number <= most_of(registers);
	case POINT_SIGNED: /* a positive one is that of the unsigned type */
	case POINT_SIGN_MAGNITUDE:
		return number < 0 && number >= (registers == 1 ? NEGATIVE_16 : -most_of(registers));
	case POINT_BCD_DIGITS:
		return number > 9;
	case POINT_TEN_THOUSANDS: /* one such register is an u16 */
		return registers > 1 && number > 9999;
	case POINT_TEXT:
		return is_name_like(v->text);
	case POINT_TRUTH:
		break;
	}
	return false;
}

static bool is_blank(const uint16_t *words, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (words[i] != words[0])
			return false;
	return words[0] == 0 || words[0] == UINT16_MAX;
}

static struct decoding decode(
    const uint16_t *words, uint16_t address, enum point_type type, unsigned registers)
{
	struct decoding d = { .address = address, .type = type, .registers = registers };
	for (unsigned o = 0; o < DECODING_ORDERS; o++) {
		if (!decoding_has_order(registers, o))
			continue;
		struct point p = { .reg = { POINT_HOLDING, address },
			.type = type,
			.length = registers,
			.bit = { -1, -1 },
			.bits = { -1, -1 },
			.word_order = decoding_orders[o].word,
			.byte_order = decoding_orders[o].byte,
			.scale = 1,
			.min = NAN,
			.max = NAN };
		struct sample s = { 0 };
		decoder_decode(&p, words, address, &s);
		put_text(&d.cells[o], &s.value, type == POINT_F32);
		d.cells[o].plausible =
		    s.value.kind != VALUE_NONE && !is_blank(words, registers) && is_plausible(&p, &s.value);
		value_clear(&s.value);
	}
	return d;
}

size_t decodings_of(const uint16_t *words, size_t count, uint16_t address, struct decoding *ret)
{
	size_t n = 0;
	for (unsigned w = 0; w < WIDTHS; w++)
		for (size_t at = 0; at + w < count; at++)
			for (unsigned t = 0; t < type_counts[w]; t++)
				ret[n++] = decode(words + at, (uint16_t)(address + at), types[w][t], w + 1);
	unsigned registers =
	    count < POINT_STRING_REGISTERS_MAX ? (unsigned)count : POINT_STRING_REGISTERS_MAX;
	if (registers > 0) {
		ret[n++] = decode(words, address, POINT_STRING, registers);
		/* the order of the words is not that of the text */
		ret[n - 1].cells[1] = ret[n - 1].cells[3] = (struct decoding_cell){ 0 };
	}
	return n;
}
