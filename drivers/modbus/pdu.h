/* pdu: what is asked of a device, and what its answer says (pure).
 *
 * A PDU is what all kinds of frames carry: a function code and its data (Modbus Application Protocol V1.1b3).
 */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

/* Most values in one reply: the bits of a full coil request. */
#define MODBUS_VALUES_MAX 2000

/* Set in the function code of a refusal. */
#define MODBUS_EXCEPTION_BIT 0x80

/* V1.1b3, 7. The last two are a gateway's, about a unit that it does not reach. */
enum modbus_exception {
	EXCEPTION_ACKNOWLEDGE = 5,
	EXCEPTION_BUSY = 6,
	EXCEPTION_GATEWAY_PATH = 10,
	EXCEPTION_GATEWAY_TARGET = 11,
};

enum exchange_result {
	EXCHANGE_OK,
	EXCHANGE_EXCEPTION, /* the device answered with an exception code */
	EXCHANGE_TIMEOUT,   /* no whole reply in time */
	EXCHANGE_BAD_REPLY, /* a reply, but not a right one: CRC, length, function, unit */
	EXCHANGE_CLOSED,    /* the connection is gone */
	EXCHANGE_FLOODED,   /* more came that nobody had asked for than is read; the connection was closed */
	EXCHANGE_STOPPED,   /* stop_fd became readable */
};

struct modbus_request {
	uint8_t unit;
	enum register_table table;
	uint16_t address, count;
};

struct modbus_reply {
	uint16_t values[MODBUS_VALUES_MAX]; /* registers, or 0 and 1 for bits */
	int exception;			    /* code, with EXCHANGE_EXCEPTION */
	int64_t received_ns;		    /* CLOCK_BOOTTIME when the reply was there */
	bool heard;			    /* anything at all came */
	unsigned strays;		    /* replies to something else that were thrown away meanwhile */
	unsigned copies;		    /* of these, replies that came a second time */
	unsigned echoes;		    /* of the request itself, by the line's adapter */
	int foreign_transaction; /* TCP: the id of a reply that looked like ours but for it; -1 = none */
	int foreign_unit;	 /* TCP: the unit that answered in place of ours; -1 = none */
};

/* What the standard calls an exception. */
const char *modbus_exception_word(int exception);

/* Function code for reading a table. */
uint8_t modbus_read_function(enum register_table table);

/* Bytes of data in the reply to a request. */
unsigned modbus_reply_bytes(const struct modbus_request *q);

bool modbus_same_request(const struct modbus_request *a, const struct modbus_request *b);

/* A gateway speaks for a unit that it does not reach. */
bool modbus_is_unreachable(enum exchange_result result, const struct modbus_reply *r);
/* The device asks to be left alone for a while. */
bool modbus_is_busy(enum exchange_result result, const struct modbus_reply *r);

/* Checks function, exception and byte count of a reply PDU of n bytes and unpacks its values. EXCHANGE_OK,
 * EXCHANGE_EXCEPTION or EXCHANGE_BAD_REPLY. */
enum exchange_result modbus_unpack(
    const struct modbus_request *q, const uint8_t *pdu, size_t n, struct modbus_reply *r);
