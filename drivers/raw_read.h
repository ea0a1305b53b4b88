/* raw_read: a question to a Modbus device from outside, through the worker of its bus (holder).
 *
 * The main thread makes one and gives it to the bus; the worker asks it in a pause of its own cycle and gives
 * it back through the inbox `to`, once, whatever comes of it. Whoever takes it there calls `done`, which
 * frees it.
 */
#pragma once

#include "config/point.h"
#include "drivers/inbox.h"

/* That wait for their turn on one bus; more are given back at once. */
#define RAW_READS_MAX 4
/* The bits of a full coil request. */
#define RAW_READ_VALUES_MAX 2000
#define RAW_READ_WHY_MAX 200

enum raw_read_outcome {
	RAW_READ_REFUSED, /* too many at once, or the bus stops: never asked */
	RAW_READ_NO_TURN, /* there was no pause for it in its time */
	RAW_READ_ANSWERED,
	RAW_READ_EXCEPTION, /* the device, or a gateway, refused it */
	RAW_READ_NO_REPLY,
	RAW_READ_BAD_REPLY,
	RAW_READ_NO_CONNECTION,
};

struct raw_read {
	struct inbox_item item; /* first: it travels in an inbox */
	struct inbox *to;
	void (*done)(struct raw_read *r); /* the main thread's */
	void *user;

	uint8_t unit;
	enum register_table table;
	uint16_t address, count;
	int64_t until_ns; /* CLOCK_BOOTTIME: its turn must have come by then */

	enum raw_read_outcome outcome;
	int exception;			      /* with RAW_READ_EXCEPTION, */
	char why[RAW_READ_WHY_MAX];	      /* of anything but an answer, in words */
	int64_t latency_ns;		      /* of the reply */
	uint16_t values[RAW_READ_VALUES_MAX]; /* registers, or 0 and 1 */
};

/* Gives it back. */
void raw_read_return(struct raw_read *r, enum raw_read_outcome outcome);
/* For an inbox of them: what nobody asks goes back. */
void raw_read_refuse(struct inbox_item *item);
