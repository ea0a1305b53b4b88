#include "config/point.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const table_words[] = { [POINT_COIL] = "coil",
	[POINT_DISCRETE] = "discrete",
	[POINT_INPUT] = "input",
	[POINT_HOLDING] = "holding" };

static const struct schema_choice type_choices[] = {
	[POINT_U16] = { "u16", POINT_U16, "uint16 word ushort unsigned" },
	[POINT_I16] = { "i16", POINT_I16, "int16 short int signed s16" },
	[POINT_U32] = { "u32", POINT_U32, "uint32 dword ulong uint" },
	[POINT_I32] = { "i32", POINT_I32, "int32 long s32" },
	[POINT_U48] = { "u48", POINT_U48, "uint48" },
	[POINT_I48] = { "i48", POINT_I48, "int48 s48" },
	[POINT_U64] = { "u64", POINT_U64, "uint64 qword" },
	[POINT_I64] = { "i64", POINT_I64, "int64 s64" },
	[POINT_F16] = { "f16", POINT_F16, "half float16" },
	[POINT_F32] = { "f32", POINT_F32, "float float32 real real32 single" },
	[POINT_F64] = { "f64", POINT_F64, "double float64 real64 lreal" },
	[POINT_SM16] = { "sm16", POINT_SM16 },
	[POINT_SM32] = { "sm32", POINT_SM32 },
	[POINT_BCD] = { "bcd", POINT_BCD, "bcd16 bcd32" },
	[POINT_MOD10K] = { "mod10k", POINT_MOD10K },
	[POINT_BOOL] = { "bool", POINT_BOOL, "boolean bit" },
	[POINT_STRING] = { "string", POINT_STRING, "str ascii text char" },
	{ NULL, 0 },
};

static const struct {
	unsigned registers; /* 0 = the point tells */
	enum point_format format;
} types[] = {
	[POINT_U16] = { 1, POINT_UNSIGNED },
	[POINT_I16] = { 1, POINT_SIGNED },
	[POINT_U32] = { 2, POINT_UNSIGNED },
	[POINT_I32] = { 2, POINT_SIGNED },
	[POINT_U48] = { 3, POINT_UNSIGNED },
	[POINT_I48] = { 3, POINT_SIGNED },
	[POINT_U64] = { 4, POINT_UNSIGNED },
	[POINT_I64] = { 4, POINT_SIGNED },
	[POINT_F16] = { 1, POINT_FLOAT },
	[POINT_F32] = { 2, POINT_FLOAT },
	[POINT_F64] = { 4, POINT_FLOAT },
	[POINT_SM16] = { 1, POINT_SIGN_MAGNITUDE },
	[POINT_SM32] = { 2, POINT_SIGN_MAGNITUDE },
	[POINT_BCD] = { 0, POINT_BCD_DIGITS },
	[POINT_MOD10K] = { 0, POINT_TEN_THOUSANDS },
	[POINT_BOOL] = { 1, POINT_TRUTH },
	[POINT_STRING] = { 0, POINT_TEXT },
};

enum point_format point_format(const struct point *p)
{
	return types[p->type].format;
}

unsigned point_length(const struct point *p)
{
	return types[p->type].registers ? types[p->type].registers : (unsigned)p->length;
}

unsigned point_first(const struct point *p)
{
	return p->has_minus && p->minus.address < p->reg.address ? p->minus.address : p->reg.address;
}

unsigned point_span(const struct point *p)
{
	unsigned last = p->has_minus && p->minus.address > p->reg.address ? p->minus.address : p->reg.address;
	return last + point_length(p) - point_first(p);
}

const char *point_table_word(enum register_table t)
{
	return table_words[t];
}

enum register_table point_table_find(const char *s, size_t n)
{
	enum register_table t = 0;
	while (t < POINT_TABLE_COUNT && (strlen(table_words[t]) != n || strncmp(table_words[t], s, n) != 0))
		t++;
	return t;
}

const char *point_type_word(enum point_type t)
{
	return type_choices[t].word;
}

bool point_is_bit_table(enum register_table t)
{
	return t == POINT_COIL || t == POINT_DISCRETE;
}

bool point_is_number(const struct point *p)
{
	enum point_format format = point_format(p);
	return format != POINT_TRUTH && format != POINT_TEXT && p->bit.low < 0;
}

bool point_has_quantity(const struct point *p, enum quantity q)
{
	return point_is_number(p) && p->quantity == q;
}

const char *point_enum_word(const struct point *p, int64_t value)
{
	for (size_t i = 0; i < p->enums.count; i++)
		if (p->enums.items[i].value == value)
			return p->enums.items[i].word;
	return NULL;
}

/* Users know the four orders of two registers as ABCD, CDAB, BADC and DCBA. */
const struct schema_choice point_word_order_choices[] = { { "big", POINT_BIG, "ABCD BADC be msw high" },
	{ "little", POINT_LITTLE, "CDAB DCBA le lsw low swap swapped" }, { NULL, 0 } };
const struct schema_choice point_byte_order_choices[] = { { "big", POINT_BIG, "ABCD CDAB be msb high" },
	{ "little", POINT_LITTLE, "BADC DCBA le lsb low swap swapped" }, { NULL, 0 } };

static const struct schema_choice poll_choices[] = {
	{ "fast", POINT_FAST },
	{ "normal", POINT_NORMAL },
	{ "slow", POINT_SLOW },
	{ "once", POINT_ONCE },
	{ NULL, 0 },
};

static const struct schema_choice chars_choices[] = {
	{ "both", POINT_CHARS_BOTH },
	{ "high", POINT_CHARS_HIGH },
	{ "low", POINT_CHARS_LOW },
	{ NULL, 0 },
};

static const struct schema_choice access_choices[] = { { "ro", POINT_READ_ONLY }, { "rw", POINT_READ_WRITE },
	{ NULL, 0 } };

/* What manuals and other programs write for a register: 40001 or 400001 for the first holding register, hr:0,
 * or a bare address. */
static const char *register_meant(struct arena *a, const char *text)
{
	static const struct {
		const char *also;
		enum register_table table;
	} tables[] = { { "hr", POINT_HOLDING }, { "4x", POINT_HOLDING }, { "ir", POINT_INPUT },
		{ "3x", POINT_INPUT }, { "di", POINT_DISCRETE }, { "1x", POINT_DISCRETE },
		{ "co", POINT_COIL }, { "0x", POINT_COIL } };
	static const enum register_table digits[] = {
		['1'] = POINT_DISCRETE, ['3'] = POINT_INPUT, ['4'] = POINT_HOLDING
	};
	const char *colon = strchr(text, ':');
	size_t n = strlen(text), length = colon ? (size_t)(colon - text) : 0;
	int64_t number;
	for (size_t i = 0; colon && i < sizeof(tables) / sizeof(tables[0]); i++)
		if (length == 2 && strncasecmp(tables[i].also, text, 2) == 0)
			return arena_printf(
			    a, ", did you mean '%s%s'?", point_table_word(tables[i].table), colon);
	if (colon || text_int(text, &number) < 0 || number < 0)
		return "";
	int64_t from_one = number % (n == 5 ? 10000 : 100000);
	if ((n == 5 || n == 6) && strchr("134", text[0]) && from_one >= 1 && from_one <= 65536)
		return arena_printf(a, ", did you mean '%s:%lld'? Addresses are zero-based",
		    point_table_word(digits[(unsigned char)text[0]]), (long long)from_one - 1);
	return arena_printf(a, ", did you mean 'holding:%s' or 'input:%s'?", text, text);
}

static bool parse_register(struct schema_value *v, const char *text)
{
	const char *colon = strchr(text, ':');
	int64_t address;

	enum register_table table =
	    colon ? point_table_find(text, (size_t)(colon - text)) : POINT_TABLE_COUNT;
	if (table != POINT_TABLE_COUNT && text_int(colon + 1, &address) == 0 && address >= 0 &&
	    address <= UINT16_MAX) {
		*(struct point_register *)v->field = (struct point_register){ table, (uint16_t)address };
		return true;
	}
	return schema_refuse(v,
	    "'%s' is not a register%s (allowed: holding, input, coil or discrete, a colon, and an address "
	    "0..65535, decimal or 0x)",
	    text, register_meant(v->arena, text));
}

static bool parse_bit(struct schema_value *v, const char *text)
{
	int64_t bit = -1;
	if (*text != '\0' && (text_int(text, &bit) < 0 || bit < 0 || bit > 63))
		return schema_refuse(v, "'%s' is not a bit number (allowed: 0..63, 0 is the lowest)", text);
	*(struct point_bits *)v->field = (struct point_bits){ (int)bit, (int)bit };
	return true;
}

static bool parse_bits(struct schema_value *v, const char *text)
{
	const char *dots = strstr(text, "..");
	int64_t low = -1, high = -1;
	if (*text != '\0' &&
	    (!dots || text_int(arena_strndup(v->arena, text, (size_t)(dots - text)), &low) < 0 ||
		text_int(dots + 2, &high) < 0 || low < 0 || high > 63 || low > high))
		return schema_refuse(
		    v, "'%s' is not a range of bits (allowed: LOW..HIGH within 0..63)", text);
	*(struct point_bits *)v->field = (struct point_bits){ (int)low, (int)high };
	return true;
}

static bool parse_band(struct schema_value *v, const char *text)
{
	struct point_band *d = v->field;
	size_t n = strlen(text);
	*d = (struct point_band){ .size = NAN };
	if (n == 0)
		return *v->row->def == '\0' || parse_band(v, v->row->def);
	d->percent = text[n - 1] == '%';
	while (n > 0 && strchr("% ", text[n - 1]))
		n--;
	if (text_double(arena_strndup(v->arena, text, n), &d->size) == 0 && d->size >= 0 && d->size <= 1e18)
		return true;
	return schema_refuse(v,
	    "'%s' is not a difference (allowed: a number of 0 or more, in the value's unit or with %%)",
	    text);
}

static bool parse_sentinel(const char *text, struct point_sentinel *ret)
{
	int64_t integer;
	*ret = (struct point_sentinel){ 0 };
	if (text_int(text, &integer) == 0) {
		ret->bits = (uint64_t)integer;
		ret->number = (double)integer;
		ret->is_number = text[0] != '0' || (text[1] != 'x' && text[1] != 'X');
		return true;
	}
	/* 64-bit patterns past INT64_MAX */
	char *end;
	errno = 0;
	if (strncmp(text, "0x", 2) == 0 && text[2] != '\0') {
		ret->bits = strtoull(text + 2, &end, 16);
		return *end == '\0' && errno == 0;
	}
	ret->is_number = true;
	return text_double(text, &ret->number) == 0;
}

static bool parse_sentinels(struct schema_value *v, const char *text)
{
	struct point_sentinel *items = arena_alloc(v->arena, POINT_SENTINELS_MAX * sizeof(*items));
	size_t n = 0;
	char *rest = arena_strdup(v->arena, text);
	while (rest && *text != '\0') {
		const char *item = text_strip(strsep(&rest, ","));
		if (n == POINT_SENTINELS_MAX)
			return schema_refuse(v, "too many raw values (at most %d)", POINT_SENTINELS_MAX);
		if (!parse_sentinel(item, &items[n++]))
			return schema_refuse(v,
			    "'%s' is not a raw value (allowed: a comma list of numbers, decimal or 0x)",
			    item);
	}
	*(struct point_sentinels *)v->field = (struct point_sentinels){ items, n };
	return true;
}

static bool parse_enums(struct schema_value *v, const char *text)
{
	struct point_enum *items = arena_alloc(v->arena, (strlen(text) / 2 + 1) * sizeof(*items));
	size_t n = 0;
	char *rest = arena_strdup(v->arena, text);
	while (rest && *text != '\0') {
		char *item = strsep(&rest, ",");
		char *colon = strchr(item, ':');
		if (n == POINT_ENUM_MAX)
			return schema_refuse(v, "too many words (at most %d)", POINT_ENUM_MAX);
		if (colon)
			*colon = '\0';
		item += strspn(item, " \t");
		if (!colon || colon[1] == '\0' || text_int(item, &items[n].value) < 0)
			return schema_refuse(
			    v, "'%s' is not NUMBER:WORD (allowed: a comma list like 0:off, 1:on)", text);
		for (char *end = strchr(colon + 1, '\0'); end > colon + 1 && strchr(" \t", end[-1]);)
			*--end = '\0';
		items[n++].word = colon + 1;
	}
	*(struct point_enums *)v->field = (struct point_enums){ items, n };
	return true;
}

static bool parse_unit(struct schema_value *v, const char *text)
{
	const char *meant = unit_meant(text), *allowed = "";
	*(const char **)v->field = text;
	if (*text == '\0' || unit_find(text) || unit_is_free(text))
		return true;
	for (enum quantity q = QUANTITY_NONE + 1; q < QUANTITY_COUNT; q++)
		allowed = arena_printf(v->arena, "%s%s, ", allowed, unit_words[q].units);
	return schema_refuse(v, "'%s' is not a unit%s (allowed: %sor any text in braces: {turns})", text,
	    meant ? arena_printf(v->arena, ", did you mean '%s'?", meant)
		  : suggest_word(v->arena, text, unit_table, unit_count, sizeof(unit_table[0])),
	    allowed);
}

#define FIELD(f) SCHEMA_FIELD(struct point, f)

const struct schema_key point_keys[] = {
	{ "register", SCHEMA_CUSTOM, FIELD(reg), .parse = parse_register, .flags = SCHEMA_REQUIRED,
	    .help = "table and zero-based address: holding:100, input:0x64, coil:3, discrete:7" },
	{ "minus", SCHEMA_CUSTOM, FIELD(minus), .parse = parse_register,
	    .help = "a second register, read the same way and subtracted: a difference of two sensors" },
	{ "type", SCHEMA_CHOICE, FIELD(type), .choices = type_choices,
	    .help = "how the registers are read; u16 unless told, bool for coils and discrete inputs" },
	{ "length", SCHEMA_INT, FIELD(length), "8", .min = 1, .max = POINT_STRING_REGISTERS_MAX,
	    .help = "registers of a string, or of a bcd or mod10k, which have 1 to 4 and must tell" },
	{ "chars", SCHEMA_CHOICE, FIELD(chars), "both", .choices = chars_choices,
	    .help = "which bytes of a register hold the characters of a string" },
	{ "bit", SCHEMA_CUSTOM, FIELD(bit), "", .parse = parse_bit,
	    .help = "the value is this one bit, 0 is the lowest" },
	{ "bits", SCHEMA_CUSTOM, FIELD(bits), "", .parse = parse_bits,
	    .help = "the value is this range of bits: LOW..HIGH; the highest is the sign when the type is "
		    "signed" },
	{ "word_order", SCHEMA_CHOICE, FIELD(word_order), .choices = point_word_order_choices,
	    .help = "order of the registers of a wide value; the profile's unless told" },
	{ "byte_order", SCHEMA_CHOICE, FIELD(byte_order), .choices = point_byte_order_choices,
	    .help = "order of the bytes in a register; the profile's unless told" },
	{ "scale", SCHEMA_DOUBLE, FIELD(scale), "1", .min = -1e18, .max = 1e18,
	    .help = "value = raw * scale + offset" },
	{ "scale_from", SCHEMA_TEXT, FIELD(scale_from),
	    .help = "another point of the device: its value is the power of ten by which the scaled value is "
		    "multiplied, before the offset, as SunSpec has it" },
	{ "offset", SCHEMA_DOUBLE, FIELD(offset), "0", .min = -1e18, .max = 1e18,
	    .help = "added after scaling" },
	{ "unit", SCHEMA_CUSTOM, FIELD(unit), "", .parse = parse_unit,
	    .help = "unit of the value, one of those under UNITS, where case counts; or any text in braces, "
		    "{turns}, which is shown and which no loop or PUE takes" },
	{ "invalid", SCHEMA_CUSTOM, FIELD(invalid), "", .parse = parse_sentinels,
	    .help = "raw values that mean \"no value\"" },
	{ "min", SCHEMA_DOUBLE, FIELD(min), .help = "a value below is suspect" },
	{ "max", SCHEMA_DOUBLE, FIELD(max), .help = "a value above is suspect" },
	{ "enum", SCHEMA_CUSTOM, FIELD(enums), "", .parse = parse_enums,
	    .help = "words for values: 0:off, 1:on" },
	{ "poll", SCHEMA_CHOICE, FIELD(poll), "normal", .choices = poll_choices,
	    .help = "fast and normal: every interval; slow: every tenth; once: when the device appears" },
	{ "deadband", SCHEMA_CUSTOM, FIELD(deadband), "0", .parse = parse_band,
	    .help = "a smaller change is not published in change mode: in the value's unit, or a percentage "
		    "(1 %) of the last value that was" },
	{ "tolerance", SCHEMA_CUSTOM, FIELD(tolerance), "", .parse = parse_band,
	    .help = "how far it may be from other sensors of the same thing (median:, mean:) before it is "
		    "suspect, in the value's unit or in percent; default 1 K for temperatures, else 5 %" },
	{ "stuck_after", SCHEMA_DURATION, FIELD(stuck_after), "0s", .min = 0, .max = 30 * 86400.0,
	    .help = "a value that has not changed at all for so long is suspect; 0s = never" },
	{ "counter", SCHEMA_BOOL, FIELD(counter), "no", .help = "a meter reading that only grows" },
	{ "access", SCHEMA_CHOICE, FIELD(access), "ro", .choices = access_choices, .help = "ro or rw" },
	{ "description", SCHEMA_TEXT, FIELD(description), .help = "for people" },
	{ NULL },
};

static bool is_decimal(const struct point *p)
{
	return point_format(p) == POINT_BCD_DIGITS || point_format(p) == POINT_TEN_THOUSANDS;
}

static void check_length(const struct point *p, const struct ini_section *from, struct diag *d)
{
	bool given = ini_section_gives(from, "length");
	const char *type = point_type_word(p->type);
	if (types[p->type].registers && given)
		schema_error(d, from, "length",
		    "has no meaning for type = %s, which has %u register%s "
		    "(allowed for string, bcd, mod10k)",
		    type, types[p->type].registers, types[p->type].registers == 1 ? "" : "s");
	if (is_decimal(p) && p->length > POINT_DECIMAL_REGISTERS_MAX)
		schema_error(d, from, "length", "%s for type = %s (allowed: 1..%d registers)",
		    given ? "too many registers" : "missing, but required", type,
		    POINT_DECIMAL_REGISTERS_MAX);
}

static void check_bits(const struct point *p, const struct ini_section *from, struct diag *d)
{
	enum point_format format = point_format(p);
	bool has_bit = p->bit.low >= 0, has_bits = p->bits.low >= 0;
	bool is_whole = format == POINT_UNSIGNED || format == POINT_SIGNED || format == POINT_TRUTH;
	int width = (int)types[p->type].registers * 16, high = has_bit ? p->bit.high : p->bits.high;
	const char *key = has_bit ? "bit" : "bits";
	if (has_bit && has_bits)
		schema_error(d, from, "bits", "not together with 'bit' (allowed: one of the two)");
	if (!has_bit && !has_bits)
		return;
	if (!is_whole || point_is_bit_table(p->reg.table))
		schema_error(
		    d, from, key, "not for this type (allowed for whole numbers and bool in registers)");
	else if (high >= width)
		schema_error(d, from, key, "past the width of the type (allowed for %s: 0..%d)",
		    point_type_word(p->type), width - 1);
}

/* Whether the raw value can be one of `width` bits; a float's is a number, or a pattern. */
static bool is_within(const struct point *p, const struct point_sentinel *s, unsigned width)
{
	if (s->is_number && point_format(p) == POINT_FLOAT)
		return true;
	if (s->is_number && (s->number != trunc(s->number) || s->number < (double)INT64_MIN ||
				s->number >= -(double)INT64_MIN))
		return false;
	if (s->is_number && s->number < 0)
		return (int64_t)s->bits >> (width - 1) == -1;
	return width == 64 || s->bits >> width == 0;
}

static void check_sentinels(const struct point *p, const struct ini_section *from, struct diag *d)
{
	unsigned width = point_length(p) * 16;
	if (p->invalid.count == 0)
		return;
	if (point_format(p) == POINT_TEXT || point_is_bit_table(p->reg.table)) {
		schema_error(d, from, "invalid",
		    "not for a string, coil or discrete input (allowed: values "
		    "in registers)");
		return;
	}
	if (width > 64) /* a length that is wrong: said already */
		return;
	for (size_t i = 0; i < p->invalid.count; i++)
		if (!is_within(p, &p->invalid.items[i], width))
			schema_error(d, from, "invalid",
			    "value %zu of the list is none that type = %s can have (allowed: whole numbers "
			    "of "
			    "%u bits, past 63 bits as 0x)",
			    i + 1, point_type_word(p->type), width);
}

static void check(
    const struct point *p, const struct ini_section *from, unsigned max_registers, struct diag *d)
{
	bool is_bit_table = point_is_bit_table(p->reg.table);
	enum point_format format = point_format(p);
	bool is_text = format == POINT_TEXT, is_bool = format == POINT_TRUTH || p->bit.low >= 0;
	bool scaled = p->scale != 1 || p->offset != 0;
	const struct schema_rule rules[] = {
		{ p->has_minus && (is_bool || is_text || p->counter || p->enums.count > 0), "minus",
		    "not for a bool, string, counter or enum (allowed: measured numbers)" },
		{ p->has_minus && p->minus.table != p->reg.table, "minus",
		    "not in the table of 'register' (allowed: the same)" },
		{ p->has_minus && point_span(p) > max_registers, "minus",
		    "too far from 'register' to be read in one request" },
		{ !is_bit_table && point_length(p) > max_registers, "register",
		    "the value is longer than the profile's max_registers" },
		{ is_bit_table && p->type != POINT_BOOL, "type",
		    "not for a coil or discrete input (allowed: bool)" },
		{ p->enums.count > 0 && (is_text || format == POINT_FLOAT), "enum",
		    "not for a string or float (allowed: whole numbers and bool)" },
		{ p->chars != POINT_CHARS_BOTH && !is_text, "chars", "only for type = string" },
		{ point_is_scaled_by_other(p) && (is_bool || is_text || p->enums.count > 0), "scale_from",
		    "not for a bool, string or enum (allowed: numbers)" },
		{ p->scale == 0, "scale", "0 would lose the value (allowed: any other number)" },
		{ (is_bool || is_text) && scaled, "scale", "not for a bool or string (allowed: numbers)" },
		{ p->min > p->max, "min", "greater than max (allowed: min <= max)" },
		{ p->counter && (is_bool || is_text), "counter",
		    "not for a bool or string (allowed: numbers)" },
		{ p->stuck_after > 0 && (is_bool || is_text), "stuck_after",
		    "not for a bool or string (allowed: numbers)" },
		{ !isnan(p->tolerance.size) && (is_bool || is_text), "tolerance",
		    "not for a bool or string (allowed: numbers)" },
		{ p->reg.address + point_length(p) > 65536, "register", "runs past address 65535" },
	};
	schema_check_rules(from, rules, sizeof(rules) / sizeof(rules[0]), d);
	check_length(p, from, d);
	check_bits(p, from, d);
	check_sentinels(p, from, d);
}

static void find_quantity(struct point *p)
{
	const struct unit *unit = unit_find(p->unit);
	p->quantity = unit ? unit->quantity : QUANTITY_NONE;
	p->factor = unit ? unit->factor : 1;
	p->zero = unit ? unit->zero : 0;
}

void point_read(struct point *p, const struct ini_section *from, bool is_new,
    const struct point_defaults *all, struct arena *a, struct diag *d)
{
	const size_t before = diag_errors(d);
	if (is_new) {
		schema_defaults(point_keys, a, p);
		p->word_order = all->word_order;
		p->byte_order = all->byte_order;
	}
	schema_read(point_keys, from, is_new, a, d, p);
	find_quantity(p); /* also of one with mistakes: others refer to it */
	if (diag_errors(d) > before)
		return;
	if (is_new && !ini_section_entry(from, "type"))
		p->type = point_is_bit_table(p->reg.table) ? POINT_BOOL : POINT_U16;
	p->has_minus |= ini_section_entry(from, "minus") != NULL;
	check(p, from, all->max_registers, d);
}

void point_find_scale(struct point *p, const struct point *points, const struct name_index *names,
    const struct ini_section *from, struct diag *d)
{
	if (!point_is_scaled_by_other(p))
		return;
	const struct point *scale = name_index_find(names, p->scale_from, strlen(p->scale_from));
	if (!scale)
		schema_error(d, from, "scale_from", "no point '%s' of this device", p->scale_from);
	else if (scale == p || point_is_scaled_by_other(scale))
		schema_error(d, from, "scale_from",
		    "'%s' is itself scaled by a point (allowed: another, that is not)", p->scale_from);
	else if (!point_is_number(scale))
		schema_error(d, from, "scale_from", "'%s' is not a number", p->scale_from);
	else
		p->scale_point = (size_t)(scale - points);
}
