/* read: one question to a device and what its answer may mean. */
#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/ctl/bus_url.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/decodings.h"
#include "daemon/ctl/port.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MAX 2000
#define BITS_A_LINE 16
/* Of so many registers all decodings are shown, of more only those that are plausible. */
#define SHOWN_WHOLE 8
#define HINTS_MAX 8

static int parse_number(const char *text, const char *what, int64_t least, int64_t most, uint16_t *ret)
{
	int64_t v;
	if (text_int(text, &v) < 0 || v < least || v > most) {
		say_note(
		    "%s '%s' is none (allowed: %lld to %lld)", what, text, (long long)least, (long long)most);
		return CTL_USAGE;
	}
	*ret = (uint16_t)v;
	return 0;
}

/* UNIT TYPE:ADDR [COUNT]. 0 or the exit code, said. */
static int parse_request(size_t argc, const char *const *argv, struct modbus_request *ret)
{
	char why[REGISTER_WHY_MAX];
	struct point_register reg;
	uint16_t unit;
	int code = parse_number(argv[0], "the unit", 0, 255, &unit);
	if (code)
		return code;
	if (register_parse(argv[1], &reg, why) < 0) {
		say_note("%s", why);
		return CTL_USAGE;
	}
	*ret = (struct modbus_request){ (uint8_t)unit, reg.table, reg.address, 1 };
	int64_t most = point_is_bit_table(reg.table) ? BITS_MAX : MODBUS_REGISTERS_MAX;
	int64_t left = UINT16_MAX + 1 - reg.address;
	return argc > 2 ? parse_number(argv[2], "the count", 1, most < left ? most : left, &ret->count) : 0;
}

static void put_bits(const struct modbus_request *q, const uint16_t *bits)
{
	for (unsigned i = 0; i < q->count; i++) {
		if (i % BITS_A_LINE == 0)
			printf("%s%8u ", i ? "\n" : "", q->address + i);
		printf(" %u", bits[i]);
	}
	printf("\n");
}

static char character(unsigned c)
{
	return c < 0x80 && isprint((int)c) ? (char)c : '.';
}

static bool is_marked(const struct decoding *all, size_t count, unsigned address, enum point_type type)
{
	for (size_t i = 0; i < count && all[i].registers == 1; i++)
		if (all[i].address == address && all[i].type == type)
			return all[i].cells[0].plausible;
	return false;
}

/* A register a line; of its decodings only these two are told. */
static void put_words(
    const struct modbus_request *q, const uint16_t *words, const struct decoding *all, size_t count)
{
	printf(" address     hex    u16     i16   chars  bits that are 1\n");
	for (unsigned i = 0; i < q->count; i++) {
		uint16_t w = words[i];
		unsigned address = q->address + i;
		printf("%8u  0x%04x  %5u%c %6d%c  %c%c    ", address, w, w,
		    is_marked(all, count, address, POINT_U16) ? '*' : ' ', (int16_t)w,
		    is_marked(all, count, address, POINT_I16) ? '*' : ' ', character(w >> 8),
		    character(w & 0xff));
		for (unsigned bit = 0; bit < 16; bit++)
			if (w >> bit & 1)
				printf(" %u", bit);
		printf("\n");
	}
}

static bool has_plausible(const struct decoding *d)
{
	for (unsigned o = 0; o < DECODING_ORDERS; o++)
		if (d->cells[o].plausible)
			return true;
	return false;
}

static const char *text_of(const struct decoding_cell *c)
{
	return c->text[0] ? c->text : "-";
}

static bool has_value(const struct decoding *d)
{
	for (unsigned o = 0; o < DECODING_ORDERS; o++)
		if (d->cells[o].text[0])
			return true;
	return false;
}

/* Two registers: the orders side by side. */
static void put_pairs(const struct decoding *all, size_t count, bool whole)
{
	bool headed = false;
	for (size_t i = 0; i < count; i++) {
		const struct decoding *d = &all[i];
		if (d->registers != 2 || d->type == POINT_STRING ||
		    !(whole ? has_value(d) : has_plausible(d)))
			continue;
		if (!headed)
			printf("\n address  type   %13s  %13s  %13s  %13s\n", decoding_order_words[0],
			    decoding_order_words[1], decoding_order_words[2], decoding_order_words[3]);
		headed = true;
		printf("%8u  %-6s ", d->address, point_type_word(d->type));
		for (unsigned o = 0; o < DECODING_ORDERS; o++)
			printf("%s%13s%s", o ? " " : "", text_of(&d->cells[o]),
			    d->cells[o].plausible     ? "*"
			    : o < DECODING_ORDERS - 1 ? " "
						      : "");
		printf("\n");
	}
}

/* More registers, whose values are too long for that, and texts: an order a line. */
static void put_wide(const struct decoding *all, size_t count, bool whole)
{
	bool headed = false;
	for (size_t i = 0; i < count; i++) {
		const struct decoding *d = &all[i];
		if ((d->registers < 3 && d->type != POINT_STRING) || d->type == POINT_BOOL)
			continue;
		for (unsigned o = 0; o < DECODING_ORDERS; o++) {
			const struct decoding_cell *c = &d->cells[o];
			if (c->text[0] == '\0' || (!c->plausible && (!whole || d->type == POINT_STRING)))
				continue;
			if (!headed)
				printf("\n address  type    registers  order  value\n");
			headed = true;
			printf("%8u  %-6s  %9u  %-5s  %s%s\n", d->address, point_type_word(d->type),
			    d->registers, decoding_order_words[o], c->text, c->plausible ? " *" : "");
		}
	}
}

static const char *order_word(enum point_order o)
{
	return o == POINT_BIG ? "big" : "little";
}

/* What a profile says for the floats, which are the surest: whole numbers look right in too many ways. */
static void put_hints(const struct modbus_request *q, const struct decoding *all, size_t count)
{
	unsigned hints = 0;
	for (size_t i = 0; i < count && hints < HINTS_MAX; i++) {
		const struct decoding *d = &all[i];
		for (unsigned o = 0; o < DECODING_ORDERS; o++) {
			if ((d->type != POINT_F32 && d->type != POINT_F64) || !d->cells[o].plausible)
				continue;
			printf("%s  register = %s:%u, type = %s, word_order = %s, byte_order = %s: %s\n",
			    hints++ ? "" : "\n* is plausible; a float would be, in a profile:\n",
			    point_table_word(q->table), d->address, point_type_word(d->type),
			    order_word(decoding_orders[o].word), order_word(decoding_orders[o].byte),
			    d->cells[o].text);
		}
	}
	if (hints == 0)
		printf("\n* is plausible; which it is, the device's own display tells\n");
}

static void print(const struct modbus_request *q, const struct modbus_reply *r, int64_t latency,
    const struct decoding *all, size_t count)
{
	printf("unit %u, %s:%u", q->unit, point_table_word(q->table), q->address);
	if (q->count > 1)
		printf("..%d", q->address + q->count - 1);
	printf(", answered in %.1f ms\n\n", (double)latency / NS_PER_MS);
	if (point_is_bit_table(q->table)) {
		put_bits(q, r->values);
		return;
	}
	bool whole = q->count <= SHOWN_WHOLE;
	put_words(q, r->values, all, count);
	put_pairs(all, count, whole);
	put_wide(all, count, whole);
	if (q->count > 1)
		put_hints(q, all, count);
}

static void put_json_value(struct json_writer *w, const char *key, const struct decoding *d, const char *text)
{
	if (*text == '\0')
		json_null(w, key);
	else if (d->type == POINT_STRING)
		json_text(w, key, text);
	else if (d->type == POINT_BOOL)
		json_bool(w, key, *text == 't');
	else if (d->type == POINT_F16 || d->type == POINT_F32 || d->type == POINT_F64)
		json_number(w, key, strtod(text, NULL), d->type == POINT_F64 ? JSON_DOUBLE : JSON_FLOAT);
	else if (*text == '-')
		json_integer(w, key, strtoll(text, NULL, 10));
	else
		json_unsigned(w, key, strtoull(text, NULL, 10));
}

static void put_json_decoding(struct json_writer *w, const struct decoding *d)
{
	json_open(w, NULL);
	json_unsigned(w, "address", d->address);
	json_unsigned(w, "registers", d->registers);
	json_text(w, "type", point_type_word(d->type));
	json_open(w, "values");
	for (unsigned o = 0; o < DECODING_ORDERS; o++)
		if (decoding_has_order(d->registers, o) && (d->type != POINT_STRING || o % 2 == 0))
			put_json_value(w, decoding_order_words[o], d, d->cells[o].text);
	json_close(w);
	json_open_list(w, "plausible");
	for (unsigned o = 0; o < DECODING_ORDERS; o++)
		if (d->cells[o].plausible)
			json_text(w, NULL, decoding_order_words[o]);
	json_close_list(w);
	json_close(w);
}

static int print_json(struct ctl *ctl, const struct port *p, const struct modbus_request *q,
    const struct modbus_reply *r, int64_t latency, const struct decoding *all, size_t count)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "bus", port_bus(p)->name);
	json_unsigned(&w, "unit", q->unit);
	json_text(&w, "table", point_table_word(q->table));
	json_unsigned(&w, "address", q->address);
	json_unsigned(&w, "count", q->count);
	json_number(&w, "latency_ms", (double)latency / NS_PER_MS, JSON_FIGURE);
	json_open_list(&w, "words");
	for (unsigned i = 0; i < q->count; i++)
		json_unsigned(&w, NULL, r->values[i]);
	json_close_list(&w);
	json_open_list(&w, "decoded");
	for (size_t i = 0; i < count; i++)
		put_json_decoding(&w, &all[i]);
	json_close_list(&w);
	json_close(&w);
	_cleanup_free_ char *text = json_finish(&w);
	if (!text)
		return EXIT_FAILURE;
	printf("%s\n", printable_json(ctl->arena, text)); /* a string is what a device says */
	return EXIT_SUCCESS;
}

static int show(struct ctl *ctl, const struct port *p, const struct modbus_request *q,
    const struct modbus_reply *r, int64_t latency)
{
	bool bits = point_is_bit_table(q->table);
	_cleanup_free_ struct decoding *all = calloc(decodings_max(q->count), sizeof(*all));
	if (!all)
		return EXIT_FAILURE;
	size_t count = bits ? 0 : decodings_of(r->values, q->count, q->address, all);
	if (ctl->json)
		return print_json(ctl, p, q, r, latency, all, count);
	print(q, r, latency, all, count);
	return EXIT_SUCCESS;
}

static int run(struct ctl *ctl)
{
	struct modbus_reply reply;
	struct modbus_request q;
	int code;
	code = parse_request(ctl->word_count - 1, ctl->words + 1, &q);
	struct port *p = code ? NULL : port_open(ctl, ctl->words[0], &code);
	if (!p)
		return code;
	int64_t asked = clock_boottime();
	enum exchange_result result = port_ask(p, &q, &reply);
	if (result == EXCHANGE_OK) {
		code = show(ctl, p, &q, &reply, reply.received_ns - asked);
	} else {
		char words[PORT_WORDS_MAX];
		port_words(p, &q, result, &reply, words);
		say_note("%s", words);
		code = EXIT_FAILURE;
	}
	port_close(p);
	return code;
}

const struct command read_command = {
	.name = "read",
	.arguments = "BUS-OR-URL UNIT TYPE:ADDR [COUNT]",
	.help = "one Modbus read, decoded in every type and order",
	.about =
	    "BUS-OR-URL is a bus of the configuration, tcp://HOST[:PORT], rtutcp://HOST:PORT or "
	    "rtu:///dev/ttyUSB0?baud=19200&parity=even&stop_bits=1; any key of a [bus:NAME] section may "
	    "stand "
	    "behind the question mark, as response_timeout=2s. A bus of the configuration is asked through "
	    "the running coolantd, which holds its port, or directly while none runs. TYPE is holding, "
	    "input, coil or discrete; addresses are decimal or 0x and counted from 0: what manuals print as "
	    "40001 is holding:0. COUNT is 1 unless told, at most 125 (2000 of coil and discrete). The "
	    "registers are shown in every type and order of bytes; what looks like a reading is marked with "
	    "*, and the floats among these are told as the lines of a profile.",
	.least = 3,
	.most = 4,
	.word = COMMAND_WORD_BUS,
	.schema = "ctl-read",
	.stops = true,
	.run = run,
};
