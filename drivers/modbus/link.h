/* link: one Modbus connection, one request at a time (mover, one thread).
 *
 * A reply is taken only for the request that it answers: on TCP by transaction id, unit, function and byte
 * count; on a serial line, which has no transaction id, by unit, function and byte count and by draining the
 * line before a request to a unit that may still answer an earlier one. On serial lines libmodbus frames,
 * checks the CRC and drives the port; it is never asked to recover by itself (its recovery sleeps). The TCP
 * frame is read here.
 */
#pragma once

#include "config/config.h"
#include "drivers/os/progress.h"
#include "drivers/os/resolve.h"

#include <stdint.h>

/* Most values in one reply: the bits of a full coil request. */
#define MODBUS_VALUES_MAX 2000

enum exchange_result {
	EXCHANGE_OK,
	EXCHANGE_EXCEPTION, /* the device answered with an exception code */
	EXCHANGE_TIMEOUT,   /* no whole reply in time */
	EXCHANGE_BAD_REPLY, /* a reply, but not a right one: CRC, length, function */
	EXCHANGE_CLOSED,    /* the connection is gone */
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
	unsigned strays;		    /* replies to something else that were thrown away meanwhile */
};

/* Longest frame on TCP: 7 bytes of header and a PDU of 253. */
#define MODBUS_TCP_ADU_MAX 260

#define MODBUS_WHY_MAX 160

struct modbus_link;

struct modbus_link_impl {
	/* 0, or negative errno with words in `why`: -ECANCELED when stopped, -EMFILE when the descriptor is
	 * too high for libmodbus. */
	int (*connect)(struct modbus_link *l, char why[static MODBUS_WHY_MAX]);
	enum exchange_result (*exchange)(
	    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r);
	void (*disconnect)(struct modbus_link *l);
};

struct modbus_link {
	const struct modbus_link_impl *impl;
	const struct bus_config *bus;
	int stop_fd;
	struct progress *progress;
	struct resolver *resolver;
	void *context;			     /* modbus_t, while connected; serial lines only */
	int fd;				     /* -1 = not connected */
	uint16_t transaction;		     /* TCP: of the last request */
	uint8_t pending[MODBUS_TCP_ADU_MAX]; /* TCP: what was read of frames that are not yet done with */
	size_t pending_count;
	int64_t quiet_since_ns; /* when the last byte went over the line, as far as seen */
	uint8_t doubt[256]; /* per unit, serial line: before so many requests a late reply may still come */
	bool reused;	    /* at least one exchange was done on this connection */
	bool rs485_refused; /* the port has no RS-485 mode; the caller says so once */
};

/* The thread says through `progress` how long each step may take. False without memory. */
bool modbus_link_init(
    struct modbus_link *l, const struct bus_config *bus, int stop_fd, struct progress *progress);
/* 0, or negative errno with `why` in words for an operator. */
int modbus_link_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX]);
void modbus_link_disconnect(struct modbus_link *l);
void modbus_link_deinit(struct modbus_link *l);
enum exchange_result modbus_link_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r);

/* For the implementations. */
extern const struct modbus_link_impl modbus_tcp_link, modbus_rtu_link, modbus_rtutcp_link;

/* Waits for `fd` (POLLIN or POLLOUT) until `deadline` (CLOCK_BOOTTIME). 1, 0 = time is over, -ECANCELED, or
 * negative errno. */
int modbus_link_wait(const struct modbus_link *l, int fd, short events, int64_t deadline);

/* Function code for reading a table. */
uint8_t modbus_read_function(enum register_table table);

/* Waits until a frame begins to come, and sets what libmodbus may still wait for the rest of it. EXCHANGE_OK,
 * or why there is none. */
enum exchange_result modbus_link_await_reply(struct modbus_link *l, int64_t deadline);

/* Checks function, exception and byte count of a reply PDU of n bytes and unpacks its values. EXCHANGE_OK,
 * EXCHANGE_EXCEPTION or EXCHANGE_BAD_REPLY. */
enum exchange_result modbus_unpack(
    const struct modbus_request *q, const uint8_t *pdu, int n, struct modbus_reply *r);
