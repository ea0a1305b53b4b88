/* point: what one value of a device is and where its registers lie: its struct, rows and rules (pure).
 *
 * Points come from a device profile; a configuration may override them per device. All is read-only after
 * loading.
 */
#pragma once

#include "config/ini/name_index.h"
#include "config/ini/schema.h"
#include "config/unit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum register_table { POINT_COIL, POINT_DISCRETE, POINT_INPUT, POINT_HOLDING, POINT_TABLE_COUNT };

enum point_type {
	POINT_U16,
	POINT_I16,
	POINT_U32,
	POINT_I32,
	POINT_U48,
	POINT_I48,
	POINT_U64,
	POINT_I64,
	POINT_F16,
	POINT_F32,
	POINT_F64,
	POINT_SM16,
	POINT_SM32,
	POINT_BCD,
	POINT_MOD10K,
	POINT_BOOL,
	POINT_STRING,
};

/* What the bits of a type mean. */
enum point_format {
	POINT_UNSIGNED,
	POINT_SIGNED,	      /* two's complement */
	POINT_FLOAT,	      /* IEEE 754 */
	POINT_SIGN_MAGNITUDE, /* the highest bit is the sign of the rest */
	POINT_BCD_DIGITS,     /* four bits a decimal digit */
	POINT_TEN_THOUSANDS,  /* each register is 0..9999 */
	POINT_TRUTH,
	POINT_TEXT,
};

/* Which bytes of a register hold the characters of a string. */
enum point_chars { POINT_CHARS_BOTH, POINT_CHARS_HIGH, POINT_CHARS_LOW };

enum point_order { POINT_BIG, POINT_LITTLE };
enum point_access { POINT_READ_ONLY, POINT_READ_WRITE };
enum point_poll { POINT_FAST, POINT_NORMAL, POINT_SLOW, POINT_ONCE, POINT_POLL_COUNT };

/* A string of this many registers is the longest (64 characters: part numbers, serial numbers). */
#define POINT_STRING_REGISTERS_MAX 32
#define POINT_STRING_MAX (2 * POINT_STRING_REGISTERS_MAX)
/* A bcd or mod10k of more has more digits than 64 bits hold. */
#define POINT_DECIMAL_REGISTERS_MAX 4
/* The protocol's limit for one request. */
#define MODBUS_REGISTERS_MAX 125
#define POINT_SENTINELS_MAX 16
#define POINT_ENUM_MAX 256

/* A difference in the point's unit or in percent: the change that is not worth a message, or how far sensors
 * of the same thing may be apart. */
struct point_band {
	double size;  /* NAN = not told */
	bool percent; /* of the last value that was published; of the value of all sensors */
};

struct point_register {
	enum register_table table;
	uint16_t address; /* zero-based */
};

/* The bits of the register(s) that are the value; -1 = all. */
struct point_bits {
	int low, high;
};

/* Raw values that mean "no value": by bit pattern for integers and 0x…, by number for floats in decimal. */
struct point_sentinel {
	uint64_t bits;
	double number;
	bool is_number; /* written as a decimal number with a fraction or exponent */
};

struct point_sentinels {
	const struct point_sentinel *items;
	size_t count;
};

struct point_enum {
	int64_t value;
	const char *word;
};

struct point_enums {
	const struct point_enum *items;
	size_t count;
};

struct point {
	const char *name;
	const char *description;
	const char *unit;
	enum quantity quantity; /* what the unit measures */
	double factor, zero;	/* of a value in it to SI, see struct unit */
	struct point_register reg;
	struct point_register minus; /* read the same way and subtracted; see has_minus */
	bool has_minus;
	enum point_type type;
	int64_t length; /* registers of a string, bcd or mod10k */
	enum point_chars chars;
	struct point_bits bit;	/* one bit: a bool */
	struct point_bits bits; /* several: a number, signed as the type is */
	enum point_order word_order, byte_order;
	double scale, offset;
	const char *scale_from; /* the point whose value is the power of ten that this one is to be taken
				   times; "" = none */
	size_t scale_point;	/* its index among the device's points */
	struct point_sentinels invalid;
	double min, max; /* NAN = none */
	struct point_enums enums;
	enum point_poll poll;
	struct point_band deadband, tolerance;
	int64_t stuck_after; /* ns; 0 = never */
	bool counter;
	enum point_access access; /* coolantd itself writes nothing */
};

/* The rows of [point:NAME] of a profile and of [point:DEVICE.NAME] of a configuration. */
extern const struct schema_key point_keys[];
/* The words for word_order and byte_order. */
extern const struct schema_choice point_word_order_choices[], point_byte_order_choices[];

/* What the points of a device have in common. */
struct point_defaults {
	enum point_order word_order, byte_order;
	unsigned max_registers; /* in one request */
};

/* Reads a point's section over `p` (zeroed for a new point) and checks that the whole makes sense; findings
 * go to `d`. */
void point_read(struct point *p, const struct ini_section *from, bool is_new,
    const struct point_defaults *all, struct arena *a, struct diag *d);

/* Finds the `scale_from` of a point among all that its device, or profile, has. */
void point_find_scale(struct point *p, const struct point *points, const struct name_index *names,
    const struct ini_section *from, struct diag *d);
static inline bool point_is_scaled_by_other(const struct point *p)
{
	return p->scale_from && *p->scale_from != '\0';
}

enum point_format point_format(const struct point *p);

/* Registers (bits for coils and discrete inputs) that one value of the point takes. */
unsigned point_length(const struct point *p);

/* Where the registers of the point begin and how many they are, `minus` included. */
unsigned point_first(const struct point *p);
unsigned point_span(const struct point *p);

const char *point_table_word(enum register_table t);
/* The table whose word the first n bytes of `s` are; POINT_TABLE_COUNT = none. */
enum register_table point_table_find(const char *s, size_t n);
const char *point_type_word(enum point_type t);
bool point_is_bit_table(enum register_table t);

/* Neither a bool, one bit, nor text. */
bool point_is_number(const struct point *p);
/* A value of it in the SI unit of its quantity, and back. */
static inline double point_to_si(const struct point *p, double value)
{
	return value * p->factor + p->zero;
}
static inline double point_from_si(const struct point *p, double si)
{
	return (si - p->zero) / p->factor;
}

/* Whether it is a number in a unit of `q`. */
bool point_has_quantity(const struct point *p, enum quantity q);

/* The word for a raw value, or NULL. */
const char *point_enum_word(const struct point *p, int64_t value);
