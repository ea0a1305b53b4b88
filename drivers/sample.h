/* sample: one value of one point with its time and quality, and batches of them (holder).
 *
 * A driver fills a batch per device and cycle and gives it away; the main thread frees it. Times are
 * CLOCK_BOOTTIME of the reply; the batch has the offset to CLOCK_REALTIME as it was then, so that a later
 * clock step changes nothing.
 */
#pragma once

#include "config/config.h"
#include "drivers/inbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In order: a derived value is as bad as its worst input. */
enum quality {
	QUALITY_GOOD,
	QUALITY_ESTIMATED,
	QUALITY_SUSPECT,
	QUALITY_STALE,
	QUALITY_BAD,
	QUALITY_INVALID,
	QUALITY_OUT_OF_SERVICE,
};

const char *quality_word(enum quality q);

/* Whether a value of this quality is shown at all (else it is null). */
static inline bool quality_has_value(enum quality q)
{
	return q <= QUALITY_SUSPECT;
}

static inline enum quality quality_worst(enum quality a, enum quality b)
{
	return a > b ? a : b;
}

enum value_kind { VALUE_NONE, VALUE_NUMBER, VALUE_INTEGER, VALUE_UNSIGNED, VALUE_BOOL, VALUE_TEXT };

struct value {
	enum value_kind kind;
	union {
		double number;
		int64_t integer;
		uint64_t unsigned_integer;
		bool truth;
		char *text; /* malloc'd, owned by the sample */
	};
};

/* The value as a number: NAN for text and none, 0 or 1 for a bool. */
double value_number(const struct value *v);

bool value_equal(const struct value *a, const struct value *b);

/* Frees its text: there is none then. */
void value_clear(struct value *v);

struct sample {
	uint32_t point; /* index into the device's points */
	enum quality quality;
	struct value value;
	uint64_t raw;	 /* the integer before scaling, for counters; the bit pattern for floats */
	int64_t time_ns; /* CLOCK_BOOTTIME of the reply */
};

/* A value outside the point's min..max is suspect. */
void sample_check_range(struct sample *s, const struct point *p);

/* Takes the value, but for the point's offset, times ten to the power of the other sample, the one of its
 * `scale_from`, and checks its range. A power that is not known, or is none (a whole number from
 * -SAMPLE_POWER_MAX on), leaves no value. */
#define SAMPLE_POWER_MAX 20
void sample_scale(struct sample *s, const struct point *p, const struct sample *power);

struct batch {
	struct inbox_item item; /* first: batches travel in an inbox */
	struct config *config;	/* a reference: `device` is an index into it */
	size_t device;
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	bool is_scaled; /* its values are read from a record, where `scale_from` was taken already */
	size_t count;
	struct sample samples[];
};

/* A batch with room for `capacity` samples; NULL without memory. Takes a reference of the configuration. */
struct batch *batch_new(struct config *c, size_t device, size_t capacity);
void batch_free(struct batch *b);

/* Batches that wait for the main thread: about two cycles of the largest hall (500 devices), so that a slow
 * tick loses nothing. When it does not keep up, a new batch is dropped and counted, polling goes on. */
#define BATCHES_WAITING_MAX 4096
struct inbox *batch_inbox_new(void); /* NULL with errno */
