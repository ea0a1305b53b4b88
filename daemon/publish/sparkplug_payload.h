/* sparkplug_payload: metrics to and from the bytes of Sparkplug B (pure).
 *
 * The sequence number is not among them: it is known only when a message goes out, and as the last field it
 * can follow then (sparkplug_put_seq).
 */
#pragma once

#include "drivers/sample.h"

/* Values of the specification's data types. */
enum sparkplug_type {
	SPARKPLUG_INT64 = 4,
	SPARKPLUG_UINT64 = 8,
	SPARKPLUG_DOUBLE = 10,
	SPARKPLUG_BOOLEAN = 11,
	SPARKPLUG_STRING = 12,
};

struct sparkplug_metric {
	const char *name;
	uint64_t alias; /* 0 = none */
	enum sparkplug_type type;
	struct value value; /* of the type's kind; its text is the caller's. VALUE_NONE = null */
	enum quality quality;
	bool tells_quality; /* also when it is good */
	int64_t ts_ms;	    /* UTC */
	const char *unit;   /* "" or NULL = none */
};

enum sparkplug_form {
	SPARKPLUG_BIRTH, /* with names and units */
	SPARKPLUG_DATA,
	SPARKPLUG_HISTORY, /* data that is late */
};

/* The value as one of the type; a number that it cannot hold becomes none. */
struct value sparkplug_value(enum sparkplug_type type, const struct value *v);

/* The payload, malloc'd; the metrics are put in the order of their times. NULL without memory. */
void *sparkplug_pack(const struct sparkplug_metric *metrics, size_t count, enum sparkplug_form form,
    int64_t ts_ms, size_t *size);

/* What follows a payload to give it its number; how many bytes. */
#define SPARKPLUG_SEQ_MAX 3
size_t sparkplug_put_seq(uint8_t seq, uint8_t to[static SPARKPLUG_SEQ_MAX]);

/* Whether a payload sets a metric of this name to true. */
bool sparkplug_commands(const char *metric, const void *payload, size_t size);
